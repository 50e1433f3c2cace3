"""Free ports on 127.0.0.1, below the range from which the kernel takes outgoing ones.

Every test process starts at its own place of the range, so that parallel ctest entries rarely meet.
"""

import itertools
import os
import socket

_FIRST, _LAST = 12000, 30000
_numbers = itertools.count((os.getpid() * 97) % (_LAST - _FIRST))


def free_port() -> int:
    for number in _numbers:
        port = _FIRST + number % (_LAST - _FIRST)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("unreachable")
