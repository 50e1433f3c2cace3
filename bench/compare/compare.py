"""Compares proxies: CPU time a unit of work, beside throughput and latency; run by bench/run.sh.

Each round runs every proxy once, in an order that turns; what is told is the median of the rounds. The proxy has one core
for itself, nodes and load have the other one.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

from peers import ALL as FRONTS
from peers import BUILD, PEERS, Child, Stand, free_port, on_core
from scenarios import ALL as SCENARIOS

_FRONT_CORE, _LOAD_CORE = 0, 1
_GENERATOR = BUILD / "bench" / "generator" / "poplar_generator"
_LOAD = BUILD / "bench" / "load" / "poplar_load"

_AUTH = """
daemon off;
pid {folder}/auth.pid;
error_log {folder}/auth.log crit;
worker_processes 1;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  keepalive_timeout 65;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      add_header Auth-Status OK always;
      add_header Auth-Server 127.0.0.1 always;
      add_header Auth-Port {node} always;
      return 200;
    }}
  }}
}}
"""


def arguments():
    parser = argparse.ArgumentParser(prog="bench/run.sh", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="(%(default)s)")
    parser.add_argument("--size", type=float, default=1, help="of a round, times the usual (%(default)s)")
    parser.add_argument("--front", choices=FRONTS, action="append", help="only these; may be repeated")
    parser.add_argument("--scenario", action="append", help="only those with this in their name; may be repeated")
    parser.add_argument("--json", type=pathlib.Path, help="writes the results there, too")
    return parser.parse_args()


@contextlib.contextmanager
def nodes(folder: pathlib.Path, scenario):
    """Ports of three nodes on the load's core."""
    first = free_port()
    log = folder / f"nodes-{first}.log"
    child = Child([_LOAD, "nodes", "--nodes", "3", "--port", first, "--messages", scenario.messages,
                   "--message-bytes", scenario.message_bytes], log, preexec=on_core(_LOAD_CORE))
    child.wait_for(lambda: "ready" in log.read_text(), "the nodes to be ready")
    try:
        yield [first, first + 1, first + 2]
    finally:
        child.stop()


@contextlib.contextmanager
def auth_http(folder: pathlib.Path, node: int):
    """The port of a service that answers nginx's questions at once, on the load's core."""
    port = free_port()
    file = folder / f"auth-{port}.conf"
    file.write_text(_AUTH.format(folder=folder, port=port, node=node))
    child = Child([PEERS / "nginx/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c", file],
                  folder / f"auth-{port}.log", preexec=on_core(_LOAD_CORE))
    try:
        yield port
    finally:
        child.stop()


def run_load(port: int, *more) -> dict:
    done = subprocess.run([str(_GENERATOR), "--target", f"127.0.0.1:{port}", *map(str, more)], check=True,
                          capture_output=True, text=True, timeout=600, preexec_fn=on_core(_LOAD_CORE))
    return json.loads(done.stdout)


def measure(front_type, stand: Stand, scenario, size: float) -> dict:
    """One round of one proxy."""
    sessions = max(20, int(scenario.sessions * size))
    with front_type(stand) as front:
        warm = run_load(front.port, *scenario.arguments, "--clients", 16, "--sessions", max(32, sessions // 10))
        before = front.group.cpu_seconds()
        report = run_load(front.port, *scenario.arguments, "--clients", 16, "--sessions", sessions)
        cpu = front.group.cpu_seconds() - before
    assert warm["failed"] == 0 and report["failed"] == 0, f"{front.name}: {report['failures']} {report['failed_at']}"
    units = report["all_sessions"] if scenario.unit == "session" else report["bytes_received"] / 1e9
    return {"cpu_us": cpu * 1e6 / units, "sessions_per_second": report["sessions"] / report["seconds"],
            "p50_ms": report["session"]["p50_ms"], "p99_ms": report["session"]["p99_ms"],
            "resumed": report["resumed"] / max(1, report["sessions"])}


def compare(options, scenario, folder: pathlib.Path):
    """{front: {figure: median}} of one scenario."""
    names = [name for name in FRONTS if not options.front or name in options.front]
    names = [name for name in names if not scenario.fronts or name in scenario.fronts]
    if not scenario.parked:
        names = [name for name in names if name != "poplar"]
    rounds = {name: [] for name in names}
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    with nodes(folder, scenario) as ports, auth_http(folder, ports[0]) as auth:
        stand = Stand(folder, ports, certificate, key, _FRONT_CORE, auth)
        for number in range(options.rounds):
            turned = names[number % len(names):] + names[:number % len(names)]
            for name in turned:
                print(f"{scenario.name}: round {number + 1} of {options.rounds}, {name}        ", end="\r",
                      file=sys.stderr, flush=True)
                rounds[name].append(measure(FRONTS[name], stand, scenario, options.size))
    return {name: {figure: statistics.median(each[figure] for each in done) for figure in done[0]}
            for name, done in rounds.items()}


def table(scenario, results) -> str:
    unit = "session" if scenario.unit == "session" else "GB"
    scale, measured = (1, "µs") if unit == "session" else (1e6, "s")
    lines = [f"### {scenario.name}", "", f"| | CPU a {unit}, {measured} | sessions a second | p50 ms | p99 ms |",
             "| --- | ---: | ---: | ---: | ---: |"]
    for name, row in sorted(results.items(), key=lambda each: each[1]["cpu_us"]):
        lines.append(f"| {name} | {row['cpu_us'] / scale:.{0 if scale == 1 else 2}f} "
                     f"| {row['sessions_per_second']:.0f} | {row['p50_ms']:.1f} | {row['p99_ms']:.1f} |")
    return "\n".join(lines) + "\n"


def main():
    options = arguments()
    chosen = [each for each in SCENARIOS
              if not options.scenario or any(word in each.name for word in options.scenario)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="poplar-bench-") as name:
        folder = pathlib.Path(name)
        os.chmod(folder, 0o755)
        subprocess.run([str(_LOAD), "certificate", name], check=True)
        for scenario in chosen:
            results[scenario.name] = compare(options, scenario, folder)
            print(" " * 78, end="\r", file=sys.stderr)
            print(table(scenario, results[scenario.name]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
