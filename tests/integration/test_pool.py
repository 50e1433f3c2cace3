"""Parked sessions in front of a real Dovecot: whom they serve, how long, how they end, and who is never parked."""

import re
import time

import pytest

import corpus
from dovecot import PASSWORD, Dovecot
from exposition import value
from poplar import node
from waiting import until
from wire import fetch_all

USERS = [f"user{index:03}" for index in range(400)]


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    with Dovecot(folder / "dovecot", "node1", node_certificate, USERS) as made:
        yield made


@pytest.fixture
def reader(dovecot, new_user):
    """A user with three messages."""
    user = new_user()
    dovecot.deliver(user, {name: corpus.message(name, name.encode() + b" of " + user.encode() + b"\r\n")
                           for name in ("one", "two", "three")})
    return user


@pytest.fixture
def before(start, dovecot):
    """before(**pool): a Poplar in front of the one node; a session's view may be 5 s old unless said otherwise."""
    def make(clusters=None, **pool):
        sections = {"clusters": clusters} if clusters else {}
        return start([node("node1", dovecot.pop3_port)], pool=pool, **sections)
    return make


def visit(proxy, user, *commands, password=PASSWORD):
    """A whole session; the answers to `commands`. When it returns, the node's session is parked, if it is at all: that
    comes between the answer to QUIT and the end of the connection."""
    with proxy.connect() as session:
        session.log_in(user, password)
        answers = [session.command(command) for command in commands]
        session.ok("QUIT")
        assert session.at_end()
    return answers


def let_in(nodes, user, times: int) -> bool:
    """Whether the nodes let the user in so often, and no more often. Their logs come with a little delay."""
    until(lambda: sum(each.logins(user) for each in nodes) >= times, f"{times} logins of {user}")
    return sum(each.logins(user) for each in nodes) == times


def ends(dovecot, user):
    """Why the node's sessions of this user ended, in order: what Dovecot wrote behind `Disconnected:`."""
    found = re.findall(rf"pop3\({user}\).*Info: Disconnected: (.*?) top=", dovecot.log.read_text())
    return found


def outcome(proxy, name: str) -> float:
    return value(proxy, "poplar_pool_parked_outcomes_total", outcome=name)


def parked(proxy) -> float:
    return value(proxy, "poplar_pool_connections", kind="parked")


# --- whom a parked session serves


def test_the_next_login_needs_none_at_the_node(before, dovecot, reader):
    with before() as proxy:
        first = visit(proxy, reader, "CAPA", "STAT", "UIDL", "LIST", "RETR 2")
        until(lambda: parked(proxy) == 1, "the session to be kept")
        assert ends(dovecot, reader) == [], "the client left, its session at the node did not"
        assert visit(proxy, reader, "CAPA", "STAT", "UIDL", "LIST", "RETR 2") == first
        assert let_in([dovecot], reader, 1)
        assert value(proxy, "poplar_pool_takes_total", source="parked") == 1
        assert outcome(proxy, "reused") == 1
        assert value(proxy, "poplar_pool_snapshot_age_seconds_count") == 1
        assert 0 < value(proxy, "poplar_pool_snapshot_age_seconds_sum") < 5
        assert [line["reason"] for line in proxy.sessions() if line["user"] == reader] == ["quit", "quit"]


def test_an_account_test_and_what_follows_cost_the_node_one_login(before, dovecot, reader):
    """Outlook's button, and K-9's, each log in, look and leave; the real session comes within the second."""
    with before() as proxy:
        tested = visit(proxy, reader, "STAT", "LIST", "UIDL")
        assert visit(proxy, reader, "UIDL") == tested[2:]
        real = visit(proxy, reader, "STAT", "LIST", "UIDL", "RETR 1", "RETR 2", "RETR 3")
        assert real[:3] == tested
        assert all(name in answer for name, answer in zip((b"one of ", b"two of ", b"three of "), real[3:]))
        assert let_in([dovecot], reader, 1)
        assert outcome(proxy, "reused") == 2
        assert [line["lease"] for line in proxy.sessions() if line["user"] == reader] == ["new", "parked", "parked"]


