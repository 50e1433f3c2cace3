"""Slots and warm connections in front of a real Dovecot: never more than allowed, in order, ready beforehand."""

import re
import threading
import time

import pytest

import corpus
from dovecot import Dovecot
from exposition import value
from poplar import node
from sockets import Peak, established
from waiting import until


USERS = [f"user{index:03}" for index in range(400)]
NO_PROBES = {"probe": "off"}
TEMPORARY = b"-ERR [SYS/TEMP] "


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    with Dovecot(folder / "dovecot", "node1", node_certificate, USERS) as made:
        for user in USERS:
            made.deliver(user, {"one": corpus.message("one", b"one\r\n")})
        yield made


@pytest.fixture
def before(start, dovecot):
    """before(**pool) is a Poplar in front of the one node, without probes: each connection there is its pool's."""
    return lambda **pool: start([node("node1", dovecot.pop3_port)], health=NO_PROBES, pool=pool)


def pool(proxy, kind: str) -> float:
    return value(proxy, "poplar_pool_connections", kind=kind)


def waiting(proxy) -> float:
    return value(proxy, "poplar_pool_waiting")


class Login(threading.Thread):
    """A client that logs in on a thread of its own; `answer` is what PASS got."""

    def __init__(self, proxy, user, done=None):
        super().__init__()
        self.user, self.answer, self.took = user, None, None
        self.session = proxy.connect()
        self._done = done
        self.start()

    def run(self):
        begin = time.monotonic()
        self.session.ok(f"USER {self.user}")
        self.answer = self.session.command("PASS secret")
        self.took = time.monotonic() - begin
        if self._done is not None:
            self._done.append(self.user)


# --- a node's slots bound how many upstream connections it has at once


