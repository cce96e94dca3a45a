#!/bin/sh
# SPDX-License-Identifier: ISC
# Constant time by tools, for gcc and clang at -O1, -O2, -O3: build/test/ct (test/ct_*.c) runs the library on secrets
#   under valgrind (portable C, then the widest kernels that it knows: AVX2, AES-NI), and
#   as clang's MemorySanitizer's build (portable, up to 256 bits, and what else the CPU has: VAES, AVX-512);
# no instruction of its objects divides, but in the functions of test/ct_divisions.txt.  Each run and each scan must catch a planted leak.
# usage: check_ct.sh BUILD        all of it, as many builds at a time as there are cores
#        check_ct.sh BUILD COMPILER LEVEL TOOL        one of them: TOOL is valgrind or memory
set -u
build=$1
folders='base ckks ot gc convert'
leak=77

fail() { echo "ct: $*"; exit 1; }

# divides FILES...: object, function and instruction of each division, of a call of the library's wide ones, too
divides() {
    objdump -dr --no-show-raw-insn "$@" | awk '
        /file format/ { n = split($1, part, "/"); object = part[n]; sub(/:$/, "", object) }
        /^[0-9a-f]+ <.*>:$/ { name = $2; gsub(/[<>:]/, "", name); sub(/\..*/, "", name); functions++ }
        /^ *[0-9a-f]+:\t/ { split($0, field, "\t"); split(field[2], op, " ")
                            if (op[1] ~ /^v?[if]?div/ || op[1] ~ /^v?f?sqrt/) print object, name, op[1] }
        /R_X86_64.*\t__u?(div|mod)/ { print object, name, $3 }
        END { if (functions < 1) print "nothing", "was", "seen" }'
}

scan() { # OBJECT-FOLDER
    divides "$1/test/insecure_leak.o" | grep -q 'insecure_divide' || fail "the planted division was not seen"
    # shellcheck disable=SC2046
    bad=$(divides $(for f in $folders; do echo "$1/$f"/*.o; done) | sort | uniq -c | while read -r times object name op; do
        case $name in *_var) continue ;; esac
        case $op in *ss | *sd | *ps | *pd | f*) kind=float ;; *) kind=int ;; esac
        grep -q "^$name $kind " test/ct_divisions.txt || echo "$object: $name: $times x $op"
    done)
    [ -z "$bad" ] || { echo "$bad"; fail "division (is its operand public?  then it belongs into test/ct_divisions.txt with the reason)"; }
}

# Whatever of libsodium the library calls needs its line in test/ct_wrap.c.
wrapped() { # OBJECT-FOLDER
    for f in $folders; do nm -u "$1/$f"/*.o; done | sed -n 's/^ *U \(crypto_[a-z0-9_]*\|sodium_[a-z_]*\|randombytes_[a-z]*\)$/\1/p' | sort -u |
        while read -r name; do grep -q "^WRAP([a-z_]*, $name," test/ct_wrap.c || echo "$name"; done
}

caught() { # COMMAND...: leak-branch and leak-index end with the status that says so
    for how in leak-branch leak-index; do
        "$@" $how > /dev/null 2>&1
        [ $? = $leak ] || fail "$* did not catch the planted $how"
    done
}

one() { # COMPILER LEVEL TOOL
    at=$build/ct-$1-$2-$3 program=$build/ct-$1-$2-$3/test/ct
    sanitize= flags=-DCT_FOLLOWED # and debug information that valgrind can read
    [ "$3" = memory ] && sanitize=memory flags="$flags -include test/ct_msan.h"
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u LDFLAGS CFLAGS="-$2 -gdwarf-4" CPPFLAGS="$flags" \
        make --no-print-directory CC="$1" BUILD="$at" SANITIZE=$sanitize "$program" > "$at.log" 2>&1 ||
        { tail -n 30 "$at.log"; fail "$at: no build"; }
    if [ "$3" = memory ]; then
        export MSAN_OPTIONS=exit_code=$leak
        for kernels in portable narrow all; do
            "$program" $kernels || fail "$program $kernels: a secret is not treated as one (above)"
        done
        caught "$program" portable
    else
        missing=$(wrapped "$at/obj")
        [ -z "$missing" ] || fail "test/ct_wrap.c does not wrap: $missing"
        scan "$at/obj"
        for kernels in portable all; do
            valgrind -q --error-exitcode=$leak "$program" $kernels || fail "$program $kernels: a secret is not treated as one (above)"
        done
        caught valgrind -q --error-exitcode=$leak "$program" portable
    fi
    echo "ct: $1 -$2, $3: no branch, address or division by a secret; the planted ones were caught"
}

if [ $# = 4 ]; then
    one "$2" "$3" "$4"
    exit 0
fi
if [ -n "${SANITIZE:-}" ]; then
    echo "ct: SKIPPED in a build with SANITIZE=$SANITIZE, which does not mix with valgrind and MemorySanitizer"
    exit 0
fi
jobs=
skipped=
for compiler in gcc clang; do
    for tool in valgrind memory; do
        case $compiler-$tool in
            gcc-memory) continue ;;
            clang-memory) echo 'int main(void) { return 0; }' | clang -fsanitize=memory -x c - -o "$build/ct-probe" > /dev/null 2>&1 &&
                have=1 || have= ;;
            *) command -v $compiler > /dev/null && command -v valgrind > /dev/null && command -v objdump > /dev/null && have=1 || have= ;;
        esac
        for level in O1 O2 O3; do [ -n "$have" ] && jobs="$jobs $compiler.$level.$tool"; done
        [ -n "$have" ] || skipped="$skipped $compiler+$tool"
    done
done
[ -z "$skipped" ] || echo "ct: SKIPPED, NOT CHECKED, for want of a tool:$skipped (test/deps.sh check installs them)"
[ -n "$jobs" ] || exit 0
# shellcheck disable=SC2086
printf '%s\n' $jobs | tr . ' ' | xargs -P "$(nproc)" -L 1 sh -c '
    sh test/check_ct.sh "$0" "$@" > "$0/ct-$1-$2-$3.out" 2>&1; code=$?; cat "$0/ct-$1-$2-$3.out"; exit $code' "$build" ||
    fail "failed"
echo "ct: $(echo $jobs | wc -w) builds as due"
