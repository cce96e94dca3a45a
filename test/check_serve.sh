#!/bin/sh
# SPDX-License-Identifier: ISC
# The server among strangers: half-open and slow connections, slots, allow-list, drain, children that die, metrics, socket activation, eight clients at
# once; two servers behind HAProxy, one of them killed.   usage: check_serve.sh BUILD
set -u
tacit=$(cd "$1" && pwd)/tacit rude=$(cd "$1" && pwd)/test/rude
demo=$(pwd)/models/demo.onnx
dir=$(mktemp -d) || exit 1
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$dir"' EXIT
export XDG_CONFIG_HOME="$dir/config"
cd "$dir" || exit 1
bad=0
fail() { echo "serve: $*"; bad=$((bad + 1)); }
be() { for b in "$@"; do printf "\\$(printf %03o "$b")"; done; }
dim() { be 0 0 $(($1 / 256)) $(($1 % 256)); }
idx() { { be 0 0 8 3; dim "$2"; dim 28; dim 28; head -c $(($2 * 784)) noise; } > "$1"; }
i=0; while [ $i -lt 6 ]; do cat "$demo" "$demo"; i=$((i + 1)); done > noise
idx ten 10
idx some 400
idx few 40
idx many 2000
# start NAME ARGS...: a server; $server is its process, $at where it listens
start() {
    name=$1; shift
    "$tacit" serve "$demo" --json "$@" > "$name.out" 2> "$name.err" &
    server=$!; pids="$pids $server"
    await "$name.out" listening
    at=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' "$name.out"); port=${at##*:}
}
await() { # FILE PATTERN: until it is there, 10 s at most
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40; do
        grep -q -- "$2" "$1" 2> /dev/null && return 0
        sleep 0.25
    done
    fail "no '$2' in $1: $(head -c 300 "$1")"
    return 1
}
ended() { # CODE: the server has ended with it
    wait "$server"; got=$?
    [ "$got" = "$1" ] || fail "a server ended with $got, not $1: $(tail -n 3 "$name.err")"
}
infer() { timeout 120 "$tacit" infer "$at" "$@"; }
children() { pgrep -P "$server" | wc -l; }
descriptors() { ls "/proc/$server/fd" | wc -l; }

# ---- half-open and slow connections ----
"$tacit" keygen s.key > s.pub || fail "keygen"
start crowd --key s.key --sessions 2 --metrics m.prom
# spent FILE: milliseconds from connect to the last label, of a run whose labels are right
spent() {
    grep -q '"images":400,.*"reference_margin_exceptions":0,' "$1.out" || fail "$1: $(tail -n 1 "$1.out") $(cat "$1.err")"
    sed -n 's/.*"seconds":\([0-9]*\)\.\([0-9][0-9][0-9]\).*/\1\2/p' "$1.out" | sed 's/^0*//'
}
infer --server-key s.pub --images some --batch 100 --reference "$demo" --json > warm.out 2> warm.err
infer --server-key s.pub --images some --batch 100 --reference "$demo" --json > alone.out 2> alone.err
alone=$(spent alone)
fds=$(descriptors)
"$rude" open "$port" 500 8 > open.out 2>&1 & a=$!
"$rude" drip "$port" 60 8 > drip.out 2>&1 & b=$!
"$rude" hello "$port" 40 14 > hello.out 2>&1 & c=$!
await open.out up && await drip.out up && await hello.out up
infer --server-key s.pub --images some --batch 100 --reference "$demo" --json > among.out 2> among.err
among=$(spent among)
echo "serve: 400 images in $alone ms alone, in $among ms among 500 half-open and 100 slow connections: $((100 * among / alone)) %"
wait "$a" "$b" "$c"
grep -q '^500 of 500 closed' open.out || fail "half-open: $(cat open.out)"
grep -q '^60 of 60 closed' drip.out || fail "dripping: $(cat drip.out)"
grep -q '^40 of 40 closed' hello.out || fail "slow after the handshake: $(cat hello.out)"
for _ in 1 2 3 4 5 6 7 8; do [ "$(children)" = 0 ] && [ "$(descriptors)" = "$fds" ] && break; sleep 0.5; done
[ "$(children)" = 0 ] || fail "$(children) processes are left"
[ "$(descriptors)" = "$fds" ] || fail "$(descriptors) descriptors, before $fds"
"$rude" say "$port" 'GET / HTTP/1.1
Host: x

