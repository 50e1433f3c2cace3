#!/usr/bin/env bash
# Installs the packages of the named sections of deploy/packages.txt: install_packages.sh build [test]
# Does nothing, and needs no network and no root, where all of them are there. Starts no service.
set -euo pipefail
cd "$(dirname "$0")"

if [ "$#" -eq 0 ]; then
  echo "usage: install_packages.sh SECTION...   (sections: $(sed -n 's/^\[\(.*\)\]$/\1/p' packages.txt | xargs))" >&2
  exit 2
fi
if [ ! -e /etc/debian_version ]; then
  echo "This script knows Debian 12 only; the packages it would install stand in deploy/packages.txt." >&2
  exit 1
fi

wanted=()
for section in "$@"; do
  mapfile -t found < <(awk -v section="[$section]" \
    '/^\[/ {on = ($0 == section); next} on && NF && !/^#/ {print $1}' packages.txt)
  if [ "${#found[@]}" -eq 0 ]; then
    echo "packages.txt has no section [$section]" >&2
    exit 2
  fi
  wanted+=("${found[@]}")
done

missing=()
for package in "${wanted[@]}"; do
  # shellcheck disable=SC2016  # dpkg-query expands it, not the shell
  if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" != installed ]; then
    missing+=("$package")
  fi
done
if [ "${#missing[@]}" -eq 0 ]; then
  echo "All ${#wanted[@]} packages are installed."
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing, and this is neither root nor is there sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

# Debian starts a daemon as soon as its package is there. We want the programs, not the services: while apt runs, a
# policy says no, unless the machine has a policy of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  printf '#!/bin/sh\n# Of deploy/install_packages.sh, while it runs.\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

echo "Installing ${#missing[@]} packages: ${missing[*]}"
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
  install --yes --no-install-recommends "${missing[@]}" >/dev/null
