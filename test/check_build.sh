#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: check_build.sh BUILD   A packager's flags reach every compilation and drop nothing that the code needs; another CPU is refused in words.
set -u
at=$1/check-build
mkdir -p "$1"
bad=0
fail() { echo "build: $*"; bad=1; }
dry() { env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u CFLAGS -u OPT make -n --no-print-directory BUILD="$at/none" "$@" binaries 2>&1; }
compiled() { grep -E ' -c -o .*\.c$'; }

dry CFLAGS='-O1 -DPACKAGER' CPPFLAGS=-DBEFORE LDFLAGS=-Wl,-z,now > "$at.out" || fail "make -n: $(tail -n 1 "$at.out")"
n=$(compiled < "$at.out" | wc -l)
[ "$n" -gt 60 ] || fail "only $n compilations seen"
for flag in -O1 -DPACKAGER -DBEFORE -std=c11 -D_GNU_SOURCE -fPIC -I. -ffp-contract=off -pthread; do
    [ "$(compiled < "$at.out" | grep -c -e " $flag ")" = "$n" ] || fail "$flag is not in every compilation"
done
compiled < "$at.out" | grep -e -Werror && fail "CFLAGS were given, and warnings are errors"
compiled < "$at.out" | grep -e ' -O3 ' && fail "CFLAGS were given, and there is -O3"
compiled < "$at.out" | grep 'ntt_ifma\.c' | grep -q -e -mavx512ifma || fail "ntt_ifma.c lost its instruction set"
[ "$(grep -c -e -Wl,-z,now "$at.out")" -ge 2 ] || fail "LDFLAGS do not reach the program and the library"
dry OPT=-O0 | compiled | grep -q -e ' -O0 -g ' || fail "OPT=-O0 does not arrive"

printf '#!/bin/sh\necho aarch64-linux-gnu\n' > "$at.cc" && chmod +x "$at.cc"
dry CC="$at.cc" | grep -q 'x86-64.*aarch64-linux-gnu' || fail "another CPU is not refused in words"
rm -f "$at.out" "$at.cc"
[ "$bad" = 0 ] && echo "build: $n compilations have a packager's flags and ours"
exit "$bad"
