#!/bin/sh
# SPDX-License-Identifier: ISC
# Wrong uses: each must end with its exit status, within seconds, and with words that help; under --json with an error object as the last line of
# standard output.   usage: check_words.sh BUILD
set -u
tacit=$(cd "$1" && pwd)/tacit rude=$(cd "$1" && pwd)/test/rude
demo=$(pwd)/models/demo.onnx
cases=$(cd .. && pwd)/shared/cases
dir=$(mktemp -d) || exit 1
server= plain_server= rudes=
trap 'kill $server $plain_server $rudes 2>/dev/null; rm -rf "$dir"' EXIT
bad=0 rows=0
fail() { echo "words: $*"; bad=$((bad + 1)); }
export XDG_CONFIG_HOME="$dir/config"

# ---- files ----
be() { for b in "$@"; do printf "\\$(printf %03o "$b")"; done; }
dim() { be 0 0 $(($1 / 256)) $(($1 % 256)); }
# idx FILE DIM...: an IDX file of noise
idx() { to=$1; shift; { be 0 0 8 $#; n=1; for d in "$@"; do dim "$d"; n=$((n * d)); done; head -c "$n" "$dir/noise"; } > "$to"; }
cd "$dir" || exit 1
cat "$demo" "$demo" > noise
idx images 10 28 28
idx flat 10 784
idx wide 10 14 56
idx last 4 8 8 3
idx other 10 27 27
idx labels 10
idx labels12 12
{ be 0 0 8 1; dim 10; be 0 1 2 3 4 5 6 7 8 9; } > good
{ be 0 0 8 1; dim 10; be 0 1 2 3 4 5 6 7 8 77; } > far
{ cat images; echo; } > longer
head -c 1000 images > cut
{ be 0 0 8 3 10 0 0 0 28 0 0 0 28 0 0 0; head -c 7840 noise; } > little
{ be 0 0 13 3; tail -c +5 images; } > float
{ be 7; head -c 3072 noise; } > cifar
{ be 253; printf '7zXZ'; be 0 0; } > model.onnx.xz
printf 'BZh91AY&SY' > images.bz2
{ printf 'images'; head -c 251 /dev/zero; printf 'ustar'; head -c 250 /dev/zero; } > model.tar
{ be 0 0 9 3; tail -c +5 images; } > signed
idx zero 0 28 28
gzip -c images > images.gz
gzip -c "$demo" > model.onnx.gz
head -c 100000 "$demo" > cut.onnx
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n' > pointer
printf '\211HDF\r\n\032\n' > keras.h5
printf 'PK\003\004abcdefgh' > model.pt
{ be 128 2; printf 'ctorch'; } > pickle.pt
{ be 16 0 0 0 0 0 0 0; printf '{"a":{"dtype":1}}'; } > w.safetensors
{ be 147; printf 'NUMPY\001'; } > a.npy
{ be 137; printf 'PNG\r\n\032\n'; } > a.png
printf 'P5\n28 28\n255\n' > a.pgm
printf '\010\001\022\020xxxserve' > saved_model.pb
printf '\012\107\012\005input\022\013Placeholder*\013\012\005dtype' > graph.pb
printf '<!DOCTYPE html><html>404</html>' > page.onnx
printf 'weights: 3\n' > notes.txt
: > empty
mkdir folder
printf 'junk\n' > badlist
chmod 600 badlist
"$tacit" keygen key > key.pub
cp key open.key && chmod 644 open.key

start() { # ARGS...: a server; $at is where
    : > listen
    "$tacit" serve "$demo" --json "$@" > listen 2> serve.err &
    server=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        at=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' listen)
        [ -n "$at" ] && return
        sleep 0.2
    done
    fail "no server: $(cat serve.err)"
}
start_rude() { # NAME BANNER: a listener that says BANNER to everybody; $port is where
    "$rude" banner "$2" > "$1.port" &
    rudes="$rudes $!"
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$1.port" ] && break; sleep 0.2; done
    port=$(cat "$1.port")
}
start --insecure-plaintext

# row CODE PATTERN ARGS...: exit status and words on stderr; nothing on stdout.  Standard input: $input.
input=/dev/null
row() {
    code=$1 pattern=$2; shift 2
    rows=$((rows + 1))
    timeout 20 "$tacit" "$@" < "$input" > out 2> err
    got=$?
    [ "$got" = "$code" ] || fail "$*: exit status $got, not $code: $(head -c 300 err)"
    grep -q -- "$pattern" err || fail "$*: no '$pattern' in: $(head -c 300 err)"
    [ ! -s out ] || fail "$*: standard output has: $(head -c 100 out)"
}
# json CODE PATTERN ARGS...: the error object, last on stdout
json() {
    code=$1 pattern=$2; shift 2
    rows=$((rows + 1))
    timeout 20 "$tacit" "$@" --json < "$input" > out 2> err
    got=$?
    [ "$got" = "$code" ] || fail "$* --json: exit status $got, not $code: $(head -c 300 err)"
    tail -n 1 out | grep -q "^{\"error\":{\"code\":\"[a-z]*\",\"exit\":$code,\"text\":\".*$pattern" || fail "$* --json: last line: $(tail -n 1 out | head -c 300)"
}
plain="--insecure-plaintext"

# ---- command lines ----
row 2 'no such command' frobnicate
row 2 'no such command; is it infer?' infr
row 2 'no such command; is it plan?' Plan
row 2 'an operand is empty' plan ''
row 2 'an operand is empty' infer '' --images images
row 2 'MODEL.onnx is missing' plan
row 2 'MODEL.onnx is missing' serve
row 2 'ADDR:PORT is missing' infer --images images
row 2 'FILE is missing' keygen
row 2 'goes into a file only' keygen -
row 2 'images FILE is missing' infer "$at"
row 2 'one operand too many' plan a b
row 2 'one operand too many' demo a
row 2 'no such option; is it --images?' infer "$at" --image images
row 2 'no such option; is it --listen?' serve "$demo" --lisen 127.0.0.1:0
row 2 'no such option' plan "$demo" --colour
row 2 'no such option$' plan "$demo" -v
row 2 'no such option$' serve "$demo" --port 4600
row 2 'no such option' keygen new --images images
row 2 'no such option' serve "$demo" --images images
row 2 'given twice' plan "$demo" --wbits 8 --wbits=8
row 2 'given twice' infer "$at" --images images --images images
row 2 'not a number' plan "$demo" --wbits eight
row 2 'not a number' plan "$demo" --wbits=
row 2 'not a number' plan "$demo" --abits -3
row 2 'wbits 20: not a number from 2 to 11' plan "$demo" --wbits 20
row 2 'abits 40: not a number from 4 to 20' plan "$demo" --abits 40
row 2 'not a number from 1 to' plan "$demo" --batch 99999999999999999999
row 2 'at most 2048' plan "$demo" --batch 5000
row 2 'sessions 0: not a number' serve "$demo" --sessions 0
row 2 'idle 1m: not a number' serve "$demo" --idle 1m
row 2 'not a number from 1' infer "$at" --images images --batch 0
row 2 'its value is missing' infer "$at" --images
row 2 'its value is empty' infer "$at" --images=
row 2 'takes no value' plan "$demo" --json=yes
row 2 'softspoken4' plan "$demo" --ot iknp2
row 2 'not a size' serve "$demo" --memory 4X
row 2 'not a size' serve "$demo" --memory 512MB
row 2 'at least' serve "$demo" --memory 1M
row 2 'no effect beside --server-key' infer "$at" --images images --known-servers k --server-key k
row 2 'no effect without --images' demo --labels l
row 2 'no effect without --images' demo --count 3
row 2 'no effect without --reference' infer "$at" --images images --wbits 8
row 2 'no effect beside --insecure-plaintext' infer "$at" $plain --images images --server-key "$(cat key.pub)"
row 2 'no effect beside --insecure-plaintext' serve "$demo" $plain --key key
row 2 'only one can be standard input' infer "$at" --images - --labels -
row 2 'only one can be standard input' infer "$at" --images - --reference -
row 2 'not ADDR:PORT' infer 127.0.0.1 $plain --images images
row 2 'not ADDR:PORT, as' infer 4600 $plain --images images
row 2 'not ADDR:PORT, as' infer :4600 $plain --images images
row 2 'leave out what ends in ://' infer "tcp://$at" $plain --images images
row 2 'in brackets: \[::1\]:4600' infer ::1:4600 $plain --images images
row 2 'in brackets: \[::\]:4600' serve "$demo" --listen :::4600
row 2 'not a port' infer 127.0.0.1:http $plain --images images
row 2 'not a port' serve "$demo" $plain --listen 127.0.0.1:99999
row 2 '127.0.0.1:4600' serve "$demo" --listen 4600
row 2 '0.0.0.0:4600' serve "$demo" --listen :4600
row 2 'loopback' serve "$demo" $plain --listen 0.0.0.0:0

# ---- models ----
row 3 'No such file' plan none.onnx
row 3 'a folder' plan folder
row 3 'an empty file' plan empty
row 3 'a compressed file' plan model.onnx.xz
row 3 'a tar archive' plan model.tar
row 3 'a program' plan "$tacit"
row 3 'byte' plan cut.onnx
row 3 'gunzip' plan model.onnx.gz
row 3 'git lfs pull' plan pointer
row 3 'Keras' plan keras.h5
row 3 'torch.onnx.export' plan model.pt
row 3 'pickle' plan pickle.pt
row 3 'safetensors' plan w.safetensors
row 3 'SavedModel' serve saved_model.pb
row 3 'GraphDef' plan graph.pb
row 3 'web page' plan page.onnx
row 3 'text file' plan notes.txt
row 3 'a file of zeros' plan /dev/zero
row 3 'NumPy' plan a.npy
row 3 'images or labels' plan images
input=pointer row 3 'standard input: not an ONNX model but a Git LFS pointer' plan -

# ---- images and labels ----
i="infer $at $plain"
row 3 'No such file' $i --images absent
row 3 'a folder' $i --images folder
row 3 'an empty file' $i --images empty
row 3 'a compressed file' $i --images images.bz2
row 3 'a tar archive' $i --images model.tar
row 3 'a text file: put the images into an IDX file' $i --images notes.txt
row 3 'which begins with bytes 0, 0, 8' $i --images cifar
row 3 'high byte first' $i --images little
row 3 "has no images" $i --images zero
row 3 'zcat' $i --images images.gz
input=images.gz row 3 'zcat' $i --images -
row 3 'git lfs pull' $i --images pointer
row 3 'a picture' $i --images a.png
row 3 'PGM' $i --images a.pgm
row 3 'NumPy' $i --images a.npy
row 3 'a model' $i --images "$demo"
row 3 'ends at byte 1000' $i --images cut
row 3 'bytes follow the last' $i --images longer
row 3 'only unsigned bytes' $i --images signed
row 3 'has labels, not images' $i --images labels
row 3 '14 x 56; the network takes 1 x 28 x 28' $i --images wide
row 3 '8 x 8 x 3; the network takes 1 x 28 x 28' $i --images last
row 3 '27 x 27; the network takes 1 x 28 x 28' $i --images other
row 3 'only unsigned bytes' $i --images float
row 3 'No such file' $i --images images --labels absent
row 3 'zcat' $i --images images --labels images.gz
row 3 'not an ONNX model but an IDX file' $i --images images --reference images
row 3 'none after the first 10' $i --images images --skip 10
row 3 '12 labels, but images has 10 images' $i --images images --labels labels12
row 3 'one dimension' $i --images images --labels images
row 3 'number 9 is 77; the network has 10 classes' $i --images images --labels far
row 3 "plan is not the server's" $i --images images --reference "$demo" --wbits 5
row 2 'at most 2048' $i --images images --batch 5000
row 3 'not a journal' $i --images images --resume notes.txt

# ---- keys ----
row 3 'never overwritten' keygen key
row 3 'No such file' keygen nowhere/key
row 3 'No such file' serve "$demo" --key none.key
row 3 'keygen --public prints' keygen key
row 3 'not a secret key' keygen --public badlist
row 3 'a public key; the secret one' serve "$demo" --key key.pub
row 3 'is a secret key' serve "$demo" --allow key
row 3 'not a file' serve "$demo" --key folder
row 3 'No such file' serve "$demo" --allow absent
row 3 'no key of 64' infer "$at" --images images --server-key notes.txt
row 3 'No such file' infer "$at" --images images --key absent
row 3 'chmod 600' serve "$demo" --key open.key
row 3 'not a secret key' serve "$demo" --key badlist
row 3 'line 1 is not a public key' serve "$demo" --allow badlist
row 3 'neither 64 hexadecimal digits nor a file' infer "$at" --images images --server-key 12ab
row 3 'belongs on the server only' infer "$at" --images images --server-key key
row 3 'line 1 is not ADDR:PORT' infer "$at" --images images --known-servers badlist

# ---- networks ----
row 4 'refused' infer 127.0.0.1:1 $plain --images images --retry 1
row 4 'refused' infer 127.0.0.1:1 --images images --retry 1
row 4 'in use' serve "$demo" $plain --listen "$at"
row 4 'not an address of this machine' serve "$demo" --listen 192.0.2.1:0
row 4 'or one without encryption' infer "$at" --images images
start_rude HTTP 'HTTP/1.1 400 Bad Request

'
row 4 "127.0.0.1:$port: not a Tacit server (it speaks HTTP)" infer "127.0.0.1:$port" --images images
start_rude SSH 'SSH-2.0-OpenSSH_9.2
'
row 4 "127.0.0.1:$port: not a Tacit server (it speaks SSH)" infer "127.0.0.1:$port" --images images
plain_at=$at plain_server=$server
cp key.pub allowed
start --key key --allow allowed
row 4 'leave out --insecure-plaintext' infer "$at" $plain --images images --retry 1
"$tacit" keygen second > second.pub
row 4 'does not admit.*--key FILE' infer "$at" --images images --server-key key.pub
row 4 'does not admit' infer "$at" --images images --server-key key.pub --key second
row 4 'nothing was sent' infer "$at" --images images --server-key second.pub --key key
kill "$server"; wait "$server" 2>/dev/null
server=$plain_server at=$plain_at

# ---- as JSON ----
json 2 'no such option' plan "$demo" --colour
json 2 'no such command' frobnicate
json 2 'MODEL.onnx is missing' serve
json 3 'SavedModel' serve saved_model.pb
json 2 'no effect' demo --labels l
json 2 'no effect beside --json' infer "$at" --images images --verbose
json 4 'it speaks SSH' infer "127.0.0.1:$port" --images images
json 3 'No such file' plan none.onnx
json 3 'Git LFS' infer "$at" $plain --images pointer
json 4 'refused' infer 127.0.0.1:1 $plain --images images --retry 1
json 3 'never overwritten' keygen key

# ---- outputs that cannot be written ----
# full ARGS...: a full disk: exit status 1, said once
full() {
    rows=$((rows + 1))
    timeout 20 "$tacit" "$@" > /dev/full 2> err
    got=$?
    [ "$got" = 1 ] && [ "$(grep -c 'could not be written: No space left' err)" = 1 ] || fail "$*: a full disk: exit status $got: $(cat err)"
}
full $i --images images --labels good
full $i --images images --batch 2 --json
full plan "$demo"
full plan --help
full --help
full --version
full keygen unseen
[ "$("$tacit" keygen --public key)" = "$(cat key.pub)" ] || fail "keygen --public prints another key"
full serve "$demo" --json
full demo --images /dev/full
# a reader that goes away: silence, and the job stops after the batch
cat images images images images > more; head -c 7840 noise >> more; { be 0 0 8 3; dim 40; dim 28; dim 28; head -c 31360 more; } > forty
{ timeout 20 "$tacit" $i --images forty --batch 1 --verbose 2> err; echo $? > code; } | head -n 1 > out
rows=$((rows + 1))
[ "$(cat code)" = 1 ] && [ ! -s err ] && [ "$(cat out | wc -l)" = 1 ] || fail "| head: exit status $(cat code): $(cat out err)"
# the launcher's memory is not ours
sh -c 'x=$(head -c 60000000 /dev/zero | tr "\0" a); exec "$@"' sh "$tacit" $i --images images --json > out 2> err
peak=$(sed -n 's/.*"peak_rss_bytes":\([0-9]*\).*/\1/p' out)
[ "${peak:-0}" -gt 1000000 ] && [ "$peak" -lt 60000000 ] || fail "peak_rss_bytes '$peak' counts the shell's memory"
timeout 20 "$tacit" $i --images images --count 12 > out 2> err && grep -q 'so these are 10, not 12' err || fail "--count beyond the end: $(cat err)"
timeout 20 "$tacit" $i --images images > out 2> err || fail "ten good images: $(cat err)"
timeout 20 "$tacit" $i --images flat > out 2> err || fail "ten flat images: $(cat err)"
cat images | timeout 20 "$tacit" $i --images - --labels good > out 2> err || fail "images from a pipe: $(cat err)"
timeout 20 "$tacit" plan - < "$demo" > out 2> err || fail "plan -: $(cat err)"

if [ -d "$cases" ]; then
    row 3 '12 labels' $i --images "$cases/images-10.idx" --labels "$cases/labels-12-for-10.idx"
    row 3 '14 x 56' $i --images "$cases/images-14x56.idx"
    row 3 '8 x 8 x 3' $i --images "$cases/images-nhwc.idx"
    row 3 'git lfs pull' plan "$cases/git-lfs-pointer.onnx"
    # a network of a vector takes images of any shape of that many bytes, and of no other
    "$tacit" serve "$cases/channel-ratio.onnx" --json --insecure-plaintext > vector 2> vector.err &
    vector=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q listening vector && break; sleep 0.2; done
    v=$(sed -n 's/.*"listening":"\([^"]*\)".*/\1/p' vector)
    idx square 3 4 4
    idx odd 3 5 3
    timeout 20 "$tacit" infer "$v" --insecure-plaintext --images square > out 2> err || fail "4 x 4 for a vector of 16: $(cat err)"
    row 3 '5 x 3; the network takes 1 x 1 x 16' infer "$v" --insecure-plaintext --images odd
    kill "$vector"; wait "$vector" 2> /dev/null
else
    echo "words: SKIPPED the files of ../shared/cases: they are not there"
fi
kill "$server"; wait "$server" 2>/dev/null; server=
[ "$bad" = 0 ] && { echo "words: $rows wrong uses, all answered as due"; exit 0; }
exit 1
