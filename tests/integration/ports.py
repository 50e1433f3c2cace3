"""Free ports on 127.0.0.1, below the range from which the kernel takes outgoing ones.

A test process claims the ports a hundred at a time, so that no other is given one of them between the moment
when it is found free and the one when the server that it is for listens.
"""

import os
import socket

_FIRST, _LAST, _BLOCK = 12000, 30000, 100
_claims = []  # sockets whose names stand for the blocks that are this process's, until it ends
_last = _FIRST - 1  # given last


def _claim_block() -> int:
    """The first port of a block that no other process has; each begins its search elsewhere."""
    blocks = (_LAST - _FIRST) // _BLOCK
    for offset in range(blocks):
        first = _FIRST + (os.getpid() + offset) % blocks * _BLOCK
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0poplar-test-ports-{first}")  # an abstract name: it goes with its process
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return first
    raise AssertionError(f"no {_BLOCK} ports between {_FIRST} and {_LAST} are left to claim: end other test runs")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Each but once in a process; AssertionError where none is left."""
    global _last
    while True:
        end_of_block = (_last + 1 - _FIRST) % _BLOCK == 0
        _last = _claim_block() if end_of_block else _last + 1
        if _free(_last):
            return _last
