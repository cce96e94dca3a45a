#!/bin/sh
# SPDX-License-Identifier: ISC
# usage: run.sh BUILD TEST...   Runs every test program and every test script; fails if one failed, and counts.
set -u
build=$1; shift
passed=0 failed=0
run() {
    echo "== $*"
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $*"; fi
}
for t in "$@"; do run "$t"; done
for s in test/check_*.sh; do [ -e "$s" ] && run sh "$s" "$build"; done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
