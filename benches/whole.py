#!/usr/bin/env python3
"""Whole-process comparisons on loopback: this program beside a peer that a user would otherwise pick, in the same run.

  benches/whole.py ssh      a round over SSH, beside asyncssh and parallel-ssh (from PyPI, if they are installed)
  benches/whole.py snmp     visits over SNMPv2c, beside prometheus-snmp-exporter (Debian)
  benches/whole.py snmpv3   the first round over SNMPv3 after a start, beside the same, against a real net-snmp agent
  benches/whole.py scrape   a scrape of 10,000 assets x 20 checks, beside nginx serving the same bytes as a file

Each prints one line per program: targets per second, processor time per target, peak memory; and the ratios. Servers are started
on free ports and ended again. Build the program first: cargo build --release --locked.
"""
import argparse, contextlib, json, os, pathlib, resource, shutil, signal, socket, statistics, subprocess, sys, tempfile, textwrap, time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OIDS = [f"1.3.6.1.2.1.1.{n}.0" for n in range(1, 8)] + [f"1.3.6.1.2.1.11.{n}.0" for n in (1, 3, 4)]
SCALARS = "read: { snmp: { scalars: { " + ", ".join(f"o{n}: {oid}" for n, oid in enumerate(OIDS)) + " } } }\n"
COMMANDS = ["cat /etc/os-release", "uname -a", "cat /etc/login.defs", "cat /etc/passwd", "uptime"]


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_port(port, process):
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"{process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.05)
    sys.exit(f"nothing listens on port {port}")


@contextlib.contextmanager
def running(*command, **kw):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)
        if process.poll() is None:
            process.kill()
            process.wait()


def measured(command, targets, **kw):
    """Runs a command; returns targets per second, CPU milliseconds per target and peak memory in MB."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"per_s": targets / wall, "cpu_ms": cpu * 1000 / targets}, done


def table(rows):
    """rows: name -> list of figures. Prints medians and the ratios to the first."""
    median = lambda name, key: statistics.median(run[key] for run in rows[name])
    first = next(iter(rows))
    print(f"{'program':<28}{'targets/s':>12}{'CPU ms/target':>16}{'speed ratio':>14}{'CPU ratio':>12}")
    for name in rows:
        speed, cpu = median(name, "per_s"), median(name, "cpu_ms")
        print(f"{name:<28}{speed:>12.1f}{cpu:>16.2f}{median(first, 'per_s') / speed:>14.2f}{median(first, 'cpu_ms') / cpu:>12.2f}")


def write_catalog(folder, facts, kind, needle):
    """A catalogue of one check that needs these facts: both programs are asked for exactly the same."""
    bench = folder / "checks"
    (bench / "facts/bench").mkdir(parents=True)
    (bench / "bench").mkdir()
    shutil.copytree(ROOT / "checks/controls", bench / "controls")
    for name, ask in facts.items():
        read, fields = "read: { lines: { fields: '^(?P<text>.+)$' } }\n", "text"
        if "snmp" in ask:
            read, fields = SCALARS, ", ".join(f"o{n}" for n in range(len(OIDS)))
        (bench / f"facts/bench/{name}.yaml").write_text(f"id: bench.{name}\ntitle: {name}\nask: {ask}\n{read}fields: [{fields}]\nbudget: {{ questions: 10, bytes: 65536 }}\n")
    (bench / "bench/pack.yaml").write_text("id: bench\ntitle: Bench\nsummary: A bench.\n")
    needs = ", ".join(f"bench.{name}" for name in facts)
    rules = "".join(f"  - {{ fact: bench.{name}{needle}, exists: true }}\n" for name in facts)
    (bench / "bench/bench.yaml").write_text(
        f"id: bench\ntitle: Bench\nversion: 1\nseverity: low\nimpact: low\ncontrols: [CFG-01]\napplies_to: {{ kind: [{kind}] }}\n"
        f"needs: [{needs}]\nassert:\n{rules}fix: Nothing.\nrationale: A bench.\nproves: Nothing.\nschedule: posture\n")


def write_config(folder, assets, credentials):
    (folder / "nis2watch.yaml").write_text(textwrap.dedent(f"""\
        catalog: {{ builtin: false, extra: [checks] }}
        schedules: {{ posture: {{ every: 1s }} }}
        inventory: [assets.yaml]
        store: {{ path: bench.db }}
        limits: {{ visits_in_flight: 64, per_zone: 64, standard: {{ gap: 0s, per_hour: 1000000, at_once: 8 }} }}
        zones: [{{ id: office, role: it }}]
        credentials:
        {credentials}
        """))
    (folder / "assets.yaml").write_text(json.dumps(assets))


def ours(args, folder):
    (folder / "bench.db").unlink(missing_ok=True)
    figures, done = measured([args.binary, "check", "--config", folder / "nis2watch.yaml", "--format", "json", "--check", "bench"], args.targets)
    if not done.stdout:
        sys.exit(done.stderr)
    report = json.loads(done.stdout)
    unknown = report["summary"]["unknown"]
    if unknown:
        first = next(r for r in report["results"] if r["state"] == "unknown")
        sys.exit(f"{unknown} results are unknown: {first['check']}: {first['reason']}")
    return figures


ASYNCSSH = """
import asyncio, asyncssh, sys
port, key, n, command = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
async def one(gate):
    async with gate, asyncssh.connect("127.0.0.1", port, username="root", client_keys=[key], known_hosts=None) as c:
        done = await c.run(command)
        assert done.stdout, done.stderr
