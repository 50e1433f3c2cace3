"""Servers unlike Dovecot: popa3d (bare answers, no CAPA), GNU mailutils (its own words, mbox), Courier and Cyrus."""

import pytest

import clients
import corpus
from clients import Account
from courier import Courier
from cyrus import Cyrus
from mailutils import Mailutils
from popa3d import Popa3d
from poplar import node
from wire import Pop3, fetch_all

USERS = [f"reader{index}" for index in range(16)]
_free_users = iter(USERS * 4)


@pytest.fixture(scope="module", params=[Popa3d, Mailutils, Courier, Cyrus],
                ids=["popa3d", "mailutils", "courier", "cyrus"])
def server(request, folder):
    with request.param(folder / request.param.__name__, USERS) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(server, start):
    with start([node("other", server.port)]) as made:
        yield made


def direct(server, user):
    return Pop3.connect(server.port).log_in(user)


def all_mail(server, user):
    with direct(server, user) as session:
        session.ok("UIDL")
        messages = fetch_all(session)
        session.ok("QUIT")
    return messages


@pytest.fixture
def reader(server):
    """A user with mail of whom nobody has a session."""
    user = next(_free_users)
    server.deliver(user, corpus.plain())
    # mailutils writes headers of its own into the mbox at the end of a session, until there are none left to write.
    before, now = None, all_mail(server, user)
    while before != now:
        before, now = now, all_mail(server, user)
    return user


def test_every_message_bit_for_bit(server, proxy, reader):
    truth = all_mail(server, reader)
    assert len(truth) == len(corpus.plain())
    with proxy.connect() as session:
        session.log_in(reader)
        assert fetch_all(session) == truth
        session.ok("QUIT")


def test_listings_equal_the_servers_own(server, proxy, reader):
    dialogue = ["STAT", "LIST", "UIDL", "LIST 2", "LIST 99", "TOP 1 1", "RETR 99", "NOOP", "DELE 3",
                "DELE 3", "LIST 3", "RSET", "STAT"]
    with direct(server, reader) as session:
        truth = [session.command(text) for text in dialogue]
        session.ok("QUIT")
    with proxy.connect() as session:
        session.log_in(reader)
        for text, expected in zip(dialogue, truth):
            assert session.command(text) == expected, text
        session.ok("QUIT")


def test_deletes_are_exactly_those_committed(server, proxy, reader):
    with proxy.connect() as session:
        session.log_in(reader)
        truth = fetch_all(session)
        session.ok("DELE 2")
        session.ok("DELE 4")
        session.ok("QUIT")
    left = all_mail(server, reader)
    bodies = [message.split(b"\r\n\r\n", 1)[1] for message in truth]
    # mailutils adds header lines of its own when it rewrites the mbox; the bodies tell who is left.
    assert [message.split(b"\r\n\r\n", 1)[1] for message in left] == [bodies[0], bodies[2], *bodies[4:]]


def test_a_wrong_password_is_the_servers_refusal(server, proxy, reader):
    with proxy.connect() as session:
        session.ok(f"USER {reader}")
        answer = session.command("PASS wrong")
        assert answer.startswith(b"-ERR") and b"SYS/TEMP" not in answer


@pytest.mark.parametrize("client", [clients.Curl(), clients.Mpop(), clients.Fetchmail()],
                         ids=lambda client: client.name)
def test_real_clients(client, server, proxy, reader, authority, tmp_path):
    truth = all_mail(server, reader)
    got = client.fetch(Account(proxy.port, authority.file, reader), tmp_path / "home")
    assert sorted(got) == sorted(map(client.stored, truth))
