"""What connections a server on this machine has, as the kernel tells it."""

import pathlib
import threading

_ESTABLISHED = "01"


def established(port: int):
    """The clients' addresses of the connections to 127.0.0.1:port that both sides hold open."""
    rows = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    return {row[2] for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == _ESTABLISHED}


def unread(port: int, clients) -> int:
    """Bytes from these clients of 127.0.0.1:port that the kernel has and its server has not taken yet."""
    rows = (line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:])
    return sum(int(row[4].partition(":")[2], 16) for row in rows
               if row[1] == f"0100007F:{port:04X}" and row[2] in clients)


class Peak:
    """Watches in a with block; `most` is what there was at once, as far as a look every few ms can tell.

    The kernel lists connections one after the other, so that one list may have a connection that ended and another one
    that began afterwards. Those in two lists were all there between the two.
    """

    def __init__(self, port: int, every: float = 0.002):
        self._port, self._every, self.most = port, every, 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ending.wait(self._every):
            self.most = max(self.most, len(established(self._port) & established(self._port)))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()
