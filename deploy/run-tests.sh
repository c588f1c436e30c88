#!/usr/bin/env bash
# Everything a change must pass; installs what is missing, builds product and tests once, in release, and prints how long each stage took.
#
#   deploy/run-tests.sh          about half an hour from a clean clone on two cores, far less afterwards
#   deploy/run-tests.sh --full   also: long tests (SKEIN_FULL=1), 100,000 simulation seeds, regenerated goldens, the sanitizers
#                                (thread, address) and benchmarks (printed; they pass or fail nothing)
set -euo pipefail
# shellcheck source=deploy/messages.sh
source "$(dirname "${BASH_SOURCE[0]}")/messages.sh"
cd "$repository"

full=
case "${1:-}" in
    '') ;;
    --full) full=yes ;;
    -h | --help)
        sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    *) fail "unknown argument $1; the only one is --full" ;;
esac
[ -z "$full" ] || export SKEIN_FULL=1
export SKEIN_SIMULATION_SECONDS=${SKEIN_SIMULATION_SECONDS:-120}

# ---- stages

split=()
show_split() {
    local code=$?
    printf '\n==> time\n'
    printf '    %s\n' "${split[@]}"
    if [ "$code" -eq 0 ]; then say "all stages passed"; else say "FAILED in the last stage above"; fi
}
trap show_split EXIT

# Runs the rest of its arguments as the stage $1.
stage() {
    local name=$1 begin=$SECONDS code=0
    shift
    printf '\n==> %s\n' "$name"
    # Not `"$@" || …`: that would switch off `set -e` inside the stage.
    set +e
    (set -e && "$@")
    code=$?
    set -e
    split+=("$(printf '%-24s %5d s%s' "$name" $((SECONDS - begin)) "$([ "$code" -eq 0 ] || echo '  failed')")")
    return "$code"
}

swift_format() { swift format lint --strict --parallel --recursive Package.swift Sources Tests; }

shell_scripts() {
    local scripts=(deploy/*.sh .ci/run Sources/CEnvelope/regenerate.sh)
    local script
    for script in "${scripts[@]}"; do bash -n "$script"; done
    if command -v shellcheck >/dev/null; then shellcheck -x "${scripts[@]}"; else say "shellcheck is not there: syntax checked only"; fi
}

# Product and tests together.
build() { deploy/build.sh --build-tests; }

swift_test() { swift test -c release --skip-build --disable-xctest "$@"; }

# One after another: several hold deadlines of a few hundred milliseconds, which a crowd on two cores would miss.
unit_tests() { swift_test --no-parallel --skip ClusterTests --skip SimulationTests; }

simulation() { swift_test --filter SimulationTests; }

# Real processes and their deadlines: one after another, with the machine to themselves.
cluster() { swift_test --no-parallel --filter ClusterTests; }

# ---- stages of --full

seeds() { .build/release/skein simulate --seeds 100000 && .build/release/skein simulate --walks --seeds 50000; }

# Makes every golden again from its oracle and compares with what is committed. The oracles (torch, transformers, …) are large and
# not installed here: SKEIN_ORACLE_PYTHON names a python that has them.
goldens() {
    local python=${SKEIN_ORACLE_PYTHON:-} model=models/SmolLM2-135M-Instruct.Q4_1.gguf script
    if [ -z "$python" ]; then
        say "SKIPPED: set SKEIN_ORACLE_PYTHON to a python with torch, transformers, tokenizers, safetensors, gguf, protobuf and grpcio-tools"
        return 0
    fi
    python=$(realpath --no-symlinks "$python")
    model=$(realpath "$model")
    local scratch
    scratch=$(mktemp -d)
    "$python" -m grpc_tools.protoc --python_out="$scratch" -I Sources/CEnvelope skein.proto
    for script in Tests/*/Goldens/make_*.py; do
        say "$script"
        (cd "$(dirname "$script")" && PYTHONPATH="$scratch" "$python" "$(basename "$script")" "$model")
    done
    rm -rf "$scratch"
    # transformers writes its own version into each configuration. With -I git's exit code says nothing; what it prints does.
    local changed
    changed=$(git diff --stat -I'"transformers_version": ' -- Tests Sources)
    [ -z "$changed" ] || fail "regenerated goldens differ from those committed:"$'\n'"$changed"
}

# $1: thread or address. A build of its own; the cluster and seed runs above are not repeated.
sanitizer() {
    local scratch=.build-${1:0:1}san
    SKEIN_SIMULATION_SECONDS=10 TSAN_OPTIONS="suppressions=$PWD/deploy/thread-sanitizer.txt" \
        LSAN_OPTIONS="suppressions=$PWD/deploy/leak-sanitizer.txt:print_suppressions=0" \
        swift test -c release --scratch-path "$scratch" --sanitize="$1" --disable-xctest --no-parallel --skip ClusterTests
}

# Figures to look at, on a machine that may be busy: whatever they are, and whatever goes wrong with a peer, the run goes on.
benchmarks() {
    local python=${SKEIN_ORACLE_PYTHON:-}
    .build/release/skein bench kernels || say "bench kernels failed; that gates nothing"
    .build/release/skein bench wire || say "bench wire failed; that gates nothing"
    .build/release/skein bench cluster || say "bench cluster failed; that gates nothing"
    if [ -n "$python" ] && "$python" -c 'import llama_cpp' 2>/dev/null; then
        .build/release/skein bench engine --against "$python" || say "bench engine failed; that gates nothing"
    else
        say "no peer: set SKEIN_ORACLE_PYTHON to a python with llama-cpp-python to measure llama.cpp beside it"
        .build/release/skein bench engine || say "bench engine failed; that gates nothing"
    fi
}

# ---- the run

stage packages deploy/install-packages.sh
stage model deploy/fetch-model.sh
stage format swift_format
stage scripts shell_scripts
stage wire Sources/CEnvelope/regenerate.sh --check
stage build build
stage 'unit tests' unit_tests
stage simulation simulation
stage 'cluster tests' cluster
stage 'python client' deploy/test-python-client.sh
if [ -n "$full" ]; then
    stage seeds seeds
    stage goldens goldens
    stage 'thread sanitizer' sanitizer thread
    stage 'address sanitizer' sanitizer address
    stage benchmarks benchmarks
fi
