"""Who may connect, how fast, what wrong passwords cost, and mail that may not be deleted."""

import asyncio
import collections
import concurrent.futures
import contextlib
import socket
import time

import pytest

import clients
import corpus
from fake_node import FakeNode
from poplar import node
from waiting import until
from wire import Pop3, unstuff

_CLEAR = {"tls": "none", "require_tls": False}
_TURNED_AWAY = b"-ERR [SYS/TEMP] Service temporarily unavailable after too many failed logins, please wait\r\n"


@pytest.fixture
def fake():
    with FakeNode(messages=[corpus.message("big", b"z" * 76 + b"\r\n" * 2000)]) as made:
        yield made


def connect_from(address: str, port: int, seconds: float = 20.0) -> Pop3:
    """A session in the clear from one of the loopback's addresses; EOFError where it is turned away."""
    connection = socket.create_connection(("127.0.0.1", port), seconds, source_address=(address, 0))
    session = Pop3(connection)
    try:
        session.greeting = session.line()
    except (EOFError, ConnectionError):
        connection.close()
        raise EOFError(f"{address} was turned away") from None
    return session


def served(address: str, port: int) -> bool:
    with contextlib.suppress(EOFError), connect_from(address, port) as session:
        session.ok("QUIT")
        return True
    return False


def rejected(proxy, reason: str) -> int:
    lines = [line for line in proxy.get("/metrics")[1].splitlines()
             if line.startswith("poplar_connections_rejected_total") and f'reason="{reason}"' in line]
    assert len(lines) == 1, f"not one series for {reason}"
    return int(float(lines[0].split()[-1]))


# --- access


def test_only_those_who_are_allowed_get_in(start, fake):
    access = {"access": {"deny": ["127.0.5.0/24"]}}
    listener = {**_CLEAR, "access": {"allow": ["127.0.0.0/16"]}}
    cluster = [{"name": "main", "nodes": [node("fake", fake.port)],
                "access": {"deny": ["127.0.6.1"]}}]
    with start([], listener=listener, admission=access, clusters=cluster) as proxy:
        assert served("127.0.0.1", proxy.port)
        assert served("127.0.6.2", proxy.port)
        assert not served("127.0.5.9", proxy.port)  # denied to all
        assert not served("127.1.0.1", proxy.port)  # not allowed at this listener
        assert not served("127.0.6.1", proxy.port)  # denied by the cluster
        assert rejected(proxy, "denied") == 3
        proxy.idle()
        assert len(proxy.sessions()) == 2, "who isn't let in has no session"


def test_a_load_balancers_client_is_judged_for_itself(start, fake):
    header = "PROXY TCP4 {} 127.0.0.1 1000 995\r\n".format
    listener = {**_CLEAR, "proxy_protocol_from": ["127.0.0.0/8"]}
    limits = {"access": {"deny": ["192.0.2.1"]}, "connections_per_address": 1}
    with start([node("fake", fake.port)], listener=listener, admission=limits) as proxy:
        def come(address):
            connection = socket.create_connection(("127.0.0.1", proxy.port), 20)
            connection.sendall(header(address).encode())
            session = Pop3(connection)
            session.greeting = session.line()
            return session
        with pytest.raises((EOFError, ConnectionError)):
            come("192.0.2.1")
        assert proxy.session(0)["reason"] == "not_admitted"
        assert proxy.session(0)["client"] == "192.0.2.1"
        with come("192.0.2.2"), come("192.0.2.3"):
            with pytest.raises((EOFError, ConnectionError)):
                come("192.0.2.2")
        assert rejected(proxy, "denied") == 1 and rejected(proxy, "address_limit") == 1


