"""What Poplar says of its nodes while a test does things to them: who is in service, and since when."""

import datetime
import json
import threading

from waiting import until


class NodeWatch:
    """Follows the log; `changes` has (moment, node, in service), moments as in `load.Visit`."""

    def __init__(self, proxy, every: float = 0.02):
        self._log, self._every = proxy.log, every
        self.changes = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _run(self):
        with open(self._log) as log:
            log.seek(0, 2)
            line = ""
            while not self._ending.wait(self._every):
                while part := log.readline():
                    line += part
                    if line.endswith("\n"):
                        self._note(line)
                        line = ""

    def _note(self, line: str):
        if '"event":"node"' not in line:
            return
        event = json.loads(line)
        moment = datetime.datetime.fromisoformat(event["time"]).timestamp()
        serves = event["to"] == "up" and event["admin"] == "up"
        self.changes.append((moment, event["node"].partition("/")[2], serves))

    def in_service(self, node: str) -> bool:
        """As it was when the watch began, unless it has changed: in service."""
        return next((serves for _, name, serves in reversed(self.changes) if name == node), True)

    def first(self, node: str, serves: bool, since: float, seconds: float = 20.0) -> float:
        """When the node's state became this, after `since`; waits for it."""
        def find():
            return next((moment for moment, name, state in list(self.changes)
                         if name == node and state == serves and moment >= since), None)
        return until(find, f"{node} to be {'in' if serves else 'out of'} service", seconds)
