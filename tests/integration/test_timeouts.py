"""Each timeout is its own setting, ends what it should when it should, and has its own name in the log."""

import socket
import time

import pytest

from fake_node import FakeNode
from poplar import node
from wire import Pop3, open_socket

TEMPORARY = b"-ERR [SYS/TEMP] "


class Watch:
    """Requires that the block takes at least `least` and at most `most` seconds."""

    def __init__(self, least: float, most: float):
        self._least, self._most = least, most

    def __enter__(self):
        self._start = time.monotonic()

    def __exit__(self, kind, *_):
        if kind is None:
            took = time.monotonic() - self._start
            assert self._least <= took <= self._most, f"took {took:.2f} s"


@pytest.fixture
def against(start):
    opened = []

    def make(timeouts, on=None, **options):
        fake = FakeNode(on)
        proxy = start([node("fake", fake.port)], timeouts=timeouts, **options)
        opened.append((proxy, fake))
        return proxy

    yield make
    for proxy, fake in opened:
        with proxy:
            proxy.idle()
        fake.stop()


def silent(peer, words):
    peer.closed(60)


def test_tls_handshake(against):
    proxy = against({"tls_handshake": "1s"})
    with open_socket(proxy.port) as connection, Watch(0.8, 4):
        assert Pop3(connection).at_end()
    assert proxy.session(0)["reason"] == "tls_handshake_timeout"


def test_tls_handshake_in_drops_does_not_extend_it(against):
    """The limit holds for the whole handshake: a byte now and then buys no time."""
    proxy = against({"tls_handshake": "1s"})
    with open_socket(proxy.port) as connection, Watch(0.8, 4):
        connection.settimeout(0.1)
        with pytest.raises(OSError) as end:
            connection.sendall(b"\x16\x03\x01\x02\x00")
            while True:
                connection.sendall(b"\x01")
                try:
                    if not connection.recv(100):
                        raise ConnectionResetError
                except TimeoutError:
                    pass
        assert isinstance(end.value, ConnectionError)
    assert proxy.session(0)["reason"] == "tls_handshake_timeout"


def test_login(against):
    proxy = against({"login": "1s"})
    with proxy.connect() as session, Watch(0.7, 4):
        session.ok("USER anybody")
        assert session.at_end()
        assert not session.buffer or session.buffer.startswith(b"-ERR")
    assert proxy.session(0)["reason"] == "login_timeout"


def test_login_is_not_extended_by_commands(against):
    proxy = against({"login": "1s"}, limits={"bad_commands": 1000})
    with proxy.connect() as session, Watch(0.7, 4):
        session.socket.settimeout(0.1)
        with pytest.raises((EOFError, ConnectionError)):
            while True:
                session.send(b"CAPA\r\n")
                session.response(b"CAPA")
                try:
                    session.socket.recv(0)
                    session._more()
                except TimeoutError:
                    pass
    assert proxy.session(0)["reason"] == "login_timeout"


@pytest.mark.parametrize("port", ["implicit", "stls"])
def test_a_flood_of_users(port, against):
    """As many names as fit into the time for a login: no node hears of one, and none of them stays in memory."""
    proxy = against({"login": "1s"}, also={"stls": {"tls": "stls"}})
    answer = b"+OK " if port == "implicit" else b"-ERR "
    with proxy.connect() if port == "implicit" else proxy.connect_plain("stls") as session, Watch(0.7, 4):
        before, names = proxy.memory(), 0
        with pytest.raises((EOFError, OSError)):
            while True:
                session.send(b"".join(b"USER name%d%s\r\n" % (names + i, b"x" * 200) for i in range(100)))
                for _ in range(100):
                    line = session.line()
                    assert line.startswith(answer) or b"-ERR" in line
                    names += 1
        assert proxy.memory() - before < 8 << 20
    assert names > 200
    assert proxy.session(0)["reason"] == "login_timeout"
    assert proxy.metric("poplar_pool_takes_total") == 0, "a node was asked"


def test_connected_in_the_clear_and_silent(against):
    """Port 110, before STLS: the same time as behind TLS."""
    proxy = against({"login": "1s"}, also={"stls": {"tls": "stls"}})
    with proxy.connect_plain("stls") as session, Watch(0.7, 4):
        assert session.at_end()
        assert not session.buffer or session.buffer.startswith(b"-ERR")
    assert proxy.session(0)["reason"] == "login_timeout"