' | grep -q closed || fail "an HTTP client is kept"
await crowd.err 'it speaks HTTP'
# more than the table of half-open connections holds, and more processes that say no HELLO than it may have: the oldest make room
"$rude" open "$port" 1200 4 > open.out 2>&1 & a=$!
await open.out up
"$rude" hello "$port" 150 3 > hello.out 2>&1 & c=$!
await hello.out up
infer --server-key s.pub --images ten > out 2> err || fail "a client when all places are taken: $(cat err)"
wait "$a" "$c"
sleep 5.5
grep -Eq '^tacit_handshakes_timed_out_total ([5-9][0-9]{2}|[0-9]{4})' m.prom || fail "metrics: $(grep timed_out m.prom)"
grep -q '^tacit_crowded_out_total [1-9]' m.prom || fail "metrics: $(grep crowded m.prom)"
grep -q '^tacit_half_open_peak 1024' m.prom || fail "metrics: $(grep half_open_peak m.prom)"
grep -q '^tacit_sessions_total 4' m.prom || fail "metrics: $(grep sessions_total m.prom)"
grep -q '^tacit_images_total 1210' m.prom || fail "metrics: $(grep images_total m.prom)"
kill -TERM "$server"; ended 0

# ---- one slot: the second client is told to wait, and comes again; a drain lets the session end ----
start slot --sessions 1
infer --images some --batch 40 --json --retry 1 > first.out 2> first.err & first=$!
await first.out '"image":0'
infer --images ten --retry 60 > second.out 2> second.err & second=$!
await second.err 'no room just now'
kill -TERM "$server"
wait "$first"; got=$?
[ "$got" = 0 ] || [ "$got" = 4 ] || fail "the session of a server that stops: $got"
[ "$(grep -c '"image"' first.out)" -ge 40 ] || fail "a drained session lost what it had"
ended 0
kill "$second" 2> /dev/null; wait "$second" 2> /dev/null
start again --sessions 1
infer --images many --batch 50 --json > held.out 2> held.err & first=$!
await held.out '"image":0'
infer --images ten --retry 60 > waits.out 2> waits.err || fail "a client that waited: $(cat waits.err)"
grep -q 'no room just now' waits.err || fail "it did not have to wait: $(cat waits.err)"
wait "$first" || fail "the first session: $(cat held.err)"

# ---- a session that dies is told of, and the others go on ----
infer --images some --batch 40 --json --retry 20 > killed.out 2> killed.err & client=$!
await killed.out '"image":0'
kill -SEGV "$(pgrep -P "$server" | head -n 1)"
wait "$client" || fail "a client whose session was killed: $(cat killed.err)"
[ "$(grep -c '"image"' killed.out)" = 400 ] || fail "not all images after a killed session"
grep -q '"retries":[1-9]' killed.out || fail "no retry: $(tail -n 1 killed.out)"
await again.out '"outcome":"died","signal":11'
kill -TERM "$server"; ended 0

# ---- a second signal ends a session in the middle of a batch ----
start twice
infer --images many --retry 1 > twice.out 2> twice.infer & client=$!
i=0; while [ "$(children)" = 0 ] && [ $i -lt 40 ]; do sleep 0.1; i=$((i + 1)); done
sleep 0.5
kill -TERM "$server"; await twice.err 'a second signal'
kill -TERM "$server"; ended 0
wait "$client"; got=$?
[ "$got" = 4 ] || fail "the client of a server that was stopped twice: $got: $(cat twice.infer)"

# ---- admitted clients ----
"$tacit" keygen c1.key > c1.pub; "$tacit" keygen c2.key > c2.pub
{ echo '# clients'; cat c1.pub; } > allow
start list --key s.key --allow allow
infer --server-key s.pub --key c1.key --images ten > out 2> err || fail "an admitted client: $(cat err)"
infer --server-key s.pub --key c2.key --images ten > out 2> err; got=$?
[ "$got" = 4 ] && grep -q "does not admit" err || fail "a client that is not admitted: $got: $(cat err)"
infer --server-key s.pub --images ten > out 2> err && fail "a nameless client was admitted"
cat c2.pub >> allow; kill -HUP "$server"; await list.err 'read anew, 2 keys'
infer --server-key s.pub --key c2.key --images ten > out 2> err || fail "admitted since SIGHUP: $(cat err)"
echo nonsense > allow; kill -HUP "$server"; await list.err 'stays as it was'
infer --server-key s.pub --key c1.key --images ten > out 2> err || fail "after a bad list: $(cat err)"
kill -TERM "$server"; ended 0

