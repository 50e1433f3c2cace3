"""A storm of logins: one of three nodes was away, is back, and everybody logs in at once."""

import contextlib

import survivors
from bench import Bench, Nodes, attempt, auth_http, run_load, say, wait_until
from peers import NginxMail

import time

TITLE = "A storm of logins"
PARTS = ("after a node's return",)
_LOGINS, _CLIENTS, _AWAY = 20_000, 1000, 10
# nginx's directory knows all nodes as well: the script of survivors.py would be slower than nginx.
_FRONTS = {"poplar": survivors.Poplar, "haproxy": survivors.HaProxy, "nginx-mail": NginxMail,
           "dovecot-proxy": survivors.DovecotProxy}


def measure(bench: Bench, part: str) -> dict:
    rows = {}
    for name in bench.chosen(_FRONTS):
        say(f"storm: {name}")
        rows[name] = attempt(f"storm {part}, {name}", lambda name=name: _one(bench, _FRONTS[name]))
    return {"clients": bench.count(_CLIENTS), "away_seconds": bench.seconds(_AWAY, 1), "rows": rows}


def _one(bench: Bench, front_type) -> dict:
    logins = bench.count(_LOGINS)
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(Nodes(bench, "--users", logins, count=1)) for _ in range(3)]
        ports = [node.pop3_port for node in nodes]
        stand = bench.stand(ports, auth_port=stack.enter_context(auth_http(bench, ports)))
        stand.watched, stand.users = nodes, logins
        front = stack.enter_context(front_type(stand))
        nodes[0].kill()
        wait_until(time.monotonic() + bench.seconds(_AWAY, 1))
        nodes[0].start()
        before = front.group.cpu_seconds()
        report = run_load(front.port, "login", "--clients", bench.count(_CLIENTS), "--sessions", logins, "--users",
                          logins, "--sources", 4)
        cpu = front.group.cpu_seconds() - before
    return {"sessions": logins, "failed": report["failed"], "failed_at": report["failed_at"],
            "seconds": report["seconds"], "sessions_per_second": report["sessions"] / report["seconds"],
            "cpu_seconds": cpu, "cpu_us": cpu * 1e6 / logins, "p50_ms": report["session"]["p50_ms"],
            "p99_ms": report["session"]["p99_ms"], "longest_s": report["longest_ms"] / 1000}
