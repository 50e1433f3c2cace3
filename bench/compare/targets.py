"""What is computed from all results: each proxy beside the best peer and the floor, and the table of what Poplar is to reach."""

import statistics

from bench import PEERS
from failures import HANGS, KILLED
from growth import SESSIONS
from memory import FEW, MANY, MOST
from peers import UPSTREAM
from scenarios import ALL as SCENARIOS
from scenarios import SLOW
from workers import FREE_CORES

_OURS, _PARKED = "poplar-unparked", "poplar"
_FLOORS = {scenario.name: "floor-parked" for scenario in SCENARIOS if scenario.parked}   # of the others: "floor"
_OFFERED_ALL = tuple(name for name in PEERS if name not in SLOW)
_UPSTREAM_PATIENCE = 15   # seconds: Poplar's default for an answer of a node


def _rows(results: dict, kind: str, part: str) -> dict:
    return results.get(kind, {}).get(part, {}).get("rows", {})


def _figure(rows: dict, name: str, figure: str):
    return rows.get(name, {}).get(figure)


def _best(rows: dict, figure: str):
    """(peer, figure), of those that failed no session; (None, None) where there is none."""
    told = [(rows[name][figure], name) for name in PEERS
            if figure in rows.get(name, {}) and not rows[name].get("failed")]
    return (min(told)[1], min(told)[0]) if told else (None, None)


def _times(row: dict, other: dict):
    """How many times the other's CPU time: the median over the rounds, in each of which both had their turn."""
    own, theirs = (each.get("cpu_us_of_rounds", []) for each in (row, other))
    if own and len(own) == len(theirs):
        return statistics.median(a / b for a, b in zip(own, theirs))
    return row["cpu_us"] / other["cpu_us"] if "cpu_us" in other else None


def add_ratios(results: dict):
    """To each row of CPU time: against the best peer, and against the floor."""
    for part, measured in [*results.get("cpu", {}).items(), *results.get("dovecot", {}).items()]:
        rows = measured["rows"]
        best, _ = _best(rows, "cpu_us")
        for name, row in rows.items():
            floor = _FLOORS.get(part, "floor") + (UPSTREAM if name.endswith(UPSTREAM) else "")
            if "cpu_us" in row:
                row["to_best_peer"] = _times(row, rows.get(best, {}))
                row["to_floor"] = _times(row, rows.get(floor, {}))


def _target(what: str, unit: str, value, limit, words: str, peer=None, best=None, ratio=None, reached=None) -> dict:
    """`limit` is for the ratio where there is one, else for the value."""
    measured = ratio if ratio is not None else value
    if reached is None and measured is not None and limit is not None:
        reached = measured <= limit
    return {"what": what, "unit": unit, "poplar": value, "target": words, "best_peer": peer, "best": best, "ratio": ratio,
            "reached": reached}


def _against_best(rows: dict, ours: str, what: str, unit: str, limit: float) -> dict:
    peer, best = _best(rows, "cpu_us")
    value = _figure(rows, ours, "cpu_us")
    ratio = _figure(rows, ours, "to_best_peer")
    return _target(what, unit, value, limit if ratio is not None else None, f"≤ {limit} × the best peer", peer, best, ratio)


def _cpu(results: dict, which: str, words: str, login: float, download: float):
    """`which` build: the end of its names."""
    for scenario, ours, unit, limit in (
            ("login, full handshake", _OURS, "µs", login), ("login, resumed", _OURS, "µs", 0.6),
            ("poll, resumed", _OURS, "µs", 0.65), ("poll, resumed, parked", _PARKED, "µs", 0.45),
            ("download 75 KiB x 10", _OURS, "µs/GB", download), ("download 10 MiB", _OURS, "µs/GB", download),
            ("download 2 KiB x 20, pipelined", _OURS, "µs", 0.6)):
        yield _against_best(_rows(results, "cpu", scenario), ours + which, f"CPU{words}: {scenario}", unit, limit)
    for scenario, ours in (("login, full handshake", _OURS), ("login, resumed", _OURS), ("poll, resumed", _OURS),
                           ("poll, resumed, parked", _PARKED)):
        rows, floor = _rows(results, "cpu", scenario), _FLOORS.get(scenario, "floor") + which
        value, ratio = (_figure(rows, ours + which, figure) for figure in ("cpu_us", "to_floor"))
        yield _target(f"CPU against the floor{words}: {scenario}", "µs", value, 1.25 if ratio else None,
                      "≤ 1.25 × the floor", floor, _figure(rows, floor, "cpu_us"), ratio)


