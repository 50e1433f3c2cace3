"""STLS, on a port in the clear: what is offered when, what is refused before it, and that nothing crosses it."""

import ssl
import time

import pytest

from fake_node import FakeNode
from poplar import node
from wire import Pop3, open_socket, tls_context


@pytest.fixture(scope="module")
def fake():
    with FakeNode() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(start, fake):
    also = {"stls": {"tls": "stls"}, "lax": {"tls": "stls", "require_tls": False}}
    with start([node("fake", fake.port)], also=also, timeouts={"tls_handshake": "1s"}) as made:
        yield made


@pytest.fixture
def log(proxy):
    """The line of the session that this test makes."""
    proxy.idle()
    before = len(proxy.sessions())
    return lambda: proxy.session(before)


def capabilities(session):
    return {line.split(b" ")[0] for line in session.ok("CAPA").split(b"\r\n")[1:-1]}


def test_a_session_over_stls(proxy, fake, log):
    with proxy.connect_plain("stls") as session:
        before = capabilities(session)
        assert b"STLS" in before and not before & {b"USER", b"SASL"}
        proxy.start_tls(session)
        after = capabilities(session)
        assert b"STLS" not in after and {b"USER", b"SASL"} <= after
        session.log_in("anybody")
        assert session.retrieve(1) == fake.messages[0]
        session.ok("QUIT")
    line = log()
    assert line["reason"] == "quit" and line["stls"] and line["tls_version"].startswith("TLS")


@pytest.mark.parametrize("command", ["USER anybody", "AUTH PLAIN AGFueWJvZHkAc2VjcmV0", "AUTH PLAIN", "AUTH LOGIN",
                                     "AUTH XOAUTH2 dG9rZW4=", "AUTH", "PASS secret", "APOP anybody 0"])
def test_no_login_in_the_clear(command, proxy, fake):
    """A clear word, at once, as often as it is asked; nothing of it reaches a node."""
    before = len(fake.commands)
    with proxy.connect_plain("stls") as session:
        began = time.monotonic()
        for _ in range(30):  # more than any limit on mistakes or failed logins
            answer = session.command(command)
            assert answer.startswith(b"-ERR ") and b"SYS" not in answer and b"[AUTH]" not in answer
        assert time.monotonic() - began < 3, "none of them waited"
        proxy.start_tls(session)
        session.ok("QUIT")
    assert len(fake.commands) == before


def test_a_listener_may_allow_both(proxy):
    with proxy.connect_plain("lax") as session:
        assert {b"STLS", b"USER", b"SASL"} <= capabilities(session)
        session.log_in("anybody")
        assert session.command("STLS").startswith(b"-ERR")
        session.ok("QUIT")


@pytest.mark.parametrize("behind", [b"USER anybody\r\nPASS secret\r\nSTAT\r\n", b"CAPA\r\n", b"QUIT\r\n", b"NOOP", b"\r\n",
                                    b"AUTH PLAIN AGFueWJvZHkAc2VjcmV0\r\n", b"NOOP\r\n" * 500], ids=lambda text: repr(text[:12]))
def test_commands_behind_stls_are_never_done(behind, proxy, fake):
    """RFC 2595 section 4; the injection that many servers fell for: one packet has STLS and what an attacker adds."""
    before = len(fake.commands)
    with proxy.connect_plain("stls") as session:
        session.send(b"STLS\r\n" + behind)
        assert session.line().startswith(b"+OK")
        try:
            session.start_tls(tls_context(proxy.authority.file))
        except (ssl.SSLError, ConnectionError, EOFError):
            return  # closing instead is as good
        session.send(b"CAPA\r\n")
        answer = session.response(b"CAPA")
        assert answer.split(b"\r\n")[1] in (b"USER", b"TOP", b"SASL PLAIN LOGIN"), "the answer to CAPA, the only one"
        session.send(b"QUIT\r\n")
        assert session.line().startswith(b"+OK") and session.at_end() and not session.buffer
    assert len(fake.commands) == before


def test_a_client_hello_behind_stls_is_dropped_too(proxy):
    """It came before the +OK, and who knows who sent it: the handshake then waits for one, in vain."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    machine = tls_context().wrap_bio(incoming, outgoing, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        machine.do_handshake()
    with proxy.connect_plain("stls") as session:
        session.send(b"STLS\r\n" + outgoing.read())
        assert session.line().startswith(b"+OK")
        assert session.at_end() and not session.buffer


def test_what_was_said_before_is_forgotten(proxy, fake):
    """RFC 2595 section 4: a USER from before TLS may be anybody's."""
    with proxy.connect_plain("lax") as session:
        session.ok("USER anybody")
        proxy.start_tls(session)
        assert session.command("PASS secret").startswith(b"-ERR")
        session.log_in("anybody").ok("QUIT")


def test_only_once_and_only_before_login(proxy):
    with proxy.connect_plain("stls") as session:
        proxy.start_tls(session)
        assert session.command("STLS").startswith(b"-ERR")
        session.log_in("anybody")
        assert session.command("STLS").startswith(b"-ERR")
        assert session.ok("STAT")
        session.ok("QUIT")
    with proxy.connect() as session:
        assert session.command("STLS").startswith(b"-ERR")
        session.ok("QUIT")


@pytest.mark.parametrize("data", [b"USER anybody\r\n", b"\x16\x03\x01\x00\x40" + b"\xa5" * 64, b"\x00" * 600],
                         ids=["plain text", "broken record", "zeros"])
def test_no_handshake_behind_stls(data, proxy, log):
    with proxy.connect_plain("stls") as session:
        session.ok("STLS")
        session.send(data)
        assert session.at_end()
        assert b"+OK" not in session.buffer and b"-ERR" not in session.buffer, "nothing in the clear any more"
    assert log()["reason"] in ("not_tls", "tls_handshake_failed")


def test_a_client_hello_without_stls(proxy, log):
    with open_socket(proxy.ports["stls"]) as connection:
        Pop3(connection).line()
        with pytest.raises(OSError):
            tls_context().wrap_socket(connection, server_hostname="localhost")
    assert log()["reason"] == "unexpected_tls"
