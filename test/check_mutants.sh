#!/bin/sh
# SPDX-License-Identifier: ISC
# Five ways to break the secrecy of a session that leave every label right, each built into a copy of its file: a test must see each.
#   usage: check_mutants.sh BUILD   (its libtacit.a is what the mutants are linked with)
set -u
build=${1:-build} cc=${CC:-cc} dir=$(mktemp -d) bad=0
trap 'rm -rf "$dir"' EXIT
flags="-std=c11 -D_GNU_SOURCE -O1 -I. -pthread -ffp-contract=off -fno-math-errno"
case $(nm "$build/libtacit.a" 2>/dev/null | sed -n 's/.* U __\(asan\|ubsan\|msan\|tsan\)_.*/\1/p' | sort -u | tr '\n' ' ') in
    "") ;;
    "asan ubsan ") flags="$flags -fsanitize=address,undefined" ;;
    "asan ") flags="$flags -fsanitize=address" ;;
    "ubsan ") flags="$flags -fsanitize=undefined" ;;
    *) echo "mutants: no word for this sanitizer; build them without"; exit 1 ;;
esac
wrap=$(sed -n 's/.*\(-Wl,--wrap=aligned_alloc[^ ]*\).*/\1/p' Makefile)
fail() { echo "mutants: $*"; bad=1; }

for t in test_convert insecure_convert test_fresh nets relay alloc; do
    $cc $flags -c -o "$dir/$t.o" "test/$t.c" || exit 1
done
objects_convert="insecure_convert.o alloc.o" objects_fresh="nets.o relay.o alloc.o"

# run NAME TEST [MUTANT.o]: its output in $dir/NAME.out
run() {
    name=$1 program=$2; shift 2
    eval "objects=\$objects_$program"
    (cd "$dir" && $cc $flags $wrap -o "$name" "test_$program.o" $objects "$@" "$top/$build/libtacit.a" \
        -lcheck -lsubunit -lsodium -lm) || exit 1
    CK_RUN_CASE=fresh timeout 60 "$dir/$name" > "$dir/$name.out" 2>&1
}
top=$(pwd)
case $build in /*) top= ;; esac

# mutant NAME FILE PROGRAM TEST SCRIPT LINES: sed SCRIPT must change LINES lines or more, and TEST of PROGRAM must fail by an assertion.
mutant() {
    sed "$5" "$2" > "$dir/$1.c"
    changed=$(diff "$2" "$dir/$1.c" | grep -c '^>')
    [ "$changed" -ge "$6" ] || { fail "$1: the pattern no longer fits $2 ($changed lines of $6 changed): mend the pattern"; return; }
    $cc $flags -c -o "$dir/$1.o" "$dir/$1.c" || { fail "$1 does not compile: mend the pattern"; return; }
    run "$1" "$3" "$1.o"
    if grep -q ":F:fresh:$4:" "$dir/$1.out"; then echo "mutant $1: seen by $4"; else fail "$1 SURVIVES $4"; tail -5 "$dir/$1.out"; fi
}

for p in convert fresh; do
    run "sound_$p" $p && grep -q '^100%: Checks: [1-9]' "$dir/sound_$p.out" || { fail "test_$p fails without a mutant"; cat "$dir/sound_$p.out"; }
done

mutant negated_u ckks/shares.c convert a_u_used_before_is_seen_and_the_real_one_is_fresh \
    's/^    sample_ternary(rng, u, n);/&\
    static int8_t before[32768];\
    static int again;\
    for (size_t j = 0; again \&\& j < n; j++) u[j] = (int8_t)-before[j];\
    memcpy(before, u, n);\
    again = !again;/' 5
mutant one_seed nn/exec.c fresh each_batch_and_layer_has_a_seed_of_its_own \
    's/^    prg_bytes(s->rng, s->seed, seeds);/    if (!s->stats.batches) prg_bytes(s->rng, s->seed, seeds);/' 1
mutant one_delta nn/setup.c fresh delta_is_of_one_session \
    's/^    delta->w\[0\] |= 1;/    delta->w[0] = 0x9e3779b97f4a7c15; delta->w[1] = 0xc2b2ae3d27d4eb4f;/' 1
mutant one_start nn/setup.c fresh the_start_point_is_of_one_session \
    's/^    prg_bytes(s->rng, &c->gc.gc.start, sizeof(block));/    c->gc.gc.start = (block){{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f}};/' 1
mutant index_again nn/exec.c fresh indices_of_the_hash_only_grow \
    's/^    s->batch = count;/&\
    c->gc.gc.index = 0;/
s/^    s->batch = head\[0\].*/&\
    v->gc.gc.index = 0;/' 2

[ $bad = 0 ] && echo "mutants: all five are seen"
exit $bad
