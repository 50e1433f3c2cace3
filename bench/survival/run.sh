#!/usr/bin/env bash
# What clients notice when the nodes behind a proxy die: Poplar and its peers side by side; a Markdown table.
set -u
usage() {
  cat <<'EOF'
usage: bench/survival/run.sh [--build FOLDER] [options of bench/survival/survival.py]
  --build FOLDER  of the release build (default build/release; built if missing)
  --help          this, and those options
Needs Dovecot and the mail programs (deploy/install_packages.sh test); unpacks nginx and HAProxy into build/peers.
EOF
}
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$root/build/release
options=()
while (($#)); do
  case $1 in
    --build) build=$(realpath "$2") && shift 2 ;;
    --help | -h) usage && exec /usr/bin/python3 "$root/bench/survival/survival.py" --help ;;
    *) options+=("$1") && shift ;;
  esac
done
if [[ ! -x $build/poplar ]]; then
  printf 'building poplar in %s (once)\n' "$build" >&2
  (cd "$root" && cmake --preset release >&2 && ninja -C "$build" poplar >&2) || exit 1
fi
"$root/bench/fetch_peers.sh" || exit 1
PYTHONDONTWRITEBYTECODE=1 POPLAR=$build/poplar exec /usr/bin/python3 "$root/bench/survival/survival.py" "${options[@]}"
