#!/usr/bin/env bash
# Fails where a C++ file isn't as clang-format-19 writes it, and names it. Mend with: tests/tidy/clang_format.sh --fix
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -d '' files < <(git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard '*.cc' '*.h')
[ "${#files[@]}" -gt 0 ]
if [ "${1:-}" = --fix ]; then
  exec clang-format-19 -i "${files[@]}"
fi
# Many files a process: starting it takes longer than its work. It names each place itself.
printf '%s\0' "${files[@]}" | xargs -0 -n 40 -P "$(nproc)" clang-format-19 --dry-run -Werror
