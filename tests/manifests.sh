#!/usr/bin/env bash
# The Kubernetes manifests against the schemas of an old and a new version of its API.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=target/tools/manifests
if [ ! -x "$tools/bin/kubernetes-validate" ]; then
  /usr/bin/python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check kubernetes-validate==1.37.0
fi
for version in 1.29 1.37; do
  for file in deploy/kubernetes/{namespace,serviceaccount,statefulset,service,networkpolicy}.yaml; do
    "$tools/bin/kubernetes-validate" --strict --quiet -k "$version" "$file"
  done
done
echo "the manifests are valid for Kubernetes 1.29 and 1.37"