def test_another_user_gets_the_own_maildrop(before, dovecot, new_user, reader):
    with before() as proxy:
        other = new_user()
        dovecot.deliver(other, {"own": corpus.message("own", b"of the other\r\n")})
        visit(proxy, reader)
        assert b"of the other" in visit(proxy, other, "RETR 1")[0]
        assert let_in([dovecot], other, 1)


def test_another_password_is_for_the_node_to_judge(before, dovecot, reader):
    """The parked session ends first; the node refuses; the right password then logs in anew."""
    with before() as proxy:
        visit(proxy, reader)
        with proxy.connect() as session:
            session.ok(f"USER {reader}")
            answer = session.command("PASS wrong")
            assert answer.startswith(b"-ERR [AUTH]"), answer
        until(lambda: ends(dovecot, reader) == ["Logged out"], "the parked session's end")
        until(lambda: re.search(rf"auth failed, 1 attempts.*user=<{reader}>", dovecot.log.read_text()),
              "the node to have seen the attempt")
        assert outcome(proxy, "other_credential") == 1
        visit(proxy, reader)
        assert let_in([dovecot], reader, 2)


def test_a_second_session_beside_a_live_one_has_its_own(before, dovecot, reader):
    with before() as proxy, proxy.connect() as one, proxy.connect() as two:
        one.log_in(reader)
        two.log_in(reader)
        assert fetch_all(one) == fetch_all(two)
        assert let_in([dovecot], reader, 2)
        one.ok("QUIT")
        two.ok("QUIT")
        until(lambda: ends(dovecot, reader) == ["Logged out"], "one of the two to be kept, at most")


# --- while the snapshot's age, counted from the node's answer to the login, allows it


def test_new_mail_is_seen_once_the_snapshot_is_too_old(before, dovecot, reader):
    """A user polled all the time: no poll refreshes the age, and no poll shows an older view than allowed."""
    age = 1.5
    with before(max_snapshot_age="1500ms") as proxy:
        begin, polls = time.monotonic(), []
        visit(proxy, reader, "STAT")  # Dovecot says +OK to PASS before it has looked
        dovecot.deliver(reader, {"new": corpus.message("new", b"new\r\n")})
        delivered = time.monotonic()
        while time.monotonic() < begin + 5:
            started = time.monotonic()
            count = int(visit(proxy, reader, "STAT")[0].split()[1])
            polls.append((started - delivered, count))
            assert count == 4 or started < delivered + age, f"stale: {polls}"
        assert polls[0][1] == 3, "the first one was served from the parked session"
        assert polls[-1][1] == 4
        # At most one login at the node for each stretch of the age, and one more.
        assert 3 <= dovecot.logins(reader) <= 5, dovecot.logins(reader)
        assert outcome(proxy, "reused") >= len(polls) - 4
    assert set(ends(dovecot, reader)) == {"Logged out"}


def test_zero_turns_parking_off(before, dovecot, reader):
    with before(max_snapshot_age="0s") as proxy:
        for expected in (1, 2):
            visit(proxy, reader)
            assert let_in([dovecot], reader, expected)
            until(lambda: len(ends(dovecot, reader)) == expected, "the session's end")
        assert parked(proxy) == 0


def test_a_parked_session_that_expires_ends_with_quit(before, dovecot, reader):
    with before(max_snapshot_age="1s") as proxy:
        visit(proxy, reader)
        until(lambda: ends(dovecot, reader) == ["Logged out"], "its end")
        until(lambda: parked(proxy) == 0, "the gauge to know")
        until(lambda: outcome(proxy, "expired") == 1, "the outcome to be counted")


