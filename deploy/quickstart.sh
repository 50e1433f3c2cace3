#!/usr/bin/env bash
# From a fresh Debian 12 machine to a running demo. See --help.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'HELP'
usage: deploy/quickstart.sh [--build-only]

Installs what building Poplar needs (as root, or with sudo), builds it into build/release, and runs `poplar demo`:
the proxy, three mail nodes in memory and a throw-away certificate, on free ports, until Ctrl-C.

  --build-only   stop after the build
  --help         this text
HELP
}

build_only=no
for argument in "$@"; do
  case $argument in
    --build-only) build_only=yes ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

step() { printf '\n==> %s\n' "$*"; }

step "Packages"
deploy/install_packages.sh build

step "Configuring (build/release)"
cmake --preset release -DPOPLAR_TESTS=OFF -DPOPLAR_BENCH=OFF --log-level=WARNING

step "Building; a few minutes the first time"
cmake --build --preset release --target poplar

step "Done: build/release/poplar"
if [ "$build_only" = yes ]; then
  exit 0
fi
step "Running the demo"
exec build/release/poplar demo
