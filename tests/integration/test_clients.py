"""Real clients read real Dovecot's mail, bit for bit, and delete exactly what they committed."""

import collections

import pytest

import clients
import corpus
import library_clients
from clients import Account
from wire import Pop3, fetch_all, tls_context

ALL = clients.ALL + library_clients.ALL
CLIENTS = pytest.mark.parametrize("client", ALL, ids=lambda client: client.name)


@pytest.fixture
def port(request, via):
    """Where the client connects: the first node itself, or Poplar before all three."""
    if via == "direct":
        return request.getfixturevalue("shared_nodes")[0].pop3s_port
    return request.getfixturevalue("shared_proxy").port


@pytest.fixture
def stls_port(request, via):
    if via == "direct":
        return request.getfixturevalue("shared_nodes")[0].pop3_port
    return request.getfixturevalue("shared_proxy").ports["stls"]


@pytest.fixture
def truth(shared_nodes, authority):
    """What a node itself sends for a user: every message, in order."""
    def read(user):
        with Pop3.connect(shared_nodes[0].pop3s_port, tls_context(authority.file)) as session:
            messages = fetch_all(session.log_in(user))
            session.ok("QUIT")
            return messages
    return read


def compare(client, got, sent):
    """The client stored exactly these messages."""
    wanted = collections.Counter(map(client.stored, sent))
    have = collections.Counter(got)
    missing = [corpus.digest(content) for content in wanted - have]
    extra = [corpus.digest(content) for content in have - wanted]
    assert not missing and not extra, f"missing {missing}, unexpected {extra}"


@CLIENTS
@pytest.mark.parametrize("kind", ["plain", "hard"])
def test_every_message_arrives_bit_for_bit(client, kind, port, user, shared_nodes, authority,
                                           truth, tmp_path):
    if kind == "hard" and not client.keeps_hard:
        kind = "plain"  # the client itself alters the hard ones; twice plain is the stronger check
    messages = getattr(corpus, kind)()
    shared_nodes[0].deliver(user, messages)
    sent = truth(user)
    assert sent == [corpus.as_sent(content) for content in messages.values()]
    got = client.fetch(Account(port, authority.file, user), tmp_path / "home")
    compare(client, got, sent)
    assert shared_nodes[0].stored(user) == sorted(messages), "nothing may be deleted"


@CLIENTS
def test_twenty_megabytes_arrive_bit_for_bit(client, port, user, shared_nodes, authority, truth,
                                             tmp_path):
    shared_nodes[0].deliver(user, corpus.large())
    got = client.fetch(Account(port, authority.file, user), tmp_path / "home")
    compare(client, got, truth(user))


@pytest.mark.parametrize("client", [client for client in ALL if client.knows_stls], ids=lambda client: client.name)
def test_over_stls(client, stls_port, user, shared_nodes, authority, truth, tmp_path):
    shared_nodes[0].deliver(user, corpus.plain())
    sent = truth(user)
    got = client.fetch(Account(stls_port, authority.file, user, tls="stls"), tmp_path / "home", delete=True)
    compare(client, got, sent)
    assert shared_nodes[0].stored(user) == []


@pytest.mark.parametrize("client", [clients.Mpop(), clients.Poplib(), clients.OpensslClient()],
                         ids=lambda client: client.name)
def test_a_thousand_small_messages(client, port, user, shared_nodes, authority, truth, tmp_path):
    shared_nodes[0].deliver(user, corpus.many())
    got = client.fetch(Account(port, authority.file, user), tmp_path / "home")
    assert len(got) == 1000
    compare(client, got, truth(user))


@CLIENTS
def test_a_client_that_deletes_empties_the_maildrop(client, port, user, shared_nodes, authority,
                                                    truth, tmp_path):
    shared_nodes[0].deliver(user, corpus.plain())
    sent = truth(user)
    got = client.fetch(Account(port, authority.file, user), tmp_path / "home", delete=True)
    compare(client, got, sent)
    assert shared_nodes[0].stored(user) == []


@CLIENTS
def test_an_empty_maildrop_is_empty(client, port, user, shared_nodes, authority, tmp_path):
    shared_nodes[0].deliver(user, {})
    assert client.fetch(Account(port, authority.file, user), tmp_path / "home") == []


@CLIENTS
def test_a_wrong_password_fails_in_the_client(client, port, user, shared_nodes, authority,
                                              tmp_path):
    shared_nodes[0].deliver(user, corpus.plain())
    account = Account(port, authority.file, user, "wrong")
    with pytest.raises(Exception) as failure:
        client.fetch(account, tmp_path / "home")
    assert not isinstance(failure.value, TimeoutError)
    assert len(shared_nodes[0].stored(user)) == len(corpus.plain())


def session(port, authority, user):
    return Pop3.connect(port, tls_context(authority.file)).log_in(user)


def test_deletes_are_exactly_those_committed(port, user, shared_nodes, authority):
    names = list(corpus.plain())
    shared_nodes[0].deliver(user, corpus.plain())
    with session(port, authority, user) as client:
        for number in (2, 5, 7):
            client.ok(f"DELE {number}")
        assert client.command("RETR 5").startswith(b"-ERR"), "deleted within this session"
        assert client.count() == len(names) - 3
        client.ok("QUIT")
    kept = [name for number, name in enumerate(names, 1) if number not in (2, 5, 7)]
    assert shared_nodes[0].stored(user) == sorted(kept)


def test_reset_takes_deletes_back(port, user, shared_nodes, authority):
    shared_nodes[0].deliver(user, corpus.plain())
    with session(port, authority, user) as client:
        client.ok("DELE 1")
        client.ok("RSET")
        client.ok("DELE 3")
        client.ok("QUIT")
    names = list(corpus.plain())
    assert shared_nodes[0].stored(user) == sorted(names[:2] + names[3:])


@pytest.mark.parametrize("ending", ["close", "reset"])
def test_without_quit_nothing_is_deleted(ending, port, user, shared_nodes, authority):
    shared_nodes[0].deliver(user, corpus.plain())
    client = session(port, authority, user)
    client.ok("DELE 1")
    client.ok("DELE 2")
    getattr(client, ending)()
    with session(port, authority, user) as second:
        assert second.count() == len(corpus.plain())
        second.ok("QUIT")
    assert shared_nodes[0].stored(user) == sorted(corpus.plain())


def test_answers_equal_the_nodes_own(port, user, shared_nodes, authority):
    """Command by command, byte for byte, what the node answers directly."""
    shared_nodes[0].deliver(user, corpus.plain())
    dialogue = ["STAT", "LIST", "LIST 3", "LIST 99", "UIDL", "UIDL 2", "UIDL 99", "TOP 1 0",
                "TOP 3 2", "TOP 99 1", "RETR 4", "RETR 99", "RETR", "DELE 99", "NOOP", "LIST 0",
                "stat", "uidl 1", "DELE 2", "DELE 2", "LIST", "RSET", "LIST 2", "QUIT"]
    answers = []
    for where in (shared_nodes[0].pop3s_port, port):
        with session(where, authority, user) as client:
            answers.append([client.command(text) for text in dialogue])
    for text, direct, got in zip(dialogue, *answers):
        assert got == direct, text
