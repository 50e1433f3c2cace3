"""Nobody learns who has a mailbox: a wrong password and an unknown user read and take the same, at real Dovecot."""

import base64
import socket
import time

import pytest

from dovecot import Dovecot
from poplar import node
from wire import Pop3, tls_context

KNOWN, UNKNOWN = "user000", "user999"
# Made short; what counts is that both are made to wait for the same step of it.
DELAY = {"first": "400ms", "longest": "1600ms"}
STEPS = [0, 400, 800, 1600]  # ms that the first, second ... failed login waits


@pytest.fixture(scope="module")
def proxy(folder, node_certificate, start):
    """Loopback isn't trusted, so that delays show."""
    with Dovecot(folder / "dovecot", "node1", node_certificate, [KNOWN]) as dovecot, \
            start([node("node1", dovecot.pop3_port)], health={"probe": "capa", "interval": "1s"},
                  admission={"trusted": [], "login_delay": DELAY}) as made:
        yield made


def connect_from(address: str, proxy) -> Pop3:
    connection = socket.create_connection(("127.0.0.1", proxy.port), 20, source_address=(address, 0))
    session = Pop3(tls_context(proxy.authority.file).wrap_socket(connection, server_hostname="localhost"))
    session.greeting = session.line()
    return session


def by_pass(session, user, password) -> list:
    return [session.command(f"USER {user}"), session.command(f"PASS {password}")]


def by_plain(session, user, password) -> list:
    message = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
    return [session.command(f"AUTH PLAIN {message}")]


def guess(proxy, address, how, user):
    """A guess for each step, each on a connection of its own: (all lines, seconds without the node's own, the delay that
    Poplar says it made, in ms). Dovecot looks at refusals each half second, whoever they are for."""
    seen = []
    for number in range(len(STEPS)):
        proxy.idle()
        before = len(proxy.sessions())
        with connect_from(address, proxy) as session:
            began = time.monotonic()
            lines = how(session, user, f"guess-{number}")
            took = time.monotonic() - began
            lines.append(session.command("QUIT"))
        line = proxy.session(before)
        assert line["reason"] == "quit" and line["auth_ms"] < 1000
        seen.append((lines, took - line["auth_ms"] / 1000, line.get("delayed_ms", 0)))
    return seen


@pytest.mark.parametrize("how, addresses", [(by_pass, ("127.0.9.1", "127.0.9.2")), (by_plain, ("127.0.9.3", "127.0.9.4"))],
                         ids=["PASS", "AUTH PLAIN"])
def test_a_wrong_password_and_an_unknown_user_are_the_same(how, addresses, proxy):
    known, unknown = (guess(proxy, address, how, user) for address, user in zip(addresses, (KNOWN, UNKNOWN)))
    assert [lines for lines, *_ in known] == [lines for lines, *_ in unknown]
    assert all(lines[-2].startswith(b"-ERR [AUTH]") for lines, *_ in known), known
    assert [delay for *_, delay in known] == [delay for *_, delay in unknown] == STEPS
    for step, *both in zip(STEPS, known, unknown):
        for _, seconds, _ in both:
            assert step / 1000 <= seconds < step / 1000 + 0.35, "the delay of this step, and of no other"


def test_the_known_user_is_one(proxy):
    """Without this, the test above would compare two strangers."""
    with connect_from("127.0.9.5", proxy) as session:
        session.log_in(KNOWN).ok("QUIT")
    with connect_from("127.0.9.5", proxy) as session:
        session.ok(f"USER {UNKNOWN}")
        assert session.command("PASS secret").startswith(b"-ERR [AUTH]")