def test_upstream_connect(start):
    """A node whose backlog is full: its kernel drops our SYN, as a dead machine would."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
            fillers.append(filler)
        with start([node("full", full.getsockname()[1])],
                   timeouts={"upstream_connect": "1s", "upstream_response": "30s"}) as proxy:
            with proxy.connect() as session:
                session.ok("USER anybody")
                with Watch(0.8, 6):
                    assert session.command("PASS secret").startswith(TEMPORARY)
            line = proxy.session(0)
            assert line["reason"] == "node_unavailable"
            assert line["failure"].startswith("connect_timeout")
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize("where, name", [
    ("greeting", "greeting_timeout"), ("USER", "response_timeout"), ("PASS", "response_timeout")])
def test_a_node_silent_before_login(where, name, against):
    proxy = against({"upstream_connect": "30s", "upstream_response": "1s"}, {where: silent})
    with proxy.connect() as session:
        session.ok("USER anybody")
        with Watch(0.8, 6):
            assert session.command("PASS secret").startswith(TEMPORARY)
    line = proxy.session(0)
    assert line["reason"] == "node_unavailable" and line["failure"].startswith(name)


@pytest.mark.parametrize("command", ["STAT", "RETR", "QUIT"])
def test_upstream_response(command, against):
    proxy = against({"upstream_response": "1s"}, {command: silent})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(command.encode() + (b" 1" if command == "RETR" else b"") + b"\r\n")
        with Watch(0.8, 4):
            assert session.at_end()
        assert not session.buffer or session.buffer.startswith(TEMPORARY)
    assert proxy.session(0)["reason"] == "node_response_timeout"


def test_upstream_response_in_the_middle_of_a_message(against):
    def stall(peer, words):
        peer.send(b"+OK\r\nhalf a mess")
        peer.closed(60)

    proxy = against({"upstream_response": "1s"}, {"RETR": stall})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(b"RETR 1\r\n")
        with Watch(0.8, 4):
            assert session.at_end()
        assert b"\r\n.\r\n" not in session.buffer
    assert proxy.session(0)["reason"] == "node_response_timeout"


def test_an_idle_client_does_not_time_the_node_out(against):
    """upstream_response runs only while an answer is owed."""
    proxy = against({"upstream_response": "1s"})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.socket.settimeout(2.5)
        with pytest.raises(TimeoutError):
            session.socket.recv(1)
        session.socket.settimeout(20)
        session.ok("STAT")
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


@pytest.mark.parametrize("keepalive, kept", [("400ms", True), ("0s", False)])
def test_a_node_with_less_patience_than_the_client_is_kept_awake(start, keepalive, kept):
    """It leaves after 1.5 s without a command. The client hears nothing of what keeps it."""
    def impatient(peer, _):
        peer.socket.settimeout(1.5)
        return b"+OK\r\n"

    with FakeNode({"greeting": impatient}) as fake, \
            start([node("fake", fake.port)], timeouts={"upstream_keepalive": keepalive}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.socket.settimeout(3)
            with pytest.raises(TimeoutError):
                session.socket.recv(1)
            session.socket.settimeout(20)
            assert session.command("STAT").startswith(b"+OK 1 " if kept else TEMPORARY)
            if kept:
                session.ok("QUIT")
        assert (fake.commands.count("NOOP") >= 3) is kept


def test_client_idle(against):
    proxy = against({"client_idle": "1s"})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.ok("DELE 1")
        with Watch(0.8, 4):
            assert session.at_end()
        assert not session.buffer, "RFC 1939 section 3: the session closes without a word"
    assert proxy.session(0)["reason"] == "client_idle"


def test_commands_keep_a_client_from_being_idle(against):
    proxy = against({"client_idle": "1s"})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.socket.settimeout(0.4)
        for _ in range(5):
            with pytest.raises(TimeoutError):
                session.socket.recv(1)
            session.ok("NOOP")
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


def test_client_write_stall(start):
    """A client that asks and does not read is not waited for beyond this."""
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (2 << 20) + b"\r\n"
    with FakeNode(messages=[large]) as fake:
        with start([node("fake", fake.port)], timeouts={"client_write_stall": "1s"}) as proxy:
            with proxy.connect() as session, Watch(0.8, 10):
                session.log_in("anybody")
                session.send(b"RETR 1\r\n")
                assert proxy.session(0)["reason"] == "client_write_stall"


def test_a_slow_but_steady_reader_is_no_stall(start):
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (1 << 20) + b"\r\n"
    with FakeNode(messages=[large]) as fake:
        with start([node("fake", fake.port)], timeouts={"client_write_stall": "3s"}) as proxy:
            with proxy.connect() as session:
                session.log_in("anybody")
                session.send(b"RETR 1\r\n")
                pause, received = 0.5, b""
                while not received.endswith(b"\r\n.\r\n"):
                    # The pause is the client's own slowness, not a wait for somebody.
                    time.sleep(pause)
                    for _ in range(128):
                        chunk = session.socket.recv(16384)
                        assert chunk, "Poplar has closed"
                        received += chunk
                        if received.endswith(b"\r\n.\r\n"):
                            break
                assert len(received) > len(large)
                session.ok("QUIT")
            assert proxy.session(0)["reason"] == "quit"
