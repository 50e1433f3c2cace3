#!/usr/bin/env bash
# Poplar and its peers side by side: CPU time a unit of work, throughput, latency.
set -u
usage() {
  cat <<'EOF'
usage: bench/run.sh [options of bench/compare/compare.py]
Builds what it needs, unpacks the peers into build/peers (nginx, HAProxy, Perdition, hitch; Dovecot has to be installed:
deploy/install_packages.sh test), measures, prints Markdown. As root: programs run in control groups of their own.
With the defaults it takes about half an hour, and wants the machine for itself.
EOF
}
root=$(cd "$(dirname "$0")/.." && pwd)
for argument in "$@"; do
  case $argument in
    --help | -h) usage && exec /usr/bin/python3 "$root/bench/compare/compare.py" --help ;;
  esac
done
(cd "$root" && cmake --preset release -DPOPLAR_BENCH=ON >&2 &&
  ninja -C build/release poplar poplar_load poplar_generator poplar_floor >&2) || exit 1
"$root/bench/fetch_peers.sh" || exit 1
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$root/bench/compare/compare.py" "$@"
