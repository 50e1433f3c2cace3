"""Memory of idle logged-in TLS sessions: what a proxy takes with them beyond what it takes without any.

User space is the proportional share of all its processes, the kernel's part what is charged to their control group. Beside
it stands the kernel's of the whole machine, less that of as many sessions straight to the nodes, which also has what the
kernel charges to nobody.
"""

import contextlib
import math
import resource
import time

import peers
from bench import Bench, Failed, Held, Nodes, auth_http, in_rounds
from place import kernel_memory

TITLE = "Memory of idle sessions"
FEW, MANY, MOST = 1000, 9000, 50_000
_PARTS = {f"{FEW:,} sessions": FEW, f"{MANY:,} sessions": MANY, f"{MOST:,} sessions": MOST}
PARTS = tuple(_PARTS)
_ROUNDS = {FEW: 3, MANY: 1}
_FRONTS = ("poplar-unparked", "poplar-unparked" + peers.UPSTREAM, "floor", "nginx-mail", "haproxy", "dovecot-proxy",
           "perdition", "hitch", "nginx-stream")
_ONLY_FEW = ("perdition",)   # a process a session
_DIRECT = "straight to the nodes"
_KEPT = 200                  # descriptors of a process that no session gets


def measure(bench: Bench, part: str) -> dict:
    usual = _PARTS[part]
    sessions = bench.count(usual)
    if usual == MOST:
        names = bench.chosen(["poplar-unparked"])
        return {"rows": _beyond_direct(in_rounds(part, 1, names and [_DIRECT, *names],
                                                 lambda name: _most(bench, name, sessions)))}
    names = [name for name in bench.chosen(_FRONTS) if usual == FEW or name not in _ONLY_FEW]
    with Nodes(bench, "--users", sessions) as nodes, auth_http(bench, nodes.ports) as auth:
        stand = bench.stand(nodes.ports, auth_port=auth)
        rows = in_rounds(part, min(_ROUNDS[usual], bench.rounds), [_DIRECT, *names],
                         lambda name: _one(name, stand, sessions))
    return {"rows": _beyond_direct(rows)}


def _one(name: str, stand, sessions: int) -> dict:
    if name == _DIRECT:
        return _hold(_Direct(stand.nodes[0]), [(0, sessions)], "--plain")
    with peers.ALL[name](stand) as front:
        return _hold(front, [(0, sessions)])


class _Direct:
    group = None

    def __init__(self, port: int):
        self.port = port


def _hold(front, shares, *more) -> dict:
    """`shares`: the first user and how many, for each of several loads."""
    before = _reading(front)
    with contextlib.ExitStack() as stack:
        loads = [stack.enter_context(Held(front.port, count, "--first-user", first, "--sources", 16, *more))
                 for first, count in shares]
        for load in loads:
            load.wait()
        held = sum(load.count for load in loads)
        with_them = _reading(front)
        reports = [load.release() for load in loads]
    if held == 0:
        raise Failed("no session was let in")
    wanted = sum(count for _, count in shares)
    ended = sum(report["sessions"] for report in reports)
    user, kernel, machine = ((new - old) / 1024 / held for new, old in zip(with_them, before))
    return {"held": held, "user_kib": user, "kernel_kib": kernel, "total_kib": user + kernel, "machine_kib": machine,
            "without_sessions_mib": before[0] / (1 << 20), "sessions": wanted, "failed": wanted - ended}


def _reading(front):
    """(user space, kernel, the machine's kernel), once they have come to rest: the same for three seconds. Whoever gives
    back what a rush has taken does so some seconds later."""
    deadline, last, since = time.monotonic() + 30, None, 0.0
    while True:
        own = (front.group.user_memory(), front.group.kernel_memory()) if front.group else (0, 0)
        reading, now = (*own, kernel_memory()), time.monotonic()
        if not last or any(abs(new - old) > max(old // 500, 1 << 16) for new, old in zip(reading, last)):
            last, since = reading, now
        if now - since >= 3 or now > deadline:
            return reading
        time.sleep(0.5)


def _beyond_direct(rows) -> dict:
    direct = rows.pop(_DIRECT, {})
    for row in rows.values():
        if "machine_kib" in row and "machine_kib" in direct:
            row["direct_kib"] = direct["machine_kib"]
            row["beyond_direct_kib"] = row["machine_kib"] - direct["machine_kib"]
    return {**rows, **({_DIRECT: direct} if "error" in direct else {})}


class _PoplarShares(peers.PoplarUnparked):
    """So many processes on one port: none may have all the descriptors."""

    def __init__(self, stand, count: int):
        super().__init__(stand)
        self._count, self._children, self._whole = count, [], self.folder

    def start(self):
        for number in range(self._count):
            self.folder = self._whole / str(number)
            self.folder.mkdir(mode=0o755)
            self._children.append(self.run(self.folder))
            log = self.folder / "poplar.log"
            self._children[-1].wait_for(lambda log=log: log.exists() and "ready" in log.read_text(),
                                        f"Poplar {number} to be ready")

    def stop(self):
        for child in self._children:
            child.stop()


def _most(bench: Bench, name: str, sessions: int) -> dict:
    """Poplar in as many processes as descriptors ask for, and as many loads and nodes, a core for all Poplars together."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1] - _KEPT
    loads = math.ceil(sessions / (limit * 0.9))
    each = math.ceil(sessions / loads)
    shares = [(i * each, min(each, sessions - i * each)) for i in range(loads)]
    with contextlib.ExitStack() as stack:
        # A process a node: users are spread over them by their hash.
        nodes = [stack.enter_context(Nodes(bench, "--users", sessions, count=1)) for _ in range(loads + 1)]
        ports = [node.pop3_port for node in nodes]
        if name == _DIRECT:
            return _hold_direct(ports, shares)
        processes = _processes(sessions, limit)
        front = stack.enter_context(_PoplarShares(bench.stand(ports), processes))
        return {**_hold(front, shares), "processes": processes}


def _hold_direct(ports, shares) -> dict:
    rows = [_hold(_Direct(port), [share], "--plain") for port, share in zip(ports, shares)]
    total = sum(row["held"] for row in rows)
    return {**rows[0], "held": total, "machine_kib": sum(row["machine_kib"] * row["held"] for row in rows) / total,
            "sessions": sum(row["sessions"] for row in rows), "failed": sum(row["failed"] for row in rows)}


def _processes(sessions: int, limit: int) -> int:
    """Two descriptors a session; the kernel deals connections out by a hash, so four standard deviations are left."""
    count = 1
    while sessions / count + (4 * math.sqrt(sessions / count) if count > 1 else 0) > limit / 2:
        count += 1
    return count

