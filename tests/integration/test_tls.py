"""TLS as clients and nodes meet it: versions, certificates, SNI, ALPN, tickets, and whom Poplar trusts."""

import ssl

import pytest

from certificates import Authority
from fake_node import FakeNode
from poplar import node
from wire import Pop3, tls_context


@pytest.fixture(scope="module")
def fake():
    with FakeNode() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(start, fake, authority):
    certificates = [
        authority.issue("first-ecdsa", ["localhost", "first.test"], "ecdsa"),
        authority.issue("first-rsa", ["localhost", "first.test"], "rsa"),
        authority.issue("second", ["second.test", "*.wild.test"], "ecdsa"),
    ]
    with start([node("fake", fake.port)], certificates=certificates) as made:
        yield made


def context(proxy, **settings):
    made = tls_context(proxy.authority.file)
    for name, value in settings.items():
        getattr(made, name)(value) if callable(getattr(made, name)) else setattr(made, name, value)
    return made


def names(session):
    return {value for _, value in session.socket.getpeercert()["subjectAltName"]}


def use(session):
    session.log_in("anybody")
    session.ok("QUIT")


@pytest.mark.parametrize("server_name, expected", [
    ("first.test", "first.test"), ("FIRST.test", "first.test"), ("second.test", "second.test"),
    ("a.wild.test", "*.wild.test"), ("localhost", "localhost")])
def test_server_name_picks_the_certificate(server_name, expected, proxy):
    with Pop3.connect(proxy.port, context(proxy), server_name) as session:
        assert expected in names(session)
        use(session)


@pytest.mark.parametrize("server_name", ["unknown.test", None])
def test_without_a_known_name_the_first_certificate_serves(server_name, proxy):
    made = context(proxy)
    made.check_hostname = False
    with Pop3.connect(proxy.port, made, server_name) as session:
        assert "first.test" in names(session)
        use(session)


@pytest.mark.parametrize("cipher, expected", [("ECDHE-ECDSA-AES128-GCM-SHA256", "ecdsa"),
                                              ("ECDHE-RSA-AES128-GCM-SHA256", "rsa")])
def test_ecdsa_and_rsa_side_by_side(cipher, expected, proxy):
    made = context(proxy, set_ciphers=cipher, maximum_version=ssl.TLSVersion.TLSv1_2)
    with Pop3.connect(proxy.port, made, "first.test") as session:
        assert session.socket.cipher()[0] == cipher
        use(session)


@pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                                           (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions_in_use_are_logged(version, name, proxy):
    proxy.idle()
    before = len(proxy.sessions())
    made = context(proxy, minimum_version=version, maximum_version=version)
    with Pop3.connect(proxy.port, made) as session:
        assert session.socket.version() == name
        use(session)
    line = proxy.session(before)
    assert line["tls_version"].replace("v", "") == name.replace("v", "")
    assert line["tls_cipher"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_are_refused(version, proxy):
    proxy.idle()
    before = len(proxy.sessions())
    made = context(proxy, set_ciphers="ALL:@SECLEVEL=0", minimum_version=version,
                   maximum_version=version)
    with pytest.raises(ssl.SSLError) as refusal:
        Pop3.connect(proxy.port, made)
    assert "PROTOCOL_VERSION" in str(refusal.value)
    assert proxy.session(before)["reason"] == "tls_handshake_failed"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_client_that_refuses_the_certificate_is_known(version, proxy):
    proxy.idle()
    before = len(proxy.sessions())
    refused = 'poplar_tls_handshake_failures_total{reason="certificate_rejected"}'

    def count():
        return float(next(line for line in proxy.get("/metrics")[1].splitlines() if line.startswith(refused)).split()[-1])

    known = count()
    distrustful = ssl.create_default_context()
    distrustful.minimum_version = distrustful.maximum_version = version
    with pytest.raises(ssl.SSLCertVerificationError):
        Pop3.connect(proxy.port, distrustful)
    assert proxy.session(before)["reason"] == "tls_handshake_failed"
    assert count() == known + 1


@pytest.mark.parametrize("cipher", ["DES-CBC3-SHA", "AES128-SHA", "AES128-GCM-SHA256"])
def test_weak_ciphers_are_refused(cipher, proxy):
    """No 3DES, and nothing without forward secrecy."""
    made = context(proxy, maximum_version=ssl.TLSVersion.TLSv1_2)
    try:
        made.set_ciphers(cipher + ":@SECLEVEL=0")
    except ssl.SSLError:
        # This OpenSSL has no 3DES to offer; the other ciphers of the list are always there.
        assert cipher == "DES-CBC3-SHA"
        return
    with pytest.raises(ssl.SSLError):
        Pop3.connect(proxy.port, made)


# --- ALPN

@pytest.mark.parametrize("offered", [["pop3"], ["http/1.1", "pop3"], ["imap", "h2", "pop3"]])
def test_alpn_pop3_is_selected(offered, proxy):
    with Pop3.connect(proxy.port, context(proxy, set_alpn_protocols=offered)) as session:
        assert session.socket.selected_alpn_protocol() == "pop3"
        use(session)


def test_without_alpn_it_works(proxy):
    with Pop3.connect(proxy.port, context(proxy)) as session:
        assert session.socket.selected_alpn_protocol() is None
        use(session)


@pytest.mark.parametrize("offered", [["http/1.1"], ["h2", "imap"], ["POP3"], ["pop"]])
def test_alpn_without_pop3_is_fatal(offered, proxy):
    """The ALPACA defence: whoever asks for another protocol must not get ours."""
    proxy.idle()
    before = len(proxy.sessions())
    with pytest.raises(ssl.SSLError) as refusal:
        Pop3.connect(proxy.port, context(proxy, set_alpn_protocols=offered))
    assert "NO_APPLICATION_PROTOCOL" in str(refusal.value).upper().replace(" ", "_")
    assert proxy.session(before)["reason"] == "tls_handshake_failed"


# --- tickets

@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_ticket_resumes_the_tls_session(version, proxy):
    made = context(proxy, minimum_version=version, maximum_version=version)
    with Pop3.connect(proxy.port, made) as session:
        assert not session.socket.session_reused
        use(session)
        assert session.socket.session.has_ticket
        kept = session.socket.session
    # Several times: the workers accept each other's tickets.
    for _ in range(6):
        from wire import open_socket
        resumed = made.wrap_socket(open_socket(proxy.port), server_hostname="localhost",
                                   session=kept)
        with Pop3(resumed) as session:
            assert session.line().startswith(b"+OK")
            assert session.socket.session_reused
            use(session)


# --- nodes over TLS

def log_in(proxy) -> bytes:
    with proxy.connect() as session:
        session.ok("USER anybody")
        answer = session.command("PASS secret")
        session.command("QUIT")
        return answer


@pytest.fixture
def secure_node(authority):
    """secure_node(names, by) gives a fake node with such a certificate."""
    opened = []

    def make(its_names, by=None):
        certificate = (by or authority).issue(f"fake{len(opened)}", its_names)
        opened.append(FakeNode(certificate=certificate))
        return opened[-1]

    yield make
    for each in opened:
        each.stop()


def test_a_node_that_is_verified_serves(secure_node, start, authority):
    fake_node = secure_node(["mail.test"])
    entry = node("n", fake_node.port, tls="verify", ca_file=str(authority.file),
                 host_name="mail.test")
    with start([entry]) as proxy:
        assert log_in(proxy).startswith(b"+OK")


def test_the_address_is_the_name_where_none_is_given(secure_node, start, authority):
    fake_node = secure_node(["127.0.0.1"])
    with start([node("n", fake_node.port, tls="verify", ca_file=str(authority.file))]) as proxy:
        assert log_in(proxy).startswith(b"+OK")


def refused(answer: bytes, fake_node):
    # A plain node takes the ClientHello for a command; what it must not get is a login.
    shown = [line for line in fake_node.commands if "anybody" in line or "secret" in line]
    return answer.startswith(b"-ERR [SYS/TEMP]") and not shown


def test_a_node_with_another_name_is_refused(secure_node, start, authority):
    fake_node = secure_node(["other.test"])
    entry = node("n", fake_node.port, tls="verify", ca_file=str(authority.file),
                 host_name="mail.test")
    with start([entry]) as proxy:
        assert refused(log_in(proxy), fake_node)


def test_a_node_of_another_authority_is_refused(secure_node, start, authority, tmp_path):
    fake_node = secure_node(["mail.test"], by=Authority(tmp_path / "other", "Another CA"))
    entry = node("n", fake_node.port, tls="verify", ca_file=str(authority.file),
                 host_name="mail.test")
    with start([entry]) as proxy:
        assert refused(log_in(proxy), fake_node)


def test_the_systems_authorities_do_not_include_ours(secure_node, start):
    fake_node = secure_node(["mail.test"])
    with start([node("n", fake_node.port, tls="verify", host_name="mail.test")]) as proxy:
        assert refused(log_in(proxy), fake_node)


def test_insecure_takes_any_node_by_explicit_word(secure_node, start, tmp_path):
    fake_node = secure_node(["whatever.test"], by=Authority(tmp_path / "other", "Another CA"))
    with start([node("n", fake_node.port, tls="insecure")]) as proxy:
        assert log_in(proxy).startswith(b"+OK")


def test_a_plain_node_where_tls_was_asked_is_refused(start, authority):
    with FakeNode() as plain:
        entry = node("n", plain.port, tls="verify", ca_file=str(authority.file))
        with start([entry], timeouts={"upstream_connect": "2s", "upstream_response": "2s"}) as proxy:
            assert refused(log_in(proxy), plain)


def test_real_dovecot_over_tls(shared_nodes, start, authority, user):
    import corpus
    from wire import fetch_all
    messages = corpus.everything()
    shared_nodes[0].deliver(user, messages)
    entries = [node(each.name, each.pop3s_port, tls="verify", ca_file=str(authority.file),
                    host_name="node.test") for each in shared_nodes]
    with start(entries, shared=True) as proxy:
        with proxy.connect() as session:
            session.log_in(user)
            assert fetch_all(session) == [corpus.as_sent(each) for each in messages.values()]
            session.ok("QUIT")
