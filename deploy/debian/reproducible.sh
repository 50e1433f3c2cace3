#!/usr/bin/env bash
# Shows that the same source makes the same package. See --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH=/usr/bin:/bin:/usr/sbin:/sbin

usage() {
  cat <<'HELP'
usage: deploy/debian/reproducible.sh [--against DEB]

Builds the Debian package from a copy of this source in another folder, with another umask, time zone, language, time and
without a compiler cache, and compares it bit by bit with one that was built before.

  --against DEB   that one; default: deploy/debian/build.sh makes it first
  --help          this text
HELP
}

against=''
while [ "$#" -gt 0 ]; do
  case $1 in
    --against) against=${2:?--against needs a file}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
if [ -z "$against" ]; then
  against=$(deploy/debian/build.sh | tail -n 1)
fi

copy=$(mktemp -d)/another/folder
trap 'rm -rf "${copy%/another/folder}"' EXIT
mkdir -p "$copy"
git -c safe.directory="$PWD" ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$copy"

(
  umask 077
  cd "$copy"
  # Other times of day and of the files: nothing of them may reach the package.
  find . -type f -exec touch -d '2001-02-03 04:05:06' {} +
  unset CMAKE_CXX_COMPILER_LAUNCHER CMAKE_C_COMPILER_LAUNCHER SOURCE_DATE_EPOCH
  CCACHE_DISABLE=1 TZ=Pacific/Chatham LANG=de_DE.UTF-8 deploy/debian/build.sh --output "$copy/made" >"$copy/log" 2>&1 ||
    { cat "$copy/log" >&2; exit 1; }
)
made=("$copy"/made/*.deb)
sha256sum "$against" "${made[0]}"
if ! cmp "$against" "${made[0]}"; then
  # What differs, by file.
  for package in "$against" "${made[0]}"; do
    dpkg-deb --fsys-tarfile "$package" | tar --list --verbose --full-time >"$copy/$(basename "$(dirname "$package")").list"
    dpkg-deb --control "$package" "$copy/$(basename "$(dirname "$package")").control"
  done
  diff -r "$copy/$(basename "$(dirname "$against")").list" "$copy/made.list" >&2 || true
  diff -r "$copy/$(basename "$(dirname "$against")").control" "$copy/made.control" >&2 || true
  exit 1
fi
echo "The same to the bit."
