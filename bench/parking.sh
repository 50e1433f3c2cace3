#!/usr/bin/env bash
# What parked sessions save a real Dovecot and its users, and what they cost in freshness; a Markdown table.
set -u
usage() {
  cat <<'EOF'
usage: bench/parking.sh [--build FOLDER] [options of bench/parking.py]
  --build FOLDER  of the release build (default build/release; built if missing)
  --help          this, and those options
Needs Dovecot (deploy/install_packages.sh test). The first start fills maildrops: a minute or so.
EOF
}
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build/release
options=()
while (($#)); do
  case $1 in
    --build) build=$(realpath "$2") && shift 2 ;;
    --help | -h) usage && exec /usr/bin/python3 "$root/bench/parking.py" --help ;;
    *) options+=("$1") && shift ;;
  esac
done
if [[ ! -x $build/poplar ]]; then
  printf 'building poplar in %s (once)\n' "$build" >&2
  (cd "$root" && cmake --preset release >&2 && ninja -C "$build" poplar >&2) || exit 1
fi
PYTHONDONTWRITEBYTECODE=1 POPLAR=$build/poplar exec /usr/bin/python3 "$root/bench/parking.py" "${options[@]}"