def test_slots_are_never_exceeded(before, dovecot, new_user):
    """Ten clients in a hurry over three slots, with warm and parked connections about."""
    with before(size=3, warm=2, parked=2, wait_timeout="20s", max_snapshot_age="300ms") as proxy, \
            Peak(dovecot.pop3_port) as peak:
        holders = [proxy.connect().log_in(new_user()) for _ in range(3)]
        until(lambda: peak.most == 3, "the watch to see all three slots in use")
        for holder in holders:
            holder.ok("QUIT")
        failed = []

        def visit(user):
            for _ in range(6):
                try:
                    with proxy.connect() as session:
                        session.log_in(user)
                        assert session.retrieve(1)
                        session.ok("QUIT")
                except Exception as error:
                    failed.append((user, repr(error)))

        clients = [threading.Thread(target=visit, args=(new_user(),)) for _ in range(10)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        assert not failed
        assert peak.most == 3
        proxy.idle()
        # None leaked: what is left holds warm or parked ones, and three clients fit again.
        sessions = [proxy.connect().log_in(USERS[index]) for index in range(3)]
        assert pool(proxy, "in_use") == 3 and pool(proxy, "warm") == pool(proxy, "parked") == 0
        for session in sessions:
            session.close()
    until(lambda: not established(dovecot.pop3_port), "the node to be left alone")


def test_waiters_are_served_in_order(before, new_user):
    with before(size=2, warm=0, wait_timeout="20s", max_snapshot_age="0s") as proxy:
        holders = [proxy.connect().log_in(new_user()) for _ in range(2)]
        served, queue = [], []
        for number in range(1, 6):
            queue.append(Login(proxy, new_user(), served))
            until(lambda: waiting(proxy) == number, f"{number} to stand in the queue")
        assert served == []
        for number in range(5):
            (holders + [login.session for login in queue])[number].ok("QUIT")
            until(lambda: len(served) == number + 1, "the next one's turn")
        assert served == [login.user for login in queue]
        for login in queue:
            login.join()
            assert login.answer.startswith(b"+OK"), login.answer
            login.session.close()


def test_whoever_waits_too_long_is_told(before, new_user):
    with before(size=1, warm=0, wait_timeout="1s") as proxy:
        holder = proxy.connect().log_in(new_user())
        late = Login(proxy, new_user())
        late.join(20)
        assert late.answer.startswith(TEMPORARY), late.answer
        assert 0.9 <= late.took < 5
        assert holder.retrieve(1), "who has the slot keeps it"
        assert waiting(proxy) == 0
        assert value(proxy, "poplar_pool_wait_seconds_count", result="timeout") == 1
        holder.close()
        late.session.close()


def test_a_waiter_that_leaves_is_removed(before, new_user):
    with before(size=1, warm=0, wait_timeout="20s", max_snapshot_age="0s") as proxy:
        holder = proxy.connect().log_in(new_user())
        leaves = proxy.connect()
        leaves.ok(f"USER {new_user()}")
        leaves.send(b"PASS secret\r\n")
        until(lambda: waiting(proxy) == 1, "the queue")
        stays = Login(proxy, new_user())
        until(lambda: waiting(proxy) == 2, "the queue of two")
        leaves.reset()
        until(lambda: waiting(proxy) == 1, "the one that left to be out of the queue")
        holder.ok("QUIT")
        stays.join(10)
        assert stays.answer and stays.answer.startswith(b"+OK"), stays.answer
        stays.session.close()


@pytest.mark.parametrize("kind", ["parked", "warm"])
def test_idle_connections_give_way_to_a_waiting_login(kind, before, new_user):
    """Every slot is taken by connections that nobody uses; another user must not wait for them to expire."""
    limits = {"parked": {"warm": 0, "max_snapshot_age": "60s"}, "warm": {"warm": 2, "max_snapshot_age": "0s"}}
    with before(size=2, wait_timeout="15s", **limits[kind]) as proxy:
        for _ in range(6):
            with proxy.connect() as session:
                session.log_in(new_user()).ok("QUIT")
        until(lambda: pool(proxy, kind) == 2, f"two {kind} connections")
        begin = time.monotonic()
        logins = [Login(proxy, new_user()) for _ in range(2)]
        for login in logins:
            login.join(10)
            assert login.answer and login.answer.startswith(b"+OK"), login.answer
        assert time.monotonic() - begin < 3
        for login in logins:
            login.session.close()


# --- warm connections: ahead of demand, renewed, ended with QUIT


def closed_without_a_word(dovecot, since: int):
    """Log lines of connections that came and went without a login and without QUIT."""
    return [line for line in dovecot.log.read_text().splitlines()[since:]
            if re.search(r"pop3-login: .*Disconnected: (?!Aborted login by logging out)", line)]


def lines(dovecot) -> int:
    return len(dovecot.log.read_text().splitlines())


def test_logins_find_warm_connections(before, dovecot, new_user):
    since = lines(dovecot)
    with before(size=20, warm=2, max_snapshot_age="0s") as proxy:
        def visit():
            with proxy.connect() as session:
                session.log_in(new_user()).ok("QUIT")

        for _ in range(6):
            visit()
        until(lambda: pool(proxy, "warm") >= 1, "a warm connection")
        before_it = value(proxy, "poplar_pool_takes_total", source="warm")
        visit()
        assert value(proxy, "poplar_pool_takes_total", source="warm") == before_it + 1
        until(lambda: pool(proxy, "warm") >= 1, "another one in its place")
        assert pool(proxy, "warm") <= 2
    assert closed_without_a_word(dovecot, since) == [], "each unused one ends with QUIT"


def test_warm_connections_are_renewed(before, dovecot, new_user):
    since = lines(dovecot)
    with before(size=20, warm=2, warm_max_age="1s", max_snapshot_age="0s") as proxy:
        with proxy.connect() as session:
            session.log_in(new_user()).ok("QUIT")
        until(lambda: pool(proxy, "warm") >= 1, "a warm connection")
        opened = value(proxy, "poplar_pool_warm_opened_total", result="ok")
        ends = len(re.findall("logging out", dovecot.log.read_text()))
        until(lambda: len(re.findall("logging out", dovecot.log.read_text())) > ends,
              "an old one to end with QUIT")
        assert value(proxy, "poplar_pool_warm_opened_total", result="ok") >= opened
    assert closed_without_a_word(dovecot, since) == []


def test_a_warm_connection_that_died_is_replaced_silently(before, dovecot, new_user):
    with before(size=20, warm=2, max_snapshot_age="0s") as proxy:
        for _ in range(6):
            with proxy.connect() as session:
                session.log_in(new_user()).ok("QUIT")
        until(lambda: pool(proxy, "warm") >= 1, "a warm connection")
        dovecot.kill()
        dovecot.restart()
        for _ in range(4):
            with proxy.connect() as session:
                session.log_in(new_user()).ok("QUIT")
