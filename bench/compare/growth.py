"""What a poll costs Poplar where there is more of everything: open sessions, nodes, messages. Each login is one at the node."""

import time

from bench import Bench, Held, Nodes, in_rounds, say, warm_and_measure
from fake_node import FakeNode
from peers import PoplarUnparked

TITLE = "Growth"
SESSIONS, NODES, MESSAGES = "other sessions open, idle", "nodes in the configuration", "messages in a maildrop"
PARTS = (SESSIONS, NODES, MESSAGES)
_POLL = ("poll", "--resume")
_ROUNDS, _POLLS = 3, 2000
_OPEN = (1, 1000, 9000)
_NODES = (3, 30, 300, 1000)
_MESSAGES = {10: 1000, 1000: 500, 100_000: 20}   # and how many polls
_CLIENTS_OF_LISTS = 4


def measure(bench: Bench, part: str) -> dict:
    steps, one = {SESSIONS: (_OPEN, _beside_sessions), NODES: (_NODES, _among_nodes),
                  MESSAGES: (tuple(_MESSAGES), _of_messages)}[part]
    if "poplar-unparked" not in (bench.fronts or ("poplar-unparked",)):
        return {"rows": {}}
    rows = in_rounds(part, min(_ROUNDS, bench.rounds), [str(step) for step in steps],
                     lambda step: one(bench, int(step)))
    first = next(iter(rows.values()))
    for row in rows.values():
        if "cpu_us" in row and "cpu_us" in first:
            row["to_first"] = row["cpu_us"] / first["cpu_us"]
        if row is not first and "bytes_a_poll" in row and "bytes_a_poll" in first:
            row["cpu_ns_a_further_byte"] = ((row["cpu_us"] - first["cpu_us"]) * 1000
                                            / (row["bytes_a_poll"] - first["bytes_a_poll"]))
    return {"rows": rows}


def _beside_sessions(bench: Bench, others: int) -> dict:
    others = bench.count(others, 1)
    with Nodes(bench) as nodes, PoplarUnparked(bench.stand(nodes.ports)) as front, \
            Held(front.port, others, "--sources", 16) as held:
        held.wait()
        row = warm_and_measure(front, _POLL, bench.count(_POLLS))
        report = held.release()
    row["failed"] += others - report["sessions"]
    return {**row, "open": held.count}


class _Among(PoplarUnparked):
    """Nodes that are all one, by different addresses of the loopback's."""

    count = 3

    def addresses(self):
        return [f"127.2.{i // 250}.{i % 250 + 1}:{self.stand.nodes[0]}" for i in range(self.count)]


def _among_nodes(bench: Bench, count: int) -> dict:
    with Nodes(bench, "--host", "0.0.0.0", count=1) as nodes:
        front = _Among(bench.stand(nodes.ports))
        front.count = count
        with front:
            say(f"{count} nodes: idle")
            row = {"idle_cpu_ms_per_second": _idle(front, bench.seconds(3, 0.5))}
            return {**row, **warm_and_measure(front, _POLL, bench.count(_POLLS))}


def _idle(front, seconds: float) -> float:
    """Milliseconds of CPU a second, for the probes of all nodes."""
    before, begun = front.group.cpu_seconds(), time.monotonic()
    time.sleep(seconds)
    return (front.group.cpu_seconds() - before) * 1000 / (time.monotonic() - begun)


def _node_of(messages: int) -> FakeNode:
    """A node that has its answers ready: of so many messages the one in memory would be making its lists for long."""
    uidl = "".join(f"{i} 5c52e2b5{i:08x}-0a3b5f9c\r\n" for i in range(1, messages + 1))
    sizes = "".join(f"{i} 4132\r\n" for i in range(1, messages + 1))
    return FakeNode({"PASS": b"+OK logged in\r\n", "STAT": f"+OK {messages} {messages * 4132}\r\n".encode(),
                     "UIDL": f"+OK\r\n{uidl}.\r\n".encode(), "LIST": f"+OK\r\n{sizes}.\r\n".encode()}, messages=())


def _of_messages(bench: Bench, messages: int) -> dict:
    polls = bench.count(_MESSAGES[messages], _CLIENTS_OF_LISTS)
    with _node_of(messages) as node, PoplarUnparked(bench.stand([node.port])) as front:
        row = warm_and_measure(front, _POLL, polls, _CLIENTS_OF_LISTS)
    row["bytes_a_poll"] = row["bytes"] / polls
    row["cpu_ns_a_byte"] = row["cpu_us"] * 1000 / row["bytes_a_poll"]
    return row
