"""Clients that prove who they are by a certificate: asked for, demanded, and let in by AUTH EXTERNAL and a master user."""

import ssl

import pytest

import corpus
from certificates import Authority
from dovecot import Dovecot
from poplar import node
from waiting import until
from wire import Pop3, fetch_all, tls_context

USERS = [f"user{index:03}" for index in range(40)]
_MASTER = """
auth_master_user_separator = *
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {file}
  master = yes
}}
"""


@pytest.fixture(scope="module")
def clients_authority(folder):
    """Not the one that the servers' certificates are from."""
    return Authority(folder / "clients-ca", "Clients' CA")


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    file = folder / "masters"
    file.write_text("opener:{plain}open sesame::::::\n")
    file.chmod(0o644)
    with Dovecot(folder / "master", "master", node_certificate, USERS, extra=_MASTER.format(file=file)) as made:
        yield made


@pytest.fixture(scope="module")
def begin(folder, start, dovecot, authority, clients_authority):
    """begin(asked) gives a Poplar that asks for certificates so."""
    password = folder / "master-password"
    password.write_text("open sesame\n")
    password.chmod(0o600)

    def make(asked: str, name: str = "common_name"):
        certificate = authority.issue("poplar", ["localhost", "127.0.0.1"])
        cluster = {"name": "main", "nodes": [node("master", dovecot.pop3_port)],
                   "master_user": {"name": "opener", "password_file": str(password)}}
        return start([], clusters=[cluster], also={"stls": {"tls": "stls"}},
                     health={"probe": "capa", "interval": "2s"},
                     tls={"certificates": [{"certificate": str(certificate.certificate), "key": str(certificate.key)}],
                          "client_certificates": asked, "client_ca_file": str(clients_authority.file),
                          "client_name": name})
    return make


@pytest.fixture(scope="module")
def proxy(begin):
    with begin("optional") as made:
        until(lambda: made.metric("poplar_node_probes_total") >= 1, "the first probe")
        yield made


@pytest.fixture
def with_certificate(authority, clients_authority):
    """with_certificate(name) gives the TLS of a client that has one for this name."""
    def make(name, by=clients_authority, **more):
        made = by.issue(f"client-{name}", [name], usage="clientAuth", **more)
        context = tls_context(authority.file)
        context.load_cert_chain(made.certificate, made.key)
        return context
    return make


@pytest.fixture
def mailbox(dovecot, user):
    dovecot.deliver(user, corpus.many(3))
    return user


def mechanisms(session):
    lines = [line for line in session.ok("CAPA").split(b"\r\n") if line.startswith(b"SASL ")]
    return set(lines[0].split(b" ")[1:]) if lines else set()


def test_a_certificate_is_enough(proxy, mailbox, with_certificate):
    with Pop3.connect(proxy.port, with_certificate(mailbox)) as session:
        assert b"EXTERNAL" in mechanisms(session)
        assert session.command("AUTH EXTERNAL =").startswith(b"+OK")
        assert len(fetch_all(session)) == 3
        session.ok("QUIT")


def test_in_two_steps_and_by_name(proxy, mailbox, with_certificate):
    context = with_certificate(mailbox)
    with Pop3.connect(proxy.port, context) as session:
        assert session.authenticate("EXTERNAL", b"", initial=False).startswith(b"+OK")
        session.ok("QUIT")
    with Pop3.connect(proxy.port, context) as session:
        assert session.authenticate("EXTERNAL", mailbox.encode()).startswith(b"+OK")
        session.ok("QUIT")


def test_over_stls(proxy, mailbox, with_certificate):
    with proxy.connect_plain("stls") as session:
        assert session.command("AUTH EXTERNAL =").startswith(b"-ERR")
        session.ok("STLS")
        session.start_tls(with_certificate(mailbox))
        assert session.command("AUTH EXTERNAL =").startswith(b"+OK")
        session.ok("QUIT")


def test_nobody_elses_mailbox(proxy, mailbox, new_user, with_certificate, dovecot):
    other = new_user()
    with Pop3.connect(proxy.port, with_certificate(mailbox)) as session:
        assert session.authenticate("EXTERNAL", other.encode()).startswith(b"-ERR")
        assert session.command("STAT").startswith(b"-ERR")
        session.ok("QUIT")
    assert dovecot.logins(other) == 0


def test_a_password_still_counts(proxy, mailbox, with_certificate):
    for context in (tls_context(proxy.authority.file), with_certificate(mailbox)):
        with Pop3.connect(proxy.port, context) as session:
            session.log_in(mailbox).ok("QUIT")


def test_without_a_certificate_there_is_no_external(proxy):
    with proxy.connect() as session:
        assert b"EXTERNAL" not in mechanisms(session)
        assert session.command("AUTH EXTERNAL =").startswith(b"-ERR")
        session.ok("QUIT")


@pytest.mark.parametrize("wrong", ["authority", "time", "purpose"])
def test_a_certificate_that_does_not_count(wrong, proxy, mailbox, with_certificate, tmp_path, authority,
                                           clients_authority):
    """The handshake fails; under TLS 1.3 the client learns it with its first read."""
    if wrong == "authority":
        context = with_certificate(mailbox, by=Authority(tmp_path / "other", "Another CA"))
    elif wrong == "time":
        context = with_certificate(mailbox, dates=("20200101000000Z", "20210101000000Z"))
    else:
        made = clients_authority.issue("server-only", [mailbox], usage="serverAuth")
        context = tls_context(authority.file)
        context.load_cert_chain(made.certificate, made.key)
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        with Pop3.connect(proxy.port, context) as session:
            session.ok("NOOP")


def test_where_one_is_required(begin, mailbox, with_certificate):
    with begin("required") as proxy:
        with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
            with proxy.connect() as session:
                session.ok("NOOP")
        with Pop3.connect(proxy.port, with_certificate(mailbox)) as session:
            session.log_in(mailbox).ok("QUIT")


def test_the_mail_address_may_be_the_name(begin, mailbox, with_certificate, authority, clients_authority, dovecot):
    """The subjectAltName's, not the subject's."""
    made = clients_authority.issue("address", ["somebody-else"], usage="clientAuth",
                                   alternatives=[f"{mailbox}@example.org"])
    context = tls_context(authority.file)
    context.load_cert_chain(made.certificate, made.key)
    with begin("optional", "email") as proxy:
        until(lambda: proxy.metric("poplar_node_probes_total") >= 1, "the first probe")
        with Pop3.connect(proxy.port, context) as session:
            session.send(b"AUTH EXTERNAL =\r\n")
            session.line()
        proxy.idle()
        assert proxy.session(0)["user"] == f"{mailbox}@example.org"


def test_the_masters_password_is_in_no_log(proxy, dovecot):
    proxy.idle()
    assert "sesame" not in proxy.log.read_text() + proxy.child.text() + dovecot.log.read_text()
