#!/usr/bin/env bash
# The dashboards: what generates them is current, their form, Grafana's model of them, and every query against a Prometheus that has
# read the virtual plant through a drift and back. NIS2WATCH names the program (default: the debug build).
#
# --draw FOLDER: draw every dashboard too, with the answers of that Prometheus, as FOLDER/drifted/*.png and FOLDER/recovered/*.png
set -euo pipefail
drawings=''
case ${1-} in
  '') ;;
  --draw) drawings=$(realpath -m "${2:?--draw needs a folder}") ;;
  *) echo "usage: $0 [--draw FOLDER]" >&2; exit 2 ;;
esac
cd "$(dirname "$0")/.."
program=${NIS2WATCH:-${CARGO_TARGET_DIR:-target}/debug/nis2watch}
/usr/bin/python3 dashboards/generate.py --check
/usr/bin/python3 tests/dashboards/check.py form
tools=target/tools/dashboards
if [ ! -x "$tools/bin/python" ]; then
  /usr/bin/python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check 'grafana-foundation-sdk==1769699998!10.1.0'
fi
"$tools/bin/python" tests/dashboards/check.py schema

work=$(mktemp -d)
plant='' prometheus=''
finish() {
  for pid in $prometheus $plant; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap finish EXIT

# wait_for SECONDS WHAT COMMAND...: until the command succeeds
wait_for() {
  local end=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || { echo "$what did not come" >&2; tail -5 "$work"/*.log >&2; return 1; }
    sleep 0.5
  done
}

"$program" demo >"$work/plant.log" 2>&1 &
plant=$!
wait_for 60 "the address of the plant" grep -q '^Metrics' "$work/plant.log"
address=$(sed -n 's|^Metrics *http://\([^/]*\)/metrics.*|\1|p' "$work/plant.log")
cat >"$work/prometheus.yml" <<YAML
global: { scrape_interval: 2s, evaluation_interval: 2s }
rule_files: ["$PWD/deploy/prometheus/nis2watch-rules.yml"]
scrape_configs: [{ job_name: nis2watch, static_configs: [{ targets: ["$address"], labels: { instance: demo } }] }]
YAML
# somebody may take the free port before Prometheus does: then it ends, and another is tried
for _ in 1 2 3; do
  port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  url=http://127.0.0.1:$port
  prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" --web.listen-address="127.0.0.1:$port" >"$work/prometheus.log" 2>&1 &
  prometheus=$!
  wait_for 30 Prometheus curl -fsS "$url/-/ready" && break
  kill "$prometheus" 2>/dev/null || true
done

# has QUERY: the query has an answer
has() { curl -fsSG "$url/api/v1/query" --data-urlencode "query=$1" | grep -q '"metric"'; }
wait_for 200 "the drift of mes-01" has 'nis2watch_check_pass{asset="mes-01",check="ssh-root-login"} == 0'
wait_for 20 "the alert about it" has 'ALERTS{alertname="Nis2CheckDrifted",asset="mes-01",check="ssh-root-login",alertstate="firing"}'
trouble=$(date +%s)
wait_for 200 "its recovery" has 'nis2watch_check_pass{asset="mes-01",check="ssh-root-login"} == 1'
recovered=$(date +%s)
wait_for 20 "two more scrapes" has 'count_over_time(nis2watch_check_pass{asset="mes-01",check="ssh-root-login"}[6s]) > 1'
unhealthy=$(curl -fsS "$url/api/v1/rules" | grep -o '"lastError":"[^"]*"' || true)
[ -z "$unhealthy" ] || { echo "rules that fail on a real plant: $unhealthy" >&2; exit 1; }
/usr/bin/python3 tests/dashboards/check.py live "$url" --window 400 --scrape 2 --asset hist-01 --trouble "$trouble"

# draw NAME WINDOW TIME: all dashboards with what the Prometheus has of these seconds before that time
draw() {
  mkdir -p "$drawings/$1"
  node tests/dashboards/draw.mjs --window "$2" --at "$3" --scrape 2 --asset mes-01 "$drawings/$1" "$url" dashboards/nis2watch-*.json
}
if [ -n "$drawings" ]; then
  NODE_PATH=$(tests/browser/driver.sh)
  export NODE_PATH
  draw drifted 140 $((recovered - 10))
  draw recovered 200 "$(date +%s)"
fi
