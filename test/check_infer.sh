#!/bin/sh
# SPDX-License-Identifier: ISC
# The client: whose key it believes, several servers, tries that go on, a journal over a kill, silence and strangers.   usage: check_infer.sh BUILD
set -u
tacit=$(cd "$1" && pwd)/tacit rude=$(cd "$1" && pwd)/test/rude
demo=$(pwd)/models/demo.onnx
dir=$(mktemp -d) || exit 1
pids=
trap 'kill $pids 2>/dev/null; rm -rf "$dir"' EXIT
export XDG_CONFIG_HOME="$dir/config"
cd "$dir" || exit 1
bad=0
fail() { echo "infer: $*"; bad=$((bad + 1)); }
await() { # FILE PATTERN: until it is there, 10 s at most
    n=0
    while [ $n -lt 40 ]; do grep -q -- "$2" "$1" 2> /dev/null && return 0; sleep 0.25; n=$((n + 1)); done
    fail "no '$2' in $1: $(head -c 300 "$1")"
    return 1
}
start() { # NAME ARGS...: $at, $server
    name=$1; shift
    "$tacit" serve "$demo" --json "$@" > "$name.out" 2> "$name.err" &
    server=$!; pids="$pids $server"
    await "$name.out" listening
    at=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' "$name.out")
}
# run CODE PATTERN ARGS...: exit status, and a line on stdout or stderr
run() {
    code=$1 pattern=$2; shift 2
    timeout 60 "$tacit" infer "$@" > out 2> err; got=$?
    [ "$got" = "$code" ] || fail "infer $*: $got, not $code: $(head -c 400 err)"
    cat out err | grep -q -- "$pattern" || fail "infer $*: no '$pattern': $(head -c 400 err)"
}
"$tacit" demo --images all --labels labels --count 600 || fail "demo does not write its digits"
"$tacit" demo --images other --count 500 || fail "demo does not write its digits"
"$tacit" keygen a.key > a.pub; "$tacit" keygen b.key > b.pub

# ---- keys ----
start a --key a.key
run 0 'trusting its key on this first use' "$at" --images all --count 5
grep -q "$at $(cat a.pub)" config/tacit/known_servers || fail "the key is not kept: $(cat config/tacit/known_servers)"
[ "$(stat -c %a config/tacit/known_servers)" = 600 ] || fail "others may read the known servers"
run 0 'image 4' "$at" --images all --count 5
grep -q first err && fail "a known server is trusted anew: $(cat err)"
run 0 'image 4' "$at" --images all --count 5 --server-key a.pub
run 4 'the server.s key is' "$at" --images all --count 5 --server-key b.pub
grep -q "$(cat a.pub)" err && grep -q "$(cat b.pub)" err || fail "not both keys are named: $(cat err)"
echo "$at $(cat b.pub)" > changed
run 4 'has CHANGED' "$at" --images all --count 5 --known-servers changed
cmp -s changed - <<OLD || fail "a changed key was written down"
$at $(cat b.pub)
OLD

printf 'other:1 %s' "$(cat b.pub)" > loose # without an end of line, as an editor may leave it
run 0 'trusting its key' "$at" --images all --count 5 --known-servers loose
run 0 'image 4' "$at" --images all --count 5 --known-servers loose
[ "$(wc -l < loose)" = 2 ] || fail "known servers: $(cat loose)"

# ---- one server or two: the same output ----
one=$at
start b --key b.key
run 0 'correct: 60. of 600\|correct: 59. of 600' "$one" --images all --labels labels --batch 50 --verbose; grep '^image' out > one.labels
run 0 'images' "$one" "$at" --images all --labels labels --batch 50 --verbose; grep '^image' out > two.labels
[ "$(wc -l < two.labels)" = 600 ] || fail "two servers gave $(wc -l < two.labels) labels"
cmp -s one.labels two.labels || fail "two servers give other labels, or another order"
grep -q '"images":[1-9]' a.out && kill -TERM "$server" && wait "$server"
grep -q '"images":[1-9]' b.out || fail "the second server had nothing to do: $(cat b.out)"

# ---- a job over a kill ----
"$tacit" infer "$one" --images all --batch 20 --verbose --resume journal > part.out 2> part.err &
client=$!
await journal '^60 '
kill -KILL "$client"; wait "$client" 2> /dev/null
printf '61' >> journal # a line without its end
run 0 'images' "$one" --images all --batch 50 --verbose --resume journal; grep '^image' out > resumed.labels
cmp -s one.labels resumed.labels || fail "a resumed job has another output"
run 0 'images' "$one" --images all --verbose --resume journal; grep '^image' out > again.labels
cmp -s one.labels again.labels || fail "a finished job has another output"
run 3 'belongs to other images' "$one" --images other --resume journal
printf 'a file of mine, without an end of line' > mine; cp mine mine.before
run 3 'not a journal' "$one" --images all --resume mine
cmp -s mine mine.before || fail "--resume has written over a file that is no journal"
printf 'tacit-jour' > begun # a journal whose first line was cut
run 0 'image 4' "$one" --images all --count 5 --resume begun
run 3 'belongs to other images' "$one" --images all --skip 1 --resume journal
start same --key b.key # the same plan, but who can tell the model
head -n 22 journal > half
run 3 "a server with another key" "$at" --server-key b.pub --images all --resume half
kill -TERM "$server"; wait "$server"
start narrow --key a.key --abits 5
head -n 22 journal > half
run 3 "belongs to another model's plan" "$at" --server-key a.pub --images all --resume half
kill -TERM "$server"; wait "$server"

# ---- of two servers one is not there: said, and done without it ----
run 0 'given up: .*refused; the other servers go on' "$one" 127.0.0.1:1 --images all --count 40

# ---- a server that goes and comes back ----
start c --key b.key --listen 127.0.0.1:0
"$tacit" infer "$at" --server-key b.pub --images all --batch 20 --json --retry 30 > lost.out 2> lost.err &
client=$!
await lost.out '"image":19'
pkill -KILL -P "$server"; kill -KILL "$server"; wait "$server" 2> /dev/null
await lost.err 'trying again'
start d --key b.key --listen "$at"
wait "$client" || fail "a server that came back: $(cat lost.err)"
[ "$(grep -c '"image"' lost.out)" = 600 ] || fail "not all labels after a lost server"
tail -n 1 lost.out | grep -q '"sessions":[2-9]' || fail "no second session: $(tail -n 1 lost.out)"
kill -TERM "$server"; wait "$server"

# ---- silence and strangers ----
run 4 'refused' "$at" --server-key b.pub --images all --count 5
"$rude" silent > silent.port & pids="$pids $!"
"$rude" banner 'HTTP/1.1 400 Bad Request

' > http.port & pids="$pids $!"
"$rude" banner 'SSH-2.0-OpenSSH_9.2
' > ssh.port & pids="$pids $!"
await silent.port '[0-9]' && await http.port '[0-9]' && await ssh.port '[0-9]'
run 4 'not a Tacit server (it speaks HTTP)' "127.0.0.1:$(cat http.port)" --images all --count 5
run 4 'not a Tacit server (it speaks SSH)' "127.0.0.1:$(cat ssh.port)" --images all --count 5
run 4 'timed out during the handshake' "127.0.0.1:$(cat silent.port)" --images all --count 5
[ $bad = 0 ] && echo "infer: all as due" || exit 1