def test_another_proxys_client_is_judged_for_itself(start, fake):
    """However many it speaks for, the proxy itself isn't counted by its address."""
    listener = {**_CLEAR, "xclient_from": ["127.0.0.1"]}
    limits = {"trusted": [], "access": {"deny": ["192.0.2.1"]}, "connections_per_address": 1}
    with start([node("fake", fake.port)], listener=listener, admission=limits) as proxy:
        with Pop3.connect(proxy.port) as first, Pop3.connect(proxy.port) as second:
            for session, address in ((first, "192.0.2.2"), (second, "192.0.2.3")):
                session.send(f"XCLIENT ADDR={address} PORT=1000\r\n".encode())
                assert session.line().startswith(b"+OK")
                session.log_in("anybody")
            for address, reason in (("192.0.2.1", "denied"), ("192.0.2.2", "address_limit")):
                with Pop3.connect(proxy.port) as third:
                    third.send(f"XCLIENT ADDR={address} PORT=1000\r\nNOOP\r\n".encode())
                    with pytest.raises((EOFError, ConnectionError)):
                        while third.line():
                            pass
                until(lambda: rejected(proxy, reason) == 1, reason)


# --- what failed logins cost


def test_asking_for_what_nobody_has_costs_nothing(start, fake):
    """A penalty by address would show: nobody is trusted, and a wrong password behind it does cost."""
    limits = {"trusted": [], "login_delay": {"first": "1500ms"}}
    with start([node("fake", fake.port)], listener=_CLEAR, admission=limits) as proxy:
        def log_in(user: str) -> float:
            with connect_from("127.0.7.1", proxy.port) as session:
                begun = time.monotonic()
                session.log_in(user).ok("QUIT")
                return time.monotonic() - begun

        with connect_from("127.0.7.1", proxy.port) as session:
            begun = time.monotonic()
            for _ in range(20):
                for command in ("AUTH NTLM", "AUTH CRAM-MD5", "AUTH X-NONE abc", "APOP anybody 0"):
                    assert session.command(command).startswith(b"-ERR ")
            assert time.monotonic() - begun < 1, "80 answers, none of which waited"
            session.log_in("anybody").ok("QUIT")
        assert log_in("another") < 1
        assert proxy.metric("poplar_login_delay_seconds_count") == 0
        with connect_from("127.0.7.1", proxy.port) as session:
            session.ok("USER third")
            assert session.command("PASS wrong").startswith(b"-ERR [AUTH]")
        assert log_in("third") >= 1.4, "that one has its price"


# --- how many, how fast


def test_limits_of_an_address_and_its_network(start, fake):
    limits = {"trusted": [], "connections_per_address": 2, "connections_per_network": 3}
    with start([node("fake", fake.port)], listener=_CLEAR, admission=limits) as proxy, \
            contextlib.ExitStack() as open_sessions:
        for address in ("127.0.7.1", "127.0.7.1", "127.0.7.2"):
            open_sessions.enter_context(connect_from(address, proxy.port))
        assert not served("127.0.7.1", proxy.port)
        assert not served("127.0.7.2", proxy.port)
        assert served("127.0.8.1", proxy.port)
        assert rejected(proxy, "address_limit") == 1 and rejected(proxy, "network_limit") == 1
        open_sessions.close()
        proxy.idle()
        assert served("127.0.7.1", proxy.port)


def test_those_who_do_not_log_in_are_counted_for_themselves(start, fake):
    limits = {"trusted": [], "unauthenticated_per_address": 1}
    with start([node("fake", fake.port)], listener=_CLEAR, admission=limits) as proxy:
        with connect_from("127.0.7.1", proxy.port) as first:
            assert not served("127.0.7.1", proxy.port)
            first.log_in("anybody")
            with connect_from("127.0.7.1", proxy.port):
                assert not served("127.0.7.1", proxy.port)
        assert rejected(proxy, "address_unauthenticated") == 2


def test_new_connections_come_at_a_rate(start, fake):
    limits = {"trusted": [], "connection_rate_per_address": 5}
    with start([node("fake", fake.port)], listener=_CLEAR, admission=limits) as proxy:
        assert [served("127.0.7.1", proxy.port) for _ in range(7)] == [True] * 5 + [False] * 2
        assert served("127.0.7.2", proxy.port)
        assert rejected(proxy, "address_rate") == 2
    with start([node("fake", fake.port)], listener=_CLEAR, admission={"connection_rate": 3}) as proxy:
        results = [served("127.0.0.1", proxy.port) for _ in range(10)]
        assert results[:3] == [True] * 3 and not all(results)
        assert rejected(proxy, "rate") == results.count(False)
        until(lambda: served("127.0.0.1", proxy.port), "the rate to let one in", 5)


