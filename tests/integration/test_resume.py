"""Nodes that share their storage die under their clients' sessions, and no client notices.

Real mail programs in one go, no second try; then single moments, one by one. POPLAR_STORM_MESSAGES (200) is how
many messages each program finds.
"""

import collections
import os
import pathlib
import signal
import time
import urllib.request

import pytest

import corpus
from corpus import as_sent
from exposition import value
from node_storm import FAULTS, NodeStorm
from poplar import Poplar, node
from shared_stand import HEALTH, POOL, TIMEOUTS, Readers, SharedStand, user_names
from sockets import established, unread
from waiting import until
from wire import Pop3, unstuff

MESSAGES = int(os.environ.get("POPLAR_STORM_MESSAGES", "200"))
_LINE = 200_000  # bytes a second: 20 seconds for 200 messages, and what the nodes' deaths cost
_USERS = [f"guest{number}" for number in range(40)]


@pytest.fixture(scope="module")
def stand(folder, node_certificate):
    with SharedStand(folder / "stand", node_certificate, [*_USERS, *user_names(1)]) as made:
        yield made


@pytest.fixture(scope="module")
def proxy(folder, binary, authority, stand):
    assert binary
    nodes = [node(each.name, each.pop3_port) for each in stand.nodes]
    with Poplar(folder / "poplar", nodes, authority, shared=True, health=HEALTH, pool=POOL, timeouts=TIMEOUTS,
                resume={"enabled": True, "deadline": "15s"}) as made:
        yield made
        made.idle()


def in_service(proxy) -> bool:
    return proxy.metric("poplar_node_in_service") == 3


@pytest.fixture
def hurt(stand, proxy):
    """hurt(node, fault) does to the node what is said; when the test is over, all is well again."""
    until(lambda: in_service(proxy), "all nodes to be in service")
    hurt_ones = []

    def now(each, fault: str = "kill"):
        hurt_ones.append((each, fault))
        if fault == "kill":
            each.kill()
        elif fault == "restart":
            each.restart_whole()
        elif fault == "down":
            set_state(proxy, each, "down")
        else:
            each.signal_all(signal.SIGSTOP)
    yield now
    for each, fault in hurt_ones:
        if fault == "down":
            set_state(proxy, each, "up")
        else:
            each.restart()
    until(lambda: in_service(proxy), "all nodes to be in service")


def set_state(proxy, each, state: str):
    url = f"http://127.0.0.1:{proxy.admin_port}/nodes/main/{each.name}?state={state}"
    with urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=10) as got:
        assert got.status == 200


@pytest.fixture
def guest(proxy, stand, new_guest):
    """guest(messages) is (session, node): somebody who has just logged in to find these, and where."""
    sessions = []

    def log_in(messages):
        user = new_guest()
        stand.deliver(user, messages)
        sessions.append(proxy.connect(timeout=30.0).log_in(user))
        return user, sessions[-1], stand.serving(user)
    yield log_in
    for session in sessions:
        session.close()
    proxy.idle()


@pytest.fixture(scope="module")
def new_guest():
    names = iter(_USERS)
    return lambda: next(names)


def resumes(proxy, user):
    """How often the user's only session that has ended went on elsewhere; and that it ended in order."""
    proxy.idle()
    found, = [line for line in proxy.sessions() if line["user"] == user]
    assert found["reason"] == "quit", found
    return found.get("resumes", 0)


# --- the storm


def test_mail_programs_notice_nothing(stand, proxy, authority, record_property):
    readers, storm = Readers(stand, MESSAGES, 1, _LINE), NodeStorm(stand.nodes)
    readers.fill()
    readers.read(proxy.port, authority.file, 1, storm)
    proxy.idle()
    lines = [line for line in proxy.sessions() if line["user"] in readers.names]
    resumed = collections.Counter()
    for line in lines:
        resumed[line["user"]] += line.get("resumes", 0)
    record_property("faults", len(storm.faults))
    record_property("resumed", sum(resumed.values()))
    print(f"{len(storm.faults)} faults, {len(lines)} sessions, resumed {dict(resumed)}")
    bad = [line for line in lines if line["reason"] != "quit"]
    assert not readers.failed(), (readers.failed(), bad)
    assert not bad, bad
    for reader in readers.readers:
        assert not readers.tally(reader), (reader.name, readers.tally(reader))
    # The storm has to have hit them, or nothing was shown.
    assert all(storm.count(fault) for fault in FAULTS), storm.faults
    assert sum(resumed.values()) >= len(readers.readers), resumed


# --- single moments

