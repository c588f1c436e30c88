#!/usr/bin/env bash
# Streams an answer with the Python client of Documentation/Clients/python from a real cluster: once over ipc, once over TCP with
# CURVE and keys that this script makes. Needs a built skein and the default model (deploy/run-tests.sh sees to both).
#
#   deploy/test-python-client.sh
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"

skein="$repository/.build/release/skein"
client="$repository/Documentation/Clients/python"
model="$repository/models/SmolLM2-135M-Instruct.Q4_1.gguf"
[ -x "$skein" ] || fail "$skein is not built; run deploy/build.sh --product skein"
[ -f "$model" ] || fail "$model is missing; run deploy/fetch-model.sh"

environment="$repository/.build/python-client"
python="$environment/bin/python"
if ! "$python" -c 'import grpc_tools, zmq' 2>/dev/null; then
    say "python client: installing $(tr '\n' ' ' <"$client/requirements.txt")"
    python3 -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check -r "$client/requirements.txt"
fi

work=$(mktemp -d)
launched=
finish() {
    for topology in $launched; do "$skein" stop "$topology" >/dev/null 2>&1 || true; done
    rm -rf "$work"
}
trap finish EXIT
"$python" -m grpc_tools.protoc -I "$repository/Sources/CEnvelope" --python_out="$work" skein.proto
cp "$client/stream.py" "$work/"

# Launches topology $1, and streams from endpoint $2 with the further arguments until the cluster answers.
stream() {
    local topology=$1 endpoint=$2 answer=
    shift 2
    launched="$launched $topology"
    "$skein" launch "$topology" --detach >/dev/null
    for _ in $(seq 60); do
        [ -n "$endpoint" ] || endpoint=$(front_socket "$topology")
        if answer=$("$python" "$work/stream.py" "$endpoint" "$@" "What is a skein of geese?" 2>"$work/words"); then break; fi
        sleep 0.5
    done
    [ "${#answer}" -gt 20 ] || fail "no answer over $endpoint: $(cat "$work/words")"
    say "python client over ${endpoint%%:*}: ${answer:0:60}…"
    "$skein" stop "$topology" >/dev/null
}

# The launcher notes the folder of its sockets.
front_socket() {
    python3 -c 'import glob, json, sys
records = glob.glob(sys.argv[1] + "/.skein/*/processes/launcher.json")
print("ipc://" + json.load(open(records[0]))["sockets"] + "/front.sock" if records else "")' "$(dirname "$1")"
}

models_and_workers() {
    printf 'models: [{name: smollm2, file: "%s"}]\n' "$model"
    printf 'workers: [{name: a, models: [smollm2]%s}]\n' "${1:-}"
}

mkdir "$work/ipc" "$work/tcp"
{
    echo 'name: python-ipc'
    models_and_workers
} >"$work/ipc/cluster.yaml"
stream "$work/ipc/cluster.yaml" ""

# Keys as `skein keygen` writes them, made here by libzmq through pyzmq: two makers of one format.
"$python" - "$work/tcp" <<'PYTHON'
import os, sys, zmq
folder, lines = sys.argv[1], []
for name, role in [("router", None), ("a", "worker"), ("me", "client")]:
    public, secret = (key.decode() for key in zmq.curve_keypair())
    descriptor = os.open(f"{folder}/{name}.key", os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, f"# secret key of {name}\n{secret}\n".encode())
    os.close(descriptor)
    open(f"{folder}/{name}.pub", "w").write(f"# public key of {name}\n{public}\n")
    if role:
        lines.append(f"{public} {role} {name}\n")
open(f"{folder}/authorised.keys", "w").writelines(lines)
PYTHON
ports=$(python3 -c 'import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(one.getsockname()[1] for one in held))')
read -r front control statistics <<<"$ports"
{
    echo 'name: python-tcp'
    echo "router: {front: \"tcp://127.0.0.1:$front\", control: \"tcp://127.0.0.1:$control\", statistics: \"tcp://127.0.0.1:$statistics\"}"
    echo 'security: {keys: authorised.keys, server_key: router.key, client_key: me.key}'
    models_and_workers ', key: a.key'
} >"$work/tcp/cluster.yaml"
stream "$work/tcp/cluster.yaml" "tcp://127.0.0.1:$front" --key "$work/tcp/me.key" --server-key "$work/tcp/router.pub"