def test_the_oldest_without_a_login_gives_way(start, fake):
    """A crowd that says nothing keeps nobody out."""
    with start([node("fake", fake.port)], listener=_CLEAR, workers=1,
               admission={"unauthenticated": 20}) as proxy, contextlib.ExitStack() as crowd:
        with Pop3.connect(proxy.port) as user:
            user.log_in("anybody")
            silent = [crowd.enter_context(Pop3.connect(proxy.port)) for _ in range(60)]
            with Pop3.connect(proxy.port) as late:
                late.log_in("anybody")
                late.ok("QUIT")
            gone = 0
            for session in silent:
                session.socket.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    try:
                        assert session.socket.recv(100) == b""
                    except ConnectionError:
                        pass
                    gone += 1
            assert gone == 41, "60 and a late one, less the 20 that may stay"
            with pytest.raises(TimeoutError):
                silent[-1].socket.recv(1)
            user.ok("QUIT")
        until(lambda: sum(line["reason"] == "crowded_out" for line in proxy.sessions()) == 41,
              "their log lines")


def test_commands_and_bytes_come_at_a_pace(start, fake):
    pace = {"command_rate": 20, "byte_rate": "64KiB"}
    with start([node("fake", fake.port)], listener=_CLEAR, admission=pace) as proxy:
        with Pop3.connect(proxy.port) as session:
            session.log_in("anybody")
            begun = time.monotonic()
            session.send(b"NOOP\r\n" * 61)
            assert all(session.line() == b"+OK\r\n" for _ in range(61))
            assert 1.8 < time.monotonic() - begun < 4
        size = len(fake.messages[0])
        fake.messages[0] = corpus.message("large", (b"z" * 76 + b"\r\n") * 4000)
        assert len(fake.messages[0]) > 300_000 > size
        with Pop3.connect(proxy.port) as slow, Pop3.connect(proxy.port) as other:
            slow.log_in("anybody")
            other.log_in("anybody")
            begun = time.monotonic()
            slow.send(b"RETR 1\r\n")
            other.ok("NOOP")
            assert time.monotonic() - begun < 0.5, "each session has a rate of its own"
            assert slow.line().startswith(b"+OK")
            slow.body()
            assert 2.5 < time.monotonic() - begun < 7


def test_a_byte_rate_is_the_same_for_all_who_download_at_once(start):
    """Four at once over two workers, beside clients that only ask: nobody gets more, nobody starves."""
    rate, message = 512 << 10, corpus.message("large", (b"z" * 76 + b"\r\n") * 27_000)
    with FakeNode(messages=[message]) as large, \
            start([node("large", large.port)], listener=_CLEAR, admission={"byte_rate": "512KiB"}) as proxy, \
            contextlib.ExitStack() as stack:
        readers = [stack.enter_context(Pop3.connect(proxy.port)).log_in(f"user{number}") for number in range(4)]
        asking = stack.enter_context(Pop3.connect(proxy.port)).log_in("asking")
        begun = time.monotonic()
        for reader in readers:
            reader.send(b"RETR 1\r\n")
        with concurrent.futures.ThreadPoolExecutor(len(readers)) as threads:
            downloads = [threads.submit(_download, reader, begun) for reader in readers]
            waits = []
            while not all(download.done() for download in downloads):
                asked = time.monotonic()
                asking.ok("NOOP")
                waits.append(time.monotonic() - asked)
            took = [download.result() for download in downloads]
        assert all(body == message for body, _ in took)
        seconds = [each for _, each in took]
        # A second's worth may come at once, for who has been quiet before.
        wanted = len(message) / rate - 1
        assert 0.95 * wanted < min(seconds) <= max(seconds) < 1.25 * wanted, (seconds, wanted)
        assert max(seconds) < 1.2 * min(seconds), seconds
        assert max(waits) < 0.5, "a session of its own rate"


def _download(session: Pop3, begun: float):
    """The message that was asked for, and the seconds until its end."""
    assert session.line().startswith(b"+OK")
    return unstuff(session.body()), time.monotonic() - begun
