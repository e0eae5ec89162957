#!/usr/bin/env python3
"""Checks the dashboards of this repository, and the alerts that Grafana manages.

check.py form                                  their form; needs python3-yaml
check.py schema                                against Grafana's model; needs PyPI's grafana-foundation-sdk
check.py live URL --asset ID --trouble TIME    every query against the Prometheus at URL, which has read a plant where
                                               something was wrong at that time, and this asset has fails and unknowns
"""

import argparse
import json
import pathlib
import sys

sys.dont_write_bytecode = True

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


def contract():
    """Names of metrics that the virtual plant has no reason to show."""
    lines = (ROOT / "tests/deploy/contract.yaml").read_text().splitlines()
    return {line.split(":")[0] for line in lines if line.startswith("nis2watch_") and "the virtual plant has it" not in line}


def main():
    """Prints what is wrong; ends with 1 if anything is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["form", "schema", "live"])
    parser.add_argument("url", nargs="?")
    parser.add_argument("--window", type=int, default=300, help="seconds that a dashboard shows")
    parser.add_argument("--scrape", type=int, default=2, help="seconds between scrapes")
    parser.add_argument("--asset", help="the asset that a page about one shows")
    parser.add_argument(
        "--trouble", type=float, help="a time at which something had drifted, for what is empty on a good day"
    )
    chosen = parser.parse_args()
    pages = {file.stem: json.loads(file.read_text()) for file in sorted((ROOT / "dashboards").glob("*.json"))}
    said = f"{len(pages)} dashboards"
    if chosen.what == "form":
        import alerting
        import form

        wrong = [*form.check(pages), *alerting.form(ROOT)]
    elif chosen.what == "schema":
        import schema

        wrong = list(schema.check(pages))
    else:
        import alerting
        import live
        import prometheus

        server = prometheus.Prometheus(chosen.url, chosen.window, chosen.scrape, chosen.trouble)
        wrong, asked = live.Live(server, contract(), {"asset": chosen.asset}).check(pages)
        wrong += alerting.live(ROOT, server)
        said += f", {asked} queries"
    for line in wrong:
        print("FAIL", line)
    print(f"{chosen.what}: {said}, {len(wrong)} complaints")
    return 1 if wrong or not pages else 0


sys.exit(main())
