#!/usr/bin/env bash
# Closed-loop load through Poplar: connect, log in, STAT, RETR 1, QUIT. Prints rate and percentiles.
# Shared with stand.bash, which a check of this file alone does not see:
# shellcheck disable=SC1091,SC2034,SC2154
set -u
usage() {
  cat <<'EOF'
usage: bench/logins.sh [--connections N] [--seconds N] [--workers N] [--message-bytes N] [--resume on|off] [--io ENGINE] [--build FOLDER]
  --connections N  at once (default 32)
  --seconds N      counted, after 2 s of warm-up (default 10)
  --workers N      of Poplar (default 0: one a CPU)
  --message-bytes N  of the mail that each session retrieves (default 4096)
  --resume on|off  whether sessions outlive their node (default on)
  --io ENGINE      that serves Poplar's sockets: auto, io_uring or epoll (default auto)
  --build FOLDER   of the release build (default build/release; built if missing)
Load, nodes and Poplar share this machine's CPUs: good for before and after, not for a brochure.
EOF
}
connections=32
seconds=10
while (($#)); do
  case $1 in
    --connections) connections=$2 && shift 2 ;;
    --seconds) seconds=$2 && shift 2 ;;
    --workers) workers=$2 && shift 2 ;;
    --message-bytes) message_bytes=$2 && shift 2 ;;
    --resume) resume=$2 && shift 2 ;;
    --io) io=$2 && shift 2 ;;
    --build) build=$(realpath "$2") && shift 2 ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
sessions=1000  # users; never more at once than connections
source "$(dirname "$0")/stand.bash"
start_stand
before=$(poplar_cpu_ms)
"$build/bench/load/poplar_load" logins --target "127.0.0.1:$port" --users "$sessions" \
  --connections "$connections" --duration "$seconds" | tee "$work/load.out"
status=${PIPESTATUS[0]}
# Warm-up included, whose sessions the load doesn't count: 2 s beside the others.
awk -v ms=$(($(poplar_cpu_ms) - before)) -v seconds="$seconds" \
  '/ sessions in / { printf "Poplar: %.3f ms of CPU a session\n", ms * seconds / (seconds + 2) / $1 }' \
  "$work/load.out"
stop_stand "$status"
exit "$status"
