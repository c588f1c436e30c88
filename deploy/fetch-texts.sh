#!/usr/bin/env bash
# Rebuilds the texts that routed experts are calibrated and evaluated on, in texts/ (ignored by git), from Debian 12 packages:
# they are downloaded and unpacked there, never installed. What is made of them is described in Benchmarks/texts/build_texts.py.
#
#   deploy/fetch-texts.sh
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"

packages=(
    manpages manpages-dev                                               # manual
    manpages-fr manpages-de manpages-es manpages-it manpages-pt-br      # the languages
    bible-kjv bible-kjv-text                                            # scripture
    wordnet-base                                                        # glossary
    libpython3.11-minimal libpython3.11-stdlib                          # python
    dict-jargon debian-policy                                           # jargon, policy
)
texts="$repository/texts"
download="$texts/.packages"
unpacked="$download/unpacked"
checkouts="$repository/.build/checkouts"

for tool in man tbl preconv col python3 dpkg apt-get; do
    command -v "$tool" >/dev/null ||
        fail "there is no $tool; on Debian, as root: apt-get install man-db groff-base bsdextrautils libreadline8 python3"
done
[ -d "$checkouts" ] ||
    fail "there is no .build/checkouts, of whose packages the Swift texts are made; run: swift package resolve"

mkdir -p "$unpacked"
exec 9>"$download/lock"
flock 9
say "texts: downloading ${#packages[@]} packages (25 MB)"
# As root, apt would download as a user who may not write here, and warn of it.
(cd "$download" && apt-get -o APT::Sandbox::User=root -qq download "${packages[@]}") ||
    fail "apt-get could not download; if it knows no such package, run as root: apt-get update"
say "texts: unpacking"
for package in "${packages[@]}"; do
    # Of several versions the newest is unpacked last.
    for file in "$download/$package"_*.deb; do dpkg -x "$file" "$unpacked"; done
done
say "texts: rendering manual pages, cutting documents (a minute or two)"
python3 "$repository/Benchmarks/texts/build_texts.py" "$unpacked" "$texts" --checkouts "$checkouts"
say "texts: they are in texts/"
