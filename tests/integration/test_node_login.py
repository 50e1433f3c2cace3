"""How nodes are told of a login: by what they offer, whose it is, and under TLS as they have it."""

import base64
import os
import re

import pytest

from dovecot import Dovecot
from exposition import value
from fake_node import FakeNode
from poplar import node
from ports import free_port
from tap import Tap
from waiting import until
from wire import Pop3, open_socket, tls_context

CLIENT = "127.0.0.7"  # a client's address that is not Poplar's own
TEMPORARY = b"-ERR [SYS/TEMP] "

# Probes as they are by default, but soon: what nodes offer is known, and shown to clients.
PROBES = {"probe": "capa", "interval": "500ms", "fast_interval": "200ms", "timeout": "400ms"}

_EXTRA = """
login_trusted_networks = 127.0.0.1
haproxy_trusted_networks = 127.0.0.1
auth_master_user_separator = *
auth_verbose = yes
passdb {{
  driver = passwd-file
  master = yes
  args = scheme=plain {masters}
}}
service pop3-login {{
  inet_listener pop3_haproxy {{
    port = {haproxy_port}
    haproxy = yes
  }}
  inet_listener pop3s_haproxy {{
    port = {haproxy_tls_port}
    ssl = yes
    haproxy = yes
  }}
}}
"""


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    """One that trusts this machine with XCLIENT and PROXY, and has a master user."""
    masters = folder / "masters"
    masters.write_text("opener:{plain}opens\n")
    os.chmod(masters, 0o644)
    ports = {"haproxy_port": free_port(), "haproxy_tls_port": free_port()}
    users = [f"user{index:03}" for index in range(100)]
    with Dovecot(folder / "dovecot", "node", node_certificate, users,
                 extra=_EXTRA.format(masters=masters, **ports)) as made:
        made.haproxy_port, made.haproxy_tls_port = ports["haproxy_port"], ports["haproxy_tls_port"]
        yield made


def connect(proxy) -> Pop3:
    """As proxy.connect(), from an address of the client's own."""
    connection = open_socket(proxy.port, source=CLIENT)
    session = Pop3(tls_context(proxy.authority.file).wrap_socket(connection, server_hostname="localhost"))
    session.greeting = session.line()
    return session


def visit(proxy, user: str, password: str = "secret"):
    """A whole session; its log line."""
    ended = len(proxy.sessions())
    with connect(proxy) as session:
        session.log_in(user, password)
        session.ok("QUIT")
    return proxy.session(ended)


def login_line(dovecot, user: str) -> str:
    """Dovecot's word on the user's login."""
    def found():
        return re.findall(rf"Login: user=<{re.escape(user)}>.*", dovecot.log.read_text(errors="replace"))
    return until(found, f"Dovecot's line on {user}")[-1]


def knows_its_nodes(proxy):
    """Waits until a node was asked what it offers: only then clients are told of PIPELINING by name."""
    def known():
        with proxy.connect() as session:
            return b"SASL" in session.ok("CAPA") and proxy.metric("poplar_node_probes_total") > 0
    until(known, "the first probe")


# --- by what it offers

def test_a_password_goes_by_auth_plain(dovecot, user, start):
    with Tap(dovecot.pop3_port) as tap, \
            start([node("node", tap.port, xclient="off")], health=PROBES) as proxy:
        until(lambda: any(b"SASL PLAIN" in answered for answered in tap.answered), "the node's CAPA")
        knows_its_nodes(proxy)
        visit(proxy, user)
        proxy.idle()
        message = base64.b64encode(b"\0%s\0secret" % user.encode())
        assert tap.logins() == [b"AUTH PLAIN %s\r\nQUIT\r\n" % message]


def test_a_node_that_nobody_asked_gets_user_and_pass(dovecot, user, start):
    with Tap(dovecot.pop3_port) as tap, start([node("node", tap.port, xclient="off")]) as proxy:
        visit(proxy, user)
        proxy.idle()
        assert tap.logins() == [b"USER %s\r\nPASS secret\r\nQUIT\r\n" % user.encode()]


