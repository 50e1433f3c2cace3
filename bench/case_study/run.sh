#!/usr/bin/env bash
# The case study: a firm's POP3 service before and after, through Poplar and its peers; a Markdown table and pictures.
set -u
usage() {
  cat <<'EOT'
usage: bench/case_study/run.sh [options of bench/case_study/case_study.py]
Builds what it needs, unpacks the peers into build/peers (nginx, HAProxy, Perdition; Dovecot has to be installed:
deploy/install_packages.sh test), and prints Markdown. As root, for the peers. Nine minutes; --quick: two.
EOT
}
root=$(cd "$(dirname "$0")/../.." && pwd)
for argument in "$@"; do
  case $argument in
    --help | -h) usage && exec /usr/bin/python3 -B "$root/bench/case_study/case_study.py" --help ;;
  esac
done
(cd "$root" && cmake --preset release -DPOPLAR_BENCH=ON >&2 &&
  ninja -C build/release poplar poplar_load poplar_generator >&2) || exit 1
"$root/bench/fetch_peers.sh" || exit 1
exec /usr/bin/python3 -B "$root/bench/case_study/case_study.py" "$@"
