# The stand on which a measurement runs: demo nodes, and Poplar in as many processes as the limit of
# descriptors asks for, all on one port. Sourced by the scripts beside it; not to be run.
#
# Uses: sessions (at once), workers (of each Poplar), port, build (folder of the release build), resume (on or off),
#   message_bytes (of each mail), io (as in the configuration).
# Sets: work (folder with configurations and logs), poplar_pids.

# shellcheck shell=bash
: "${sessions:?}"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${build:-$root/build/release}
port=${port:-19950}
workers=${workers:-0}
resume=${resume:-on}
io=${io:-auto}
message_bytes=${message_bytes:-4096}
descriptors_kept=200  # of each process, for rings, listeners, logs, libraries
nodes_pid=
poplar_pids=()

say() { printf '%s\n' "$*" >&2; }
die() {
  say "error: $*"
  exit 1
}

build_if_missing() {
  [[ -x $build/poplar && -x $build/bench/load/poplar_load ]] && return
  say "building poplar and poplar_load in $build (once)"
  (cd "$root" && cmake --preset release >"$work/build.log" && ninja -C "$build" poplar poplar_load) \
    >>"$work/build.log" 2>&1 || die "the build failed: see $work/build.log"
}

# Poplar takes two descriptors a session, the load and the nodes one each. Connections are dealt to
# the processes by a hash, so none may be filled to the brim: four standard deviations are left.
plan_processes() {
  local limit
  limit=$(ulimit -Hn)
  [[ $limit == unlimited ]] && limit=1000000
  ulimit -Sn "$limit"
  ((sessions <= limit - descriptors_kept)) ||
    die "$sessions sessions need $((sessions + descriptors_kept)) descriptors in the load process;" \
      "the hard limit here is $limit (ulimit -Hn)"
  processes=$(awk -v n="$sessions" -v most=$(((limit - descriptors_kept) / 2)) \
    'BEGIN { for (p = 1; n / p + (p > 1 ? 4 * sqrt(n / p) : 0) > most; ++p); print p }')
  if ((processes > 1)); then
    say "descriptors: Poplar takes two a session, and the hard limit here is $limit a process:" \
      "$processes Poplar processes share port $port (SO_REUSEPORT), and their memory is summed"
  else
    say "descriptors: the hard limit is $limit a process; one Poplar process is enough"
  fi
}

# CPU time of all Poplar processes so far, user and system.
poplar_cpu_ms() {
  local pid total=0 ticks fields
  ticks=$(getconf CLK_TCK)
  for pid in "${poplar_pids[@]}"; do
    read -r -a fields <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
    total=$((total + fields[11] + fields[12]))
  done
  echo $((total * 1000 / ticks))
}

# A line that matches $2 in file $1, written by process $3.
wait_for_line() {
  local tries
  for ((tries = 0; tries < 600; ++tries)); do
    grep -q "$2" "$1" && return
    kill -0 "$3" 2>/dev/null || break
    sleep 0.05
  done
  tail -n 5 "$1" >&2
  die "not ready: see $1"
}

start_nodes() {
  : >"$work/nodes.log"  # before anybody looks
  "$build/bench/load/poplar_load" nodes --nodes 3 --users "$sessions" \
    --message-bytes "$message_bytes" >"$work/nodes.log" 2>&1 &
  nodes_pid=$!
  wait_for_line "$work/nodes.log" '^ready' "$nodes_pid"
  say "nodes: $(grep -c '^node ' "$work/nodes.log") in one process, $sessions users, shared storage"
}

write_config() {
  local address i=0
  printf 'workers: %s\nio: %s\n' "$workers" "$io"
  printf 'listeners:\n  - {name: pop3s, address: "127.0.0.1:%s"}\n' "$port"
  printf 'tls:\n  certificates:\n    - {certificate: %s, key: %s}\n' \
    "$work/certificate.pem" "$work/key.pem"
  printf 'clusters:\n  - name: bench\n    shared_storage: yes\n    nodes:\n'
  while read -r _ address; do
    i=$((i + 1))
    printf '      - {name: node-%s, address: "%s"}\n' "$i" "$address"
  done < <(grep '^node ' "$work/nodes.log")
  printf 'resume: %s\n' "$resume"
  printf 'admin: {enabled: no}\n'
  printf 'log: {level: info, output: %s}\n' "$1"
}

start_poplars() {
  local i
  "$build/bench/load/poplar_load" certificate "$work" || die "no certificate"
  for ((i = 1; i <= processes; ++i)); do
    local log=$work/poplar-$i.log
    : >"$log"
    write_config "$log" >"$work/poplar-$i.yaml"
    "$build/poplar" serve --config "$work/poplar-$i.yaml" >"$work/poplar-$i.out" 2>&1 &
    poplar_pids+=($!)
    wait_for_line "$log" 'ready' "$!"
  done
  say "Poplar: ${#poplar_pids[@]} process(es), pid ${poplar_pids[*]}, logs in $work"
}

stop_stand() {
  local pid
  trap - EXIT
  for pid in "${poplar_pids[@]}" $nodes_pid; do kill "$pid" 2>/dev/null; done
  for pid in "${poplar_pids[@]}" $nodes_pid; do wait "$pid" 2>/dev/null; done
  # Logs and configurations are kept only if something went wrong.
  if [[ ${1:-1} == 0 ]]; then rm -rf "$work"; else rmdir "$work" 2>/dev/null || say "logs are in $work"; fi
}

start_stand() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/poplar-bench.XXXXXX")
  trap stop_stand EXIT
  trap 'exit 130' INT TERM
  build_if_missing
  plan_processes
  start_nodes
  start_poplars
}
