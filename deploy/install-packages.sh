#!/usr/bin/env bash
# Installs the system packages that Skein needs and that are missing (Debian 12). Asks for nothing when all are there.
#
#   deploy/install-packages.sh
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"

packages=(
    libzmq3-dev                           # sockets, CURVE
    libssl-dev                            # SHA-256
    libcurl4-openssl-dev                  # servers outside the cluster
    libprotobuf-c-dev protobuf-c-compiler # the wire
    libsqlite3-dev                        # statistics
    libopenblas-dev                       # linear algebra, comparisons
    pkg-config unzip
    python3-pip python3-venv              # fetches the default model; the Python client
)

command -v swift >/dev/null || fail "there is no Swift toolchain on the PATH; install Swift 6.2 or later, then run this again"

is_installed() { dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

command -v dpkg-query >/dev/null || fail "this is no Debian system; install the equivalents of: ${packages[*]}"
missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    say "system packages: all there"
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "these packages are missing and this is neither root nor is there sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
    # Without a terminal there is nobody to ask for a password.
    [ -t 0 ] || as_root=(sudo -n)
fi

install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
}

say "system packages: installing ${missing[*]}"
# A fresh machine has no package lists yet, or old ones.
install || { say "system packages: updating the lists"; "${as_root[@]}" apt-get update && install; } ||
    fail "apt-get could not install ${missing[*]}; its words are above"