def test_the_oldest_goes_when_there_are_too_many(before, dovecot, new_user):
    users = [new_user() for _ in range(4)]
    with before(parked=2, max_snapshot_age="60s") as proxy:
        for user in users:
            visit(proxy, user)
        until(lambda: ends(dovecot, users[1]) == ["Logged out"], "the second one's end")
        until(lambda: ends(dovecot, users[0]) == ["Logged out"], "the first one's end")
        assert parked(proxy) == 2 and outcome(proxy, "evicted") == 2
        visit(proxy, users[3])
        assert let_in([dovecot], users[3], 1)


# --- who is parked: a complete QUIT, no DELE, nothing outstanding or behind, never opaque, no trouble


def test_a_session_with_deletes_is_not_parked(before, dovecot, reader):
    with before() as proxy:
        visit(proxy, reader, "DELE 1")
        assert dovecot.stored(reader) == ["three", "two"], "the node said +OK to QUIT, so it is done"
        assert parked(proxy) == 0
        until(lambda: ends(dovecot, reader) == ["Logged out"], "the node's session to have ended")
        assert visit(proxy, reader, "STAT")[0].split()[1] == b"2"
        assert let_in([dovecot], reader, 2)


def test_a_client_that_vanishes_is_given_no_quit(before, dovecot, reader):
    for number, commands in enumerate(([], ["STAT", "RETR 1"], ["DELE 1"]), start=1):
        with before() as proxy:
            with proxy.connect() as session:
                session.log_in(reader)
                for command in commands:
                    session.ok(command)
            proxy.idle()
            assert parked(proxy) == 0
            until(lambda: len(ends(dovecot, reader)) == number, "the node's session to end")
            assert ends(dovecot, reader)[-1] == "Connection closed"
    assert dovecot.stored(reader) == ["one", "three", "two"]


def test_half_a_quit_is_none(before, dovecot, reader):
    with before() as proxy:
        with proxy.connect() as session:
            session.log_in(reader)
            session.ok("DELE 1")
            session.send(b"QUIT\r")
        proxy.idle()
        until(lambda: ends(dovecot, reader) == ["Connection closed"], "the node's session to end")
        assert dovecot.stored(reader) == ["one", "three", "two"]


def test_something_pipelined_behind_quit(before, dovecot, reader):
    with before() as proxy:
        with proxy.connect() as session:
            session.log_in(reader)
            session.send(b"QUIT\r\nNOOP\r\n")
            assert session.line().startswith(b"+OK") and session.at_end()
        until(lambda: ends(dovecot, reader) == ["Logged out"], "the node's own end of it")
        assert parked(proxy) == 0


def test_an_opaque_session_is_not_parked(before, dovecot, reader):
    with before() as proxy:
        with proxy.connect() as session:
            session.log_in(reader)
            assert session.command("XSECRET").startswith(b"-ERR")
            session.ok("QUIT")
        until(lambda: ends(dovecot, reader) == ["Logged out"], "the node's own end of it")
        assert parked(proxy) == 0


def test_a_quit_behind_other_commands_waits_for_their_answers(before, dovecot, reader):
    """Pipelined up to QUIT: all answers come, in order, and then the session may be kept."""
    with before() as proxy:
        with proxy.connect() as session:
            session.log_in(reader)
            session.send(b"STAT\r\nRETR 1\r\nNOOP\r\nQUIT\r\n")
            assert session.response(b"STAT").startswith(b"+OK 3 ")
            assert b"one of " in session.response(b"RETR 1")
            assert session.response(b"NOOP").startswith(b"+OK")
            assert session.response(b"QUIT").startswith(b"+OK") and session.at_end()
        assert visit(proxy, reader, "STAT")[0].startswith(b"+OK 3 ")
        assert set(ends(dovecot, reader)) <= {"Logged out"}


# --- the end of parked sessions


def test_sigterm_ends_parked_sessions_with_quit(before, dovecot, new_user):
    users = [new_user() for _ in range(5)]
    with before(max_snapshot_age="60s") as proxy:
        for user in users:
            visit(proxy, user)
        until(lambda: parked(proxy) == 5, "all to be kept")
        proxy.terminate()
        assert proxy.child.process.wait(10) == 0
    for user in users:
        until(lambda: ends(dovecot, user) == ["Logged out"], f"the end of {user}'s session")


