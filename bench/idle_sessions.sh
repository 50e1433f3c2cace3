#!/usr/bin/env bash
# Holds many logged-in TLS sessions idle at once and prints Poplar's memory per session.
# Shared with stand.bash, which a check of this file alone does not see:
# shellcheck disable=SC1091,SC2034,SC2154
set -u
usage() {
  cat <<'EOF'
usage: bench/idle_sessions.sh [--sessions N] [--hold SECONDS] [--workers N] [--resume on|off] [--build FOLDER]
  --sessions N     held at once (default 10000)
  --hold SECONDS   all idle, before the memory is read (default 15)
  --workers N      of each Poplar process (default 0: one a CPU)
  --resume on|off  whether sessions outlive their node (default on)
  --build FOLDER   of the release build (default build/release; built if missing)
Starts nodes and Poplar by itself, on loopback; exit status 0 only if every session was held.
EOF
}
sessions=10000
hold=15
while (($#)); do
  case $1 in
    --sessions) sessions=$2 && shift 2 ;;
    --hold) hold=$2 && shift 2 ;;
    --workers) workers=$2 && shift 2 ;;
    --resume) resume=$2 && shift 2 ;;
    --build) build=$(realpath "$2") && shift 2 ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
source "$(dirname "$0")/stand.bash"
start_stand
arguments=()
for pid in "${poplar_pids[@]}"; do arguments+=(--pid "$pid"); done
"$build/bench/load/poplar_load" idle --target "127.0.0.1:$port" --sessions "$sessions" \
  --users "$sessions" --hold "$hold" "${arguments[@]}"
status=$?
for pid in "${poplar_pids[@]}"; do
  kill -0 "$pid" 2>/dev/null || { say "error: Poplar process $pid is gone: see $work" && status=1; }
done
stop_stand $status
exit $status