def test_a_long_message_goes_on_its_own_line(folder, node_certificate, user, start):
    password = " long " * 60
    with Dovecot(folder / "long", "long", node_certificate, [user], stored="{plain}" + password) as long, \
            Tap(long.pop3_port) as tap, start([node("node", tap.port)], health=PROBES) as proxy:
        until(lambda: any(b"SASL PLAIN" in answered for answered in tap.answered), "the node's CAPA")
        knows_its_nodes(proxy)
        visit(proxy, user, password)
        proxy.idle()
        message = base64.b64encode(b"\0%s\0%s" % (user.encode(), password.encode()))
        assert tap.logins() == [b"AUTH PLAIN\r\n%s\r\nQUIT\r\n" % message]


def test_a_node_that_leaves_the_blank_behind_its_plus_out(start):
    """RFC 5034 section 4 wants `+ `, and many a server's challenge is `+`."""
    def auth(peer, words):
        assert words == ["AUTH", "PLAIN"], words
        peer.send(b"+\r\n")
        assert base64.b64decode(peer.line()) == b"\0anybody\0" + b"long" * 60
        return b"+OK\r\n"

    with FakeNode({"CAPA": b"+OK\r\nTOP\r\nUIDL\r\nSASL PLAIN\r\n.\r\n", "AUTH": auth}) as fake, \
            start([node("fake", fake.port)], health=PROBES) as proxy:
        until(lambda: "CAPA" in fake.commands, "the first probe")
        knows_its_nodes(proxy)
        with proxy.connect() as session:
            session.log_in("anybody", "long" * 60)
            session.ok("QUIT")


def test_a_wrong_password_is_the_nodes_word(dovecot, user, start):
    with start([node("node", dovecot.pop3_port)], health=PROBES) as proxy:
        knows_its_nodes(proxy)
        with proxy.connect() as session:
            session.ok(f"USER {user}")
            assert session.command("PASS wrong").startswith(b"-ERR [AUTH] Authentication failed.")
            session.log_in(user)
            session.ok("QUIT")


# --- in the client's mode (RFC 6856)

def _speaking_node(sasl: str = ""):
    """Has UTF8 and LANG, and answers LANG in the session's language."""
    def languages(peer, words):
        return b"+OK Deutsch\r\n" if len(words) > 1 else b"+OK Sprachen:\r\nde Deutsch\r\nen English\r\n.\r\n"

    capa = f"+OK\r\nTOP\r\nUIDL\r\nUSER\r\nUTF8 USER\r\nLANG\r\n{sasl}.\r\n".encode()
    return FakeNode({"CAPA": capa, "UTF8": b"+OK\r\n", "LANG": languages, "AUTH": b"+OK\r\n"})


@pytest.mark.parametrize("sasl, login", [
    ("", ["USER ällice", "PASS secret"]),
    ("SASL PLAIN\r\n", ["AUTH PLAIN " + base64.b64encode("\0ällice\0secret".encode()).decode()])],
    ids=["USER", "AUTH"])
def test_utf8_and_the_language_are_told_before_the_login(sasl, login, start):
    with _speaking_node(sasl) as fake, start([node("fake", fake.port)], health=PROBES) as proxy:
        until(lambda: b"\nLANG\r" in _capabilities(proxy), "the node's modes to be offered")
        with proxy.connect() as session:
            assert {b"UTF8 USER", b"LANG"} <= set(session.ok("CAPA").split(b"\r\n"))
            # Nobody has named a node yet, so the only language is the node's own (RFC 6856 section 3.2).
            assert session.command("LANG") == b"+OK\r\ni-default The node's own\r\n"
            session.ok("LANG de")
            session.ok("UTF8")
            session.log_in("ällice")
            assert session.command("LANG") == b"+OK Sprachen:\r\nde Deutsch\r\nen English\r\n", "the node's answer"
            assert session.command("LANG en") == b"+OK Deutsch\r\n"
            assert session.command("STAT").startswith(b"+OK 1 "), "framed as one line and as many"
            session.ok("QUIT")
        told = [command for command in fake.commands if command not in ("CAPA", "QUIT")]  # the probes'
        assert told == ["UTF8", "LANG de", *login, "LANG", "LANG en", "STAT"]