@pytest.mark.parametrize("fault", ["kill", "restart", "freeze", "down"])
def test_between_two_commands(fault, guest, hurt, stand, proxy):
    """A client that knows numbers only."""
    messages = corpus.plain()
    names, sent = list(messages), [as_sent(content) for content in messages.values()]
    user, session, home = guest(messages)
    assert session.retrieve(1) == sent[0]
    session.ok("DELE 1")
    hurt(home, fault)
    assert session.count() == len(names) - 1
    assert [session.retrieve(number) for number in range(2, len(names) + 1)] == sent[1:]
    assert session.command("RETR 1").startswith(b"-ERR"), "deleted within this session"
    session.ok("DELE 3")
    assert stand.stored(user) == sorted(names), "nothing before QUIT"
    session.ok("QUIT")
    assert stand.stored(user) == sorted(names[1:2] + names[3:])
    assert resumes(proxy, user) == 1


def test_a_client_that_only_looks(guest, hurt, proxy):
    user, session, home = guest(corpus.plain())
    before = session.ok("STAT")
    hurt(home)
    assert session.ok("STAT") == before
    session.ok("NOOP")
    session.ok("QUIT")
    assert resumes(proxy, user) == 1


@pytest.mark.parametrize("fault", ["kill", "freeze", "down"])
def test_in_the_middle_of_twenty_megabytes(fault, guest, hurt, proxy):
    content = corpus.large()
    user, session, home = guest(content)
    session.send(b"RETR 1\r\n")
    assert session.line().startswith(b"+OK")
    while len(session.buffer) < 1 << 20:
        session._more()
    hurt(home, fault)
    assert unstuff(session.body()) == as_sent(content["large"])
    session.ok("DELE 1")
    session.ok("QUIT")
    assert resumes(proxy, user) == 1


def test_a_hundred_commands_under_way(guest, hurt, stand, proxy):
    """Their answers, in order and each whole, though the node had some of them and died of a kill."""
    messages = corpus.mixed(100, seed=77)
    sent = [as_sent(content) for content in messages.values()]
    user, session, home = guest(messages)
    session.send(b"".join(b"RETR %d\r\nDELE %d\r\n" % (number, number) for number in range(1, 101)))
    for number, content in enumerate(sent):
        if number == 30:
            hurt(home)
        assert session.line().startswith(b"+OK")
        assert unstuff(session.body()) == content
        assert session.line().startswith(b"+OK"), f"DELE {number + 1}"
    session.ok("QUIT")
    assert stand.stored(user) == []
    assert resumes(proxy, user) == 1


def quit_on(home, session):
    """Sends QUIT to a node that is stopped, and waits until it lies with that node."""
    clients = established(home.pop3_port)
    before = unread(home.pop3_port, clients)
    session.send(b"QUIT\r\n")
    until(lambda: unread(home.pop3_port, clients) >= before + len("QUIT\r\n"), "the QUIT to reach the node")


@pytest.mark.parametrize("fault", ["kill", "freeze"])
def test_a_quit_with_deletes_is_settled_elsewhere(fault, guest, hurt, stand, proxy):
    """The node has the QUIT, and dies, or never says a word, before it does anything about it."""
    messages = corpus.plain()
    names = list(messages)
    user, session, home = guest(messages)
    for number in (2, 5, 7):
        session.ok(f"DELE {number}")
    hurt(home, "freeze")
    quit_on(home, session)
    if fault == "kill":
        home.kill()
    assert session.line().startswith(b"+OK")
    kept = sorted(name for number, name in enumerate(names, 1) if number not in (2, 5, 7))
    assert stand.stored(user) == kept
    assert resumes(proxy, user) == 1
    if fault == "freeze":  # the node wakes up and does what it was told: it has been done
        home.signal_all(signal.SIGCONT)
        until(lambda: f"pop3({user})" in home.log.read_text(errors="replace").split(f"Login: user=<{user}>")[1],
              "the old session to end")
        assert stand.stored(user) == kept


def test_new_mail_stays_hidden(guest, hurt, stand, proxy):
    messages = corpus.plain()
    user, session, home = guest(messages)

    def look():
        """What the answers say; the words behind a listing's +OK are free."""
        listings = [session.ok(command).partition(b"\r\n")[2] for command in ("LIST", "UIDL")]
        return session.ok("STAT"), *listings

    seen = look()
    stand.deliver(user, {"late": corpus.message("late", b"It came meanwhile.\r\n")})
    hurt(home)
    assert look() == seen
    for command in ("RETR", "LIST", "UIDL", "DELE"):
        assert session.command(f"{command} {len(messages) + 1}").startswith(b"-ERR"), command
    session.ok("DELE 1")
    session.ok("QUIT")
    assert stand.stored(user) == sorted([*list(messages)[1:], "late"])
    with proxy.connect().log_in(user) as next_one:
        assert next_one.count() == len(messages)
        next_one.ok("QUIT")


