"""Latency of each command at half of a proxy's own throughput, beside the node's own, in the clear.

Throughput is what a closed loop comes to; the open loop then offers half of it to the proxy, and to the node itself.
"""

import peers
from bench import PEERS, Bench, Nodes, auth_http, in_rounds, run_load
from scenarios import SLOW

TITLE = "Latency at half load"
PARTS = ("a poll that finds a message",)
COMMANDS = ("USER", "PASS", "STAT", "UIDL", "LIST", "RETR", "QUIT")
_BEFORE = ("connected", "greeting")    # with TLS a handshake, which the node in the clear has none of
_FRONTS = ("poplar", "poplar-unparked", "floor") + PEERS
_ROUNDS = 3
_SATURATING = 128   # clients: enough for a proxy that lets each of them wait


# At their best: as many warm connections as hundreds of logins a second at each node want.
class _Poplar(peers.Poplar):
    more = "pool: {warm: 8}\n"


class _PoplarUnparked(peers.PoplarUnparked):
    more = "pool: {max_snapshot_age: 0s, warm: 8}\n"


_AT_BEST = {**peers.ALL, "poplar": _Poplar, "poplar-unparked": _PoplarUnparked}


def measure(bench: Bench, _part: str) -> dict:
    with Nodes(bench) as nodes, auth_http(bench, nodes.ports) as auth:
        stand = bench.stand(nodes.ports, auth_port=auth)
        rows = in_rounds("latency", min(_ROUNDS, bench.rounds), bench.chosen(_FRONTS),
                         lambda name: _one(bench, name, stand))
    for row in rows.values():
        _tell_the_worst(row)
    return {"rows": rows}


def _one(bench: Bench, name: str, stand) -> dict:
    dialogue = ("fetch", "--messages", 1)
    open_loop = ("--clients", 1000, "--warm-up", bench.seconds(1, 0.3), "--duration", bench.seconds(5, 0.5))
    with _AT_BEST[name](stand) as front:
        full = run_load(front.port, *dialogue, "--resume", "--clients", _SATURATING,
                        "--sessions", bench.count(2000 * SLOW.get(name, 1), 100))
        most = full["sessions"] / full["seconds"]
        through = run_load(front.port, *dialogue, "--resume", "--rate", most / 2, *open_loop)
    direct = run_load(stand.nodes[0], *dialogue, "--plain", "--rate", most / 2, *open_loop)
    steps = {step: _beside(through["steps"][step], direct["steps"][step]) for step in _BEFORE + COMMANDS}
    return {"most_per_second": most, "rate_per_second": most / 2,
            "p50_ms": through["session"]["p50_ms"], "p99_ms": through["session"]["p99_ms"], "steps": steps,
            "sessions": full["sessions"] + full["failed"] + through["sessions"] + through["failed"],
            "failed": full["failed"] + through["failed"] + direct["failed"]}


def _beside(through: dict, direct: dict) -> dict:
    return {**{f"{name}_us": through[f"{name}_ms"] * 1000 for name in ("p50", "p99")},
            **{f"direct_{name}_us": direct[f"{name}_ms"] * 1000 for name in ("p50", "p99")},
            **{f"added_{name}_us": (through[f"{name}_ms"] - direct[f"{name}_ms"]) * 1000 for name in ("p50", "p99")}}


def _tell_the_worst(row: dict):
    for name in ("p50", "p99"):
        if "steps" in row:
            worst = max(COMMANDS, key=lambda step: row["steps"][step][f"added_{name}_us"])
            row[f"worst_{name}"] = {"command": worst, "added_us": row["steps"][worst][f"added_{name}_us"]}
