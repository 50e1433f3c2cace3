"""Five minutes in the life of a busy stand, for pictures of the dashboards: people at work, guessers, strangers, and
what goes wrong."""

import contextlib
import random
import socket
import ssl
import threading
import time

from busy_stand import LISTED, MOVED, USERS, BusyStand
from corpus import mixed
from load import Load
from test_admin import post
from wire import Pop3, open_socket, tls_context

_AT_WORK = USERS[-24:]
_ON_SMALL = USERS[-28:-24]
_MINUTES = 5


class DashboardStory:
    def __init__(self, stand: BusyStand):
        self.stand, self.proxy = stand, stand.proxy
        self._stopping, self._dice = threading.Event(), random.Random(1)
        maildrops = {}
        for seed, user in enumerate(_AT_WORK, 1):
            messages = mixed(6, seed)
            stand.nodes["node1"].deliver(user, messages, sized=True)
            maildrops[user] = list(messages.values())
        for user in _ON_SMALL:
            stand.nodes["small1"].deliver(user, mixed(2), sized=True)
        self._load = Load(self.proxy, maildrops, pause=1.5)

    def live(self):
        """All of it; when it began."""
        begun = time.time()
        threads = [threading.Thread(target=self._again_and_again, args=(pause, random.Random(seed), *what))
                   for seed, (pause, *what) in enumerate(self._doings())]
        with self._load:
            for thread in threads:
                thread.start()
            try:
                for second, what in self._events():
                    self._stopping.wait(max(0.0, begun + second - time.time()))
                    what()
            finally:
                self._stopping.set()
                for thread in threads:
                    thread.join()
        return begun

    def _events(self):
        first, second, small = (self.stand.nodes[name] for name in ("node1", "node2", "small1"))
        return [(20, self.stand.trace_somebody),
                (60, lambda: self._move(30)), (75, lambda: self._move(100)),
                (90, first.kill), (140, first.start),
                (150, self.stand.spoil_the_map),
                (170, lambda: self._set_state("node2", "drain")), (195, lambda: self._set_state("node2", "up")),
                (205, lambda: self._wait_in_vain()),
                (225, small.kill), (250, small.start),
                (_MINUTES * 60, lambda: None)]

    def _doings(self):
        """(mean pause in seconds, what happens again and again, one of these)."""
        return [*[(0.7, self._guess)] * 10, (1.5, self._read_with_a_ticket, self._read_with_a_ticket, self._read_as_in_2010),
                (1.5, self._distrust, self._speak_http, self._speak_in_the_clear, self._come_denied),
                (1.0, self.stand.ask_for_settings, self._ask_the_directory, self._be_moved),
                (2.0, self._leave_without_a_word, self._be_reset, self._delete, self._ask_nonsense),
                *[(0.5, self._visit_small)] * 4]

    def _again_and_again(self, pause: float, dice, *doings):
        while not self._stopping.wait(dice.expovariate(1 / pause)):
            with contextlib.suppress(OSError, EOFError, AssertionError, ssl.SSLError):
                dice.choice(doings)()

    # --- what people do

    def _session(self, user: str, listener: str = None, kept=None, **versions):
        port = self.proxy.ports[listener] if listener else self.proxy.port
        return _logged_in(port, tls_context(self.proxy.authority.file, **versions), user, kept)

    def _read_with_a_ticket(self):
        user = self._dice.choice(_AT_WORK)
        context = tls_context(self.proxy.authority.file)
        with _logged_in(self.proxy.port, context, user) as session:
            session.ok("STAT")
            kept = session.socket.session
        with _logged_in(self.proxy.port, context, user, kept) as session:
            for command in ("LIST", "TOP 1 5", "NOOP", "QUIT"):
                session.ok(command)

    def _read_as_in_2010(self):
        with self._session(self._dice.choice(_AT_WORK), maximum_version=ssl.TLSVersion.TLSv1_2) as session:
            for command in ("UIDL", "RETR 2", "QUIT"):
                session.ok(command)

    def _visit_small(self):
        """Two slots for four visitors: there is a queue."""
        with self._session(self._dice.choice(_ON_SMALL), "small") as session:
            session.ok("STAT")
            self._stopping.wait(self._dice.uniform(0, 0.6))
            session.ok("QUIT")

    def _ask_the_directory(self):
        with self._session(LISTED) as session:
            session.ok("QUIT")

    def _be_moved(self):
        with self._session(MOVED) as session:
            session.ok("STAT")
            session.ok("QUIT")

    def _delete(self):
        user = self._dice.choice(USERS[:8])
        self.stand.nodes["node1"].deliver(user, {"short": b"Subject: gone\n\nsoon\n"}, sized=True)
        with self._session(user) as session:
            session.ok("DELE 1")
            session.ok("QUIT")

    def _leave_without_a_word(self):
        self._session(self._dice.choice(_AT_WORK)).close()

    def _be_reset(self):
        self._session(self._dice.choice(_AT_WORK)).reset()

    def _ask_nonsense(self):
        with self._session(self._dice.choice(_AT_WORK)) as session:
            session.command("RETR 999")
            session.command("DELE 999")
            session.ok("QUIT")

    # --- what strangers do

    def _guess(self):
        with _plain(self.proxy.ports["clear"], f"127.0.1.{self._dice.randrange(1, 3)}") as connection:
            for command in (f"USER {self._dice.choice(USERS)}", "PASS wrong", "QUIT"):
                _read_line(connection)
                connection.sendall(f"{command}\r\n".encode())
            _read_line(connection)

    def _distrust(self):
        with _plain(self.proxy.port) as connection:
            ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")

    def _speak_http(self):
        context = tls_context(self.proxy.authority.file)
        context.set_alpn_protocols(["h2"])
        with _plain(self.proxy.port) as connection:
            context.wrap_socket(connection, server_hostname="localhost")

    def _speak_in_the_clear(self):
        with _plain(self.proxy.port) as connection:
            connection.sendall(b"CAPA\r\n")
            connection.recv(100)

    def _come_denied(self):
        with _plain(self.proxy.ports["clear"], "127.0.5.1") as connection:
            connection.recv(100)

    # --- what operators do

    def _set_state(self, node: str, state: str):
        assert post(self.proxy, f"/nodes/main/{node}?state={state}")[0] == 200

    def _move(self, percent: int):
        assert post(self.proxy, f"/moves/away?percent={percent}")[0] == 200

    def _wait_in_vain(self):
        """Two who don't leave hold both slots for longer than pool.wait_timeout."""
        holders = []
        while len(holders) < 2:
            with contextlib.suppress(AssertionError):
                holders.append(self._session(_ON_SMALL[len(holders)], "small"))
        self._stopping.wait(10)
        for session in holders:
            session.close()


def _plain(port: int, source: str = "") -> socket.socket:
    return open_socket(port, timeout=5.0, source=source)


def _read_line(connection):
    while (piece := connection.recv(1000)) and not piece.endswith(b"\n"):
        pass


def _logged_in(port: int, context, user: str, kept=None):
    session = Pop3(context.wrap_socket(open_socket(port), server_hostname="localhost", session=kept))
    session.greeting = session.line()
    return session.log_in(user)
