"""The same polls with a real Dovecot as the node, on the load's core, instead of the one in memory."""

import dataclasses
import pathlib

from bench import PEERS, Bench, Running, auth_http, in_rounds
from cpu import TURNS
from dovecot import Dovecot
from peers import ALL as FRONTS
from scenarios import SLOW

TITLE = "A real Dovecot behind the proxy"
PARTS = ("poll, resumed",)
_SESSIONS, _USERS, _MESSAGES = 400, 100, 3
_CLIENTS = 16   # more are none the faster: each has a process there
_REUSED = "service pop3 {\n  service_count = 0\n}"   # its processes serve one session after the other
_FRONTS = ("poplar", "poplar-unparked", "floor") + PEERS


@dataclasses.dataclass(frozen=True)
class _Certificate:
    certificate: pathlib.Path
    key: pathlib.Path


def measure(bench: Bench, part: str) -> dict:
    certificate = _Certificate(bench.folder / "certificate.pem", bench.folder / "key.pem")
    users = [f"user{i:05}@example.com" for i in range(_USERS)]
    folder = bench.folder / "dovecot-node"
    folder.mkdir(mode=0o755, exist_ok=True)
    message = b"From: Load <load@example.com>\nSubject: A message of the load\n\n" + b"The quick brown fox.\n" * 190
    with Dovecot(folder, "node", certificate, users, stored="{plain}password", extra=_REUSED) as node:
        for user in users:
            node.deliver(user, {f"m{i}": message for i in range(_MESSAGES)})
        with auth_http(bench, [node.pop3_port]) as auth:
            with Running(bench.stand([node.pop3_port], auth_port=auth)) as running:
                rows = in_rounds(f"real Dovecot, {part}", bench.rounds * TURNS, bench.chosen(_FRONTS),
                                 lambda name: _one(bench, running, name))
    return {"rows": rows}


def _one(bench: Bench, running: Running, name: str) -> dict:
    sessions = bench.count(_SESSIONS / TURNS * (0.5 if name in SLOW else 1))
    return running.measure(name, FRONTS[name], ("poll", "--resume", "--users", _USERS), sessions, _CLIENTS)
