#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs what the build needs and the machine lacks, with apt.  Says what it does; does nothing when all is there.
# usage: deps.sh          what the build and the tests need
#        deps.sh check    that, and the tools of test/check_ct.sh, without which `make check` goes on and says what it skipped
set -u
need= tools=
cc=${CC:-cc} # maybe of several words, as "ccache gcc"
command -v ${cc%% *} >/dev/null 2>&1 || need="$need ${CC:-gcc}"
probe() { printf '#include <%s>\n' "$1" | $cc -E - >/dev/null 2>&1; }
if [ -n "$need" ]; then
    need="$need libc6-dev libsodium-dev check"
else
    probe stdlib.h || need="$need libc6-dev"
    probe sodium.h || need="$need libsodium-dev"
    probe check.h || need="$need check"
fi
if [ "${1:-}" = check ]; then
    command -v gcc >/dev/null 2>&1 || tools="$tools gcc"
    command -v objdump >/dev/null 2>&1 || tools="$tools binutils"
    command -v pgrep >/dev/null 2>&1 || tools="$tools procps"
    command -v haproxy >/dev/null 2>&1 || tools="$tools haproxy"
    { command -v valgrind && printf '#include <valgrind/memcheck.h>\n' | cc -E -; } >/dev/null 2>&1 || tools="$tools valgrind"
    echo 'int main(void) { return 0; }' | clang -fsanitize=memory -x c - -o /dev/null >/dev/null 2>&1 || tools="$tools clang libclang-rt-dev"
fi
[ -n "$need$tools" ] || exit 0
install() { # WHAT-FOR PACKAGES...: 0 if they are there afterwards
    why=$1; shift
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "tacit: please install ($why): $*" >&2
        return 2
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "tacit: missing packages ($why); as root run:  apt-get install -y $*" >&2
        return 2
    fi
    echo "tacit: installing ($why): $*" >&2
    { apt-get -q update && apt-get -q install -y --no-install-recommends "$@"; } >&2 || return 2
}
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
[ -z "$need" ] || install "build" $need || exit 2
# shellcheck disable=SC2086
[ -z "$tools" ] || install "tools of the tests; going on without" $tools || true
