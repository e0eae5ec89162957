#!/usr/bin/env python3
"""House rules of the alerts that promtool does not know.

Each alert has our prefix, `for`, a severity, a summary, a description with a fix and a page in docs/runbooks; has a case
in which it fires and one in which it does not; and each page belongs to an alert. What Alertmanager and the Grafana rules
name exists.
"""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULES = ROOT / "deploy/prometheus/nis2watch-rules.yml"
CASES = ROOT / "deploy/prometheus/tests"
RUNBOOKS = ROOT / "docs/runbooks"
ALERTMANAGER = ROOT / "deploy/alertmanager/alertmanager.yml"
GRAFANA = ROOT / "dashboards/provisioning/alerting.yaml"
# the pages that nis2watch itself serves, or a place holder where it does not say where they are
BASE = (
    "{{ with printf `nis2watch_page_info{instance=%q}` $labels.instance | query }}{{ . | first | label `url` }}"
    "{{ else }}https://docs.example.net{{ end }}"
)
SEVERITIES = {"critical", "warning", "info", "none"}


def rules():
    """Every rule of every group; those about nis2watch itself are marked."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [
        rule | ({"of_itself": True} if group["name"] == "nis2watch-self" else {})
        for group in groups
        for rule in group["rules"]
    ]


def wrong_alert(rule):
    """What is wrong with one alert."""
    name, notes = rule["alert"], rule.get("annotations", {})
    if not re.fullmatch(r"Nis2([A-Z][a-z]+)+", name):
        yield "is not CamelCase with the prefix Nis2"
    if "for" not in rule:
        yield "does not say for how long (`for`)"
    if rule.get("labels", {}).get("severity") not in SEVERITIES:
        yield f"has no severity of {sorted(SEVERITIES)}"
    if len(notes.get("summary", "")) < 15:
        yield "has no summary"
    if "Fix: " not in notes.get("description", ""):
        yield "has no description with a fix"
    for label in ("asset", "check", "zone"):
        if f"$labels.{label} " in notes.get("summary", "") and f"$labels.{label} " not in notes["description"]:
            yield f"names the {label} in its summary but not in its description"
    if notes.get("runbook_url") != f"{BASE}/runbooks/{name}.md":
        yield "does not link to its page"
    if name.startswith(("Nis2Check", "Nis2Certificate")) and not notes.get("evidence_url", "").startswith(BASE):
        yield "does not link to the evidence"
    if "of_itself" in rule and name != "Nis2DeadMansSwitch" and "$labels.instance" not in notes.get("summary", ""):
        yield "does not name the instance in its summary"
    if not (RUNBOOKS / f"{name}.md").is_file():
        yield "has no page in docs/runbooks"


def wrong_rule(rule):
    """What is wrong with one rule of either kind."""
    if "alert" in rule:
        return [f"{rule['alert']} {what}" for what in wrong_alert(rule)]
    level_metric_operation = re.fullmatch(r"[a-z]+(_[a-z]+)*:nis2watch_[a-z_]+:[a-z0-9]+", rule["record"])
    return [] if level_metric_operation else [f"{rule['record']} is not level:metric:operation"]


def cases():
    """The alerts that some case expects, and those that some case expects to be silent."""
    fires, silent = set(), set()
    for file in sorted(CASES.glob("*_test.yml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            for case in test.get("alert_rule_test", []):
                (fires if case["exp_alerts"] else silent).add(case["alertname"])
            for case in test.get("promql_expr_test", []):
                for sample in case["exp_samples"]:
                    fires.update(re.findall(r'alertname="(\w+)"', sample["labels"]))
    return fires, silent


def named_alerts(text):
    """Names of alerts that a text speaks of; patterns are left to the reader."""
    return set(re.findall(r"\bNis2[A-Z]\w+(?![\w.(+*])", text))


def main():
    wrong = [what for rule in rules() for what in wrong_rule(rule)]
    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    fires, silent = cases()
    wrong += [f"{name}: no case in which it fires" for name in sorted(alerts - fires)]
    wrong += [f"{name}: no case in which it is silent" for name in sorted(alerts - silent)]
    pages = {page.stem for page in RUNBOOKS.glob("Nis2*.md")}
    wrong += [f"docs/runbooks/{name}.md belongs to no alert" for name in sorted(pages - alerts)]
    index = (RUNBOOKS / "README.md").read_text()
    wrong += [f"docs/runbooks/README.md does not list {name}" for name in sorted(alerts) if f"({name}.md)" not in index]
    speakers = [ALERTMANAGER, GRAFANA, ROOT / "docs/operations.md", *RUNBOOKS.glob("*.md")]
    for speaker in speakers:
        unknown = named_alerts(speaker.read_text()) - alerts
        wrong += [f"{speaker.relative_to(ROOT)} names {name}, which is no alert" for name in sorted(unknown)]
    for line in wrong:
        print("FAIL", line)
    print(f"{len(alerts)} alerts, {len(wrong)} complaints")
    return 1 if wrong else 0


sys.exit(main())