def test_a_node_that_refuses_the_clients_mode_gets_no_login(start):
    """The client was told that it has it; without, its mail would come as it didn't ask for it."""
    capa = b"+OK\r\nTOP\r\nUIDL\r\nUSER\r\nUTF8\r\n.\r\n"
    with FakeNode({"CAPA": capa, "UTF8": b"-ERR not today\r\n"}) as fake, \
            start([node("fake", fake.port)], health=PROBES) as proxy:
        until(lambda: b"\nUTF8\r" in _capabilities(proxy), "the node's mode to be offered")
        with proxy.connect() as session:
            session.ok("UTF8")
            session.ok("USER anybody")
            assert session.command("PASS secret").startswith(b"-ERR ")
        assert "UTF8" in fake.commands
        assert not any(command.startswith(("USER", "PASS")) for command in fake.commands)


# --- tokens, before a node that knows them

def _bearer(user: str, token: str) -> str:
    return base64.b64encode(f"user={user}\1auth=Bearer {token}\1\1".encode()).decode()


def _token_node(mechanism: str, good: str = "good"):
    """Takes this token; any other one is refused with a reason, which has to be answered first."""
    def auth(peer, words):
        assert words[1] == mechanism, words
        message = words[2] if len(words) > 2 else None
        if message is None:
            peer.send(b"+ \r\n")
            message = peer.line().decode()
        if f"auth=Bearer {good}\1".encode() in base64.b64decode(message):
            return b"+OK logged in\r\n"
        peer.send(b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n")
        peer.line()
        return b"-ERR [AUTH] expired\r\n"

    capa = f"+OK\r\nTOP\r\nUIDL\r\nSASL {mechanism}\r\n.\r\n".encode()
    return FakeNode({"CAPA": capa, "AUTH": auth})


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_goes_by_the_mechanism_that_the_node_has(mechanism, start):
    with _token_node(mechanism) as fake, start([node("fake", fake.port)], health=PROBES) as proxy:
        until(lambda: "CAPA" in fake.commands, "the first probe")
        until(lambda: b"XOAUTH2" in _capabilities(proxy), "the mechanism to be offered")
        with proxy.connect() as session:
            session.ok(f"AUTH XOAUTH2 {_bearer('alice', 'good')}")
            session.ok("QUIT")
        assert sum(line.startswith("AUTH") for line in fake.commands) == 1


@pytest.mark.parametrize("length, line", [(40, "AUTH XOAUTH2 {}"), (2500, "AUTH XOAUTH2")], ids=["short", "long"])
def test_a_long_token_goes_on_its_own_line(length, line, start):
    """Office 365 takes no other form; of a client's, which came on AUTH's line, nothing else changes."""
    token = "t" * length
    with _token_node("XOAUTH2", token) as fake, start([node("fake", fake.port)], health=PROBES) as proxy:
        until(lambda: b"XOAUTH2" in _capabilities(proxy), "the mechanism to be offered")
        with proxy.connect() as session:
            session.ok(f"AUTH XOAUTH2 {_bearer('alice', token)}")
            session.ok("QUIT")
        assert [told for told in fake.commands if told.startswith("AUTH")] == [line.format(_bearer("alice", token))]


@pytest.mark.parametrize("answer", ["AQ==", "", "*"])
def test_the_reason_of_a_refused_token_reaches_the_client(answer, start):
    with _token_node("XOAUTH2") as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            assert session.command(f"AUTH XOAUTH2 {_bearer('alice', 'old')}") == b"+ eyJzdGF0dXMiOiI0MDEifQ==\r\n"
            assert session.command(answer) == b"-ERR [AUTH] expired\r\n"
            session.ok(f"AUTH XOAUTH2 {_bearer('alice', 'good')}")  # on the same connection
            session.ok("QUIT")
        assert sum(line.startswith("AUTH") for line in fake.commands) == 2, "nothing was tried twice"


def _capabilities(proxy) -> bytes:
    with proxy.connect() as session:
        return session.ok("CAPA")


def test_a_token_for_a_node_that_takes_none_is_refused_without_blame(dovecot, start):
    with start([node("node", dovecot.pop3_port)]) as proxy:  # without probes nobody knows it before
        with proxy.connect() as session:
            assert session.command(f"AUTH XOAUTH2 {_bearer('alice', 'good')}").startswith(b"-ERR ")
            assert b"XOAUTH2" not in session.ok("CAPA")
        assert "neither XOAUTH2 nor OAUTHBEARER" in proxy.session(0)["failure"]
        assert value(proxy, "poplar_node_state", state="up") == 1


# --- whose it is

def test_xclient_brings_the_clients_address_and_the_sessions_id(dovecot, user, start):
    with start([node("node", dovecot.pop3_port)]) as proxy:
        line = visit(proxy, user)
    told = login_line(dovecot, user)
    assert f"rip={CLIENT}," in told
    assert f"session=<{line['id']}>" in told


def test_xclient_on_a_warm_connection(dovecot, new_user, start):
    with start([node("node", dovecot.pop3_port)], pool={"warm": 2, "max_snapshot_age": "0s"},
               health=PROBES) as proxy:
        def on_a_warm_one():
            user = new_user()
            line = visit(proxy, user)
            told = login_line(dovecot, user)
            assert f"rip={CLIENT}," in told
            assert f"session=<{line['id']}>" in told
            return line["lease"] == "warm"
        until(on_a_warm_one, "a login on a warm connection", 20)


def test_xclient_may_be_off(dovecot, user, start):
    with start([node("node", dovecot.pop3_port, xclient="off")]) as proxy:
        visit(proxy, user)
    assert "rip=127.0.0.1," in login_line(dovecot, user)


def test_a_node_that_refuses_its_own_xclient_gets_no_login(start):
    answers = {"greeting": b"+OK [XCLIENT] ready\r\n", "XCLIENT": b"-ERR You are not from trusted IP\r\n"}
    with FakeNode(answers) as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            session.ok("USER anybody")
            assert session.command("PASS secret").startswith(TEMPORARY)
        assert not any("anybody" in command for command in fake.commands)
        assert "XCLIENT: -ERR You are not" in proxy.session(0)["failure"]


@pytest.mark.parametrize("secure", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_proxy_header_brings_the_clients_address(version, secure, dovecot, user, start, authority):
    port = dovecot.haproxy_tls_port if secure else dovecot.haproxy_port
    tls = {"tls": "verify", "ca_file": str(authority.file), "host_name": "node.test"} if secure else {}
    nodes = [node("node", port, proxy_protocol=version, xclient="off", **tls)]
    # With probes, which have no client, and the pool's default, which must not lead to any connection in advance.
    with start(nodes, health=PROBES, pool={"max_snapshot_age": "0s"}) as proxy:
        knows_its_nodes(proxy)
        visit(proxy, user)
        told = login_line(dovecot, user)
        assert f"rip={CLIENT}," in told
        assert (", TLS," in told) == secure
        assert value(proxy, "poplar_node_state", state="up") == 1
    assert "haproxy: Client disconnected" not in dovecot.log.read_text(errors="replace")


# --- under TLS

def stls(authority, **more):
    return {"tls": "verify", "tls_start": "stls", "ca_file": str(authority.file), "host_name": "node.test", **more}


def test_stls_to_a_node(dovecot, new_user, start, authority):
    with Tap(dovecot.pop3_port) as tap, start([node("node", tap.port, **stls(authority))]) as proxy:
        for _ in range(3):  # the later ones resume
            user = new_user()
            visit(proxy, user)
            assert ", TLS," in login_line(dovecot, user)
    assert tap.said
    for said in tap.said:
        assert said.startswith(b"STLS\r\n\x16\x03")
        assert b"secret" not in said


def test_stls_verifies_as_implicit_tls_does(dovecot, user, start, authority):
    with start([node("node", dovecot.pop3_port, **stls(authority, host_name="else.test"))]) as proxy:
        with proxy.connect() as session:
            session.ok(f"USER {user}")
            assert session.command("PASS secret").startswith(TEMPORARY)
        assert "not else.test" in proxy.session(0)["failure"]
    assert dovecot.logins(user) == 0


@pytest.mark.parametrize("answer, failure", [
    (b"-ERR no TLS here\r\n", "STLS refused: -ERR no TLS here"),
    (b"* OK\r\n", "not an answer to STLS"),
    (b"+OK Begin\r\n+OK Logged in.\r\n", "unprotected bytes behind the answer to STLS"),
    (b"+OK Begin\r\n-ERR no\r\n", "unprotected bytes behind the answer to STLS")])
def test_nothing_goes_on_in_the_clear(answer, failure, start, authority):
    with FakeNode({"STLS": answer}) as fake, \
            start([node("fake", fake.port, **stls(authority))]) as proxy:
        with proxy.connect() as session:
            session.ok("USER anybody")
            assert session.command("PASS secret").startswith(TEMPORARY)
        assert failure in proxy.session(0)["failure"]
        assert set(fake.commands) <= {"STLS"}


def _asking(folder, name, authority, certificate, users):
    """A Dovecot that wants to see a client's certificate."""
    return Dovecot(folder / name, name, certificate, users, extra=f"""
ssl_ca = <{authority.file}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_require_client_cert = yes
""")


@pytest.mark.parametrize("start_of_tls", ["implicit", "stls"])
def test_a_node_is_shown_a_certificate(start_of_tls, folder, authority, node_certificate, user, start):
    own = authority.issue("proxy-client", ["proxy.test"], usage="clientAuth")
    with _asking(folder, f"asking-{start_of_tls}", authority, node_certificate, [user]) as asking:
        port = asking.pop3s_port if start_of_tls == "implicit" else asking.pop3_port
        tls = stls(authority, tls_start=start_of_tls)
        with start([node("node", port, **tls)]) as proxy:
            with proxy.connect() as session:
                session.ok(f"USER {user}")
                assert session.command("PASS secret").startswith(b"-ERR ")
        assert asking.logins(user) == 0
        shown = {"client_certificate": str(own.certificate), "client_key": str(own.key)}
        with start([node("node", port, **tls, **shown)]) as proxy:
            visit(proxy, user)
            visit(proxy, user)
        assert asking.logins(user) == 2


# --- by the master user

def _cluster(nodes, master):
    return [{"name": "main", "nodes": nodes, "master_user": master}]


def test_the_owner_of_a_certificate_is_let_in_by_the_master_user(dovecot, user, start, authority, folder):
    password = folder / "master-password"
    password.write_text("opens\n")
    os.chmod(password, 0o600)
    certificate = authority.issue("poplar", ["localhost", "127.0.0.1"])
    own = authority.issue(f"client-{user}", [f"{user}"], usage="clientAuth")
    tls = {"certificates": [{"certificate": str(certificate.certificate), "key": str(certificate.key)}],
           "client_certificates": "optional", "client_ca_file": str(authority.file), "client_name": "common_name"}
    nodes = [node("node", dovecot.pop3_port)]
    with start(nodes, clusters=_cluster(nodes, {"name": "opener", "password_file": str(password)}),
               tls=tls) as proxy:
        context = tls_context(authority.file)
        context.load_cert_chain(own.certificate, own.key)
        with Pop3.connect(proxy.port, context) as session:
            session.ok("AUTH EXTERNAL =")
            session.ok("QUIT")
        with proxy.connect() as session:  # without a certificate there is no such way
            assert session.command("AUTH EXTERNAL =").startswith(b"-ERR ")
    assert dovecot.logins(user) == 1


@pytest.mark.parametrize("offers", ["PLAIN", ""])
def test_another_ones_mailbox(offers, start):
    capa = f"+OK\r\nTOP\r\nUIDL\r\n{'SASL ' + offers if offers else 'USER'}\r\n.\r\n".encode()
    with FakeNode({"CAPA": capa, "AUTH": b"+OK\r\n"}) as fake, \
            start([node("fake", fake.port)]) as proxy:
        message = base64.b64encode(b"alice\0boss\0secret").decode()
        with proxy.connect() as session:
            session.ok(f"AUTH PLAIN {message}")
            session.ok("QUIT")
        expected = [f"AUTH PLAIN {message}"] if offers else ["USER alice*boss", "PASS secret"]
        assert fake.commands == ["CAPA", *expected, "QUIT"]