def test_a_message_that_another_session_expunged(guest, hurt, stand, proxy):
    messages = corpus.plain()
    names, sent = list(messages), [as_sent(content) for content in messages.values()]
    user, session, home = guest(messages)
    before = session.ok("UIDL")
    other = next(each for each in stand.nodes if each is not home)
    with Pop3.connect(other.pop3_port) as elsewhere:
        elsewhere.log_in(user).ok("DELE 3")
        elsewhere.ok("QUIT")
    hurt(home)
    assert session.retrieve(4) == sent[3]
    assert session.command("RETR 3").startswith(b"-ERR")
    assert session.command("UIDL 5") == b"+OK 5 " + before.split(b"\r\n")[5].partition(b" ")[2] + b"\r\n"
    assert session.retrieve(2) == sent[1]
    session.ok("DELE 5")
    session.ok("QUIT")
    assert stand.stored(user) == sorted(names[:2] + names[3:4] + names[5:])
    assert resumes(proxy, user) == 1


def test_a_login_under_way(new_guest, hurt, stand, proxy):
    """The node dies with the credential in its hands, and with it the answer."""
    user = new_guest()
    stand.deliver(user, corpus.plain())
    with proxy.connect().log_in(user) as first:
        first.ok("QUIT")
    home = stand.serving(user)
    until(lambda: value(proxy, "poplar_pool_connections", kind="parked") == 0, "the parked session to end")
    with proxy.connect(timeout=30.0) as session:
        session.ok(f"USER {user}")
        hurt(home, "freeze")
        clients = established(home.pop3_port)
        before = unread(home.pop3_port, clients)
        session.send(b"PASS secret\r\n")
        until(lambda: unread(home.pop3_port, clients) > before, "the login to reach the node by a warm connection")
        home.kill()
        assert session.line().startswith(b"+OK")
        assert session.count() == len(corpus.plain())
        session.ok("QUIT")


def test_the_defaults_suffice(stand, folder, authority, new_guest, hurt):
    """A quiet cluster with nothing set but shared storage: one user, whose node dies and stays dead."""
    messages = corpus.plain()
    user = new_guest()
    stand.deliver(user, messages)
    nodes = [node(each.name, each.pop3_port) for each in stand.nodes]
    with Poplar(folder / "poplar-defaults", nodes, authority, shared=True, health={}, pool={}) as proxy:
        with proxy.connect(timeout=30.0).log_in(user) as session:
            assert len(session.ok("UIDL").splitlines()) == len(messages) + 1
            session.ok("DELE 1")
            hurt(stand.serving(user))
            assert len(session.ok("LIST").splitlines()) == len(messages)
            session.ok("QUIT")
        assert resumes(proxy, user) == 1
    assert len(stand.stored(user)) == len(messages) - 1


# --- what can't be had


@pytest.mark.parametrize("resume", [{"enabled": True, "deadline": "2s"}, {"enabled": False}], ids=["late", "off"])
def test_a_client_is_told_where_it_cannot_go_on(resume, stand, folder, authority, new_guest, hurt):
    """All nodes are dead for longer than the deadline; or the operator wants no session resumed."""
    messages = corpus.plain()
    reader, leaver = new_guest(), new_guest()
    for user in (reader, leaver):
        stand.deliver(user, messages)
    nodes = [node(each.name, each.pop3_port) for each in stand.nodes]
    with Poplar(folder / f"poplar-{resume.get('deadline', 'off')}", nodes, authority, shared=True, health=HEALTH,
                timeouts=TIMEOUTS, resume=resume) as proxy:
        with proxy.connect().log_in(reader) as reads, proxy.connect().log_in(leaver) as leaves:
            reads.ok("DELE 1")
            leaves.ok("DELE 1")
            home = stand.serving(leaver)
            hurt(home, "freeze")
            quit_on(home, leaves)
            for each in stand.nodes:
                hurt(each)
            begin = time.monotonic()
            assert reads.command("RETR 2").startswith(b"-ERR [SYS/TEMP] ")
            with pytest.raises((EOFError, ConnectionError)):
                leaves.line()
            assert time.monotonic() - begin < 10
        proxy.idle()
    for user in (reader, leaver):
        assert stand.stored(user) == sorted(messages)
