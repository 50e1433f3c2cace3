"""OAuth tokens: XOAUTH2 and OAUTHBEARER (RFC 7628) through to a Dovecot that asks a token authority; SCRAM passed through."""

import base64
import dataclasses
import json

import pytest

import clients
import corpus
import library_clients
from clients import Account
from dovecot import Dovecot
from haproxy import HAProxy
from oauth_stand import TokenAuthority, oauthbearer, xoauth2
from poplar import node
from waiting import until
from wire import Pop3, tls_context

USERS = [f"user{index:03}" for index in range(150)]
MESSAGES = {"XOAUTH2": xoauth2, "OAUTHBEARER": oauthbearer}
MECHANISMS = pytest.mark.parametrize("mechanism", MESSAGES)
# Passwords in this Dovecot are kept so that SCRAM can use them; AUTH PLAIN takes them all the same.
_SCRAM = "auth_mechanisms = plain login xoauth2 oauthbearer scram-sha-1 scram-sha-256\n"


@pytest.fixture(scope="module")
def tokens():
    with TokenAuthority() as made:
        yield made


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate, tokens):
    with Dovecot(folder / "oauth", "oauth", node_certificate, USERS,
                 extra=tokens.dovecot_settings(folder / "oauth-settings") + _SCRAM) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(start, dovecot):
    trusting = {"proxy_protocol_from": ["127.0.0.0/8"]}
    also = {"stls": {"tls": "stls"}, "behind": {"tls": "implicit", **trusting},
            "sha1": {"tls": "implicit", "logins": ["SCRAM-SHA-1"]}}
    with start([node("oauth", dovecot.pop3_port)], also=also, pool={"warm": 0, "max_snapshot_age": "3s"},
               health={"probe": "capa", "interval": "2s"}) as made:
        until(lambda: made.metric("poplar_node_probes_total") >= 1, "the first probe")
        yield made


@pytest.fixture
def mailbox(dovecot, user):
    dovecot.deliver(user, corpus.plain())
    return user


def test_capa_offers_what_the_node_takes(proxy):
    with proxy.connect() as session:
        lines = session.ok("CAPA").split(b"\r\n")
        session.ok("QUIT")
    offered = set(next(line for line in lines if line.startswith(b"SASL ")).split(b" ")[1:])
    # SCRAM-SHA-1 works, but would make the line longer than what fetchmail can read.
    assert offered == {b"PLAIN", b"LOGIN", b"XOAUTH2", b"OAUTHBEARER", b"SCRAM-SHA-256"}


@MECHANISMS
@pytest.mark.parametrize("initial", [True, False], ids=["one line", "two lines"])
@pytest.mark.parametrize("length", [40, 600, 2500, 6000])
def test_a_token_logs_in(mechanism, initial, length, proxy, mailbox, tokens):
    """Microsoft's have 2 to 3 KB, and groups make them longer; Dovecot's own limit is 8192 bytes of BASE64."""
    message = MESSAGES[mechanism](mailbox, tokens.token(mailbox, length))
    with proxy.connect() as session:
        assert session.authenticate(mechanism, message, initial=initial).startswith(b"+OK")
        assert session.count() == len(corpus.plain())
        session.ok("QUIT")


@MECHANISMS
def test_a_token_that_is_refused(mechanism, proxy, mailbox, tokens):
    """RFC 7628 section 3.2.3: first the reason as a challenge, then, whatever the client says to it, -ERR."""
    with proxy.connect() as session:
        for token in ("wrong", tokens.token("somebody-else")):
            answer = session.authenticate(mechanism, MESSAGES[mechanism](mailbox, token))
            assert answer.startswith(b"+ "), answer
            assert "status" in json.loads(base64.b64decode(answer[2:]))
            answer = session.command("AQ==" if mechanism == "OAUTHBEARER" else "")
            assert answer.startswith(b"-ERR") and b"[SYS" not in answer, answer
        assert session.command("STAT").startswith(b"-ERR")
        good = MESSAGES[mechanism](mailbox, tokens.token(mailbox))
        assert session.authenticate(mechanism, good).startswith(b"+OK"), "on the same connection"
        session.ok("QUIT")


@MECHANISMS
def test_the_reason_may_be_cancelled(mechanism, proxy, mailbox, tokens):
    with proxy.connect() as session:
        assert session.authenticate(mechanism, MESSAGES[mechanism](mailbox, "wrong")).startswith(b"+ ")
        assert session.command("*").startswith(b"-ERR")
        good = MESSAGES[mechanism](mailbox, tokens.token(mailbox))
        assert session.authenticate(mechanism, good).startswith(b"+OK")
        session.ok("QUIT")


@MECHANISMS
@pytest.mark.parametrize("message", [
    b"", b"user=\x01auth=Bearer x\x01\x01", b"user=a\r\nb\x01auth=Bearer x\x01\x01", b"n,a=,\x01auth=Bearer x\x01\x01",
    b"user=a\x01auth=Bearer \r\nDELE 1\x01\x01", b"n,a=a\x00b,\x01auth=Bearer x\x01\x01", b"\x01\x01", b"y,,\x01auth=Bearer x\x01\x01"],
    ids=lambda message: repr(message[:14]))
def test_messages_that_are_none(mechanism, message, proxy, tokens):
    before = len(tokens.questions)
    with proxy.connect() as session:
        answer = session.authenticate(mechanism, message)
        if answer.startswith(b"+ "):  # asks for what an empty message leaves out
            answer = session.command("*")
        assert answer.startswith(b"-ERR") and b"SYS" not in answer, answer
        session.ok("QUIT")
    assert len(tokens.questions) == before, "no node was asked"


