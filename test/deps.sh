#!/bin/sh
# SPDX-License-Identifier: ISC
# Installs what the build needs and the machine lacks, with apt.  Says what it does; does nothing when all is there.
set -u
need=
command -v "${CC:-cc}" >/dev/null 2>&1 || need="$need ${CC:-gcc}"
probe() { printf '#include <%s>\n' "$1" | "${CC:-cc}" -E - >/dev/null 2>&1; }
if [ -n "$need" ]; then
    need="$need libc6-dev libsodium-dev check"
else
    probe stdlib.h || need="$need libc6-dev"
    probe sodium.h || need="$need libsodium-dev"
    probe check.h || need="$need check"
fi
[ -n "$need" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "tacit: please install:$need" >&2
    exit 2
fi
if [ "$(id -u)" != 0 ]; then
    echo "tacit: missing packages; as root run:  apt-get install -y$need" >&2
    exit 2
fi
echo "tacit: installing$need" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ apt-get -q update && apt-get -q install -y --no-install-recommends $need; } >&2 || exit 2
