"""A script that hurts one node after another, all the time: killed, stopped for a while, restarted in order."""

import signal
import threading
import time

FAULTS = ("kill", "stop", "restart")
_DEAD = 1.0    # seconds from the kill to the start that follows
_FROZEN = 3.5  # long enough that a probe's deadline passes, twice


class NodeStorm:
    """Every `every` seconds the next node is hurt, by the next kind of fault. Leaving the block heals the last ones.

    `faults` has (moment, node, kind). With three nodes every node has had every kind after nine of them.
    """

    def __init__(self, nodes, every: float = 2.0):
        self._nodes, self._every = list(nodes), every
        self.faults = []
        self._due = []  # (moment, node, heal)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._error = None

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self.end()
        if kind is None and self._error is not None:
            raise self._error

    def end(self):
        """No more faults from now on, and all nodes serve again when it returns."""
        self._ending.set()
        self._thread.join()

    def count(self, fault: str) -> int:
        return sum(1 for _, _, kind in self.faults if kind == fault)

    def _run(self):
        try:
            number, turn = 0, time.monotonic()
            while not self._ending.is_set():
                moments = [moment for moment, _, _ in self._due] + [turn]
                if self._ending.wait(max(0.0, min(moments) - time.monotonic())):
                    break
                now = time.monotonic()
                self._heal(lambda moment, _: moment <= now)
                if now >= turn:
                    self._hurt(number)
                    # Turns that a slow machine missed are not made up for all at once.
                    number, turn = number + 1, max(turn + self._every, time.monotonic())
        except Exception as error:  # pylint: disable=broad-except; told by the thread that left the block
            self._error = error
        finally:
            self._heal(lambda *_: True)

    def _hurt(self, number: int):
        node = self._nodes[number % len(self._nodes)]
        kind = FAULTS[(number + number // len(self._nodes)) % len(FAULTS)]
        self._heal(lambda _, hurt: hurt is node)
        self.faults.append((time.time(), node.name, kind))
        if kind == "kill":
            node.kill()
            self._due.append((time.monotonic() + _DEAD, node, node.restart))
        elif kind == "stop":
            node.signal_all(signal.SIGSTOP)
            self._due.append((time.monotonic() + _FROZEN, node, lambda: node.signal_all(signal.SIGCONT)))
        else:
            node.restart_whole()

    def _heal(self, chosen):
        for moment, node, heal in list(self._due):
            if chosen(moment, node):
                self._due.remove((moment, node, heal))
                heal()
