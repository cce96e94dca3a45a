#!/bin/sh
# SPDX-License-Identifier: ISC
# Includes go one way: base <- net, base <- ckks, {base,net} <- ot <- gc <- convert <- nn <- cli.  An arrow the other way fails.
set -u
allowed() {
    case $1 in
        base) echo "base" ;;
        net) echo "base net" ;;
        ckks) echo "base ckks" ;;
        ot) echo "base net ot" ;;
        gc) echo "base net ot gc" ;;
        convert) echo "base net ot gc ckks convert" ;;
        nn) echo "base net ot gc ckks convert nn" ;;
        cli) echo "base net ot gc ckks convert nn cli" ;;
    esac
}
arrows() { # folder files...: prints every include that its folder may not have
    folder=$1; shift
    grep -Hno '^ *# *include *"[a-z]*/' "$@" 2>/dev/null | while IFS= read -r line; do
        to=$(printf '%s' "$line" | sed 's/.*"\([a-z]*\)\//\1/')
        case " $(allowed "$folder") " in *" $to "*) ;; *) echo "$line ($folder may not include $to)" ;; esac
    done
}
bad=
for f in base net ckks ot gc convert nn cli; do
    for x in "$f"/*.[ch]; do [ -e "$x" ] && bad="$bad$(arrows "$f" "$x")"; done
done
# pure computation never sees a channel
for x in ckks/*.[ch] gc/*.[ch] ot/*.[ch] nn/reference.[ch]; do
    [ -e "$x" ] && grep -q '"net/' "$x" && bad="$bad $x includes net/"
done
# the check itself must see a planted arrow
plant=$(mktemp) && printf '#include "nn/plan.h"\n' > "$plant"
[ -n "$(arrows base "$plant")" ] || bad="$bad the planted arrow was not seen"
rm -f "$plant"
[ -z "$bad" ] && { echo "arrows: all point one way"; exit 0; }
printf '%s\n' "$bad"; exit 1
