#!/usr/bin/env bash
# Builds in release with the settings that every build here shares; further arguments go to `swift build`.
#
#   deploy/build.sh [--product skein | --build-tests | …]
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"

cd "$repository"
# An import that Package.swift does not declare is an error: it would be an arrow past the layers.
exec swift build -c release --explicit-target-dependency-import-check error "$@"
