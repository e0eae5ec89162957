#!/usr/bin/env python3
"""A dashboard with what a Prometheus answers to each of its panels, as JSON for draw.mjs.

answers.py PAGE URL      the file of a dashboard, and the address of the Prometheus
"""

import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True

import prometheus as server


def answered(page, prometheus, values):
    """The page with its variables in place and with the series of each target."""
    for panel in page["panels"]:
        panel["title"] = server.filled(panel["title"], values)
        for target in panel.get("targets", []):
            target["series"] = prometheus.ask(server.filled(target["expr"], values), target["instant"])
    shown = {name: value for name, value in values.items() if not name.startswith("__")}
    return page | {"variables": shown, "from": prometheus.now - prometheus.window, "to": prometheus.now, "step": prometheus.interval()}


def main():
    """Prints the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("url")
    parser.add_argument("--window", type=int, default=300, help="seconds that the dashboard shows")
    parser.add_argument("--at", type=float, help="the moment that it ends with, in seconds since 1970; now unless said")
    parser.add_argument("--scrape", type=int, default=5, help="seconds between scrapes")
    parser.add_argument("--asset", help="the asset that a page about one shows")
    chosen = parser.parse_args()
    prometheus = server.Prometheus(chosen.url, chosen.window, chosen.scrape, now=chosen.at)
    page = json.loads(chosen.page.read_text())
    values = server.variables(page, prometheus, {"asset": chosen.asset})
    json.dump(answered(page, prometheus, values), sys.stdout)


main()
