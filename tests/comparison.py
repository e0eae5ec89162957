"""Asks nis2watch and the other tools the same questions, and prints both answers as Markdown tables.

Run by comparison.sh, which starts the servers and lynis. A line says "same" only where both sides gave a verdict and it is equal.
"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import yaml

WORK = Path(sys.argv[1])
PROGRAM = os.environ["NIS2WATCH"]
TOOLS = Path(os.environ["TOOLS"]) / "bin"
SERVERS = [line.split() for line in (WORK / "servers").read_text().splitlines()]

# What lynis tests, and our check of the same subject.
LYNIS = [
    ("linux-firewall-active", ["FIRE-4590", "FIRE-4512", "FIRE-4508"], "a packet filter with rules"),
    ("linux-malware-protection", ["HRDN-7230", "MALW-3280"], "a malware scanner"),
    ("linux-file-integrity", ["FINT-4350"], "a file-integrity tool"),
    ("linux-audit-rules", ["ACCT-9628", "ACCT-9630"], "the audit daemon"),
    ("linux-sysctl-hardening", ["KRNL-6000"], "kernel settings"),
    ("linux-removable-media", ["USB-1000"], "USB storage"),
    ("linux-mac-enforcing", ["MACF-6204", "MACF-6208", "MACF-6234", "MACF-6290"], "mandatory access control"),
    ("log-forwarding", ["LOGG-2154"], "logs leave the host"),
    ("host-time-sync", ["TIME-3104"], "a synchronised clock"),
    ("password-policy-linux", ["AUTH-9262"], "a module for password strength"),
    ("password-hash-algorithm", ["AUTH-9229"], "password hashing"),
    ("empty-passwords", ["AUTH-9283"], "accounts without a password"),
    ("patch-age-security", ["PKGS-7392"], "security updates"),
    ("patch-reboot-pending", ["KRNL-5830"], "a restart that waits"),
    ("ssh-session-limits", ["SSH-7408"], "settings of sshd"),
]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False).stdout


def nis2watch():
    """All verdicts and, for SSH and TLS, the facts behind them."""
    assets = [{"id": "host", "zone": "here", "kind": "linux-host", "access": {"local": {}}}]
    for name, port, kind in SERVERS:
        check, key = ("ssh-algorithms", "ssh_ports") if kind == "ssh" else ("tls-min-version", "tls_ports")
        asset = {"id": name, "address": "127.0.0.1", "zone": "here", "kind": "linux-host", "allowed_ports": [int(port)]}
        asset["params"] = {check: {key: [int(port)]}, "asset-open-ports": {"probe_ports": [int(port)]}}
        assets.append(asset)
    (WORK / "assets.yaml").write_text(yaml.safe_dump(assets))
    config = {"inventory": ["assets.yaml"], "store": {"path": "db"}, "zones": [{"id": "here", "role": "it"}]}
    (WORK / "nis2watch.yaml").write_text(yaml.safe_dump(config))
    config = str(WORK / "nis2watch.yaml")
    results = json.loads(run(PROGRAM, "check", "--config", config, "--format", "json"))["results"]
    facts = {}
    for name, _, kind in SERVERS:
        fact = "ssh.service" if kind == "ssh" else "tls.services"
        told = json.loads(run(PROGRAM, "facts", "--config", config, "--asset", name, "--fact", fact, "--format", "json"))
        family, leaf = fact.split(".")
        facts[name] = told["facts"][family][leaf]["services"][0]
    return {(one["asset"], one["check"]): one for one in results}, facts


def ssh_audit(port):
    """Names that it calls a failure, and all names that it lists, by kind."""
    report = json.loads(run(TOOLS / "ssh-audit", "-j", "--skip-rate-test", "-p", port, "127.0.0.1"))
    listed = {}
    for kind in ("kex", "key", "enc", "mac"):
        for one in report[kind]:
            listed.setdefault(kind, {})[one["algorithm"]] = bool(one.get("notes", {}).get("fail"))
    return listed


def nmap(port, script):
    tree = ET.fromstring(run("nmap", "-sT", "-Pn", "-n", "-p", port, "--script", f"+{script}", "-oX", "-", "127.0.0.1"))
    found = tree.find(".//port")
    return found.find("state").get("state"), {table.get("key"): table for table in found.iter("table") if table.get("key")}


def sslyze(port):
    out = WORK / f"sslyze-{port}.json"
    flags = ["--sslv3", "--tlsv1", "--tlsv1_1", "--tlsv1_2", "--tlsv1_3"]
    run(TOOLS / "sslyze", *flags, "--json_out", str(out), f"localhost:{port}")
    result = json.loads(out.read_text())["server_scan_results"][0]["scan_result"]
    names = {"ssl_3_0": "ssl3", "tls_1_0": "1.0", "tls_1_1": "1.1", "tls_1_2": "1.2", "tls_1_3": "1.3"}
    accepted = set()
    for key, version in names.items():
        one = result[f"{key}_cipher_suites"]
        if one["status"] == "COMPLETED" and one["result"]["accepted_cipher_suites"]:
            accepted.add(version)
    return accepted


def words(names):
    return ", ".join(f"`{name}`" for name in sorted(names)) or "none"


def ssh_table(verdicts, facts):
    print("| server | `ssh-algorithms` | we call weak | ssh-audit calls a failure | lists equal to nmap's |")
    print("| --- | --- | --- | --- | --- |")
    denied = re.compile(catalogue_pattern())
    for name, port, _ in (server for server in SERVERS if server[2] == "ssh"):
        offered, theirs = facts[name], ssh_audit(port)
        ours = {one for key in ("kex", "host_keys", "ciphers", "macs") for one in offered[key] if denied.search(one)}
        fails = {one for kind in theirs.values() for one, bad in kind.items() if bad}
        state, tables = nmap(port, "ssh2-enum-algos")
        pairs = [("kex", "kex_algorithms"), ("host_keys", "server_host_key_algorithms"),
                 ("ciphers", "encryption_algorithms"), ("macs", "mac_algorithms")]
        equal = state == "open" and all(
            set(offered[key]) == {one.text for one in tables[table].iter("elem")} - {"kex-strict-s-v00@openssh.com", "ext-info-s"}
            for key, table in pairs)
        state = verdicts[name, "ssh-algorithms"]["state"]
        print(f"| {name} | {state} | {words(ours)} | {words(fails)} | {'yes' if equal else 'no'} |")


def catalogue_pattern():
    check = yaml.safe_load(Path("checks/ssh-service/ssh-algorithms.yaml").read_text())
    return check["params"]["denied_algorithms"]


def tls_table(verdicts, facts):
    print("| server | `tls-min-version` | we see | sslyze sees | nmap sees | agree |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, port, _ in (server for server in SERVERS if server[2] == "tls"):
        ours, theirs = set(facts[name].get("accepted_versions", [])), sslyze(port)
        _, tables = nmap(port, "ssl-enum-ciphers")
        mapped = {key.removeprefix("TLSv").replace("SSLv3", "ssl3") for key in tables if key.startswith(("TLSv", "SSLv"))}
        agree = "all three" if ours == theirs == mapped else "sslyze" if ours == theirs else "nmap" if ours == mapped else "none"
        state = verdicts[name, "tls-min-version"]["state"]
        print(f"| {name} | {state} | {words(ours)} | {words(theirs)} | {words(mapped)} | {agree} |")


def port_line(verdicts):
    state = {name: verdicts[name, "asset-open-ports"]["state"] for name, *_ in SERVERS}
    found = {name: nmap(port, "banner")[0] for name, port, _ in SERVERS}
    same = sum(state[name] == "pass" and found[name] == "open" for name in found)
    print(f"Of {len(found)} ports of these servers nmap finds {same} open that `asset-open-ports` judged open and approved.")


def lynis_table(verdicts):
    report = (WORK / "lynis.dat").read_text(errors="replace")
    asked = set(re.findall(r"^tests_executed=(.*)$", report, re.M)[0].split("|"))
    raised = {}
    for kind, test in re.findall(r"^(warning|suggestion)\[\]=([A-Z]+-\d+)", report, re.M):
        raised.setdefault(test, set()).add(kind)
    index = re.findall(r"^hardening_index=(\d+)", report, re.M)
    print("| subject | check | we say | lynis | agree |\n| --- | --- | --- | --- | --- |")
    for check, tests, subject in LYNIS:
        ours = verdicts.get(("host", check), {"state": "not in the plan"})["state"]
        ran = [test for test in tests if test in asked]
        said = {test: raised[test] for test in ran if test in raised}
        theirs = ", ".join(f"{'/'.join(sorted(kinds))} {test}" for test, kinds in said.items()) or (
            f"nothing to say ({', '.join(ran)})" if ran else "did not test")
        verdict = None if not ran or ours not in ("pass", "warn", "fail") else (ours == "fail") == bool(said)
        print(f"| {subject} | `{check}` | {ours} | {theirs} | {'—' if verdict is None else 'same' if verdict else 'differs'} |")
    print(f"\nlynis gives this host a hardening index of {index[0] if index else '?'}.")


def main():
    verdicts, facts = nis2watch()
    for title, table in [("SSH servers", lambda: ssh_table(verdicts, facts)), ("TLS servers", lambda: tls_table(verdicts, facts)),
                         ("Open ports", lambda: port_line(verdicts)), ("This host", lambda: lynis_table(verdicts))]:
        print(f"## {title}\n")
        table()
        print()


main()
