"""Poplar in front of three Dovecots, and all that can happen to it within half a minute; what it did is written down.

Cluster main has two nodes that share their storage, and warm and parked connections. Cluster small has one, over TLS,
and two slots. Cluster found has what a name server names: the one of small, in the clear. Who guesses passwords comes
from other addresses of the loopback than everybody else.
"""

import collections
import concurrent.futures
import contextlib
import dataclasses
import pathlib
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import corpus
from auth_service import AuthService, at
from dnsmasq import Dnsmasq
from dovecot import Dovecot
from exposition import value
from poplar import node
from ports import free_port
from test_admin import post
from waiting import until
from wire import Pop3, open_socket, tls_context

USERS = [f"user{index:03}" for index in range(60)]
MOVED, LISTED = "moved", "listed"  # a user who is moved from main to small, and one whom a directory knows
FOUND = "127.0.0.1"  # the node small1 by its other port, as the name server tells of it
SLOTS = 2
QUEUE = 12
_MESSAGES = {**corpus.mixed(2), "tail": corpus.message("tail", b"the end\r\n")}
_HEALTH = {"probe": "capa", "interval": "300ms", "fast_interval": "200ms", "timeout": "1s", "rise": 2, "fall": 2,
           "consecutive_failures": 0, "failure_percent": 0, "hold_down": "300ms", "slow_start": "0s",
           "panic_percent": 0}
_CLEAR = {"tls": "none", "require_tls": False}
_DESCRIPTORS = 160  # what Poplar may have
_NO_ANSWER = 1.0    # seconds; a greeting takes a few milliseconds


class Client(Pop3):
    """Counts its bytes, inside TLS."""

    def __init__(self, connection):
        super().__init__(connection)
        self.sent, self.received = 0, 0

    def send(self, data: bytes):
        super().send(data)
        self.sent += len(data)

    def _more(self):
        before = len(self.buffer)
        super()._more()
        self.received += len(self.buffer) - before


@dataclasses.dataclass
class Truth:
    """What clients saw, counted as Poplar ought to count it."""
    logins: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by result
    commands: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # that nodes answered
    handshakes: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by (version, resumed)
    retrieved: int = 0
    deleted: int = 0
    denied: int = 0
    failed_handshakes: int = 0
    parked_reused: int = 0
    waiters: collections.Counter = dataclasses.field(default_factory=collections.Counter)  # by result
    clients: list = dataclasses.field(default_factory=list)

    def bytes(self, without):
        """(sent, received) by all clients but these, who are still there."""
        gone = [client for client in self.clients if client not in without]
        return sum(client.sent for client in gone), sum(client.received for client in gone)


