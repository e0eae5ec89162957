#!/usr/bin/env python3
"""Which alert explains which: a real Alertmanager with the sample configuration, but with receivers that send nothing."""

import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import yaml

SAMPLE = pathlib.Path(__file__).resolve().parent.parent / "deploy/alertmanager/alertmanager.yml"
PLC = {"instance": "n", "zone": "cell-1", "asset": "plc-01"}
HMI = {"instance": "n", "zone": "cell-1", "asset": "hmi-01"}
OTHER = {"instance": "n", "zone": "office", "asset": "files-01"}
TLS = {"check": "tls-cert-expiry"}
ROOT = {"check": "ssh-root-login"}
# the alerts of a bad day, and whether another of them explains each
ALERTS = [
    ("Nis2ZoneUnreachable", {"instance": "n", "zone": "cell-1"}, False),
    ("Nis2AssetUnreachable", PLC, True),
    ("Nis2VerdictsStale", HMI, True),
    ("Nis2AssetUnreachable", OTHER, False),
    ("Nis2UnknownTooLong", OTHER | {"cause": "timeout"}, True),
    ("Nis2UnknownTooLong", OTHER | {"instance": "another plant", "cause": "timeout"}, False),
    ("Nis2CheckDrifted", HMI | ROOT, False),
    ("Nis2CheckFails", HMI | ROOT, True),
    ("Nis2CheckFails", PLC | ROOT, False),
    ("Nis2CertificateExpired", HMI | TLS, False),
    ("Nis2CheckDrifted", HMI | TLS, True),
    ("Nis2IncidentDeadlineMissed", {"incident": "1", "stage": "notification"}, False),
    ("Nis2IncidentDeadlineNear", {"incident": "1", "stage": "notification"}, True),
    ("Nis2IncidentDeadlineNear", {"incident": "1", "stage": "final_report"}, False),
    ("Nis2HostKeyChanged", PLC, False),
    ("Nis2TrafficStopped", {"instance": "third plant"}, False),
    ("Nis2GateRefuses", {"instance": "third plant", "zone": "office", "asset": "files-01"}, True),
]


def call(url, body=None):
    """The JSON that Alertmanager answers."""
    request = urllib.request.Request(url, body and json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def start(folder):
    """A running Alertmanager with its address; tries again where somebody took its port."""
    sample = yaml.safe_load(SAMPLE.read_text())
    sample["receivers"] = [{"name": receiver["name"]} for receiver in sample["receivers"]]
    (folder / "alertmanager.yml").write_text(yaml.safe_dump(sample))
    for _ in range(3):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        arguments = [
            "--config.file=alertmanager.yml",
            "--storage.path=data",
            f"--web.listen-address={address}",
            "--cluster.listen-address=",
        ]
        server = subprocess.Popen(
            ["prometheus-alertmanager", *arguments], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + 20
        while time.monotonic() < end and server.poll() is None:
            try:
                call(f"http://{address}/api/v2/status")
                return server, f"http://{address}/api/v2"
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.1)
        server.kill()
        server.wait()
    sys.exit("Alertmanager did not start")


def explained(api):
    """The alerts that Alertmanager holds back, once it has seen all."""
    end = time.monotonic() + 20
    while True:
        alerts = call(f"{api}/alerts")
        held = [alert["labels"] for alert in alerts if alert["status"]["inhibitedBy"]]
        wanted = sum(1 for _, _, is_explained in ALERTS if is_explained)
        if (len(alerts) == len(ALERTS) and len(held) >= wanted) or time.monotonic() > end:
            return held
        time.sleep(0.2)


def main():
    """Posts the bad day and compares."""
    with tempfile.TemporaryDirectory() as folder:
        server, api = start(pathlib.Path(folder))
        try:
            call(f"{api}/alerts", [{"labels": {"alertname": name, **labels}} for name, labels, _ in ALERTS])
            held = explained(api)
        finally:
            server.terminate()
            server.wait()
    wrong = [
        (name, labels, expected)
        for name, labels, expected in ALERTS
        if ({"alertname": name, **labels} in held) != expected
    ]
    for name, labels, expected in wrong:
        print(f"FAIL {name} {labels} should {'' if expected else 'not '}be explained by another")
    print(f"{len(ALERTS)} alerts of a bad day, {len(wrong)} complaints")
    return 1 if wrong else 0


sys.exit(main())
