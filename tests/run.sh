#!/usr/bin/env bash
# Installs what the tests need, builds, runs all tests. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."
# Debian's own tools: another python3 or cmake in front of them may lack what the packages bring.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin

usage() {
  cat <<'HELP'
usage: tests/run.sh [--quick] [--io epoll|io_uring] [--sanitizers] [--fuzz SECONDS]

Works on a fresh Debian 12 machine, as root or with sudo. Installs the packages of deploy/packages.txt, builds preset
release and runs every test: unit, simulation, tidy (layering, lengths, format, clang-tidy) and integration with real
mail servers and real clients. Sockets are served by io_uring; what depends most on how they are is repeated on epoll.
Stops at the first stage that fails. The last line is "N passed, N failed".

  --quick          only unit, simulation and the fast tidy checks
  --io ENGINE      unit and integration tests on epoll, or on io_uring, alone
  --sanitizers     also unit and simulation tests under ASan+UBSan, and those with several threads under TSan
  --fuzz SECONDS   also each fuzz target for so long
  --help           this text
HELP
}

# What the tests of sessions, pools and troubles need of a proactor, and what its own tests don't show.
on_epoll='admission|bad_clients|bad_nodes|drain|evil_nodes|listeners|pipelining|pool|pool_slots|proxy_protocol|stls|timeouts|tls'
# The programs with fixtures that ask engine_of_tests.h.
on_engine_of_tests='demo|directory|server|upstream'

quick=no sanitizers=no fuzz=0 engine='' precompile=ON
while [ "$#" -gt 0 ]; do
  case $1 in
    --quick) quick=yes ;;
    --io) engine=${2:?--io needs epoll or io_uring}; shift ;;
    --sanitizers) sanitizers=yes ;;
    --fuzz) fuzz=${2:?--fuzz needs a number of seconds}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
[[ $fuzz =~ ^[0-9]+$ && $engine =~ ^(epoll|io_uring|)$ ]] || { usage >&2; exit 2; }

cores=$(nproc)
passed=0 failed=0 began=$SECONDS
log=$(mktemp) counted=$(mktemp) preset=
trap 'rm -f "$log" "$counted"' EXIT

finish() {
  printf '\n%s\n%d passed, %d failed\n' "$1" "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$2" -eq 0 ]
  exit
}

# stage NAME COMMAND...: runs it with its output shown; ends the whole run if it fails.
stage() {
  local name=$1 start=$SECONDS
  shift
  printf '\n==> %s   (%s)\n' "$name" "$*"
  if "$@" 2>&1 | tee "$log"; then
    printf -- '--- %s: %d s\n' "$name" $((SECONDS - start))
    return
  fi
  if [[ $name == test:* ]]; then
    count "$name"
  else
    failed=$((failed + 1))
  fi
  [ "$failed" -gt 0 ] || failed=1
  finish "FAILED in stage: $name" 1
}

# Adds up what a stage of tests came to, and tells which cases were skipped.
count() {
  local good=0 bad=0
  if [ "$1" = "test: fuzz" ]; then
    sed -nE 's/^([0-9]+) targets passed, ([0-9]+) failed$/\1 \2/p' "$log" >"$counted"
  else
    tests/cases.py "build/$preset" >"$counted"
  fi
  { read -r good bad && cat; } <"$counted" || true
  passed=$((passed + good))
  failed=$((failed + bad))
}

# run_tests PRESET LABELS [ctest options]
run_tests() {
  local labels=$2
  preset=$1
  shift 2
  rm -f "build/$preset/Testing/Temporary/LastTest.log"
  stage "test: $labels ($preset)" ctest --test-dir "build/$preset" --label-regex "^($labels)\$" \
    --no-tests=error --output-on-failure "$@"
  count "test: $labels ($preset)"
}

# build PRESET TARGET [cmake options]
build() {
  local preset=$1 target=$2
  shift 2
  stage "configure: $preset" cmake --preset "$preset" "$@"
  stage "build: $preset" cmake --build --preset "$preset" --target "$target"
}

stage "packages" deploy/install_packages.sh build test
if [ "$sanitizers" = yes ]; then
  precompile=TESTS # the one build in which a missing include is an error; the others are quicker
fi
build release all -DPOPLAR_TESTS=ON -DPOPLAR_BENCH=ON -DPOPLAR_PRECOMPILE="$precompile"
[ -z "$engine" ] || export POPLAR_TEST_IO=$engine  # the tests' harness and fixtures read it
run_tests release "unit|simulation|bench" --parallel "$cores"
if [ "$quick" = yes ]; then
  run_tests release tidy --exclude-regex clang_tidy --parallel "$cores"
else
  run_tests release tidy --parallel "$cores"
  stage "mail servers that are only unpacked" tests/integration/fetch_servers.sh
  stage "mail clients that are only unpacked" tests/integration/fetch_clients.sh
  stage "judges of what is for Kubernetes" tests/integration/fetch_kubernetes.sh
  # They mostly wait: for timeouts, servers and locks. Many more of them at once than cores would wait for each other.
  run_tests release integration --parallel $((cores + 1))
  if [ -z "$engine" ]; then
    export POPLAR_TEST_IO=epoll
    run_tests release integration --tests-regex "^integration\.($on_epoll)\$" --parallel $((cores + 1))
    run_tests release unit --tests-regex "^unit_($on_engine_of_tests)_test\$" --parallel "$cores"
    unset POPLAR_TEST_IO
  fi
fi
if [ "$sanitizers" = yes ]; then
  build asan all -DPOPLAR_BENCH=OFF
  run_tests asan "unit|simulation" --parallel "$cores"
  # The simulation has one thread, as have most tests of what a worker does.
  build tsan threaded_tests -DPOPLAR_BENCH=OFF
  run_tests tsan threads --parallel "$cores"
fi
if [ "$fuzz" -gt 0 ]; then
  stage "test: fuzz" tests/fuzz/run "$fuzz"
  count "test: fuzz"
fi
finish "All stages passed in $(((SECONDS - began) / 60)) min $(((SECONDS - began) % 60)) s." 0
