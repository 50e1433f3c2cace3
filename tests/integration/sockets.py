"""How many connections a server on this machine has, as the kernel counts them."""

import pathlib
import threading

_ESTABLISHED = "01"


def established(port: int) -> int:
    """Connections to 127.0.0.1:port that both sides hold open."""
    count = 0
    for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = line.split()
        count += words[1] == f"0100007F:{port:04X}" and words[3] == _ESTABLISHED
    return count


class Peak:
    """Watches in a with block; `most` is what there was at once, as far as a look every few ms can tell."""

    def __init__(self, port: int, every: float = 0.003):
        self._port, self._every, self.most = port, every, 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._ending.wait(self._every):
            self.most = max(self.most, established(self._port))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()
