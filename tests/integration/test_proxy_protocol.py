"""Load balancers in front: their PROXY headers name the client, from whom they are taken and from whom not."""

import socket
import struct

import pytest

import clients
import corpus
import library_clients
from clients import Account
from fake_node import FakeNode
from haproxy import HAProxy
from poplar import node
from wire import Pop3, open_socket, tls_context

CLIENT = ("198.51.100.7", 40123)
BALANCER, WEBMAIL = "127.0.0.9", "127.0.0.8"  # the one sends a header, the other doesn't; to the same port
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def version1(family: bytes = b"TCP4", source: bytes = b"198.51.100.7", port: int = 40123) -> bytes:
    return b"PROXY %s %s %s %d 995\r\n" % (family, source, source, port)


def version2(command: int = 1, family: int = 0x11, addresses: bytes = None, tlvs: bytes = b"") -> bytes:
    if addresses is None:
        addresses = socket.inet_aton(CLIENT[0]) + socket.inet_aton("192.0.2.1") + struct.pack("!HH", CLIENT[1], 995)
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family, len(addresses) + len(tlvs)) + addresses + tlvs


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


@pytest.fixture(scope="module")
def fake():
    with FakeNode() as made:
        yield made


@pytest.fixture(scope="module")
def proxy(start, fake):
    trusting = {"proxy_protocol_from": ["127.0.0.0/8"]}
    also = {"stls": {"tls": "stls", **trusting}, "other": {"tls": "implicit", "proxy_protocol_from": ["192.0.2.0/24"]},
            "mixed": {"tls": "implicit", "proxy_protocol_from": [f"{BALANCER}/32"]}}
    with start([node("fake", fake.port)], listener=trusting, also=also,
               timeouts={"login": "2s", "tls_handshake": "2s"}) as made:
        yield made


@pytest.fixture
def log(proxy):
    proxy.idle()
    before = len(proxy.sessions())
    return lambda: proxy.session(before)


def connect(proxy, header: bytes, cuts=(), listener: str = "", source: str = "") -> Pop3:
    """TLS behind the header, sent in one piece or cut there."""
    connection = open_socket(proxy.ports[listener] if listener else proxy.port, source=source)
    for begin, end in zip([0, *cuts], [*cuts, len(header)]):
        connection.sendall(header[begin:end])
    secure = tls_context(proxy.authority.file).wrap_socket(connection, server_hostname="localhost")
    session = Pop3(secure)
    session.greeting = session.line()
    return session


IPV6 = (socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1")
        + struct.pack("!HH", 40123, 995))
TLVS = (tlv(0x01, b"pop3") + tlv(0x02, b"mail.example.org") + tlv(0x05, b"unique") + tlv(0x04, b"\x00" * 40)
        + tlv(0x20, b"\x01\x00\x00\x00\x00" + tlv(0x21, b"TLSv1.3")) + tlv(0xEA, b"\x00" * 300))


@pytest.mark.parametrize("header, client", [
    (version1(), CLIENT), (version1(b"TCP6", b"2001:db8::7"), ("2001:db8::7", 40123)),
    (version2(), CLIENT), (version2(family=0x21, addresses=IPV6), ("2001:db8::7", 40123)), (version2(tlvs=TLVS),
                                                                                            CLIENT),
    (b"PROXY UNKNOWN\r\n", None), (b"PROXY UNKNOWN ff:ff 1 2 3 junk\r\n", None), (version2(command=0), None),
    (version2(command=0, family=0, addresses=b""), None), (version2(family=0, addresses=b"", tlvs=TLVS), None)],
    ids=["v1", "v1 IPv6", "v2", "v2 IPv6", "v2 TLVs", "v1 UNKNOWN", "v1 UNKNOWN and more", "v2 LOCAL", "v2 LOCAL bare",
         "v2 UNSPEC"])
def test_the_header_names_the_client(header, client, proxy, log):
    """None: LOCAL and UNKNOWN are about nobody, the connection's own address counts (its health checks, say)."""
    with connect(proxy, header) as session:
        session.log_in("anybody")
        session.ok("QUIT")
    line = log()
    if client:
        assert (line["client"], line["client_port"]) == client
    else:
        assert line["client"] == "127.0.0.1"


@pytest.mark.parametrize("header", [version1(), version2(tlvs=TLVS)], ids=["v1", "v2"])
def test_cut_anywhere(header, proxy):
    for cut in range(1, len(header), 7 if len(header) > 100 else 1):
        with connect(proxy, header, [cut]) as session:
            session.ok("QUIT")


