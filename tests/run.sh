#!/usr/bin/env bash
# Runs every test; installs by itself what they need. Arguments go to the test runner.
set -euo pipefail
cd "$(dirname "$0")/.."
tests/install.sh
export PATH="$PATH:/usr/sbin:/sbin" RUST_BACKTRACE=1
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --profile ci "$@"
else
  cargo test --locked "$@"
fi
cargo run --quiet --locked -- catalog lint
cargo run --quiet --locked -- catalog test
tests/manifests.sh
tests/alerts.sh
tests/dashboards.sh
tests/browser.sh