def test_a_drained_node_has_none_left(before, dovecot, reader):
    import urllib.request
    with before(max_snapshot_age="60s") as proxy:
        visit(proxy, reader)
        url = f"http://127.0.0.1:{proxy.admin_port}/nodes/main/node1?state=drain"
        urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=10).close()
        until(lambda: ends(dovecot, reader) == ["Logged out"], "its end")


def test_one_that_died_is_replaced_silently(before, dovecot, reader):
    with before(max_snapshot_age="60s") as proxy:
        visit(proxy, reader, "STAT")  # Dovecot is done with it: the kill leaves no lock behind
        dovecot.kill()
        dovecot.restart()
        assert visit(proxy, reader, "STAT")[0].startswith(b"+OK 3 ")
        assert outcome(proxy, "dead") == 1


# --- nodes that lock: Dovecot's pop3_lock_session lets a second login wait for two minutes


@pytest.fixture(scope="module")
def locking(folder, node_certificate):
    """Two nodes that lock, over one Maildir tree."""
    mail = folder / "locked-mail"
    with Dovecot(folder / "locking1", "node1", node_certificate, USERS, mail, "pop3_lock_session = yes\n") as one, \
            Dovecot(folder / "locking2", "node2", node_certificate, USERS, mail,
                    "pop3_lock_session = yes\n") as two:
        yield [one, two]


@pytest.fixture
def lockers(start, locking):
    def make(**cluster):
        nodes = [node(each.name, each.pop3_port) for each in locking]
        return start([], clusters=[{"name": "main", "shared_storage": True, "maildrop_lock": "exclusive",
                                    "nodes": nodes, **cluster}], pool={"max_snapshot_age": "60s"})
    return make


def test_the_lock_of_a_parked_session_holds_nobody_up(lockers, locking, new_user):
    user = new_user()
    locking[0].deliver(user, {"one": corpus.message("one", b"one\r\n")})
    with lockers() as proxy:
        visit(proxy, user)
        begin = time.monotonic()
        with proxy.connect() as session:
            session.ok(f"USER {user}")
            assert session.command("PASS wrong").startswith(b"-ERR [AUTH]")
            session.log_in(user)
            assert session.count() == 1
            session.ok("QUIT")
        assert time.monotonic() - begin < 5
        assert let_in(locking, user, 2)


def test_a_login_elsewhere_waits_for_the_parked_session_to_end(lockers, locking, new_user):
    import urllib.request
    user = new_user()
    locking[0].deliver(user, {"one": corpus.message("one", b"one\r\n")})
    with lockers() as proxy:
        visit(proxy, user)
        assert let_in(locking, user, 1)
        home, other = sorted(locking, key=lambda each: -each.logins(user))
        url = f"http://127.0.0.1:{proxy.admin_port}/nodes/main/{home.name}?state=drain"
        urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=10).close()

        def served_elsewhere():
            begin = time.monotonic()
            assert visit(proxy, user, "STAT")[0].startswith(b"+OK 1 ")
            assert time.monotonic() - begin < 5
            return other.logins(user) >= 1
        # Until the drain has ended it, the session parked at home leads.
        until(served_elsewhere, "the user to move", every=0.1)
        assert home.logins(user) == other.logins(user) == 1 and ends(home, user) == ["Logged out"]


def test_one_session_of_a_user_at_a_time(lockers, locking, new_user):
    """user_sessions: 1. The node would let the second login wait until its client gives up."""
    user = new_user()
    with lockers(user_sessions=1) as proxy, proxy.connect() as one, proxy.connect() as two:
        one.log_in(user)
        two.ok(f"USER {user}")
        begin = time.monotonic()
        answer = two.command("PASS secret")
        assert answer.startswith(b"-ERR [IN-USE]"), answer
        assert time.monotonic() - begin < 10
        one.ok("QUIT")
        two.log_in(user)
        two.ok("QUIT")
        assert let_in(locking, user, 1), "the second one had the parked session"
