"""Clients that send what they should not, or vanish: a defined answer, a named reason, nothing left over."""

import re
import socket
import ssl

import pytest

import corpus
from fake_node import FakeNode
from poplar import node
from wire import Pop3, open_socket, tls_context


@pytest.fixture(scope="module")
def fake():
    messages = [corpus.message("one", b"one\r\n"), corpus.message("big", b"z" * 70 + b"\r\n" * 200_000)]
    with FakeNode(messages=messages) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(start, fake):
    with start([node("fake", fake.port)],
               timeouts={"tls_handshake": "1s", "login": "60s"}) as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_stays(proxy):
    """Whatever a test did: no session is left, no descriptor, and the next client is served."""
    proxy.idle()
    descriptors = proxy.descriptors()
    yield
    proxy.idle()
    assert proxy.descriptors() <= descriptors + 4, "descriptors leak"
    with proxy.connect() as session:
        session.log_in("anybody")
        session.ok("QUIT")
    proxy.idle()


class Log:
    """The log line of the one session that a test starts."""

    def __init__(self, proxy):
        self._proxy, self._before = proxy, len(proxy.sessions())

    def reason(self):
        line = self._proxy.session(self._before)
        assert len(self._proxy.sessions()) == self._before + 1
        return line["reason"]


@pytest.fixture
def log(proxy, nothing_stays):
    return Log(proxy)


# --- before TLS

@pytest.mark.parametrize("data", [
    b"USER anybody\r\n", b"CAPA\r\n", b"QUIT\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\n\r\n", b"\x00" * 64, b"\xff" * 5000, bytes(range(256)), b"SSH-2.0-x\r\n",
    b"EHLO localhost\r\n", b"U\r\n", b"U"], ids=lambda data: repr(data[:8]))
def test_what_is_not_tls(data, proxy, log):
    with open_socket(proxy.port) as connection:
        connection.sendall(data)
        received = b""
        try:
            while chunk := connection.recv(4096):
                received += chunk
        except ConnectionError:
            pass
    assert b"+OK" not in received, "no greeting outside TLS"
    # Fewer bytes than a TLS record's header may also be waited for to become one.
    assert log.reason() in ({"not_tls"} if len(data) >= 5 else {"not_tls", "tls_handshake_timeout"})


def test_a_broken_handshake(proxy, log):
    """A record header that is right, and garbage in it."""
    with open_socket(proxy.port) as connection:
        connection.sendall(b"\x16\x03\x01\x00\x40" + b"\xa5" * 64)
        assert Pop3(connection).at_end()
    assert log.reason() == "tls_handshake_failed"


