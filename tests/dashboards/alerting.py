"""The alerts that Grafana manages: whole, and each query one that Prometheus understands."""

import re

import yaml

RULES = "deploy/prometheus/nis2watch-rules.yml"
FILE = "dashboards/provisioning/alerting.yaml"
# `$` of a template is doubled, and one name is meant for Grafana's environment
LONE_DOLLAR = re.compile(r"(?<!\$)\$(?!\$)(?!NIS2WATCH_DATASOURCE\b)")


def rules(root):
    """Every rule of the file."""
    return [rule for group in yaml.safe_load((root / FILE).read_text())["groups"] for rule in group["rules"]]


def wrong_rule(rule):
    """What is wrong with the form of one."""
    refs = {part["refId"]: part for part in rule["data"]}
    if not re.fullmatch(r"[\w-]{1,40}", rule["uid"]):
        yield "has a uid that Grafana refuses"
    if rule["condition"] not in refs or any(part["model"]["refId"] != ref for ref, part in refs.items()):
        yield "has a condition or references that are not there"
    if re.search(r"\w:nis2watch", refs["A"]["model"]["expr"]):
        yield "asks for a recording rule"
    if any(LONE_DOLLAR.search(text) for text in [*rule["annotations"].values(), refs["B"]["model"]["expression"]]):
        yield "has a single $, which Grafana's loader would replace"


def form(root):
    """Everything that is wrong with the form of the alerts."""
    all_ = rules(root)
    uids = [rule["uid"] for rule in all_]
    if len(set(uids)) < len(uids):
        yield f"{FILE}: two alerts share a uid"
    wanted = {
        rule["alert"]
        for group in yaml.safe_load((root / RULES).read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }
    missing = wanted - {rule["labels"]["alert"] for rule in all_}
    yield from (f"{FILE}: {name} is missing" for name in sorted(missing))
    for rule in all_:
        yield from (f"{FILE}: {rule['uid']} {what}" for what in wrong_rule(rule))


def live(root, prometheus):
    """Queries that Prometheus refuses."""
    for rule in rules(root):
        try:
            prometheus.ask(rule["data"][0]["model"]["expr"], instant=True)
        except ValueError as error:
            yield f"{FILE}: {rule['uid']}: {error}"
