#!/usr/bin/env bash
# Fails where a C++ file isn't as clang-format-19 writes it, and names it. Mend with: tests/tidy/clang_format.sh --fix
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -d '' files < <(git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard '*.cc' '*.h')
[ "${#files[@]}" -gt 0 ]
if [ "${1:-}" = --fix ]; then
  exec clang-format-19 -i "${files[@]}"
fi
unformatted=0
for file in "${files[@]}"; do
  if ! clang-format-19 --dry-run -Werror "$file" >/dev/null 2>&1; then
    echo "$file: not as clang-format-19 writes it"
    unformatted=1
  fi
done
[ "$unformatted" -eq 0 ]
