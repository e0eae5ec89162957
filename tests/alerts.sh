#!/usr/bin/env bash
# What Prometheus and Alertmanager say to the rules, to their cases and to the routes.
set -euo pipefail
cd "$(dirname "$0")/.."
rules=deploy/prometheus/nis2watch-rules.yml
alertmanager=deploy/alertmanager/alertmanager.yml
promtool check config deploy/prometheus/prometheus.yml >/dev/null
promtool check rules "$rules"
promtool test rules deploy/prometheus/tests/*_test.yml
amtool check-config "$alertmanager" >/dev/null

# told RECEIVER LABEL=VALUE...: an alert with these labels reaches this receiver and no other
told() {
  local receiver=$1
  shift
  amtool config routes test --config.file="$alertmanager" --verify.receivers="$receiver" "$@" >/dev/null 2>&1 && return
  echo "an alert with $* goes elsewhere than to $receiver" >&2
  return 1
}
told heartbeat alertname=Nis2DeadMansSwitch severity=none
told pager-ot alertname=Nis2CheckDrifted zone=cell-1 severity=critical
told mail-ot alertname=Nis2AssetUnreachable zone=cell-1 severity=warning
told mail-ot alertname=Nis2GateRefuses zone=production severity=info
told pager-it alertname=Nis2CheckDrifted zone=office severity=critical
told mail-it alertname=Nis2CheckFails zone=office severity=info
told pager-it alertname=Nis2WatchAbsent severity=critical
told pager-security alertname=Nis2HostKeyChanged zone=cell-1 severity=critical
told pager-security alertname=Nis2LedgerShrank severity=critical
told pager-security alertname=Nis2IncidentDeadlineNear incident=2026-1 stage=early_warning severity=critical
told mail-security alertname=Nis2AttestationExpired id=A-1 severity=critical
told mail-security alertname=Nis2ReloadFailed severity=warning
told mail-security alertname=Nis2LedgerNotAnchored severity=warning
/usr/bin/python3 tests/alerts.py
/usr/bin/python3 tests/inhibition.py
