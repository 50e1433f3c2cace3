#!/usr/bin/env bash
# The Debian package. See --help.
set -euo pipefail
cd "$(dirname "$0")/../.."
# Debian's own tools.
export PATH=/usr/bin:/bin:/usr/sbin:/sbin

usage() {
  cat <<'HELP'
usage: deploy/debian/build.sh [--output FOLDER] [--revision N]

Builds preset package and makes poplar_VERSION-N_ARCHITECTURE.deb of it, for Debian 12. The same source makes the same
package, to the bit, wherever and whenever it is built: deploy/debian/reproducible.sh shows it.

  --output FOLDER   where it goes; default: build/debian
  --revision N      what stands behind the dash in the version; default: 1
  --help            this text

Needs the packages of sections [build] and [package] in deploy/packages.txt.
HELP
}

output=build/debian revision=1
while [ "$#" -gt 0 ]; do
  case $1 in
    --output) output=${2:?--output needs a folder}; shift ;;
    --revision) revision=${2:?--revision needs a number}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

# The time that the package's files have: of its latest entry in the changelog.
SOURCE_DATE_EPOCH=$(date -d "$(sed -n 's/^ -- .*  //p' deploy/debian/changelog.in | head -n 1)" +%s)
export SOURCE_DATE_EPOCH
export LC_ALL=C.UTF-8 TZ=UTC
umask 022

cmake --preset package -DPOPLAR_DEBIAN_REVISION="$revision"
cmake --build --preset package --target poplar_documents
mkdir -p "$output"
cpack --config build/package/CPackConfig.cmake -B build/package/cpack
find build/package/cpack -maxdepth 1 -name "poplar_*-${revision}_*.deb" -exec cp {} "$output/" \;
rm -rf build/package/cpack
ls "$output"/poplar_*-"${revision}"_*.deb
