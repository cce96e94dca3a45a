#!/bin/sh
# SPDX-License-Identifier: ISC
# The release library holds no test-only or weakened code: such symbols are named insecure_* or test_* and live in test/.  All randomness comes
# from a prg or prg_entropy: libsodium's own source ends the process when it fails, and no test can foresee it.
set -u
build=$1
bad=$(nm "$build/libtacit.a" 2>/dev/null | grep -E ' [TtDdBbRr] (insecure_|test_)')
[ -z "$bad" ] || { echo "the library holds test symbols:"; echo "$bad"; exit 1; }
bad=$(nm "$build/libtacit.a" 2>/dev/null | grep -E ' U (randombytes|crypto_.*(_keypair|_keygen|_random)$)')
[ -z "$bad" ] || { echo "the library draws from libsodium:"; echo "$bad"; exit 1; }
n=$(nm "$build/libtacit.a" 2>/dev/null | grep -c ' T ')
[ "$n" -gt 20 ] || { echo "nm saw only $n symbols: this check would prove nothing"; exit 1; }
echo "symbols: none of $n is test-only, none draws from libsodium"
