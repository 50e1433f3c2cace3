"""What Poplar says of its nodes while a test does things to them: who is in service, and since when."""

import threading
import time

from exposition import series
from waiting import until


class NodeWatch:
    """Reads the metrics all the time; `changes` has (moment, node, in service), moments as in `load.Visit`."""

    def __init__(self, proxy, every: float = 0.03):
        self._proxy, self._every = proxy, every
        self.changes = []
        self._now = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        until(lambda: self._now, "poplar_node_in_service to be there")
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _run(self):
        while not self._ending.wait(self._every):
            moment = time.time()
            for labels, value in series(self._proxy, "poplar_node_in_service"):
                node, serves = labels["node"], value == 1
                if self._now.get(node, True) != serves:
                    self.changes.append((moment, node, serves))
                self._now[node] = serves

    def in_service(self, node: str) -> bool:
        return self._now[node]

    def first(self, node: str, serves: bool, since: float, seconds: float = 20.0) -> float:
        """When the node's state became this, after `since`; waits for it."""
        def find():
            return next((moment for moment, name, state in list(self.changes)
                         if name == node and state == serves and moment >= since), None)
        return until(find, f"{node} to be {'in' if serves else 'out of'} service", seconds)
