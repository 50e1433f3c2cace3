"""Poplar behind Poplar: the client's address goes through by XCLIENT, and a ring of proxies is noticed."""

import itertools

import pytest

import corpus
from exposition import value
from poplar import node
from ports import free_port
from wire import fetch_all

INNER = {"tls": "none", "require_tls": False, "xclient_from": ["127.0.0.0/8"]}
_numbers = itertools.count()


def sessions_of(proxy):
    proxy.idle()
    return [line for line in proxy.sessions() if line["user"]]


@pytest.mark.parametrize("trusted", [True, False], ids=["trusted", "not trusted"])
def test_the_clients_address_goes_through(trusted, start, shared_nodes, user):
    shared_nodes[0].deliver(user, corpus.many(3))
    inner = INNER if trusted else {**INNER, "xclient_from": ["192.0.2.0/24"]}
    with start([node("dovecot", shared_nodes[0].pop3_port)], also={"inner": inner}) as back, \
            start([node("back", back.ports["inner"])]) as front:
        with front.connect() as session:
            own = session.socket.getsockname()
            session.log_in(user)
            assert len(fetch_all(session)) == 3
            session.ok("QUIT")
        seen = sessions_of(back)[0]
        assert ((seen["client"], seen["client_port"]) == own) == trusted
        assert seen["reason"] == "quit" and sessions_of(front)[0]["client_port"] == own[1]


def test_a_ring_ends(start):
    """A proxy whose node is itself: the login comes round a few times, then it is refused, at once and for good."""
    port = free_port()
    with start([node("self", port)], listener={"address": f"127.0.0.1:{port}", **INNER},
               also={"outer": {"tls": "none", "require_tls": False}}) as proxy:
        with proxy.connect_plain("outer") as session:
            session.ok("USER anybody")
            assert session.command("PASS secret").startswith(b"-ERR")
            session.ok("QUIT")
        proxy.idle()
        sessions = proxy.sessions()
        assert len(sessions) <= 16, "it went round and round"
        assert [line["reason"] for line in sessions].count("loop") == 1, "the last one, by its name"
        assert value(proxy, "poplar_sessions_ended_total", reason="loop") == 1
