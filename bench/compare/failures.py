"""What clients notice of a node that dies or hangs: polls in an open loop, three nodes, one of them hurt.

Clients give up after 30 s without a byte. A session is counted as slow whether or not it failed in the end.
"""

import contextlib
import signal
import time

import survivors
from bench import Bench, Nodes, attempt, end_load, say, start_load, wait_until
from scenarios import SLOW

TITLE = "A node fails"
KILLED, HANGS = "one of three nodes is killed", "one of three nodes hangs"
PARTS = (KILLED, HANGS)
_RATE = 100   # Perdition gets a fifth of it: all of it would be more than it can carry
_USERS = 1000
_SECONDS, _HURT, _WELL = 20, 5, 15   # the whole, and when the node fails and is back


def measure(bench: Bench, part: str) -> dict:
    rows = {}
    scale = min(1.0, bench.seconds(1, 0.1))
    for name in bench.chosen(survivors.ALL):
        say(f"{part}: {name}")
        rows[name] = attempt(f"{part}, {name}", lambda name=name: _one(bench, part, survivors.ALL[name], scale))
    return {"fails_after_seconds": _HURT * scale, "for_seconds": (_WELL - _HURT) * scale,
            "rows": rows}


def _one(bench: Bench, part: str, front_type, scale: float) -> dict:
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(Nodes(bench, "--users", _USERS, count=1)) for _ in range(3)]
        stand = bench.stand([node.pop3_port for node in nodes])
        stand.watched, stand.users = nodes, _USERS
        front = stack.enter_context(front_type(stand))
        rate = _RATE * SLOW.get(front.name, 1)
        load = start_load(front.port, "poll", "--rate", rate, "--duration", _SECONDS * scale, "--users", _USERS,
                          "--clients", 4 * _RATE * _SECONDS, "--sources", 4)
        begun = time.monotonic()
        try:
            wait_until(begun + _HURT * scale)
            _hurt(nodes[0], part)
            wait_until(begun + _WELL * scale)
            _heal(nodes[0], part)
            report = end_load(load, _SECONDS * scale + 60)
        finally:
            if load.poll() is None:
                load.kill()
                load.communicate()
    return {"rate_per_second": rate, "sessions": report["sessions"] + report["failed"], "failed": report["failed"],
            "failed_at": report["failed_at"], "over_3s": report["over_3s"], "longest_s": report["longest_ms"] / 1000,
            "p50_ms": report["session"]["p50_ms"], "p99_ms": report["session"]["p99_ms"]}


def _hurt(node: Nodes, part: str):
    if part == KILLED:
        node.kill()
    else:
        node.signal(signal.SIGSTOP)


def _heal(node: Nodes, part: str):
    if part == KILLED:
        node.start()
    else:
        node.signal(signal.SIGCONT)
