"""Three Dovecots over one Maildir tree, readers with mail waiting for them, and a storm on the nodes meanwhile."""

import concurrent.futures
import contextlib
import pathlib
import time

from clients import Account
from corpus import as_sent, mixed
from dovecot import Dovecot
from node_storm import NodeStorm
from readers import MODES
from slow_line import SlowLine
from tally import Tally, tally
from waiting import until

# A probe every 300 ms that may take 1 s: a dead node is out within 1 s, a stopped one within 2.5 s. `hold_down` has to
# be well within resume.deadline (15 s), or a dead node's users can't go on elsewhere in time; a node that comes back
# gets its users as soon as it answers twice, since the next one is hurt 2 s later.
HEALTH = {"probe": "capa", "interval": "300ms", "fast_interval": "200ms", "timeout": "1s",
          "rise": 2, "fall": 2, "consecutive_failures": 3, "ejection_time": "1s", "ejection_time_max": "3s",
          "hold_down": "1s", "slow_start": "0s", "ejected_percent_max": 100, "panic_percent": 0}
TIMEOUTS = {"login": "20s", "upstream_connect": "3s", "upstream_response": "3s"}
POOL = {"size": 50, "warm": 2, "max_snapshot_age": "600ms", "wait_timeout": "5s"}


class SharedStand:
    """The nodes, started; `nodes` in order. What stands in front of them is the caller's."""

    def __init__(self, folder: pathlib.Path, certificate, users):
        self.folder, self._certificate, self.users = folder, certificate, list(users)
        self._stack = contextlib.ExitStack()
        self.nodes = []

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            for number in (1, 2, 3):
                self.nodes.append(self._stack.enter_context(Dovecot(
                    self.folder / f"node{number}", f"node{number}", self._certificate, self.users,
                    self.folder / "mail")))
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def deliver(self, user: str, messages):
        self.nodes[0].deliver(user, messages, sized=True)

    def stored(self, user: str):
        return self.nodes[0].stored(user)

    def serving(self, user: str) -> Dovecot:
        """The node that let the user in, who was here only once."""
        # A node's log is written by a process of its own.
        found = until(lambda: [node for node in self.nodes if node.logins(user)], f"a node to log {user}'s login")
        assert len(found) == 1, (user, [node.name for node in found])
        return found[0]


class Readers:
    """`each` users a mode, with `count` messages each, on lines of `rate` bytes a second."""

    def __init__(self, stand: SharedStand, count: int, each: int, rate: int):
        self.stand, self.count, self._rate = stand, count, rate
        self.names = user_names(each)
        self._modes = MODES * each
        self.truth = {}  # user -> name -> bytes as sent
        self.readers = []

    def fill(self):
        """Gives everybody mail of his own."""
        for seed, user in enumerate(self.names, 1):
            messages = mixed(self.count, seed)
            self.stand.deliver(user, messages)
            self.truth[user] = {name: as_sent(content) for name, content in messages.items()}

    def read(self, port: int, ca_file, polls: int, storm: NodeStorm = None, storm_ends: float = 0.0,
             pause: float = 1.0):
        """All of them in parallel, until everybody has had a visit without a failure, at most `polls` of them, `pause`
        seconds apart. The storm ends as the last reader is done, or after `storm_ends` seconds."""
        with SlowLine(port, self._rate) as line, contextlib.ExitStack() as stack:
            self.readers = [kind(Account(line.port, ca_file, user), self.stand.folder / "homes" / user, delete)
                            for user, (kind, delete) in zip(self.names, self._modes)]
            pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(self.readers)))
            if storm:
                stack.enter_context(storm)
            pending = [pool.submit(_poll, reader, polls, pause) for reader in self.readers]
            if storm and storm_ends:
                concurrent.futures.wait(pending, storm_ends)
                storm.end()
            for each in pending:
                each.result()

    def sessions(self):
        return [session for reader in self.readers for session in reader.sessions]

    def failed(self):
        return [session for session in self.sessions() if session.failed]

    def tally(self, reader) -> Tally:
        user = reader.account.user
        return tally(reader, self.truth[user], self.stand.stored(user))

    def total(self) -> Tally:
        return sum((self.tally(reader) for reader in self.readers), Tally())


def user_names(each: int):
    return [f"{kind.program}-{'deletes' if delete else 'keeps'}-{number}"
            for number in range(each) for kind, delete in MODES]


def _poll(reader, polls: int, pause: float):
    for poll in range(polls):
        if poll:
            time.sleep(pause)
        if reader.visit():
            return