@pytest.mark.parametrize("data", [
    b"USER anybody\r\n", b"PROXY\r\n", b"PROXY TCP4 1.2.3.4\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 99999 1\r\n",
    b"PROXY TCP4 2001:db8::7 192.0.2.1 1 2\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", b"PROXY " + b"x" * 200,
    b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", SIGNATURE + b"\x31\x11\x00\x0c" + b"\x00" * 12,
    SIGNATURE + b"\x21\x11\x00\x04" + b"\x00" * 4, SIGNATURE + b"\x2f\x11\x00\x0c" + b"\x00" * 12,
    version2(tlvs=b"\x01\xff\xff"), SIGNATURE + b"\x21\x11\xff\xff" + b"\x00" * 70_000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
    ids=["no header", "bare", "too few", "port", "family", "LF", "endless", "lower case", "version 3", "too short",
         "command 15", "broken TLV", "64 KB", "TLS"])
def test_what_is_no_header_is_refused(data, proxy, log):
    """Nothing is answered: what stands behind a load balancer speaks only to it."""
    with open_socket(proxy.port) as connection:
        try:
            connection.sendall(data)
        except ConnectionError:
            pass
        session = Pop3(connection)
        assert session.at_end() and not session.buffer
    assert log()["reason"] == "proxy_header"


def test_silence_is_not_waited_for(proxy, log):
    with open_socket(proxy.port) as connection:
        connection.sendall(version2()[:9])
        assert Pop3(connection).at_end()
    assert log()["reason"] in ("proxy_header", "login_timeout")


def test_from_elsewhere_it_is_garbage(proxy):
    """Who isn't a load balancer can't claim to be somebody: there, the header is no TLS."""
    with open_socket(proxy.ports["other"]) as connection:
        connection.sendall(version1())
        assert Pop3(connection).at_end()
    context = tls_context(proxy.authority.file)
    with Pop3.connect(proxy.ports["other"], context) as session:
        session.log_in("anybody")
        session.ok("QUIT")


def test_one_port_for_the_balancer_and_for_those_who_come_directly(proxy, log):
    """At the same time, with sessions that overlap; each is known by its right address."""
    with connect(proxy, version1(), listener="mixed", source=BALANCER) as behind, \
            connect(proxy, b"", listener="mixed", source=WEBMAIL) as direct, \
            connect(proxy, version2(), listener="mixed", source=BALANCER) as behind_too:
        for session in (behind, direct, behind_too):
            session.log_in("anybody")
        for session in (behind_too, direct, behind):
            session.ok("QUIT")
    proxy.idle()
    assert sorted(line["client"] for line in proxy.sessions()[-3:]) == [WEBMAIL, CLIENT[0], CLIENT[0]]


@pytest.mark.parametrize("source, data, reason", [
    (WEBMAIL, version1(), "not_tls"), (WEBMAIL, version2(), "not_tls"), (BALANCER, b"USER anybody\r\n", "proxy_header")],
    ids=["a header of v1 from elsewhere", "a header of v2 from elsewhere", "no header from the balancer"])
def test_on_one_port_nobody_takes_the_others_way(source, data, reason, proxy, log):
    with open_socket(proxy.ports["mixed"], source=source) as connection:
        connection.sendall(data)
        assert Pop3(connection).at_end()
    line = log()
    assert (line["client"], line["reason"]) == (source, reason)


# --- HAProxy itself, and real clients behind it

@pytest.fixture(scope="module")
def behind(folder, start, shared_nodes):
    """Poplar over real Dovecots, behind HAProxy: (HAProxy for 995, HAProxy for 110, Poplar)."""
    trusting = {"proxy_protocol_from": ["127.0.0.0/8"]}
    nodes = [node(each.name, each.pop3_port) for each in shared_nodes]
    with start(nodes, shared=True, listener=trusting, also={"stls": {"tls": "stls", **trusting}}) as proxy, \
            HAProxy(folder / "haproxy-995", proxy.port) as implicit, \
            HAProxy(folder / "haproxy-110", proxy.ports["stls"]) as explicit:
        yield implicit, explicit, proxy


ALL = [*clients.ALL, *library_clients.ALL]
WAYS = [(client, "implicit") for client in ALL] + [(client, "stls") for client in ALL if client.knows_stls]


@pytest.mark.parametrize("client, tls", WAYS, ids=[f"{client.name}-{tls}" for client, tls in WAYS])
def test_clients_behind_haproxy(client, tls, behind, user, shared_nodes, authority, tmp_path):
    implicit, explicit, _ = behind
    shared_nodes[0].deliver(user, corpus.many(3))
    port = implicit.port if tls == "implicit" else explicit.port
    got = client.fetch(Account(port, authority.file, user, tls=tls), tmp_path / "home")
    assert sorted(got) == sorted(client.stored(corpus.as_sent(each)) for each in corpus.many(3).values())


def test_haproxys_clients_are_told_apart(behind, authority, user, shared_nodes):
    implicit, _, proxy = behind
    shared_nodes[0].deliver(user, corpus.many(1))
    proxy.idle()
    before = len(proxy.sessions())
    session = Pop3.connect(implicit.port, tls_context(authority.file))
    own = session.socket.getsockname()
    with session:
        session.log_in(user).ok("QUIT")
    line = proxy.session(before)
    assert (line["client"], line["client_port"]) == own, "the client's address, not HAProxy's"


def test_haproxys_health_checks_are_local(folder, behind):
    """`check` says LOCAL, logs nobody in, and must find Poplar alive."""
    _, _, proxy = behind
    with HAProxy(folder / "haproxy-check", proxy.ports["stls"],
                 check="check inter 100ms rise 1 fall 1 check-send-proxy") as front:
        for _ in range(20):
            with Pop3.connect(front.port) as session:
                assert session.greeting.startswith(b"+OK")
                session.ok("QUIT")
