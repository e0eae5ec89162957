"""The dashboards of nis2watch as Python; `generate.py` one folder up writes the JSON from it."""
