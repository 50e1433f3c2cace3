"""What stands around a session: CAPA, listeners in the clear and over IPv6, the limit of sessions, logfmt, opaque mode."""

import re
import socket

import pytest

from fake_node import FakeNode
from poplar import node
from waiting import until
from wire import Pop3, open_socket, tls_context


@pytest.fixture
def fake():
    with FakeNode() as made:
        yield made


def capabilities(session):
    lines = session.ok("CAPA").split(b"\r\n")[1:-1]
    assert all(len(line) < 62 for line in lines), "fetchmail reads them into 64 bytes"
    return {line.split(b" ")[0] for line in lines}


def test_capabilities_before_and_after_login(start, fake):
    with start([node("fake", fake.port)]) as proxy, proxy.connect() as session:
        before = capabilities(session)
        assert {b"USER", b"TOP", b"UIDL", b"PIPELINING", b"RESP-CODES"} <= before
        assert b"STLS" not in before, "there is TLS already"
        session.log_in("anybody")
        after = capabilities(session)
        assert {b"TOP", b"UIDL", b"PIPELINING"} <= after and b"STLS" not in after


def test_capabilities_that_cannot_pass_are_taken_out(start):
    reply = b"+OK\r\nSTLS\r\nSASL PLAIN LOGIN\r\nTOP\r\nUIDL\r\nEXPIRE NEVER\r\n.\r\n"
    with FakeNode({"CAPA": reply}) as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            assert capabilities(session) == {b"TOP", b"UIDL", b"EXPIRE"}


def test_the_greeting_invites_no_apop(start, fake):
    """Angle brackets in it make clients try APOP first."""
    with start([node("fake", fake.port)]) as proxy, proxy.connect() as session:
        assert session.greeting.startswith(b"+OK") and b"<" not in session.greeting


def test_in_the_clear_only_by_explicit_word(start, fake):
    listener = {"tls": "none", "require_tls": False}
    with start([node("fake", fake.port)], listener=listener) as proxy:
        with Pop3.connect(proxy.port) as session:
            session.log_in("anybody")
            assert session.retrieve(1) == fake.messages[0]
            session.ok("QUIT")
        assert proxy.session(0)["tls_version"] == ""


def test_tls_where_none_is_spoken(start, fake):
    """A ClientHello on a port in the clear gets refusals like any other garbage, and leaves nothing behind."""
    listener = {"tls": "none", "require_tls": False}
    with start([node("fake", fake.port)], listener=listener) as proxy:
        with open_socket(proxy.port) as connection:
            Pop3(connection).line()
            with pytest.raises(OSError):
                tls_context().wrap_socket(connection, server_hostname="localhost")
        proxy.idle()


def test_ipv6_and_ipv4_on_one_listener(start, fake):
    with start([node("fake", fake.port)], listener={"address": "[::]:{port}"}) as proxy:
        for address in ("127.0.0.1", "::1"):
            plain = open_socket(proxy.port, address)
            secure = tls_context(proxy.authority.file).wrap_socket(plain, server_hostname="localhost")
            with Pop3(secure) as session:
                session.line()
                session.log_in("anybody")
                session.ok("QUIT")
        proxy.session(1)
        assert {line["client"] for line in proxy.sessions()} == {"127.0.0.1", "::1"}


def test_the_limit_of_sessions(start, fake):
    """Beyond it a client is turned away at once; when one leaves, the next is served."""
    with start([node("fake", fake.port)], limits={"sessions": 3}) as proxy:
        crowd = [proxy.connect() for _ in range(3)]
        with open_socket(proxy.port) as late:
            assert Pop3(late).at_end()
        assert proxy.metric("poplar_connections_rejected_total") == 1
        crowd.pop().close()
        until(lambda: proxy.metric("poplar_sessions_active") == 2, "the place to be free")
        with proxy.connect() as session:
            session.log_in("anybody")
            session.ok("QUIT")
        for session in crowd:
            session.log_in("anybody")
            session.ok("QUIT")
            session.close()


def test_logfmt(start, fake, tmp_path):
    log = tmp_path / "logfmt.log"
    with start([node("fake", fake.port)],
               log={"format": "logfmt", "level": "info", "output": str(log)}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.ok("QUIT")
        line = until(lambda: re.search(r"^.*event=session.*$", log.read_text(), re.MULTILINE),
                     "the session's line")[0]
    assert re.search(r"\buser=anybody\b.*\bnode=main/fake\b.*\breason=quit\b", line), line


def test_an_unknown_command_makes_the_session_opaque(start):
    """Nobody can know how its answer is framed: from there bytes pass as they come, both ways."""
    odd = b"+OK who knows\r\nline\r\nanother without an end"
    with FakeNode({"XTND": odd}) as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.send(b"XTND XLST\r\n")
            while not session.buffer.endswith(b"without an end"):
                session._more()
            assert bytes(session.buffer) == odd
            session.buffer.clear()
            session.ok("STAT")
            session.send(b"QUIT\r\n")
            assert session.line().startswith(b"+OK")
        line = proxy.session(0)
    assert line["opaque"] and line["reason"] in ("opaque_ended", "quit")
    assert fake.commands[-3:] == ["XTND XLST", "STAT", "QUIT"]


def test_unknown_commands_may_be_refused(start):
    with FakeNode({"XFOO": b"+OK\r\nsome\r\n.\r\n"}) as fake, \
            start([node("fake", fake.port)], listener={"unknown_commands": "refuse"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.send(b"XFOO bar\r\nSTAT\r\nxtnd xlst\r\nSTAT\r\n")
            for _ in range(2):
                assert session.line().startswith(b"-ERR ")
                assert session.line().startswith(b"+OK 1 ")
            session.ok("QUIT")
        line = proxy.session(0)
        assert line["reason"] == "quit" and not line["opaque"]
    assert not any(command.upper().startswith(("XFOO", "XTND")) for command in fake.commands)


def test_the_backlog_of_a_burst_of_clients(start, fake):
    """Two hundred at once, all served."""
    with start([node("fake", fake.port)]) as proxy:
        crowd = [socket.create_connection(("127.0.0.1", proxy.port), 20) for _ in range(200)]
        context = tls_context(proxy.authority.file)
        for index, plain in enumerate(crowd):
            with Pop3(context.wrap_socket(plain, server_hostname="localhost")) as session:
                session.line()
                session.log_in(f"reader{index}")
                session.ok("QUIT")
        proxy.session(199)
        assert {line["reason"] for line in proxy.sessions()} == {"quit"}
