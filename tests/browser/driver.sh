#!/usr/bin/env bash
# Installs what drives Chromium, once, and prints the folder in which node finds it (NODE_PATH).
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$PWD/target/tools/browser
driver=playwright-core@1.65.1
if [ "$(cat "$tools/driver" 2>/dev/null)" != "$driver" ]; then
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --prefix "$tools" "$driver" >&2
  echo "$driver" >"$tools/driver"
fi
echo "$tools/node_modules"
