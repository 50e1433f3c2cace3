"""Three Dovecots over one Maildir tree, Poplar in front of them, a load on it; and ways to hurt a node."""

import collections
import contextlib
import datetime
import json
import pathlib
import urllib.request

from dovecot import Dovecot
from load import Load
from poplar import Poplar, node

USERS = [f"reader{index:02}" for index in range(20)]
PROBER = "prober"
TWICE = USERS[3::5]  # have two clients at once
_PAUSE = 0.5         # seconds between a client's sessions: with 24 clients some 35 sessions a second

HEALTH = {"probe": "capa", "interval": "300ms", "fast_interval": "200ms", "timeout": "1s",
          "rise": 2, "fall": 2, "consecutive_failures": 3, "ejection_time": "3s",
          "hold_down": "1s", "slow_start": "2s"}
LOGIN_PROBES = {**HEALTH, "probe": "login", "user": PROBER}
_TIMEOUTS = {"login": "20s", "upstream_connect": "3s", "upstream_response": "3s"}
# About half of the logins find their user's last session parked; the others go to the node.
_POOL = {"size": 50, "warm": 2, "max_snapshot_age": "600ms", "wait_timeout": "5s"}

# Whom the passwd-file does not know is asked for here, and the script's 111 says that this can't be answered just now:
# Dovecot passes it on as -ERR [SYS/TEMP].
_TROUBLE_PASSDB = """
passdb {{
  driver = checkpassword
  args = {script}
}}
"""


class Stand:
    def __init__(self, folder: pathlib.Path, authority, certificate, network, messages):
        self.folder, self.network, self.messages = folder, network, messages
        self._authority, self._certificate = authority, certificate
        self._stack = contextlib.ExitStack()
        self.nodes, self.proxy = {}, None
        self.home = {}  # user -> node's name

    def __enter__(self):
        self.folder.mkdir()
        (self.folder / "mail").mkdir()
        (self.folder / "void").mkdir(mode=0)
        try:
            for name in ("node1", "node2", "node3"):
                self.nodes[name] = self._stack.enter_context(self._dovecot(name))
            for user in USERS:
                self.nodes["node1"].deliver(user, self.messages)
            self.nodes["node1"].deliver(PROBER, {})
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error):
        if self.proxy is not None:  # shown where the test failed
            for line in self.proxy.lines():
                if line["event"] != "session":
                    print(json.dumps(line))
        return self._stack.__exit__(*error)

    def _dovecot(self, name):
        """A link of its own leads to the mail."""
        folder = self.folder / name
        folder.mkdir()
        (folder / "mount").symlink_to(self.folder / "mail")
        script = folder / "checkpassword"
        script.write_text("#!/bin/sh\nexit 111\n")
        script.chmod(0o755)
        return Dovecot(folder, name, self._certificate, [*USERS, PROBER], folder / "mount",
                       _TROUBLE_PASSDB.format(script=script))

    def start(self, health=None, resume: str = "on"):
        """Starts Poplar and learns by a visit of each user where they are at home."""
        health = dict(health or HEALTH)
        if health["probe"] == "login":
            secret = self.folder / "prober"
            secret.write_text("secret\n")
            secret.chmod(0o600)
            health["password_file"] = str(secret)
        nodes = [node(each.name, each.pop3_port) for each in self.nodes.values()]
        self.proxy = self._stack.enter_context(
            Poplar(self.folder / "poplar", nodes, self._authority, shared=True, health=health,
                   pool=_POOL, timeouts=_TIMEOUTS, resume=resume))
        for user in USERS:
            with self.proxy.connect() as session:
                session.log_in(user)
                assert session.count() == len(self.messages)
                session.ok("QUIT")
        self.proxy.idle()
        self.home = {line["user"]: _node(line) for line in self.proxy.sessions()}
        assert set(self.home.values()) == set(self.nodes), self.home
        return self.proxy

    def busiest(self) -> str:
        """The node with most users at home."""
        return collections.Counter(self.home.values()).most_common(1)[0][0]

    def users_of(self, name: str):
        return {user for user, home in self.home.items() if home == name}

    def load(self) -> Load:
        everything = list(self.messages.values())
        return Load(self.proxy, {user: everything for user in USERS}, _PAUSE, TWICE)

    def served(self, name: str, since: float):
        """Users who had a session on this node that ended after `since`."""
        return {line["user"] for line in self.proxy.sessions()
                if _node(line) == name and line["logged_in"] and _moment(line) > since}

    def set_state(self, name: str, state: str):
        """What the operator does: up, drain or down."""
        url = f"http://127.0.0.1:{self.proxy.admin_port}/nodes/main/{name}?state={state}"
        with urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=10) as got:
            assert got.status == 200, got.status

    # --- faults that are neither a signal nor the network's

    def trouble(self, name: str, on: bool):
        """The node answers -ERR [SYS/TEMP] to all logins, from the next second on: it knows no user any more."""
        users = self.folder / name / "users"
        known = users.with_name("users.known")
        if on:
            users.rename(known)
            users.touch(mode=0o644)
        else:
            known.replace(users)

    def unmount(self, name: str, gone: bool):
        """The node loses its mail storage: it greets and checks passwords, but can open no maildrop."""
        link = self.folder / name / "mount.new"
        link.symlink_to(self.folder / ("void" if gone else "mail"))
        link.replace(self.folder / name / "mount")


def _node(line) -> str:
    return line["node"].partition("/")[2]


def _moment(line) -> float:
    return datetime.datetime.fromisoformat(line["time"]).timestamp()
