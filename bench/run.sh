#!/usr/bin/env bash
# Poplar and its peers side by side: all that bench/RESULTS.md tells.
set -u
usage() {
  cat <<'EOF'
usage: bench/run.sh [options of bench/compare/compare.py]
Builds what it needs, unpacks the peers into build/peers (nginx, HAProxy, Perdition, hitch; Dovecot has to be installed:
deploy/install_packages.sh test), measures, and writes bench/results.json and, out of it, bench/RESULTS.md. As root: programs
run in control groups of their own. Takes three quarters of an hour and wants the machine for itself; --quick, to see that
everything works, takes some minutes.
BORINGSSL_ROOT=PREFIX, the install prefix of upstream's BoringSSL: Poplar is built with that as well, in build/upstream, and
both are measured.

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
upstream=()
if [ -n "${BORINGSSL_ROOT:-}" ]; then
  (cd "$root" && cmake --preset release -B build/upstream -DPOPLAR_BENCH=ON -DBORINGSSL_ROOT="$BORINGSSL_ROOT" >&2 &&
    ninja -C build/upstream poplar poplar_floor >&2) || exit 1
  upstream=(--upstream)
fi
"$root/bench/fetch_peers.sh" || exit 1
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 "$root/bench/compare/compare.py" "${upstream[@]}" "$@"
