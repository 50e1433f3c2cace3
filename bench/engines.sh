#!/usr/bin/env bash
# What a session costs on io_uring and on epoll.
set -u
usage() {
  cat <<'HELP'
usage: bench/engines.sh [--rounds N] [--seconds N] [--connections N] [--message-bytes N] [--build FOLDER]
  --rounds N      of logins on io_uring and on epoll in turns (default 6)
  --seconds N     of each (default 10)
  --connections N  at once (default 32)
  --message-bytes N  of the mail that each session retrieves (default 4096)
  --build FOLDER  of the release build (default build/release; built if missing)
Prints the medians of Poplar's CPU time a session and of sessions a second.
HELP
}
rounds=6
options=()
while (($#)); do
  case $1 in
    --rounds) rounds=$2 && shift 2 ;;
    --seconds | --connections | --message-bytes | --build) options+=("$1" "$2") && shift 2 ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
  esac
done
here=$(dirname "$0")
figures=$(mktemp -d)
trap 'rm -rf "$figures"' EXIT

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

for ((round = 1; round <= rounds; ++round)); do
  for io in io_uring epoll; do
    out=$("$here/logins.sh" --io "$io" "${options[@]}" 2>"$figures/log") ||
      { cat "$figures/log" >&2 && exit 1; }
    awk '/ms of CPU a session/ { print $2 }' <<<"$out" >>"$figures/cpu.$io"
    awk '/ a second, / { print $10 }' <<<"$out" >>"$figures/rate.$io"
    printf 'round %d of %d, %-8s: %s ms of CPU a session, %s sessions a second\n' "$round" "$rounds" "$io" \
      "$(tail -n 1 "$figures/cpu.$io")" "$(tail -n 1 "$figures/rate.$io")" >&2
  done
done
for io in io_uring epoll; do
  printf '%-8s: %.4f ms of CPU a session, %.1f sessions a second\n' "$io" "$(median "$figures/cpu.$io")" \
    "$(median "$figures/rate.$io")"
done
