#!/usr/bin/env python3
"""Writes the dashboards and the Grafana-managed alerts of this folder.

  generate.py           writes them
  generate.py --check   writes nothing; ends with 1 and names the files that are not what it would write

Needs python3-yaml, because the alerts are those of deploy/prometheus/nis2watch-rules.yml.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True  # the folder is copied to Grafana as it is

from source import alerting, asset, controls, daemon, drift, expiry, incidents, overview, segmentation, traffic

HERE = pathlib.Path(__file__).resolve().parent
PAGES = [overview, asset, controls, drift, expiry, segmentation, incidents, traffic, daemon]


def files():
    """Each file with its text."""
    for page in PAGES:
        built = page.build()
        yield HERE / f"{built['uid']}.json", json.dumps(built, indent=1, ensure_ascii=False) + "\n"
    rules = HERE.parent / "deploy/prometheus/nis2watch-rules.yml"
    yield HERE / "provisioning/alerting.yaml", alerting.build(rules.read_text())


def main():
    check = sys.argv[1:] == ["--check"]
    wrong = []
    for file, text in files():
        if check and (not file.is_file() or file.read_text() != text):
            wrong.append(file.name)
        elif not check:
            file.write_text(text)
    for name in wrong:
        print(f"{name} is not what dashboards/generate.py writes")
    return 1 if wrong else 0


sys.exit(main())