class BusyStand:
    def __init__(self, folder: pathlib.Path, start, authority, certificate, binary):
        self.folder, self._start, self._authority, self._binary = folder, start, authority, binary
        self._certificate, self._map_file, self._traces = certificate, folder / "users.map", folder / "traces"
        self._stack = contextlib.ExitStack()
        self._users = iter(USERS)
        self.settings_port = free_port()  # tells clients what to set up
        self.truth = Truth()
        self.nodes, self.proxy, self.crowd = {}, None, []

    def __enter__(self):
        self.folder.mkdir()
        self._traces.mkdir()
        try:
            for name, mail in (("node1", "shared"), ("node2", "shared"), ("small1", "own")):
                self.nodes[name] = self._stack.enter_context(
                    Dovecot(self.folder / name, name, self._certificate, [*USERS, MOVED, LISTED], self.folder / mail))
            for name in ("node1", "small1"):
                for user in (MOVED, LISTED):
                    self.nodes[name].deliver(user, _MESSAGES, sized=True)
            self._directory = self._stack.enter_context(
                AuthService({LISTED: at(self.nodes["node1"].pop3_port)}))
            self._names = self._stack.enter_context(
                Dnsmasq(self.folder / "dns", hosts={"mail.poplar.test": ["127.0.0.1"]}))
            self._stack.callback(until, self._nodes_are_idle, "the nodes to have ended their sessions")
            self._map("user059@mapped.test small")
            self.proxy = self._stack.enter_context(self._poplar())
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def _nodes_are_idle(self) -> bool:
        """No session writes into the folders any more, which are about to be removed."""
        return all(self._is_idle(name) for name in self.nodes)

    def _is_idle(self, name: str) -> bool:
        """Dovecot may have forked a process ahead of a login that never came: it is root's still, and serves nobody."""
        found = []
        for pid in self.nodes[name].processes():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found.append(pathlib.Path(f"/proc/{pid}/status").read_text())
        return not any("Name:\tpop3\n" in status and "State:\tZ" not in status and "Uid:\t0\t" not in status
                       for status in found)

    def _poplar(self):
        small = {"name": "small1", "address": f"127.0.0.1:{self.nodes['small1'].pop3s_port}", "tls": "verify",
                 "ca_file": str(self._authority.file), "host_name": "localhost"}
        clusters = [{"name": "main", "shared_storage": True,
                     "nodes": [node(name, self.nodes[name].pop3_port) for name in ("node1", "node2")]},
                    {"name": "small", "nodes": [small], "health": {"panic_percent": 60},
                     "pool": {"size": SLOTS, "warm": 0, "max_snapshot_age": "0s", "wait_timeout": "8s"}},
                    {"name": "found", "shared_storage": True,
                     "discovery": {"dns": f"mail.poplar.test:{self.nodes['small1'].pop3_port}",
                                   "name_servers": [self._names.address], "ttl_min": "200ms", "ttl_max": "1s"}}]
        admission = {"trusted": [], "access": {"deny": ["127.0.5.0/24"]}, "unauthenticated_per_address": 0,
                     "login_delay": {"first": "500ms", "longest": "2s", "waiting_per_address": 4}}
        names = ["localhost", "127.0.0.1"]
        return self._start(
            [], descriptors=_DESCRIPTORS, clusters=clusters, admission=admission, health=_HEALTH,
            certificates=[self._authority.issue("weeks", names, days=10),
                          self._authority.issue("days", names, "rsa", 2)],
            pool={"size": 50, "warm": 2, "max_snapshot_age": "5s"}, timeouts={"login": "10s"},
            resume={"enabled": True, "deadline": "15s"},
            routes=[{"name": "staff", "users": LISTED, "directory": "staff"},
                    {"name": "map", "user_map": str(self._map_file)}],
            directories=[{"name": "staff", "http": {"urls": [self._directory.url]}}],
            autoconfig={"listen": [{"address": f"127.0.0.1:{self.settings_port}"}], "domains": ["example.org"],
                        "server": "localhost", "incoming": [{"listener": "pop3s", "port": 995}],
                        "outgoing": [{"host": "smtp.example.org"}]},
            trace={"directory": str(self._traces)},
            moves=[{"name": "away", "from": "main", "to": "small", "users": [MOVED], "percent": 0}],
            also={"small": {"tls": "implicit", "cluster": "small"}, "clear": {**_CLEAR, "cluster": "main"}})

    def _map(self, text: str):
        done = subprocess.run([str(self._binary), "map", "build", "-", str(self._map_file)], input=text + "\n",
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    # --- single clients

    def user(self) -> str:
        """Somebody new, with mail on both storages."""
        user = next(self._users)
        for name in ("node1", "small1"):
            self.nodes[name].deliver(user, _MESSAGES, sized=True)
        return user

    def connect(self, listener: str = None, context: ssl.SSLContext = None, kept=None) -> "Client":
        """A TLS session; with `kept`, a resumed one."""
        port = self.proxy.ports[listener] if listener else self.proxy.port
        context = context or tls_context(self._authority.file)
        connection = context.wrap_socket(open_socket(port), server_hostname="localhost", session=kept)
        resumed = "yes" if connection.session_reused else "no"
        self.truth.handshakes[connection.version().removeprefix("TLSv"), resumed] += 1
        return self._greeted(connection)

    def _greeted(self, connection) -> "Client":
        session = self._client(connection)
        session.greeting = session.line()
        return session

    def _client(self, connection) -> "Client":
        client = Client(connection)
        self.truth.clients.append(client)
        return client

    def say(self, session: Pop3, text: str) -> bytes:
        """A command after the login: those before, and the QUIT of a session that is parked, reach no node."""
        self.truth.commands[text.split()[0]] += 1
        return session.ok(text)

    def log_in(self, session: Pop3, user: str) -> Pop3:
        session.log_in(user)
        self.truth.logins["ok"] += 1
        return session

    def leave(self, session: Pop3, parked: bool = True):
        session.ok("QUIT")
        self.truth.commands["QUIT"] += not parked
        session.close()

    def leave_for_a_moment(self, session: Pop3, user: str):
        """What is parked serves the user's next login. The client has its answer to QUIT a moment before that."""
        self.leave(session)
        until(lambda: [line for line in self.proxy.sessions() if line["user"] == user and line["parked"]],
              f"{user}'s session to be parked")

    def retrieve(self, session: Pop3, count: int = len(_MESSAGES)):
        for number in range(1, count + 1):
            self.say(session, f"RETR {number}")
            self.truth.retrieved += 1

    def home(self, user: str) -> str:
        """The node that holds this user's only session now."""
        return until(lambda: [name for name in ("node1", "node2") if self.nodes[name].logins(user)],
                     f"{user}'s login to be logged")[0]

    # --- what happens, in this order

    def read_mail(self):
        """Good sessions of all kinds: with deletes and without, on old and new TLS, resumed, two in a row."""
        old = tls_context(self._authority.file, maximum_version=ssl.TLSVersion.TLSv1_2)
        new = tls_context(self._authority.file)
        kept = None
        for index in range(10):
            user, context = self.user(), old if index == 0 else new
            for again in (False, True):
                session = self.log_in(self.connect(context=context, kept=kept if context is new else None), user)
                for command in ("STAT", "LIST", "UIDL", "TOP 1 2", "NOOP"):
                    self.say(session, command)
                if not again:
                    self.retrieve(session)
                if again and index < 3:
                    self.say(session, "DELE 1")
                    self.truth.deleted += 1
                if context is new:
                    kept = session.socket.session
                if again:
                    self.leave(session, parked=index >= 3)
                else:
                    self.leave_for_a_moment(session, user)
                self.truth.parked_reused += again
        self.proxy.idle()

    def guess(self):
        """Wrong passwords from one address until one is turned away."""
        def open_one():
            session = self._greeted(open_socket(self.proxy.ports["clear"], source="127.0.1.1"))
            session.ok("USER user000")
            return session

        first = open_one()
        for number in range(2):
            answer = first.command(f"PASS wrong{number}")
            assert answer.startswith(b"-ERR [AUTH]"), answer
            first.ok("USER user000")
        delayed = value(self.proxy, "poplar_login_delay_seconds_count")
        first.send(b"PASS wrong2\r\n")
        until(lambda: value(self.proxy, "poplar_login_delay_seconds_count") > delayed, "the third guess to wait")
        with open_one() as second:
            assert second.command("PASS wrong3").startswith(b"-ERR [SYS/TEMP]")
        assert first.line().startswith(b"-ERR [AUTH]")
        first.close()
        self.truth.logins["rejected"] += 3
        self.truth.logins["throttled"] += 1

    def come_uninvited(self):
        """Connections that are denied, and clients that don't trust the certificate."""
        for _ in range(3):
            with open_socket(self.proxy.ports["clear"], source="127.0.5.1") as connection:
                with contextlib.suppress(ConnectionError):
                    assert connection.recv(100) == b""
            self.truth.denied += 1
        for _ in range(2):
            with contextlib.suppress(ssl.SSLError), contextlib.closing(open_socket(self.proxy.port)) as connection:
                ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
                raise AssertionError("a certificate of nobody's was trusted")
            self.truth.failed_handshakes += 1

    def ask_the_directory(self):
        """Two logins of one user: the second is told what the first was."""
        self.leave_for_a_moment(self.log_in(self.connect(), LISTED), LISTED)
        self.leave(self.log_in(self.connect(), LISTED))
        self.truth.parked_reused += 1

    def move_somebody(self):
        """Whose session ends; the next one is in the other cluster."""
        session = self.log_in(self.connect(), MOVED)
        self.say(session, "STAT")
        status, text = post(self.proxy, "/moves/away?percent=100")
        assert status == 200, text
        assert session.line().startswith(b"-ERR [SYS/TEMP]") and session.at_end()
        session.close()
        self.leave(self.log_in(self.connect(), MOVED), parked=False)
        self.proxy.idle()

    def ask_for_settings(self):
        """As Thunderbird does, and as somebody who has mistyped the path."""
        for path in ("mail/config-v1.1.xml?emailaddress=anna@example.org", "mail/config"):
            with contextlib.suppress(urllib.error.HTTPError):
                urllib.request.urlopen(f"http://127.0.0.1:{self.settings_port}/{path}", timeout=20).close()

    def trace_somebody(self):
        """Whose trace stays on."""
        status, text = post(self.proxy, f"/api/v1/trace?user={LISTED}&for=1h")
        assert status == 200, text

    def spoil_the_map(self):
        self._map_file.write_text("the text instead of the map\n")
        until(lambda: value(self.proxy, "poplar_user_map_loads_total", result="refused") == 1, "the map to be refused")

    def _holders(self):
        """Sessions on all slots of the small node."""
        until(lambda: value(self.proxy, "poplar_pool_connections", node="small1") == 0, "all slots to be free")
        return [self.log_in(self.connect("small"), self.user()) for _ in range(SLOTS)]

    @contextlib.contextmanager
    def full_pool(self):
        """Within the block QUEUE logins stand in the queue of the small node, for more than a second; behind it all
        have had their turn."""
        holders = self._holders()
        users, begun = [self.user() for _ in range(QUEUE)], time.monotonic()

        def visit(user):
            with self.connect("small").log_in(user) as session:
                session.ok("QUIT")

        with concurrent.futures.ThreadPoolExecutor(QUEUE) as pool:
            visits = [pool.submit(visit, user) for user in users]
            until(lambda: value(self.proxy, "poplar_pool_waiting", node="small1") == QUEUE, "all to stand in the queue")
            yield
            until(lambda: time.monotonic() - begun > 1.2, "the wait to be a slow login")
            for holder in holders:
                self.leave(holder, parked=False)
            for each in visits:
                each.result()
        self.truth.commands["QUIT"] += QUEUE
        self.truth.logins["ok"] += QUEUE
        self.truth.waiters["granted"] += QUEUE

    @contextlib.contextmanager
    def waiting_in_vain(self):
        """Meanwhile somebody waits for a slot for as long as pool.wait_timeout lets him."""
        holders = self._holders()
        with self.connect("small") as session:
            session.ok(f"USER {self.user()}")
            session.send(b"PASS secret\r\n")
            yield
            assert session.line().startswith(b"-ERR [SYS/TEMP]")
        self.truth.logins["backend_unavailable"] += 1
        self.truth.waiters["timeout"] += 1
        for holder in holders:
            self.leave(holder, parked=False)

    def kill_under_a_session(self):
        """A main node dies; a session goes on at the other one, and a user who was at home there logs in there."""
        staying, moving = self.user(), None
        session = self.log_in(self.connect(), staying)
        self.say(session, "UIDL")
        self.retrieve(session, 1)
        dead = self.home(staying)
        while moving is None:
            candidate = self.user()
            self.leave(self.log_in(self.connect(), candidate))
            moving = candidate if self.home(candidate) == dead else None
        self.nodes[dead].kill()
        # On a busy machine the parked session may live on for long enough to serve its user once more.
        until(lambda: self._is_idle(dead), f"the sessions of {dead} to be dead")
        self.leave(self.log_in(self.connect(), moving))  # begins before the node is known to be down
        until(lambda: value(self.proxy, "poplar_node_state", node=dead, state="down") == 1, f"{dead} to be down")
        self.retrieve(session, 1)
        self.leave(session)
        return dead

    def kill_a_whole_cluster(self):
        """The small cluster's only node dies, and nobody there gets in."""
        self.nodes["small1"].kill()
        # By its other port it is the node of the third cluster. No probe of either can say anything any more once Poplar
        # has run out of descriptors.
        for node_name in ("small1", FOUND):
            until(lambda name=node_name: value(self.proxy, "poplar_node_state", node=name, state="down") == 1,
                  f"{node_name} to be down")

        def try_it(user):
            with self.connect("small") as session:
                session.ok(f"USER {user}")
                return session.command("PASS secret")

        with concurrent.futures.ThreadPoolExecutor(QUEUE) as pool:
            answers = list(pool.map(try_it, USERS[:QUEUE]))
        assert {answer[:15] for answer in answers} == {b"-ERR [SYS/TEMP]"}, answers
        self.truth.logins["backend_unavailable"] += QUEUE

    def run_out_of_descriptors(self):
        """A crowd that says nothing takes all descriptors, until an accept fails; then a tenth of it leaves, the last
        one gets in, and the others stay."""
        for _ in range(_DESCRIPTORS):
            client = self._client(self._stack.enter_context(open_socket(self.proxy.ports["clear"], timeout=_NO_ANSWER)))
            self.crowd.append(client)
            try:
                client.line()
            except TimeoutError:
                break
        else:
            raise AssertionError(f"{_DESCRIPTORS} descriptors were enough for as many clients")
        for _ in range(len(self.crowd) // 10):
            self.crowd.pop(0).close()
        client.socket.settimeout(20)
        assert client.line().startswith(b"+OK")

    def disperse(self):
        """Sends the crowd away."""
        for client in self.crowd:
            client.close()
        self.proxy.idle()
