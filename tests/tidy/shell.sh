#!/usr/bin/env bash
# Runs shellcheck over every shell script that git knows.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t scripts < <(git -c safe.directory="$PWD" grep -lE --untracked '^#!(/usr/bin/env bash|/bin/(ba)?sh)' -- ':!build')
[ "${#scripts[@]}" -gt 0 ]
shellcheck "${scripts[@]}"
