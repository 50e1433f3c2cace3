"""One question to a name server, by UDP, as bytes; and what it answers."""

import contextlib
import os
import socket
import struct
from dataclasses import dataclass, field

KINDS = {"A": 1, "CNAME": 5, "TXT": 16, "AAAA": 28, "SRV": 33}


@dataclass
class Answer:
    rcode: int
    truncated: bool
    ttls: list = field(default_factory=list)
    values: list = field(default_factory=list)  # of the type that was asked for: texts, or tuples for SRV


def _name(message: bytes, at: int):
    """The name there, and where it ends."""
    labels, end = [], None
    while message[at]:
        if message[at] >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from(">H", message, at)[0] & 0x3FFF
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), end or at + 1


def _value(message: bytes, kind: int, at: int, size: int):
    if kind == KINDS["A"]:
        return socket.inet_ntop(socket.AF_INET, message[at:at + size])
    if kind == KINDS["AAAA"]:
        return socket.inet_ntop(socket.AF_INET6, message[at:at + size])
    if kind == KINDS["TXT"]:
        return message[at + 1:at + 1 + message[at]].decode()
    if kind == KINDS["SRV"]:
        return (*struct.unpack_from(">HHH", message, at), _name(message, at + 6)[0])
    return _name(message, at)[0]


def _parse(message: bytes, kind: int) -> Answer:
    _, flags, questions, answers, _, _ = struct.unpack_from(">6H", message)
    answer = Answer(flags & 15, bool(flags & 0x200))
    at = 12
    for _ in range(questions):
        at = _name(message, at)[1] + 4
    for _ in range(answers):
        at = _name(message, at)[1]
        found, _, ttl, size = struct.unpack_from(">HHIH", message, at)
        answer.ttls.append(ttl)
        if found == kind:
            answer.values.append(_value(message, kind, at + 10, size))
        at += 10 + size
    return answer


def ask(port: int, name: str, kind: str, seconds: float):
    """None: no answer in time, or the port is closed."""
    number = os.urandom(2)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = number + struct.pack(">5H", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", KINDS[kind], 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, contextlib.suppress(OSError):
        server.settimeout(seconds)
        server.connect(("127.0.0.1", port))
        server.send(question)
        while (message := server.recv(4096))[:2] != number:
            pass
        return _parse(message, KINDS[kind])
    return None