@pytest.mark.parametrize("initial", [True, False], ids=["one line", "two lines"])
def test_a_token_of_a_megabyte_is_not_waited_for(initial, proxy):
    before = proxy.memory()
    with proxy.connect() as session:
        try:
            answer = session.authenticate("XOAUTH2", xoauth2("anybody", "t" * (1 << 20)), initial=initial)
            assert answer.startswith(b"-ERR"), answer
        except ConnectionError:
            pass
    assert proxy.memory() - before < 8 << 20


@MECHANISMS
def test_each_login_asks_the_node(mechanism, proxy, mailbox, tokens):
    """A token may have been revoked since: no session that one opened is kept for the next."""
    token = tokens.token(mailbox)
    before = tokens.questions.count(token)
    for _ in range(2):
        with proxy.connect() as session:
            assert session.authenticate(mechanism, MESSAGES[mechanism](mailbox, token)).startswith(b"+OK")
            session.ok("QUIT")
    del tokens.tokens[token]
    # Dovecot itself may know the token still; a node that was asked is what counts.
    assert tokens.questions.count(token) >= before + 1
    assert not any(line["parked"] for line in proxy.sessions() if line["user"] == mailbox)


def test_no_token_in_the_log(proxy, mailbox, tokens):
    token = tokens.token(mailbox)
    for each in (token, token + "-refused"):
        with proxy.connect() as session:
            session.authenticate("XOAUTH2", xoauth2(mailbox, each))
    proxy.idle()
    text = proxy.log.read_text() + proxy.child.text()
    assert token not in text and base64.b64encode(xoauth2(mailbox, token)).decode() not in text


# --- real clients

CLIENTS = [client for client in [*clients.ALL, *library_clients.ALL] if client.mechanisms]
WAYS = [(client, mechanism, tls) for client in CLIENTS for mechanism in client.mechanisms
        for tls in ("implicit", "stls", "haproxy")]


@pytest.fixture(scope="module")
def balancer(folder, proxy):
    with HAProxy(folder / "haproxy", proxy.ports["behind"]) as made:
        yield made


@pytest.fixture
def account(via, dovecot, request, authority, mailbox, tokens):
    """account(mechanism, tls, password) of the mailbox, straight at the node or through Poplar."""
    def make(mechanism, tls, password=None):
        if via == "direct":  # HAProxy is Poplar's front, not the node's
            port = dovecot.pop3_port if tls == "stls" else dovecot.pop3s_port
        elif tls == "haproxy":
            port = request.getfixturevalue("balancer").port
        else:
            proxy = request.getfixturevalue("proxy")
            port = proxy.ports["stls"] if tls == "stls" else proxy.port
        return Account(port, authority.file, mailbox, password or tokens.token(mailbox, 900),
                       tls="stls" if tls == "stls" else "implicit", mechanism=mechanism)
    return make


@pytest.mark.parametrize("client, mechanism, tls", WAYS, ids=[f"{client.name}-{mechanism}-{tls}" for client,
                                                              mechanism, tls in WAYS])
def test_clients_with_tokens(client, mechanism, tls, account, mailbox, tmp_path):
    got = client.fetch(account(mechanism, tls), tmp_path / "home")
    assert sorted(got) == sorted(client.stored(corpus.as_sent(each)) for each in corpus.plain().values())


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
@MECHANISMS
def test_clients_with_a_token_that_is_refused(client, mechanism, account, tmp_path):
    with pytest.raises(AssertionError):
        client.fetch(account(mechanism, "implicit", "no-such-token"), tmp_path / "home")


@pytest.mark.parametrize("mechanism", ["scram-sha-256", "plain", "login"])
def test_mpop_with_other_mechanisms(mechanism, account, mailbox, tmp_path):
    got = clients.Mpop().fetch(account(mechanism, "implicit", "secret"), tmp_path / "home")
    assert sorted(got) == sorted(corpus.as_sent(each).replace(b"\r\n", b"\n") for each in corpus.plain().values())


@pytest.mark.parametrize("password, good", [("secret", True), ("wrong", False)])
def test_mpop_with_scram_sha_1(password, good, via, account, request, mailbox, tmp_path):
    """mpop asks for nothing that isn't offered, and among all others its name has no room in CAPA."""
    at = account("scram-sha-1", "implicit", password)
    if via == "poplar":
        at = dataclasses.replace(at, port=request.getfixturevalue("proxy").ports["sha1"])
    if not good:
        with pytest.raises(clients.ClientFailed):
            clients.Mpop().fetch(at, tmp_path / "home")
        return
    assert len(clients.Mpop().fetch(at, tmp_path / "home")) == len(corpus.plain())
    if via == "poplar":
        proxy = request.getfixturevalue("proxy")
        proxy.idle()
        line = proxy.sessions()[-1]
        assert (line["user"], line["mechanism"]) == (mailbox, "SCRAM-SHA-1")


def test_mpop_with_scram_and_a_wrong_password(account, tmp_path):
    with pytest.raises(clients.ClientFailed):
        clients.Mpop().fetch(account("scram-sha-256", "implicit", "wrong"), tmp_path / "home")


def test_direct_and_through_are_the_same_refusal(proxy, dovecot, mailbox, authority):
    answers = []
    for port in (dovecot.pop3s_port, proxy.port):
        with Pop3.connect(port, tls_context(authority.file)) as session:
            challenge = session.authenticate("OAUTHBEARER", oauthbearer(mailbox, "wrong"))
            answers.append((challenge, session.command("AQ==")))
    assert answers[0] == answers[1]