def _memory(results: dict):
    rows = {sessions: _rows(results, "memory", f"{sessions:,} sessions") for sessions in (FEW, MANY, MOST)}
    for sessions in (FEW, MANY, MOST):
        peer, best = _best(rows[sessions], "total_kib")
        yield _target(f"memory a session, {sessions:,} idle: user space and kernel", "KiB",
                      _figure(rows[sessions], _OURS, "total_kib"), 10, "≤ 10 KiB", peer, best)
        peer, best = _best(rows[sessions], "user_kib")
        yield _target(f"memory a session, {sessions:,} idle: user space", "KiB",
                      _figure(rows[sessions], _OURS, "user_kib"), 5, "≤ 5 KiB", peer, best)
    few, most = (_figure(rows[sessions], _OURS, "total_kib") for sessions in (FEW, MOST))
    yield _target(f"memory a session, {MOST:,} idle against {FEW:,}", "KiB", most, 1.15 if few and most else None,
                  f"≤ 1.15 × that of {FEW:,}", ratio=most / few if few and most else None)


def _failures(results: dict):
    for part, words in ((KILLED, "0 failed"), (HANGS, "0 failed")):
        rows = _rows(results, "failures", part)
        told = [(row["failed"], name) for name, row in rows.items() if name in _OFFERED_ALL and "failed" in row]
        failed, peer = min(told) if told else (None, None)
        yield _target(f"{part}: failed sessions", "", _figure(rows, _PARKED, "failed"), 0, words, peer, failed)
    rows = _rows(results, "failures", HANGS)
    told = [(row["longest_s"], name) for name, row in rows.items() if name in _OFFERED_ALL and "longest_s" in row]
    longest, peer = min(told) if told else (None, None)
    yield _target(f"{HANGS}: longest session", "s", _figure(rows, _PARKED, "longest_s"), _UPSTREAM_PATIENCE,
                  f"≤ {_UPSTREAM_PATIENCE} s, the configured timeout", peer, longest)


def _latency(results: dict):
    rows = next((part["rows"] for part in results.get("latency", {}).values()), {})
    for name, limit, words in (("p50", 150, "< 150 µs"), ("p99", 1000, "< 1 ms")):
        figure = f"worst_{name}"
        told = [(rows[peer][figure]["added_us"], peer) for peer in PEERS if figure in rows.get(peer, {})]
        best, peer = min(told) if told else (None, None)
        ours = _figure(rows, _OURS, figure) or {}
        yield _target(f"latency added at half load, {name}, worst command ({ours.get('command', '?')})", "µs",
                      ours.get("added_us"), limit, words, peer, best)


def _scaling(results: dict):
    part = next(iter(results.get("workers", {}).values()), {})
    ratio = part.get("throughput_ratio")
    free = part.get("cores", 0) >= FREE_CORES
    yield _target("throughput of two workers against one", "", ratio, None,
                  f"≥ 1.8, where cores are free ({part.get('cores', '?')} here)",
                  reached=None if ratio is None or not free else ratio >= 1.8)
    rows = _rows(results, "growth", SESSIONS)
    told = [row["to_first"] for row in rows.values() if "to_first" in row]
    yield _target("CPU a poll beside idle sessions, the dearest against 1 of them", "",
                  max(told, default=None), 1.15 if told else None, "≤ 1.15")


def targets(results: dict) -> list:
    rows = list(_cpu(results, "", "", 0.75, 1.0))
    if any(_OURS + UPSTREAM in part["rows"] for part in results.get("cpu", {}).values()):
        rows += _cpu(results, UPSTREAM, ", upstream's BoringSSL", 0.6, 0.6)
    for each in (_memory, _failures, _latency, _scaling):
        rows += each(results)
    return rows