# ---- socket activation ----
"$rude" activate "$tacit" serve "$demo" --json --key s.key > act.out 2> act.err &
server=$!; pids="$pids $server"; name=act
await act.out listening && at=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' act.out)
infer --server-key s.pub --images ten > out 2> err || fail "a server with a socket from outside: $(cat err)"
kill -TERM "$server"; ended 0

# ---- nobody reads what it says ----
"$rude" stuck "$tacit" serve "$demo" --json --key s.key --metrics stuck.prom > stuck.out 2> stuck.err &
stuck=$!
await stuck.out listening && at=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' stuck.out)
i=0
while [ $i -lt 14 ]; do # more lines than the pipe holds
    infer --server-key s.pub --images ten > out 2> err || fail "a server whose lines nobody reads: $(cat err)"
    i=$((i + 1))
done
kill -TERM "$(sed 's/ .*//' stuck.out)"
wait "$stuck"; got=$?
[ "$got" = 0 ] || fail "a server whose lines nobody reads ended with $got"
grep -q '^tacit_lines_lost_total [1-9]' stuck.prom || fail "no lost lines: $(grep lost stuck.prom)"

# ---- eight clients at once ----
start eight --sessions 8
rss() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"; }
infer --images ten > out 2> err || fail "first of eight: $(cat err)"
small=$(rss) clients=
for k in 1 2 3 4 5 6 7 8; do infer --images many --reference "$demo" --json > "e$k.out" 2> "e$k.err" & clients="$clients $!"; done
for k in $clients; do wait "$k" || fail "one of eight clients failed"; done
for k in 1 2 3 4 5 6 7 8; do
    tail -n 1 "e$k.out" | grep -q '"images":2000,.*"reference_margin_exceptions":0,' || fail "one of eight: $(tail -n 1 "e$k.out") $(cat "e$k.err")"
done
large=$(rss)
[ "$large" -le $((small + 2048)) ] || fail "the parent grew from $small to $large kB"
echo "serve: eight clients, 2000 images each; the parent has $small kB before and $large kB after"
kill -TERM "$server"; ended 0

# ---- HAProxy before two servers with one key ----
if command -v haproxy > /dev/null 2>&1; then
    start one --key s.key --sessions 4; one=$server at1=$at
    start two --key s.key --sessions 4; two=$server at2=$at
    "$rude" silent > free & free=$!; sleep 0.3; front=$(cat free); kill "$free"; wait "$free" 2> /dev/null
    cat > haproxy.cfg <<CFG
defaults
    mode tcp
    timeout connect 2s
    timeout client 60s
    timeout server 60s
    retries 2
    option redispatch
frontend in
    bind 127.0.0.1:$front
    default_backend servers
backend servers
    balance roundrobin
    server one $at1 check inter 500 fall 1
    server two $at2 check inter 500 fall 1
CFG
    haproxy -db -f haproxy.cfg > haproxy.log 2>&1 &
    proxy=$!; pids="$pids $proxy"; at=127.0.0.1:$front
    sleep 1.5
    clients= k=0
    while [ $k -lt 40 ]; do # sessions one after the other, eight at a time
        infer --server-key s.pub --images few --batch 20 --json --retry 60 > "h$k.out" 2> "h$k.err" & clients="$clients $!"
        k=$((k + 1))
    done
    sleep 3
    kill -KILL "$one"
    pkill -KILL -P "$one"
    k=0
    for c in $clients; do
        wait "$c" || fail "client $k behind HAProxy: $(tail -n 2 "h$k.err")"
        [ "$(grep -c '"image"' "h$k.out")" = 40 ] || fail "client $k behind HAProxy has not all labels"
        k=$((k + 1))
    done
    echo "serve: 40 clients behind HAProxy, one of two servers killed: $(cat h*.out | grep -c '"retries":[1-9]') of them had to try again"
    kill "$proxy"; wait "$proxy" 2> /dev/null
    server=$two name=two; kill -TERM "$server"; ended 0
    wait "$one" 2> /dev/null
else
    echo "serve: SKIPPED two servers behind HAProxy: it is not installed (apt-get install haproxy)"
fi

[ $bad = 0 ] && echo "serve: all as due" || exit 1
