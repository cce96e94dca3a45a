#!/bin/sh
# SPDX-License-Identifier: ISC
# Wrong uses: each must end with its exit status, within seconds, and with words that help; under --json with an error object as the last line of
# standard output.   usage: check_words.sh BUILD
set -u
tacit=$(cd "$1" && pwd)/tacit
demo=$(pwd)/models/demo.onnx
cases=$(cd .. && pwd)/shared/cases
dir=$(mktemp -d) || exit 1
server=
trap 'kill $server 2>/dev/null; rm -rf "$dir"' EXIT
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
    tail -n 1 out | grep -q "^{\"error\":{\"exit\":$code,\"text\":\".*$pattern" || fail "$* --json: last line: $(tail -n 1 out | head -c 300)"
}
plain="--insecure-plaintext"

# ---- command lines ----
row 2 'no such command' frobnicate
row 2 'MODEL.onnx is missing' plan
row 2 'MODEL.onnx is missing' serve
row 2 'ADDR:PORT is missing' infer --images images
row 2 'FILE is missing' keygen
row 2 'images FILE is missing' infer "$at"
row 2 'one operand too many' plan a b
row 2 'one operand too many' demo a
row 2 'no such option; is it --images?' infer "$at" --image images
row 2 'no such option; is it --listen?' serve "$demo" --lisen 127.0.0.1:0
row 2 'no such option' plan "$demo" --colour
row 2 'no such option' serve "$demo" --images images
row 2 'given twice' plan "$demo" --wbits 8 --wbits=8
row 2 'given twice' infer "$at" --images images --images images
row 2 'not a number' plan "$demo" --wbits eight
row 2 'not a number' plan "$demo" --wbits=
row 2 'not a number' plan "$demo" --abits -3
row 2 'wbits 20' plan "$demo" --wbits 20
row 2 'abits 40' plan "$demo" --abits 40
row 2 'not a number from 1' infer "$at" --images images --batch 0
row 2 'its value is missing' infer "$at" --images
row 2 'its value is empty' infer "$at" --images=
row 2 'takes no value' plan "$demo" --json=yes
row 2 'softspoken4' plan "$demo" --ot iknp2
row 2 'not a size' serve "$demo" --memory 4X
row 2 'no effect without --reference' infer "$at" --images images --wbits 8
row 2 'no effect beside --insecure-plaintext' infer "$at" $plain --images images --server-key "$(cat key.pub)"
row 2 'no effect beside --insecure-plaintext' serve "$demo" $plain --key key
row 2 'cannot both be standard input' infer "$at" --images - --labels -
row 2 'not ADDR:PORT' infer 127.0.0.1 $plain --images images
row 2 'not a port' infer 127.0.0.1:http $plain --images images
row 2 'not a port' serve "$demo" $plain --listen 127.0.0.1:99999
row 2 '127.0.0.1:4600' serve "$demo" --listen 4600
row 2 '0.0.0.0:4600' serve "$demo" --listen :4600
row 2 'loopback' serve "$demo" $plain --listen 0.0.0.0:0

# ---- models ----
row 3 'No such file' plan none.onnx
row 3 'a folder' plan folder
row 3 'an empty file' plan empty
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
row 3 'NumPy' plan a.npy
row 3 'images or labels' plan images
input=pointer row 3 'standard input: not an ONNX model but a Git LFS pointer' plan -

# ---- images and labels ----
i="infer $at $plain"
row 3 'No such file' $i --images absent
row 3 'a folder' $i --images folder
row 3 'an empty file' $i --images empty
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
row 3 'chmod 600' serve "$demo" --key open.key
row 3 'not a secret key' serve "$demo" --key badlist
row 3 'line 1 is not a public key' serve "$demo" --allow badlist
row 3 'neither 64 hexadecimal digits nor a file' infer "$at" --images images --server-key 12ab
row 3 'belongs on the server only' infer "$at" --images images --server-key key
row 3 'line 1 is not ADDR:PORT' infer "$at" --images images --known-servers badlist

# ---- networks ----
row 4 'refused' infer 127.0.0.1:1 $plain --images images --retry 1
row 4 'refused' infer 127.0.0.1:1 --images images --retry 1

# ---- as JSON ----
json 2 'no such option' plan "$demo" --colour
json 3 'No such file' plan none.onnx
json 3 'Git LFS' infer "$at" $plain --images pointer
json 4 'refused' infer 127.0.0.1:1 $plain --images images --retry 1
json 3 'never overwritten' keygen key

# ---- outputs that cannot be written ----
for o in /dev/full; do
    rows=$((rows + 1))
    timeout 20 "$tacit" $i --images images --labels good > "$o" 2> err
    got=$?
    [ "$got" = 1 ] && grep -q 'could not be written' err || fail "a full disk: exit status $got: $(cat err)"
done
timeout 20 "$tacit" $i --images images > out 2> err || fail "ten good images: $(cat err)"
timeout 20 "$tacit" $i --images flat > out 2> err || fail "ten flat images: $(cat err)"
cat images | timeout 20 "$tacit" $i --images - --labels good > out 2> err || fail "images from a pipe: $(cat err)"
timeout 20 "$tacit" plan - < "$demo" > out 2> err || fail "plan -: $(cat err)"

if [ -d "$cases" ]; then
    row 3 '12 labels' $i --images "$cases/images-10.idx" --labels "$cases/labels-12-for-10.idx"
    row 3 '14 x 56' $i --images "$cases/images-14x56.idx"
    row 3 '8 x 8 x 3' $i --images "$cases/images-nhwc.idx"
    row 3 'git lfs pull' plan "$cases/git-lfs-pointer.onnx"
else
    echo "words: SKIPPED the files of ../shared/cases: they are not there"
fi
kill "$server"; wait "$server" 2>/dev/null; server=
[ "$bad" = 0 ] && { echo "words: $rows wrong uses, all answered as due"; exit 0; }
exit 1
