#!/usr/bin/env bash
# Regenerates skein.pb-c.{c,h} from skein.proto. `regenerate.sh --check` compares instead and fails on a difference.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
protoc-c --c_out="$out" skein.proto
if [ "${1:-}" = --check ]; then
    diff -u skein.pb-c.c "$out/skein.pb-c.c" && diff -u include/skein.pb-c.h "$out/skein.pb-c.h"
else
    mv "$out/skein.pb-c.c" skein.pb-c.c
    mv "$out/skein.pb-c.h" include/skein.pb-c.h
fi
