"""CPU time a unit of work, beside throughput and latency at saturation: every proxy, every scenario.

All proxies run and have short turns one behind the other, since a virtual machine's speed changes within seconds.
"""

from bench import Bench, Nodes, Running, auth_http, in_rounds
from peers import ALL as FRONTS
from peers import UPSTREAM
from scenarios import ALL as SCENARIOS

TITLE = "CPU time a unit of work"
PARTS = tuple(scenario.name for scenario in SCENARIOS)
TURNS = 4   # of each round
_PARKING = tuple(name + which for name in ("poplar", "floor-parked") for which in ("", UPSTREAM))


def measure(bench: Bench, part: str) -> dict:
    scenario = next(each for each in SCENARIOS if each.name == part)
    names = [name for name in bench.chosen(FRONTS) if scenario.parked or name not in _PARKING]
    with Nodes(bench, "--users", scenario.users, "--messages", scenario.messages, "--message-bytes",
               scenario.message_bytes) as nodes, \
            auth_http(bench, nodes.ports) as auth, Running(bench.stand(nodes.ports, auth_port=auth)) as running:
        rows = in_rounds(scenario.name, bench.rounds * TURNS, names, lambda name: _one(bench, running, name, scenario))
    return {"unit": scenario.unit, "rows": rows}


def _one(bench: Bench, running: Running, name: str, scenario) -> dict:
    sessions = bench.count(scenario.sessions / TURNS * scenario.shares.get(name, 1), min(20, scenario.clients))
    row = running.measure(name, FRONTS[name], (*scenario.arguments, "--users", scenario.users), sessions, scenario.clients)
    if scenario.unit == "GB":
        row["cpu_us"] = row["cpu_seconds"] * 1e6 / (row["bytes"] / 1e9)
    return row
