#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: check_isa.sh BUILD   Files without an instruction set in their name run on every x86-64: none of their objects may hold a VEX or EVEX
# instruction or one of AES-NI, or the choice at run time would be too late.  A file that has one must hold some, else the scan sees nothing.
set -u
build=$1
command -v objdump > /dev/null || { echo "isa: SKIPPED, NOT CHECKED, for want of objdump"; exit 0; }
case ${SANITIZE:-} in ?*) echo "isa: SKIPPED in a build with SANITIZE"; exit 0 ;; esac
bad=0 plain=0 vector=0
for f in "$build"/obj/base/*.o "$build"/obj/net/*.o "$build"/obj/ckks/*.o "$build"/obj/ot/*.o "$build"/obj/gc/*.o "$build"/obj/convert/*.o "$build"/obj/nn/*.o; do
    found=$(objdump -d --no-show-raw-insn "$f" | grep -cE '[[:space:]](v[a-z0-9]+ .*%[xyz]mm|aes(enc|dec|imc|keygen)|pclmul|gf2p8)')
    case $f in
        *_aesni.o | *_avx2.o | *_avx512.o | *_ifma.o | *_vaes.o | *_vaes512.o | *_gfni.o | *_pclmul.o)
            vector=$((vector + 1))
            case $f in */gc/relu_avx2.o) grep -q -e ' -O[0-1]\? ' "$build/flags" && continue ;; esac # loops that become vectors from -O2 on
            [ "$found" -gt 0 ] || { echo "isa: $f holds none of its instructions"; bad=1; } ;;
        *)
            plain=$((plain + 1))
            [ "$found" = 0 ] || { echo "isa: $f holds $found instructions that not every CPU has"; bad=1; } ;;
    esac
done
[ "$vector" -gt 0 ] && [ "$plain" -gt 0 ] || { echo "isa: no objects in $build"; bad=1; }
[ "$bad" = 0 ] && echo "isa: $plain portable objects, $vector with instruction sets"
exit "$bad"
