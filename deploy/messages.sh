# shellcheck shell=bash
# What every script here begins with: where the repository is, and one way to speak. Source it.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export repository

say() { printf '==> %s\n' "$*"; }

# Says what, where and what to do, and ends the script.
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}
