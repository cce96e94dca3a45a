#!/bin/sh
# SPDX-License-Identifier: ISC
# The real program: options, exit codes, bad files, busy ports, signals, an end-to-end run.   usage: check_cli.sh BUILD
set -u
tacit=$1/tacit
dir=$(mktemp -d) || exit 1
export XDG_CONFIG_HOME="$dir/config"
server=
trap 'kill $server 2>/dev/null; rm -rf "$dir"' EXIT
bad=0
fail() { echo "cli: $*"; bad=$((bad + 1)); }
# expect CODE PATTERN COMMAND...: exit status, and a line of stdout or stderr that matches
expect() {
    code=$1 pattern=$2; shift 2
    timeout 60 "$@" > "$dir/out" 2> "$dir/err" < /dev/null
    got=$?
    [ "$got" = "$code" ] || fail "$*: exit status $got, not $code: $(head -c 200 "$dir/err")"
    cat "$dir/out" "$dir/err" | grep -q -- "$pattern" || fail "$*: no '$pattern' in: $(head -c 200 "$dir/err")"
}
byte() { printf "\\$(printf %03o "$1")"; }
# idx COUNT SIDE VALUE-FILE: an IDX file of images
idx() { byte 0; byte 0; byte 8; byte 3; for n in "$1" "$2" "$2"; do byte 0; byte 0; byte $((n / 256)); byte $((n % 256)); done; head -c $(($1 * $2 * $2)) "$3"; }
# start ARGS...: a server in the background; $address is where it listens
start() {
    : > "$dir/listen"
    "$tacit" serve models/demo.onnx --json "$@" > "$dir/listen" 2> "$dir/serve.err" &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
        address=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' "$dir/listen")
        [ -n "$address" ] && return
        sleep 0.3
    done
    fail "the server does not listen: $(cat "$dir/serve.err")"
}
finish() { kill -"$1" $server; wait $server; got=$?; server=; [ "$got" = 0 ] || fail "serve after SIG$1: exit status $got"; }

cat models/demo.onnx models/demo.onnx models/demo.onnx > "$dir/noise"
idx 30 28 "$dir/noise" > "$dir/images"
idx 3 27 "$dir/noise" > "$dir/small"
head -c 1000 "$dir/images" > "$dir/cut"
head -c 100000 models/demo.onnx > "$dir/cut.onnx"
head -c 5000 "$dir/images" > "$dir/garbage.onnx"

expect 0 'usage: tacit' "$tacit" --help
for c in plan serve infer demo; do expect 0 "usage: tacit $c" "$tacit" $c --help; done
expect 0 'tacit [0-9]' "$tacit" --version
expect 2 'usage' "$tacit"
expect 2 'no such command' "$tacit" frobnicate
expect 2 'MODEL.onnx is missing' "$tacit" plan
expect 2 'no such option' "$tacit" plan models/demo.onnx --colour
expect 2 'one operand too many' "$tacit" plan a b
expect 2 'not a number' "$tacit" plan models/demo.onnx --wbits eight
expect 2 'wbits 20' "$tacit" plan models/demo.onnx --wbits 20
expect 2 'its value is missing' "$tacit" infer 127.0.0.1:1 --images
expect 2 'images FILE is missing' "$tacit" infer 127.0.0.1:1
expect 2 'not ADDR:PORT' "$tacit" infer 127.0.0.1 --images "$dir/images"
expect 3 'No such file' "$tacit" plan "$dir/none.onnx"
expect 3 'byte' "$tacit" plan "$dir/cut.onnx"
expect 3 'garbage.onnx' "$tacit" plan "$dir/garbage.onnx"
expect 3 'an empty file' "$tacit" plan /dev/null
expect 3 'No such file' "$tacit" infer 127.0.0.1:1 --images "$dir/none"
expect 3 'ends at byte 1000' "$tacit" infer 127.0.0.1:1 --images "$dir/cut"
expect 3 'not an IDX file' "$tacit" infer 127.0.0.1:1 --images models/demo.onnx
expect 4 'refused' "$tacit" infer 127.0.0.1:1 --images "$dir/images"
expect 0 'Gemm' "$tacit" plan models/demo.onnx
expect 0 '"flights":8' "$tacit" plan models/demo.onnx --json

start --stop-after 5
expect 4 'in use' "$tacit" serve models/demo.onnx --listen "$address"
expect 3 'an image is 27 x 27' "$tacit" infer "$address" --images "$dir/small"
expect 2 'at most 2048' "$tacit" infer "$address" --images "$dir/images" --batch 9999
expect 3 'not the server' "$tacit" infer "$address" --images "$dir/images" --reference models/demo.onnx --abits 12
expect 0 '"summary"' "$tacit" infer "$address" --images "$dir/images" --batch 13 --skip 2 --count 27 --reference models/demo.onnx --json
[ "$(grep -c '^{"image":[0-9]*,"label":[0-9]}$' "$dir/out")" = 27 ] || fail "not 27 predictions: $(head -3 "$dir/out")"
grep -q '^{"image":2,' "$dir/out" || fail "--skip 2 does not begin at image 2"
tail -1 "$dir/out" | grep -q '"images":27,"correct":null,"agree_with_reference":[0-9]*,"reference_margin_exceptions":0,.*"flights":8,' ||
    fail "summary: $(tail -1 "$dir/out")"
timeout 60 sh -c "cat '$dir/images' | '$tacit' infer $address --images - --count 2" > "$dir/out" 2> "$dir/err" || fail "images from a pipe: $(cat "$dir/err")"
grep -q 'image 1: [0-9]' "$dir/out" || fail "people see no predictions: $(cat "$dir/out")"
wait $server; server=
[ "$(grep -c '"session"' "$dir/listen")" = 5 ] || fail "serve --stop-after 5 told of $(grep -c '"session"' "$dir/listen") sessions"
grep -q 'fresh, gone when this server ends' "$dir/serve.err" || fail "serve does not say that its key is fresh"

start
"$tacit" infer "$address" --images "$dir/images" --count 1 > /dev/full 2> "$dir/err"
got=$?
[ "$got" = 1 ] || fail "a full standard output: exit status $got"
expect 0 'images' "$tacit" infer "$address" --images "$dir/images" --count 1
finish TERM
start
finish INT

# a server that dies in the middle: the client says so, with status 4, and a job says how to go on
start
i=0; while [ $i -lt 40 ]; do cat "$dir/noise"; i=$((i + 1)); done > "$dir/much"
{ byte 0; byte 0; byte 8; byte 3; byte 0; byte 0; byte 156; byte 64; byte 0; byte 0; byte 0; byte 28; byte 0; byte 0; byte 0; byte 28; head -c 31360000 "$dir/much"; } > "$dir/many"
"$tacit" infer "$address" --images "$dir/many" --batch 100 --json --retry 2 > "$dir/out" 2> "$dir/err" &
client=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ "$(wc -l < "$dir/out")" -gt 0 ] && break; sleep 0.5; done
sleep 1
kill -KILL $server; wait $server 2> /dev/null; server=
wait $client; got=$?
[ "$got" = 4 ] || fail "a server that died: exit status $got: $(cat "$dir/err")"
grep -q -- '--resume' "$dir/err" || fail "no way to resume: $(cat "$dir/err")"

# Ctrl-C at the client
start
"$tacit" infer "$address" --images "$dir/many" --batch 100 --json > "$dir/out" 2> "$dir/err" &
client=$!
sleep 2
kill -TERM $client; wait $client; got=$?
[ "$got" = 130 ] || fail "an interrupted client: exit status $got"
finish TERM

[ $bad = 0 ] && echo "cli: all as due" || exit 1
