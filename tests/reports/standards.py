"""Holds reports against models generated from the official schemas, and counts what is in them.

Usage: standards.py FOLDER, with report.sarif, report.ocsf, report.oscal and report.junit in it. Prints one line of JSON.
SARIF: OASIS schema 2.1.0, no further keys. OSCAL: NIST schema 1.1.3, no further keys. OCSF: Compliance Finding of 1.5.0.
"""

import json
import sys
import xml.etree.ElementTree as xml
from collections import Counter
from pathlib import Path

from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding
from pydantic_sarif.model import StaticAnalysisResultsFormatSarifVersion210JsonSchema as Sarif
from trestle.oscal.assessment_results import Model as Oscal

folder = Path(sys.argv[1])


def sarif():
    text = (folder / "report.sarif").read_text()
    Sarif.model_validate_json(text)
    run = json.loads(text)["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    levels = {result["level"] for result in run["results"]}
    assert levels <= {"error", "warning", "note", "none"}, levels
    return Counter(result["properties"]["state"] for result in run["results"])


def ocsf():
    states = Counter()
    uids = set()
    for line in (folder / "report.ocsf").read_text().splitlines():
        ComplianceFinding.model_validate_json(line)
        event = json.loads(line)
        assert (event["class_uid"], event["category_uid"], event["type_uid"]) == (2003, 2, 200301)
        assert event["metadata"]["version"] == "1.5.0"
        uids.add(event["metadata"]["uid"])
        states[event["status_code"]] += 1
    assert len(uids) == states.total(), "two events have one identifier"
    return states


def oscal():
    text = (folder / "report.oscal").read_text()
    Oscal.parse_raw(text)
    result = json.loads(text)["assessment-results"]["results"][0]
    items = {item["uuid"] for item in result["local-definitions"]["inventory-items"]}
    observations = {one["uuid"]: one for one in result["observations"]}
    assert len(observations) == len(result["observations"]), "two observations have one identifier"
    risks = {risk["uuid"] for risk in result["risks"]}
    for one in observations.values():
        assert one["subjects"][0]["subject-uuid"] in items
    for finding in result["findings"]:
        assert {one["observation-uuid"] for one in finding["related-observations"]} <= observations.keys()
        assert {one["risk-uuid"] for one in finding.get("related-risks", [])} <= risks
    props = lambda one: {prop["name"]: prop["value"] for prop in one["props"]}
    return Counter(props(one)["state"] for one in observations.values())


def junit():
    root = xml.parse(folder / "report.junit").getroot()
    counted = Counter(tests=len(root.findall(".//testcase")))
    for kind, name in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        counted[kind] = len(root.findall(f".//{name}"))
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name)) == counted[name] == sum(int(suite.get(name)) for suite in root), name
    return counted


print(json.dumps({"sarif": sarif(), "ocsf": ocsf(), "oscal": oscal(), "junit": junit()}))
