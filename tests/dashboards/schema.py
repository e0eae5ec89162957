"""Dashboards against Grafana's own model: a key that does not survive a round trip is one that Grafana does not know."""

import json

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

# the model is older than what Grafana reads
YOUNGER = {"timezone"}


def lost(before, after, place=""):
    """Places whose value the model dropped."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key, value in before.items():
            if key in after:
                yield from lost(value, after[key], f"{place}.{key}")
            elif value not in (None, [], {}, "", False) and key not in YOUNGER:
                yield f"{place}.{key}"
    elif isinstance(before, list) and isinstance(after, list):
        if len(before) != len(after):
            yield place
        for number, (one, other) in enumerate(zip(before, after)):
            yield from lost(one, other, f"{place}[{number}]")


def check(pages):
    """Everything in these dashboards that Grafana would not understand."""
    register_default_plugins()
    for name, page in pages.items():
        back = json.loads(JSONEncoder().encode(Dashboard.from_json(json.loads(json.dumps(page)))))
        for where in lost(page, back):
            yield f"{name}: Grafana does not know {where}"
