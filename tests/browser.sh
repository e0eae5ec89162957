#!/usr/bin/env bash
# The pages in a real browser: Chromium without a window looks at the virtual plant until it drifts. NIS2WATCH names the program
# (default: the debug build), SHOTS the folder for screenshots.
set -euo pipefail
cd "$(dirname "$0")/.."
program=${NIS2WATCH:-${CARGO_TARGET_DIR:-target}/debug/nis2watch}
export SHOTS=${SHOTS:-target/browser/shots}
NODE_PATH=$(tests/browser/driver.sh)
export NODE_PATH
work=$(mktemp -d)
plant=''
finish() {
  [ -z "$plant" ] || { kill "$plant" 2>/dev/null || true; wait "$plant" 2>/dev/null || true; }
  rm -rf "$work"
}
trap finish EXIT
# the shift may act, the guest may look
hash=$(/usr/bin/python3 -W ignore -c 'import crypt; print(crypt.crypt("look-here", crypt.mksalt(crypt.METHOD_BLOWFISH, rounds=16)))')
printf 'basic_auth_users:\n  guest: "%s"\n  shift: "%s"\n' "$hash" "$hash" >"$work/web.yml"
NIS2WATCH__API__WEB_CONFIG="$work/web.yml" NIS2WATCH__API__ROLES='{shift=approver}' "$program" demo >"$work/plant.log" 2>&1 &
plant=$!
for _ in $(seq 120); do
  grep -q '^Page' "$work/plant.log" && break
  kill -0 "$plant" 2>/dev/null || break
  sleep 0.5
done
page=$(sed -n 's|^Page *\(http://[^/]*\)/.*|\1|p' "$work/plant.log")
[ -n "$page" ] || { cat "$work/plant.log" >&2; exit 1; }
mkdir -p "$SHOTS"
PLANT=$plant node tests/browser/look.cjs "$page"
