#!/usr/bin/env bash
# What it costs that sessions could be resumed, while no node dies.
set -u
usage() {
  cat <<'EOF'
usage: bench/resume_cost.sh [--rounds N] [--seconds N] [--sessions N] [--message-bytes N] [--build FOLDER]
  --rounds N      of logins with resume on and off in turns (default 8)
  --seconds N     of each (default 10)
  --sessions N    held idle, once with resume on and once with off (default 4000; 0: none)
  --message-bytes N  of the mail that each login retrieves (default 4096)
  --build FOLDER  of the release build (default build/release; built if missing)
Prints the medians of Poplar's CPU time a session, and of its memory an idle session.
EOF
}
rounds=8
seconds=10
sessions=4000
build=()
options=()
while (($#)); do
  case $1 in
    --rounds) rounds=$2 && shift 2 ;;
    --seconds) seconds=$2 && shift 2 ;;
    --sessions) sessions=$2 && shift 2 ;;
    --message-bytes) options=(--message-bytes "$2") && shift 2 ;;
    --build) build=(--build "$2") && shift 2 ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
here=$(dirname "$0")
figures=$(mktemp -d)
trap 'rm -rf "$figures"' EXIT

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

for ((round = 1; round <= rounds; ++round)); do
  for resume in on off; do
    out=$("$here/logins.sh" --seconds "$seconds" --resume "$resume" "${options[@]}" "${build[@]}" \
      2>"$figures/log") ||
      { cat "$figures/log" >&2 && exit 1; }
    awk '/ms of CPU a session/ { print $2 }' <<<"$out" >>"$figures/cpu.$resume"
    printf 'round %d of %d, resume %-3s: %s ms of CPU a session\n' \
      "$round" "$rounds" "$resume" "$(tail -n 1 "$figures/cpu.$resume")" >&2
  done
done
for resume in on off; do
  printf 'logins, resume %-3s: %.4f ms of CPU a session\n' "$resume" "$(median "$figures/cpu.$resume")"
done
((sessions > 0)) || exit 0
for resume in on off; do
  "$here/idle_sessions.sh" --sessions "$sessions" --hold 5 --resume "$resume" "${build[@]}" \
    2>/dev/null | awk -v resume="$resume" '/memory per idle session/ { print "idle, resume " resume ": " $0 }'
done