async def main():
    gate = asyncio.Semaphore(64)
    await asyncio.gather(*(one(gate) for _ in range(n)))
asyncio.run(main())
"""
PARALLEL = """
import sys
from pssh.clients import ParallelSSHClient
port, key, n, command = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
client = ParallelSSHClient(["127.0.0.1"] * n, user="root", pkey=key, port=port, pool_size=64)
for output in client.run_command(command):
    assert sum(1 for _ in output.stdout), output.exception
"""


def ssh(args, folder):
    port = free_port()
    for name in ("host", "client"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    # parallel-ssh reads PEM keys only
    shutil.copy(folder / "client", folder / "client.pem")
    subprocess.run(["ssh-keygen", "-q", "-p", "-m", "PEM", "-N", "", "-f", folder / "client.pem"], check=True)
    pathlib.Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "sshd_config").write_text(textwrap.dedent(f"""\
        Port {port}
        ListenAddress 127.0.0.1
        HostKey {folder}/host
        AuthorizedKeysFile {folder}/client.pub
        StrictModes no
        UsePAM no
        PermitRootLogin prohibit-password
        PidFile none
        MaxStartups 500
        """))
    access = {"credential": "root", "port": port, "host_key": (folder / "host.pub").read_text(), "privilege": "none"}
    scan = subprocess.run(["ssh-keygen", "-l", "-f", folder / "host.pub"], capture_output=True, text=True, check=True)
    access["host_key"] = scan.stdout.split()[1]
    assets = [{"id": f"host-{n}", "address": "127.0.0.1", "zone": "office", "kind": "linux-host", "access": {"ssh": access}} for n in range(args.targets)]
    write_config(folder, assets, "  root: { ssh: { user: root, key: { file: client } } }")
    write_catalog(folder, {f"c{n}": f'{{ ssh: {{ run: "{command}" }} }}' for n, command in enumerate(COMMANDS)}, "linux-host", "")
    command = "; ".join(COMMANDS)
    print(f"{args.targets} targets, {len(COMMANDS)} commands in one login, 64 at once, {args.runs} runs")
    peers = {}
    with running("/usr/sbin/sshd", "-D", "-f", str(folder / "sshd_config")) as server:
        wait_port(port, server)
        for module, script in (("asyncssh", ASYNCSSH), ("pssh", PARALLEL)):
            if subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0:
                peers[module] = script
            else:
                print(f"{module} is not installed and left out")
        rows = {name: [] for name in ("nis2watch check", *peers)}
        for _ in range(args.runs):
            rows["nis2watch check"].append(ours(args, folder))
            for name, script in peers.items():
                key = folder / ("client" if name == "asyncssh" else "client.pem")
                figures, done = measured([sys.executable, "-c", script, str(port), str(key), str(args.targets), command], args.targets)
                if done.returncode:
                    sys.exit(f"{name}: {done.stderr[-2000:]}")
                rows[name].append(figures)
        table(rows)


def daemon(args, folder):
    """The daemon under more work than it can do: what a visit costs it, judged, stored and shown to a scraper."""
    (folder / "bench.db").unlink(missing_ok=True)
    listen = free_port()
    command = [args.binary, "run", "--config", folder / "nis2watch.yaml", "--listen", f"127.0.0.1:{listen}", "--log", "error"]

    def visits():
        text = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{listen}/metrics"], capture_output=True, text=True).stdout
        return next((float(line.split()[1]) for line in text.splitlines() if line.startswith("nis2watch_visits_total ")), 0)

    with running(*command) as process:
        while visits() < args.targets:
            if process.poll() is not None:
                sys.exit(subprocess.run(command, stderr=subprocess.PIPE, text=True).stderr)
            time.sleep(0.2)
        cpu, start, first = cpu_of(process.pid), time.monotonic(), visits()
        time.sleep(8)
        wall, count = time.monotonic() - start, visits() - first
        return {"per_s": count / wall, "cpu_ms": (cpu_of(process.pid) - cpu) * 1000 / count}


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def exporter_config(folder, access):
    """What the exporter is asked for: the same ten objects."""
    (folder / "snmp.yml").write_text(textwrap.dedent("""\
        system:
          get: [OIDS]
          metrics:
            - { name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge, help: uptime }
            - { name: sysDescr, oid: 1.3.6.1.2.1.1.1, type: DisplayString, help: description }
          ACCESS
        """).replace("OIDS", ", ".join(OIDS)).replace("ACCESS", access))
    return shutil.which("prometheus-snmp-exporter") or sys.exit("install prometheus-snmp-exporter (Debian)")


def scraped(args, folder, peer, web, port):
    """All targets through the exporter, 64 at once, as a Prometheus would."""
    urls = folder / "urls"
    url = f"http://127.0.0.1:{web}/snmp?target=127.0.0.1:{port}&module=system"
    urls.write_text(f'url = "{url}"\noutput = "/dev/null"\n' * args.targets)
    before, start = cpu_of(peer.pid), time.monotonic()
    subprocess.run(["curl", "-sS", "-f", "--parallel", "--parallel-max", "64", "-K", urls], check=True)
    wall = time.monotonic() - start
    return {"per_s": args.targets / wall, "cpu_ms": (cpu_of(peer.pid) - before) * 1000 / args.targets}


def switches(args, port):
    return [{"id": f"switch-{n}", "address": "127.0.0.1", "zone": "office", "kind": "network-device",
             "access": {"snmp": {"credential": "plant", "port": port}}} for n in range(args.targets)]


def snmp(args, folder):
    port, web = free_port(socket.SOCK_DGRAM), free_port()
    (folder / "community").write_text("plant")
    (folder / "community").chmod(0o600)
    write_config(folder, switches(args, port), "  plant: { snmp: { version: 2c, community: { file: community } } }")
    write_catalog(folder, {"ten": "{ snmp: { get: [" + ", ".join(OIDS) + "] } }"}, "network-device", ".o1")
    exporter = exporter_config(folder, "version: 2\n  auth: { community: plant }")
    print(f"{args.targets} targets, 64 at once, {args.runs} runs")
    with running(sys.executable, str(ROOT / "benches/agent.py"), str(port)), \
            running(exporter, f"--config.file={folder}/snmp.yml", f"--web.listen-address=127.0.0.1:{web}") as peer:
        wait_port(web, peer)
        rows = {"nis2watch run": [], "prometheus-snmp-exporter": []}
        for _ in range(args.runs):
            rows["nis2watch run"].append(daemon(args, folder))
            rows["prometheus-snmp-exporter"].append(scraped(args, folder, peer, web, port))
        table(rows)


def snmpv3(args, folder):
    port, web = free_port(socket.SOCK_DGRAM), free_port()
    for name in ("auth", "privacy"):
        (folder / name).write_text(f"{name}-word-of-the-plant")
        (folder / name).chmod(0o600)
    write_config(folder, switches(args, port), "  plant: { snmp: { version: 3, user: monitor, auth: { protocol: sha256, password: { file: auth } }, privacy: { protocol: aes128, password: { file: privacy } } } }")
    write_catalog(folder, {"ten": "{ snmp: { get: [" + ", ".join(OIDS) + "] } }"}, "network-device", ".o1")
    exporter = exporter_config(folder, "version: 3\n  auth: { username: monitor, security_level: authPriv, auth_protocol: SHA256, password: auth-word-of-the-plant, "
                               "priv_protocol: AES, priv_password: privacy-word-of-the-plant }")
    (folder / "snmpd.conf").write_text("createUser monitor SHA-256 auth-word-of-the-plant AES privacy-word-of-the-plant\nrouser monitor priv\n")
    agent = shutil.which("snmpd", path="/usr/sbin:" + os.environ["PATH"]) or sys.exit("install snmpd (Debian)")
    print(f"{args.targets} targets behind one net-snmp agent, 64 at once, {args.runs} runs; each begins with nothing known of the agent")
    with running(agent, "-f", "-Ln", "-C", "-c", str(folder / "snmpd.conf"), f"udp:127.0.0.1:{port}", env={**os.environ, "SNMP_PERSISTENT_DIR": str(folder)}):
        time.sleep(1)  # the agent has no port that can be waited for
        rows = {"nis2watch check": [], "prometheus-snmp-exporter": []}
        for _ in range(args.runs):
            rows["nis2watch check"].append(ours(args, folder))
            with running(exporter, f"--config.file={folder}/snmp.yml", f"--web.listen-address=127.0.0.1:{web}") as peer:
                wait_port(web, peer)
                rows["prometheus-snmp-exporter"].append(scraped(args, folder, peer, web, port))
        table(rows)


def scrape(args, folder):
    listen, web = free_port(), free_port()
    assets = [{"id": f"plc-{n}", "address": f"127.0.{n // 250}.{n % 250 + 1}", "zone": f"cell-{n % 40}", "kind": "linux-host", "active": False,
               "access": {"ssh": {"credential": "root", "host_key": "learn"}}} for n in range(10_000)]
    write_config(folder, assets, "  root: { ssh: { user: root, password: { file: word } } }")
    config = folder / "nis2watch.yaml"
    config.write_text(config.read_text().replace("[{ id: office, role: it }]", json.dumps([{"id": f"cell-{n}", "role": "it"} for n in range(40)])))
    (folder / "word").write_text("x")
    (folder / "word").chmod(0o600)
    daemon = [args.binary, "run", "--config", config, "--listen", f"127.0.0.1:{listen}", "--log", "error"]
    nginx = shutil.which("nginx") or sys.exit("install nginx-light (Debian)")
    with running(*daemon) as process:
        for _ in range(600):
            if subprocess.run(["curl", "-sf", f"http://127.0.0.1:{listen}/-/ready"], capture_output=True).returncode == 0:
                break
            time.sleep(0.1)
        time.sleep(30)  # the first round ends: every pair becomes unknown, inactive
        body = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{listen}/metrics"], capture_output=True, check=True).stdout
        (folder / "metrics").write_bytes(body)
        (folder / "nginx.conf").write_text(textwrap.dedent(f"""\
            daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log /dev/null;
            events {{}}
            http {{ access_log off; sendfile off; server {{ listen 127.0.0.1:{web}; root {folder}; }} }}
            """))
        os.chmod(folder, 0o755)
        with running(nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")) as server:
            wait_port(web, server)
            times = {"nis2watch": [], "nginx, same bytes as a file": []}
            for _ in range(args.runs * 5):
                for name, port in zip(times, (listen, web)):
                    out = subprocess.run(["curl", "-sf", "-o", "/dev/null", "-w", "%{time_total}", f"http://127.0.0.1:{port}/metrics"], capture_output=True, text=True, check=True)
                    times[name].append(float(out.stdout))
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        rss = int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024
        series = sum(1 for line in body.splitlines() if line and not line.startswith(b"#"))
        print(f"{series} series, {len(body) / 1e6:.1f} MB of text, resident memory {rss:.0f} MB")
        medians = {name: statistics.median(values) for name, values in times.items()}
        for name, value in medians.items():
            print(f"{name:<30}{value * 1000:>8.1f} ms a scrape")
        first, second = medians.values()
        print(f"ratio {first / second:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["ssh", "snmp", "snmpv3", "scrape"])
    parser.add_argument("--targets", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--binary", default=str(ROOT / "target/release/nis2watch"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nis2watch-bench-") as folder:
        globals()[args.what](args, pathlib.Path(folder))


main()
