#!/usr/bin/env bash
# From a fresh checkout to a running cluster: system packages, build, default model, launch; waits until every worker is ready.
#
#   deploy/launch-cluster.sh [TOPOLOGY] [--detach]
#
# TOPOLOGY is topology/quickstart.yaml unless given. Without --detach it stays until Ctrl-C, which ends the cluster.
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"

usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

ready_seconds=${SKEIN_READY_SECONDS:-120}
topology=
detach=
for argument in "$@"; do
    case "$argument" in
        --detach) detach=yes ;;
        -h | --help)
            usage
            exit 0
            ;;
        -*)
            usage >&2
            exit 2
            ;;
        *)
            [ -z "$topology" ] || {
                usage >&2
                exit 2
            }
            topology=$argument
            ;;
    esac
done
default_topology="$repository/topology/quickstart.yaml"
topology=$(realpath "${topology:-$default_topology}")
[ -f "$topology" ] || fail "$topology: no such file; give the path of a topology"

"$repository/deploy/install-packages.sh"
say "build: swift build -c release (some minutes the first time)"
"$repository/deploy/build.sh" --product skein
"$repository/deploy/fetch-model.sh"

skein="$repository/.build/release/skein"
# As a person here would type it.
command=$(realpath --relative-to="$PWD" "$skein")
shown=$(realpath --relative-to="$PWD" "$topology")
at=
[ "$topology" = "$default_topology" ] || at=" --topology $shown"

# The cluster's word for itself: "ready" when every worker of the topology is; empty while the router does not answer.
state() {
    "$skein" status "$topology" --json 2>/dev/null |
        python3 -c 'import json, sys; print(json.load(sys.stdin).get("state", ""))' 2>/dev/null || true
}

# Waits for "ready"; "$@" is a command that fails once the launcher is gone.
wait_until_ready() {
    local deadline=$((SECONDS + ready_seconds)) said=$((SECONDS + 5))
    while [ "$(state)" != ready ]; do
        "$@" || return 1
        if [ "$SECONDS" -ge "$deadline" ]; then
            "$skein" status "$topology" >&2 || true
            printf 'error: not every worker was ready within %s s; see %s/.skein/*/logs\n' "$ready_seconds" "$(dirname "$topology")" >&2
            return 1
        fi
        if [ "$SECONDS" -ge "$said" ]; then
            say "waiting for the workers to be ready"
            said=$((SECONDS + 5))
        fi
        sleep 0.1
    done
}

# "$@" shows the cluster where nothing has shown it yet.
report() {
    say "ready"
    "$@"
    # A first answer, so that whoever launches it sees it work. A topology of one's own may have no default node.
    printf '\n$ %s query%s "What is a skein of geese?" --max-tokens 48\n' "$command" "$at"
    "$skein" query --topology "$topology" "What is a skein of geese?" --max-tokens 48 </dev/null || true
    printf '\nTry:\n  %s query%s "What is a skein of geese?"\n  %s stats%s\n' "$command" "$at" "$command" "$at"
}

say "launch: $shown"
if [ -n "$detach" ]; then
    # Waits until its workers are ready and shows them; where that fails it says why and leaves nothing running.
    "$skein" launch "$topology" --detach --wait "$ready_seconds"
    report true
    printf '\nIt runs on. To end it:\n  %s stop %s\n' "$command" "$shown"
    exit 0
fi

"$skein" launch "$topology" &
launcher=$!
# A job in the background of a script ignores SIGINT: pass Ctrl-C on as SIGTERM, which drains.
trap 'kill -TERM "$launcher" 2>/dev/null || true' INT TERM HUP
is_launching() { kill -0 "$launcher" 2>/dev/null; }
if wait_until_ready is_launching; then
    report "$skein" status "$topology"
    printf '\nCtrl-C ends the cluster.\n'
else
    kill -TERM "$launcher" 2>/dev/null || true
    failed=yes
fi
code=0
# A signal that the trap takes interrupts wait: go on until the launcher itself has ended.
while is_launching; do
    code=0
    wait "$launcher" || code=$?
done
if [ -n "${failed:-}" ]; then
    # The launcher's own code where it has one: 3 says refused, 2 usage.
    wait "$launcher" 2>/dev/null || code=$?
    [ "$code" -ne 0 ] || code=1
fi
exit "$code"