def half_hello(port) -> bytes:
    """A real ClientHello."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    machine = tls_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        machine.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("part", [0, 1, 5, 100, 10_000])
def test_part_of_a_handshake_and_silence(part, proxy, log):
    with open_socket(proxy.port) as connection:
        connection.sendall(half_hello(proxy.port)[:part])
        assert Pop3(connection).at_end()
    assert log.reason() == "tls_handshake_timeout"


@pytest.mark.parametrize("part", [0, 1, 5, 100, 10_000])
@pytest.mark.parametrize("how", ["close", "reset"])
def test_part_of_a_handshake_and_gone(part, how, proxy, log):
    session = Pop3(open_socket(proxy.port))
    session.send(half_hello(proxy.port)[:part])
    getattr(session, how)()
    allowed = {"client_eof", "tls_handshake_failed"} if how == "close" else {"client_reset"}
    # A reset that arrives with the answer under way may be met as an end of stream first.
    assert log.reason() in allowed | {"client_reset"}


# --- commands

def test_a_line_of_a_megabyte(proxy, log):
    before = proxy.memory()
    with proxy.connect() as session:
        try:
            session.send(b"USER " + b"a" * (1 << 20) + b"\r\n")
            answer = session.line()
        except ConnectionError:
            answer = b"-ERR closed before all was sent"
        assert answer.startswith(b"-ERR")
    assert log.reason() in ("client_protocol", "too_many_bad_commands", "client_eof", "client_reset")
    assert proxy.memory() - before < 8 << 20


def test_a_line_without_an_end(proxy, log):
    """64 MiB and no line feed: refused long before."""
    before = proxy.memory()
    with proxy.connect() as session:
        try:
            for _ in range(64):
                session.send(b"a" * (1 << 20))
                assert proxy.memory() - before < 8 << 20
        except OSError:
            pass
    assert log.reason() in ("client_protocol", "too_many_bad_commands", "client_eof", "client_reset")


@pytest.mark.parametrize("command", [
    b"US\x00ER anybody", b"\x00", b"USER any\x00body", b"\xff\xfe\xfd", b"R\xc3\x89TR 1", b"",
    b" USER anybody", b"USER", b"PASS", b"PASS before-user", b"STAT", b"RETR 1", b"DELE 1",
    b"XYZZY", b"HELO x", b"USER any\rQUIT", b"A" * 300], ids=lambda data: repr(data[:12]))
def test_a_bad_command_is_refused_and_the_session_goes_on(command, proxy, fake, log):
    before = len(fake.commands)
    with proxy.connect() as session:
        session.send(command + b"\r\n")
        assert session.line().startswith(b"-ERR")
        assert len(fake.commands) == before, "nothing of it reaches a node"
        session.log_in("anybody")
        session.ok("QUIT")
    assert log.reason() == "quit"


@pytest.mark.parametrize("command", [b"PASS se\x00cret", b"PASS secret\rDELE 1"])
def test_what_hides_in_a_password_is_no_command_at_the_node(command, proxy, fake, log):
    before = len(fake.commands)
    with proxy.connect() as session:
        session.ok("USER anybody")
        session.send(command + b"\r\n")
        assert session.line().startswith(b"-ERR")
        session.ok("QUIT")
    assert not any("DELE" in sent and not sent.startswith("PASS") for sent in fake.commands[before:])
    assert log.reason() == "quit"


def answers_to(session, data) -> list:
    """Every line that comes back until the connection ends."""
    session.send(data)
    assert session.at_end()
    return bytes(session.buffer).split(b"\r\n")[:-1]


@pytest.mark.parametrize("logged_in", [False, True])
@pytest.mark.parametrize("bad", [b"", b"\x00\x01", b"N\x00OP", b"a" * 3000],
                         ids=["blank", "binary", "NUL", "long"])
def test_two_hundred_bad_commands(bad, logged_in, proxy, fake, log):
    before = len(fake.commands)
    allowed = 20 if logged_in else 3  # limits.bad_commands, limits.bad_commands_before_login
    with proxy.connect() as session:
        if logged_in:
            session.log_in("anybody")
        # Of the long ones fewer: the limit is reached, and what it leaves unread is little.
        lines = answers_to(session, (bad + b"\r\n") * (200 if len(bad) < 100 else allowed + 5))
    assert all(line.startswith(b"-ERR") for line in lines)
    assert len(lines) == allowed, lines
    assert log.reason() == "too_many_bad_commands"
    assert len(fake.commands) - before == (2 if logged_in else 0), "none of them reached the node"


def test_two_hundred_commands_of_the_wrong_state(proxy, log):
    with proxy.connect() as session:
        lines = answers_to(session, b"RETR x\r\n" * 200)
    assert len(lines) == 3 and log.reason() == "too_many_bad_commands"


def test_how_many_bad_commands_is_the_operators_word(start, fake):
    limits = {"bad_commands": 4, "bad_commands_before_login": 7}
    with start([node("fake", fake.port)], limits=limits) as strict:
        for logged_in, allowed in ((False, 7), (True, 4)):
            with strict.connect() as session:
                if logged_in:
                    session.log_in("anybody")
                assert len(answers_to(session, b"N\x00OP\r\n" * 50)) == allowed


def test_ways_to_log_in_that_are_not_offered_are_no_bad_commands(proxy, log):
    """Clients try them one after the other, offered or not (Outlook's bare AUTH, Thunderbird, Perdition's users)."""
    tries = [b"AUTH", b"AUTH ", b"AUTH NTLM", b"AUTH NTLM TlRMTVNTUAABAAAA", b"AUTH CRAM-MD5", b"AUTH GSSAPI", b"AUTH X-NONE",
             b"AUTH EXTERNAL", b"AUTH EXTERNAL =", b"APOP anybody c4c9334bac560ecc979e58001b3e22fb", b"STLS", b"UTF8", b"LANG"]
    with proxy.connect() as session:
        for line in tries * 5:
            session.send(line + b"\r\n")
            status = session.line()
            if line.strip() == b"AUTH":
                assert status.startswith(b"+OK") and session.body()
            else:
                assert status.startswith(b"-ERR") and b"too many" not in status.lower(), (line, status)
        session.log_in("anybody")
        session.ok("QUIT")
    assert log.reason() == "quit"


def test_what_the_node_refuses_is_between_it_and_the_client(proxy, log):
    """Well-formed commands with arguments that only the node can judge."""
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(b"RETR x\r\n" * 200)
        for _ in range(200):
            assert session.line() == b"-ERR no such message\r\n"
        session.ok("QUIT")
    assert log.reason() == "quit"


def test_three_failed_logins(proxy, log):
    with proxy.connect() as session:
        for _ in range(3):
            session.ok("USER anybody")
            assert session.command("PASS wrong").startswith(b"-ERR [AUTH]")
        assert session.at_end()
    assert log.reason() == "too_many_failed_logins"


def test_a_failed_login_may_be_repeated(proxy, log):
    with proxy.connect() as session:
        session.ok("USER anybody")
        assert session.command("PASS wrong").startswith(b"-ERR [AUTH]")
        session.log_in("anybody")
        session.ok("QUIT")
    assert log.reason() == "quit"


# --- QUIT and resets at awkward moments

def test_quit_in_mid_download(proxy, fake, log):
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(b"RETR 2\r\n")
        assert session.line().startswith(b"+OK")
        session.send(b"QUIT\r\n")
        assert session.body() == fake.messages[1], "the message is finished first"
        assert session.line().startswith(b"+OK")
        assert session.at_end()
    assert log.reason() == "quit"


STATES = {
    "tcp": None,
    "greeted": b"",
    "half a command": b"US",
    "user": b"USER anybody\r\n",
    "half a password": b"USER anybody\r\nPASS sec",
    "pass sent": b"USER anybody\r\nPASS secret\r\n",
    "downloading": b"USER anybody\r\nPASS secret\r\nRETR 2\r\n",
    "deleted": b"USER anybody\r\nPASS secret\r\nDELE 1\r\n",
    "pipelining": b"USER anybody\r\nPASS secret\r\n" + b"RETR 1\r\n" * 100,
}


@pytest.mark.parametrize("answered", [True, False], ids=["answered", "unread"])
@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("state", STATES)
def test_gone_at_every_state(state, how, answered, proxy, fake, log):
    quits = fake.commands.count("QUIT")
    if STATES[state] is None:
        session = Pop3(open_socket(proxy.port))
    else:
        session = proxy.connect()
        session.send(STATES[state])
        commands = [line for line in STATES[state].split(b"\r\n")[:-1] if line]
        if answered:
            for command in commands[:3]:
                session.line() if command == b"RETR 2" else session.response(command)
    getattr(session, how)()
    allowed = {"client_eof", "client_reset"}
    if state == "tcp":
        allowed.add("tls_handshake_failed")
    assert log.reason() in allowed
    proxy.idle()
    assert fake.commands.count("QUIT") == quits, "a vanished client's QUIT is never invented"


def test_end_of_input_after_quit_still_gets_the_answer(proxy, log):
    """close_notify right behind QUIT, as s_client does at the end of its input."""
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(b"QUIT\r\n")
        session.socket.settimeout(20)
        assert session.line().startswith(b"+OK")
    assert log.reason() == "quit"


def test_a_tls_record_that_was_tampered_with(proxy, log):
    raw = open_socket(proxy.port)
    inner = tls_context().wrap_socket(raw, server_hostname="localhost")
    session = Pop3(inner)
    assert session.line().startswith(b"+OK")
    plain = socket.socket(fileno=inner.detach())
    plain.settimeout(20)
    plain.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)
    assert Pop3(plain).at_end()
    plain.close()
    assert log.reason() in ("client_protocol", "client_reset", "tls_handshake_failed")


def test_a_hundred_at_once_all_bad(proxy):
    before = len(proxy.sessions())
    crowd = [open_socket(proxy.port) for _ in range(100)]
    for index, connection in enumerate(crowd):
        try:
            connection.sendall([b"QUIT\r\n", b"\x16\x03\x01\x02\x00", b"\xff" * 100][index % 3])
        except ConnectionError:
            pass
    proxy.session(before + 99)
    for connection in crowd:
        connection.close()
    reasons = {line["reason"] for line in proxy.sessions()[before:]}
    assert reasons <= {"not_tls", "tls_handshake_timeout"}, reasons


def test_no_log_line_has_a_password(proxy):
    with proxy.connect() as session:
        session.ok("USER anybody")
        session.command("PASS hunter2-in-clear")
        session.log_in("anybody", "secret")
        session.ok("QUIT")
    proxy.idle()
    text = proxy.log.read_text() + proxy.child.text()
    assert not re.search("hunter2|secret", text)
