"""The page around panels: variables, links to the other pages, and places on the grid."""

PAGES = {
    "nis2watch-overview": "Plant overview",
    "nis2watch-asset": "Asset",
    "nis2watch-controls": "NIS2 controls",
    "nis2watch-drift": "Drift timeline",
    "nis2watch-expiry": "Expiry calendar",
    "nis2watch-segmentation": "Segmentation matrix",
    "nis2watch-incidents": "Incident clock",
    "nis2watch-traffic": "What we sent",
    "nis2watch-daemon": "The daemon",
}
# the pages of nis2watch that show the evidence; their address is a variable of each dashboard
EVIDENCE = "${evidence}/"
KEEP = "${datasource:queryparam}&${instance:queryparam}&${__url_time_range}"


def to_asset(field="asset"):
    """From a row or a series to the page of its asset."""
    return {
        "title": "Asset",
        "url": f"/d/nis2watch-asset?{KEEP}&var-asset=${{__data.fields.{field}}}",
        "targetBlank": False,
    }


def series_to_asset():
    """From a series that carries the label asset."""
    return {
        "title": "Asset",
        "url": f"/d/nis2watch-asset?{KEEP}&var-asset=${{__field.labels.asset}}",
        "targetBlank": False,
    }


def to(uid):
    """To another page."""
    return {"title": PAGES[uid], "url": f"/d/{uid}?{KEEP}", "targetBlank": False}


def to_evidence(asset="${__data.fields.asset}"):
    """From a row with a check to the evidence that nis2watch keeps for it; without an asset to all assets of the check."""
    path = f"assets/{asset}/${{__data.fields.check}}" if asset else "checks/${__data.fields.check}"
    return {"title": "Evidence", "url": EVIDENCE + path, "targetBlank": True}


def query_variable(name, label, query, multi=True):
    """A variable whose values come from Prometheus."""
    made = {"name": name, "label": label, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}}
    made["query"] = {"query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
    made |= {
        "refresh": 2,
        "sort": 1,
        "regex": "",
        "hide": 0,
        "multi": multi,
        "includeAll": multi,
        "options": [],
        "current": {},
    }
    if multi:
        made |= {"allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    return made


def datasource():
    """The variable that makes a dashboard portable; it stands first."""
    made = {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}
    return made | {"regex": "", "hide": 0, "multi": False, "includeAll": False, "options": [], "current": {}}


def evidence():
    """Where the page of nis2watch is."""
    address = "http://127.0.0.1:9762"
    made = {"name": "evidence", "label": "Evidence page", "type": "textbox", "query": address, "hide": 0}
    return made | {"current": {"text": address, "value": address}, "options": []}


INSTANCE = query_variable("instance", "Daemon", "label_values(nis2watch_build_info, instance)")
ZONE = query_variable("zone", "Zone", 'label_values(nis2watch_asset_info{instance=~"$instance"}, zone)')
SEVERITY = query_variable(
    "severity", "Severity", 'label_values(nis2watch_check_state{instance=~"$instance"}, severity)'
)
# what a query takes in braces
HERE = 'instance=~"$instance"'
IN_ZONE = f'{HERE},zone=~"$zone"'
CHECKS = f'{IN_ZONE},severity=~"$severity"'
# pairs about which there is nothing yet, or nothing any more
UNSEEN = f'on (instance, asset, check) nis2watch_check_unknown{{{HERE},cause="no_data"}}'


def moved(selector, here, there):
    """Pairs whose state became one of `here` within the last step and was one of `there` before it.

    Counters of changes are born with their first event, so that an increase over them misses that one; states do not.
    What nobody has looked at yet is unknown for lack of data, and its first verdict is no change.
    """
    now = " or ".join(f"nis2watch_check_state{{{selector}}} == {state}" for state in here)
    before = " or ".join(f"nis2watch_check_state{{{selector}}} offset $__interval == {state}" for state in there)
    first = f" unless {UNSEEN} offset $__interval" if 3 in there else ""
    return f"(({now}) and ({before}){first})"


def none_of(metric):
    """Where nothing was counted: zero of what is there, and no answer where nothing is, because silence is not a zero."""
    return f"0 * count({metric})"


def unsteady(selector):
    """States of pairs, without those that passed or did not apply all the time."""
    state = f"nis2watch_check_state{{{selector}}}"
    of_range = f"_over_time({state}[$__range] @ end())"
    return f"{state} unless max{of_range} == 0 unless min{of_range} == 5"


def by_urgency(state):
    """States in the order in which one should look at them: 5 fail, 4 unknown, 3 warn, 2 waived, 1 pass, 0 not applicable."""
    weights = {5: 2, 4: 3, 3: 1, 2: 4, 1: 0}
    return "(" + " + ".join(f"{weight} * ({state} == bool {code})" for weight, code in weights.items()) + ")"


def by_severity(selector, state):
    """Pairs in this state, with their severity as a number: 4 critical, 3 high, 2 medium, 1 low, 0 info."""
    severities = enumerate(("info", "low", "medium", "high", "critical"))
    parts = (f'{rank} + 0 * (nis2watch_check_state{{{selector},severity="{name}"}} == {state})' for rank, name in severities)
    return f"({' or '.join(parts)})"


GOOD, BAD = (0, 1, 4), (2, 3)


class Page:
    """Collects panels line by line; `build` gives the JSON."""

    def __init__(self, uid, description, variables=(), span="now-24h"):
        self.uid, self.description, self.span = uid, description, span
        self.variables = [datasource(), INSTANCE, *variables, evidence()]
        self.panels, self.y = [], 0

    def row(self, title):
        """Begins a part of the page."""
        self.place({"type": "row", "title": title, "collapsed": False, "panels": []}, 0, 24, 1)
        self.y += 1

    def line(self, height, *panels):
        """Puts panels side by side; each comes with its width, 24 fill the line."""
        x = 0
        for width, panel in panels:
            self.place(panel, x, width, height)
            x += width
        self.y += height

    def place(self, panel, x, width, height):
        """Gives a panel its number and its place."""
        place = {"x": x, "y": self.y, "w": width, "h": height}
        self.panels.append({"id": len(self.panels) + 1, **panel, "gridPos": place})

    def build(self):
        """The dashboard."""
        others = {
            "title": "nis2watch",
            "type": "dashboards",
            "tags": ["nis2watch"],
            "asDropdown": True,
            "includeVars": True,
            "keepTime": True,
            "targetBlank": False,
            "icon": "external link",
            "tooltip": "",
            "url": "",
        }
        page = {
            "title": "Evidence",
            "type": "link",
            "url": EVIDENCE,
            "icon": "doc",
            "tooltip": "What nis2watch keeps about each verdict",
            "targetBlank": True,
            "asDropdown": False,
            "includeVars": False,
            "keepTime": False,
            "tags": [],
        }
        return {
            "uid": self.uid,
            "title": f"nis2watch: {PAGES[self.uid]}",
            "description": self.description,
            "tags": ["nis2watch"],
            "schemaVersion": 41,
            "version": 1,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "1m",
            "timezone": "browser",
            "time": {"from": self.span, "to": "now"},
            "fiscalYearStartMonth": 0,
            "liveNow": False,
            "weekStart": "",
            "timepicker": {},
            "annotations": {"list": []},
            "links": [others, page],
            "templating": {"list": self.variables},
            "panels": self.panels,
        }
