"""The alerts that Grafana manages: whole, and each query one that Prometheus understands."""

import re

import yaml

RULES = "deploy/prometheus/nis2watch-rules.yml"
FILE = "dashboards/provisioning/alerting.yaml"
# `$` of a template is doubled, and one name is meant for Grafana's environment
LONE_DOLLAR = re.compile(r"(?<!\$)\$(?!\$)(?!NIS2WATCH_DATASOURCE\b)")


# what the recording rules mean, by hand: the generator must not prove itself right
PAIR = "max by (instance, asset, check, zone, severity, kind)"
HELD = r"instance_asset_check:nis2watch_check_finding_since:held(\{[^}]*\})"
MEANINGS = [(HELD, PAIR + r" (nis2watch_check_finding_since_timestamp_seconds\1)")]


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
    if "#" in refs["A"]["model"]["expr"]:
        yield "has a comment in its query, which stands in one line here"
    if re.search(r"\w:nis2watch", refs["A"]["model"]["expr"]):
        yield "asks for a recording rule"
    if any(LONE_DOLLAR.search(text) for text in [*rule["annotations"].values(), refs["B"]["model"]["expression"]]):
        yield "has a single $, which Grafana's loader would replace"
    if any("| query" in text for text in rule["annotations"].values()):
        yield "asks a query in a text, which Grafana cannot"


def meant(alert):
    """What Grafana has to ask, for how long, and how urgent it is, by the rule of Prometheus."""
    query = " ".join(alert["expr"].split())
    for recorded, meaning in MEANINGS:
        query = re.sub(recorded, meaning, query)
    return query, alert["for"], alert.get("keep_firing_for"), alert["labels"]


def said(rule):
    """What it asks."""
    return rule["data"][0]["model"]["expr"], rule["for"], rule.get("keepFiringFor"), rule["labels"]


def titles_by_folder(root):
    """Folder and title of every alert."""
    groups = yaml.safe_load((root / FILE).read_text())["groups"]
    return [(group["folder"], rule["title"]) for group in groups for rule in group["rules"]]


def form(root):
    """Everything that is wrong with the form of the alerts."""
    all_ = rules(root)
    uids = [rule["uid"] for rule in all_]
    if len(set(uids)) < len(uids):
        yield f"{FILE}: two alerts share a uid"
    alerts = [
        rule
        for group in yaml.safe_load((root / RULES).read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    places = titles_by_folder(root)
    if len(set(places)) < len(places):
        yield f"{FILE}: a folder holds two alerts of one title, which Grafana refuses"

    def key(name, rule):
        return rule[name], rule["labels"]["severity"]

    by_name = {key("title", rule): rule for rule in all_}
    if {key("alert", rule) for rule in alerts} != set(by_name) or len(alerts) != len(all_):
        yield f"{FILE}: other alerts than those of {RULES}"
    for alert in alerts:
        rule = by_name.get(key("alert", alert))
        if rule and meant(alert) != said(rule):
            yield f"{FILE}: {rule['uid']} is another alert than that of Prometheus: {said(rule)}, not {meant(alert)}"
    for rule in all_:
        yield from (f"{FILE}: {rule['uid']} {what}" for what in wrong_rule(rule))


def live(root, prometheus):
    """Queries that Prometheus refuses."""
    for rule in rules(root):
        try:
            prometheus.ask(rule["data"][0]["model"]["expr"], instant=True)
        except ValueError as error:
            yield f"{FILE}: {rule['uid']}: {error}"
