"""The form of dashboards: what can be said without a Prometheus."""

import re

KINDS = {"timeseries", "stat", "bargauge", "table", "piechart", "state-timeline", "row"}
STATES = ["pass", "warn", "fail", "unknown", "waived", "not applicable"]
# Okabe and Ito: told apart with any colour vision
PALETTE = {"#009E73", "#E69F00", "#D55E00", "#CC79A7", "#0072B2", "#999999", "#56B4E9", "#F0E442", "transparent"}
RANGES = re.compile(r"\brate\([^\[]*\[([^\]]+)\]")


def everything(value, key):
    """Every value of a key, however deep."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == key:
                yield inner
            yield from everything(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from everything(inner, key)


def wrong_page(name, page, uids):
    """What is wrong with a dashboard as a whole."""
    if page["uid"] != name or not re.fullmatch(r"[\w-]{1,40}", name):
        yield "its uid is not the name of its file"
    if "id" in page or page["schemaVersion"] < 41:
        yield "carries the id of one installation, or is of an old schema"
    first = page["templating"]["list"][0]
    if (first["name"], first["type"]) != ("datasource", "datasource"):
        yield "its first variable is not the data source"
    names = {variable["name"] for variable in page["templating"]["list"]}
    if not {"instance", "evidence"} <= names:
        yield "does not let one choose the daemon and the evidence page"
    if len(page["description"]) < 20:
        yield "has no description"
    links = list(everything(page, "url"))
    if not any(link.startswith("${evidence}") for link in links):
        yield "does not link to the evidence"
    for link in links:
        target = re.match(r"/d/([\w-]+)", link)
        if target and target[1] not in uids:
            yield f"links to {target[1]}, which is not here"
        unknown = set(re.findall(r"\$\{(\w+)", link)) - names - {"__data", "__field", "__url_time_range"}
        if unknown:
            yield f"links with variables that it has not: {sorted(unknown)}"
    numbers = [panel["id"] for panel in page["panels"]]
    if len(set(numbers)) < len(numbers):
        yield "two panels share a number"
    colors = {color for key in ("color", "fixedColor") for color in everything(page, key) if isinstance(color, str)}
    if not colors <= PALETTE:
        yield f"has colours outside of the palette: {sorted(colors - PALETTE)}"
    yield from overlaps(page["panels"])


def overlaps(panels):
    """Panels that leave the grid or lie on another."""
    taken = {}
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{panel['title']!r} leaves the grid"
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other is not panel["title"]:
                    yield f"{panel['title']!r} lies on {other!r}"
                    return


def wrong_panel(panel):
    """What is wrong with one panel."""
    if panel["type"] not in KINDS:
        yield f"is of the kind {panel['type']}, which no other panel here is"
    if not panel["title"].strip():
        yield "has no title"
    if panel["type"] == "row":
        return
    if len(panel["description"]) < 20 or not panel["description"].endswith("."):
        yield "has no description that is a sentence"
    defaults = panel["fieldConfig"]["defaults"]
    if "unit" not in defaults and panel["type"] not in ("table", "state-timeline"):
        yield "has no unit"
    if {source["uid"] for source in everything(panel, "datasource")} != {"${datasource}"}:
        yield "does not take the data source that was chosen"
    refs = [target["refId"] for target in panel["targets"]]
    if not refs or len(set(refs)) < len(refs):
        yield f"has targets {refs}"
    for target in panel["targets"]:
        if any(span != "$__rate_interval" for span in RANGES.findall(target["expr"])):
            yield "has a rate over something else than $__rate_interval"
        if "$instance" not in target["expr"] and "ALERTS" not in target["expr"]:
            yield "does not keep to the chosen daemon"
    steps = defaults.get("thresholds", {}).get("steps", [])
    values = [step["value"] for step in steps]
    if steps and (values[0] is not None or values[1:] != sorted(values[1:])):
        yield f"has thresholds {values}"
    yield from wrong_states(panel)


def wrong_states(panel):
    """Every way to show states has their six words and six colours."""
    for mappings in everything(panel["fieldConfig"], "mappings"):
        options = mappings[0]["options"] if mappings else {}
        if options.get("0", {}).get("text") != "pass":
            continue
        words = [options.get(str(code), {}).get("text") for code in range(6)]
        if words != STATES or len({option["color"] for option in options.values()}) < 6:
            yield f"maps states to {words}"
        return
    shows = any(re.match(r"\(*nis2watch_check_state\{", target["expr"]) for target in panel["targets"])
    if shows and panel["type"] == "state-timeline":
        yield "shows states without their words"


def check(pages):
    """Everything that is wrong with these dashboards; `pages` maps names of files to their JSON."""
    for name, page in pages.items():
        yield from (f"{name} {what}" for what in wrong_page(name, page, set(pages)))
        for panel in page["panels"]:
            yield from (f"{name} {panel['title']!r} {what}" for what in wrong_panel(panel))
