#!/usr/bin/env bash
# Runs clang-tidy-19 over what is shipped: tests/tidy/clang_tidy.sh [BUILD_FOLDER, default build/release]
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/release}
if [ ! -e "$build/compile_commands.json" ]; then
  echo "$build/compile_commands.json is missing: configure first (cmake --preset release)" >&2
  exit 1
fi
mapfile -d '' files < <(git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard \
  'proxy/*.cc' 'balancer/*.cc' 'metrics/*.cc')
[ "${#files[@]}" -gt 0 ]
/usr/bin/python3 tests/tidy/clang_tidy.py "$build" "${files[@]}"
echo "${#files[@]} files pass clang-tidy"
