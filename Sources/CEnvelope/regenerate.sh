#!/usr/bin/env bash
# Regenerates skein.pb-c.{c,h} from skein.proto. `regenerate.sh --check` compares instead and fails on a difference.
#
# protobuf-c hands strings out as C strings, which end at the first NUL: whatever follows would be lost without a word.
# `string` and `bytes` are the same on the wire, so the C code is generated with `bytes`, which keep their length; that
# the bytes are UTF-8 is checked in Swift.
set -euo pipefail
cd "$(dirname "$0")"
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
sed -E 's/^( *(repeated )?)string /\1bytes /' skein.proto >"$out/skein.proto"
(cd "$out" && protoc-c --c_out=. skein.proto)
if [ "${1:-}" = --check ]; then
    diff -u skein.pb-c.c "$out/skein.pb-c.c" && diff -u include/skein.pb-c.h "$out/skein.pb-c.h"
else
    mv "$out/skein.pb-c.c" skein.pb-c.c
    mv "$out/skein.pb-c.h" include/skein.pb-c.h
fi
