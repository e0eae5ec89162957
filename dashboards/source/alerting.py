"""Grafana-managed alerts: those of the Prometheus rules, for plants that have Grafana but no Alertmanager.

Grafana has no recording rules here, so their expressions stand in their place; and what carries itself on from one
evaluation to the next cannot be said: what stood ends while nis2watch does not answer. Its templates ask no queries, so
texts are those that stand where a query has no answer.
"""

import re

import yaml

HEAD = """\
# Grafana-managed alerts, for plants without Alertmanager; written by dashboards/generate.py from deploy/prometheus/nis2watch-rules.yml.
# /etc/grafana/provisioning/alerting/nis2watch.yaml. Set NIS2WATCH_DATASOURCE in Grafana's environment to the uid of your Prometheus.
# Use either these or the rules of deploy/prometheus, or everything comes twice. keepFiringFor needs Grafana 12.
"""
# what a recording rule stands for where it cannot be recorded
FINDINGS = "max by (instance, asset, check, zone, severity, kind) (nis2watch_check_finding_since_timestamp_seconds)"
# a query in a template, with what is said of its answer and what else
QUERY = re.compile(
    r"\{\{-? with printf (?:(?!\}\}).)*?\| query -?\}\}.*?(?:\{\{-? else -?\}\}(?P<other>.*?))?\{\{-? end -?\}\}", re.DOTALL
)


def expression(expr, recorded):
    """The query of an alert without recording rules."""
    for name, meaning in recorded.items():
        # selectors of labels go to the metrics inside
        expr = re.sub(
            rf"{re.escape(name)}(\{{[^}}]*\}})?", lambda found, meaning=meaning: inside(meaning, found[1]), expr
        )
    return " ".join(expr.split())


def inside(meaning, selector):
    """The meaning of a recorded name, with the selector that stood behind it."""
    return re.sub(r"(nis2watch_check_finding_since_timestamp_seconds)", rf"\1{selector}", meaning) if selector else meaning


def template(text):
    """Grafana's words for the value of an alert; `$` is doubled, because its loader replaces variables."""
    asked = QUERY.sub(lambda found: found["other"] or "", text)
    return " ".join(asked.split()).replace("$value", "$values.A.Value").replace("$", "$$")


def rule(alert, recorded):
    """One alert."""
    severity = alert["labels"]["severity"]
    prometheus = {
        "refId": "A",
        "datasource": {"type": "prometheus", "uid": "$NIS2WATCH_DATASOURCE"},
        "expr": expression(alert["expr"], recorded),
        "instant": True,
        "range": False,
    }
    # any answer is an alert, whatever its value
    answered = {
        "refId": "B",
        "datasource": {"type": "__expr__", "uid": "__expr__"},
        "type": "math",
        "expression": "$$A * 0 + 1",
    }
    made = {
        "uid": f"{alert['alert'].lower()}-{severity}",
        # the title becomes the label alertname, which routes and inhibition go by
        "title": alert["alert"],
        "condition": "B",
        "for": alert["for"],
        "data": [
            {
                "refId": "A",
                "relativeTimeRange": {"from": 600, "to": 0},
                "datasourceUid": "$NIS2WATCH_DATASOURCE",
                "model": prometheus,
            },
            {"refId": "B", "relativeTimeRange": {"from": 600, "to": 0}, "datasourceUid": "__expr__", "model": answered},
        ],
        # no answer means that nothing is wrong; no Prometheus means that nobody knows
        "noDataState": "OK",
        "execErrState": "Error",
        "isPaused": False,
        "labels": alert["labels"],
        "annotations": {name: template(text) for name, text in alert["annotations"].items()},
    }
    if "keep_firing_for" in alert:
        made["keepFiringFor"] = alert["keep_firing_for"]
    return made


def build(rules):
    """The provisioning file for these rules."""
    groups = yaml.safe_load(rules)["groups"]
    recorded = {each["record"]: each["expr"].strip() for group in groups for each in group["rules"] if "record" in each}
    recorded["instance_asset_check:nis2watch_check_finding_since:held"] = FINDINGS
    made = []
    for group in groups:
        alerts = [each for each in group["rules"] if "alert" in each]
        # a folder holds a title once, and an alert may come in several severities
        for severity in dict.fromkeys(alert["labels"]["severity"] for alert in alerts):
            made.append(
                {
                    "orgId": 1,
                    "name": group["name"],
                    "folder": "nis2watch" if severity == "none" else f"nis2watch {severity}",
                    "interval": "1m",
                    "rules": [rule(alert, recorded) for alert in alerts if alert["labels"]["severity"] == severity],
                }
            )
    text = yaml.safe_dump({"apiVersion": 1, "groups": made}, sort_keys=False, width=140, allow_unicode=True)
    return HEAD + text
