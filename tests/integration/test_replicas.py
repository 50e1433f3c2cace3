"""Four Poplars, one Redis: the same user is on the same node whichever Poplar it comes by, whatever breaks."""

import time
import urllib.request

import pytest

from replica_stand import ReplicaLoad, ReplicaStand
from upgrade_stand import Generations, swap_weights
from waiting import until
from wire import Pop3
from witness_nodes import WitnessNodes

USERS = [f"reader{index:02}" for index in range(60)]


@pytest.fixture(name="stand", scope="module")
def _stand(folder, binary, authority):
    with ReplicaStand(folder / "four", authority) as stand:
        yield stand


def _passes(seconds: float):
    began = time.monotonic()
    until(lambda: time.monotonic() >= began + seconds, "time to pass", seconds + 5)


def _in_service(proxy) -> float:
    return proxy.metric("poplar_node_in_service")


def _all_up(stand):
    until(lambda: all(_in_service(proxy) == 3 for proxy in stand.replicas.values()), "all nodes to be back everywhere", 30)


def test_the_witness_tells_whoever_is_on_two_nodes():
    """And nobody whose session has ended, though the node may not have read of it yet."""
    with WitnessNodes(["a", "b"]) as nodes:
        def come(name, user):
            session = Pop3.connect(nodes.ports[name])
            ReplicaStand.finish_login(session, user)
            return session
        with come("a", "anna"), come("a", "anna"), come("b", "ben"):
            assert not nodes.overlaps
            come("b", "anna").close()
            assert [each[1:4] for each in nodes.overlaps] == [("anna", "b", "a")] * 2
            nodes.overlaps.clear()
        for _ in range(50):
            come("a", "carl").close()
            come("b", "carl").close()
        assert not nodes.overlaps


def test_nobody_is_on_two_nodes_whatever_breaks(stand):
    with ReplicaLoad(stand, USERS) as load:
        until(lambda: load.done > 400, "the load to run", 30)
        # A node dies, and comes back.
        stand.nodes.kill("a")
        until(lambda: all(_in_service(proxy) == 2 for proxy in stand.replicas.values()), "a to be out everywhere", 20)
        _passes(2)
        stand.nodes.start("a")
        _all_up(stand)
        _passes(5)  # all users are at home again
        # Redis forgets everything.
        stand.redis.kill()
        stand.redis.start()
        _passes(4)
        # A node flaps.
        for _ in range(5):
            stand.nodes.kill("b")
            _passes(0.4)
            stand.nodes.start("b")
            _passes(0.4)
        _all_up(stand)
        _passes(5)
        # A replica dies, and another takes its place.
        stand.kill("replica2")
        _passes(2)
        stand.start("replica2")
        _passes(1)
        stand.redis.kill()
        _passes(0.5)
        stand.redis.start()
        _passes(4)
    print(f"{load.done} sessions, {load.lost} lost, {len(load.failed)} failed, slowest login {load.slowest:.1f} s, "
          f"{dict(stand.nodes.logins)}")
    assert not stand.nodes.overlaps, stand.nodes.overlaps[:5]
    assert not load.failed, load.failed[:5]
    assert load.done > 4000, load.done
    for proxy in stand.replicas.values():
        proxy.idle()
        assert proxy.metric("poplar_shared_state_up") == 1


# --- upgrades and drains


@pytest.fixture(name="lasting", scope="module")
def _lasting(folder, binary, authority):
    """Most users' home is b; by a file with other weights it is another."""
    with ReplicaStand(folder / "lasting", authority, replicas=3, kind=Generations, weights=(1, 1000, 1), workers=4,
                      drain={"idle_grace": "60s", "timeout": "60s"}) as stand:
        yield stand


def _is_on(stand, name: str, user: str):
    """Where a login by this replica finds the user."""
    with stand.log_in(name, user) as session:
        assert session.greeting.startswith(b"+OK"), session.greeting
        where = stand.nodes.on(user)
        session.ok("QUIT")
    return where


def test_upgrades_of_a_replica_leave_nobody_on_two_nodes(lasting):
    """The new process of each has other homes for most users than the old one and the other replicas."""
    proxy = lasting.replicas["replica1"]
    with ReplicaLoad(lasting, USERS) as load:
        until(lambda: load.done > 200, "the load to run", 30)
        with lasting.log_in("replica1", "stayer") as old:
            where = lasting.nodes.on("stayer")
            for index in range(4):
                before = load.done
                proxy.configure(swap_weights)
                proxy.upgrade()
                if index == 2:  # it forgets everything, and both processes claim what they hold
                    lasting.redis.kill()
                    lasting.redis.start()
                until(lambda: load.done > before + 300, "the load to go on", 30)
                for name in lasting.names:
                    assert _is_on(lasting, name, "stayer") == where
                # Who is there by another replica is followed by logins of either process.
                with lasting.log_in("replica2", f"guest{index}") as guest:
                    assert _is_on(lasting, "replica1", f"guest{index}") == lasting.nodes.on(f"guest{index}")
                    guest.ok("NOOP")
                old.ok("NOOP")
            with lasting.connect("replica1") as late:  # to the process that is replaced
                proxy.configure(swap_weights)
                proxy.upgrade()
                with lasting.log_in("replica2", "latecomer"):
                    lasting.finish_login(late, "latecomer")
                    assert late.greeting.startswith(b"+OK"), late.greeting
                    assert len(lasting.nodes.on("latecomer")) == 1
                    late.ok("QUIT")
            old.ok("QUIT")
    print(f"{load.done} sessions, {load.lost} lost, slowest login {load.slowest:.1f} s, {dict(lasting.nodes.logins)}")
    assert not lasting.nodes.overlaps, lasting.nodes.overlaps[:5]
    assert not load.failed, load.failed[:5]
    assert not load.lost
    proxy.until_ended(proxy.pids[:-1], 30)
    until(lambda: all(each.metric("poplar_shared_state_replicas") == 3 for each in lasting.replicas.values()),
          "each to know of three, and of no process that was before")


def test_a_drain_holds_its_users_until_the_last_session_ends(lasting):
    """Whichever worker has it."""
    leaving = lasting.replicas["replica3"]
    with lasting.log_in("replica3", "hanger-on") as session:
        (where,) = lasting.nodes.on("hanger-on")
        _set(leaving, f"nodes/main/{where}?state=drain")
        until(lambda: all(_in_service(each) == 2 for each in lasting.replicas.values()), "the drain to reach all")
        leaving.terminate_newest()
        until(lambda: lasting.replicas["replica1"].metric("poplar_shared_state_replicas") == 2, "it to count no more")
        _passes(4.5)  # more than a lease
        assert _is_on(lasting, "replica1", "hanger-on") == {where}
        session.ok("QUIT")
    leaving.until_ended(leaving.pids, 20)
    until(lambda: where not in _is_on(lasting, "replica1", "hanger-on"), "the user to be free")
    _set(lasting.replicas["replica1"], f"nodes/main/{where}?state=up")
    assert not lasting.nodes.overlaps, lasting.nodes.overlaps[:5]


# --- what replicas tell each other


@pytest.fixture(name="pair", scope="module")
def _pair(folder, binary, authority):
    with ReplicaStand(folder / "two", authority, replicas=2, password="let-me-in", cluster={"user_sessions": 2},
                      admission={"trusted": [], "login_delay": {"first": "1s", "longest": "4s"}}) as stand:
        yield stand


def _home(stand, user: str) -> str:
    with stand.log_in("replica1", user) as session:
        assert session.greeting.startswith(b"+OK"), session.greeting
        (where,) = stand.nodes.on(user)
        session.ok("QUIT")
    until(lambda: not stand.nodes.on(user), "the user to be gone")
    return where


def _set(proxy, target: str):
    url = f"http://127.0.0.1:{proxy.admin_port}/{target}"
    with urllib.request.urlopen(urllib.request.Request(url, b"", method="POST"), timeout=10) as got:
        return got.status, got.read()


def _up(stand, value: int):
    return lambda: all(proxy.metric("poplar_shared_state_up") == value for proxy in stand.replicas.values())


def test_a_drain_reaches_all_and_whoever_has_a_session_is_followed(pair):
    where = _home(pair, "anna")
    with pair.log_in("replica1", "anna"):
        _set(pair.replicas["replica1"], f"nodes/main/{where}?state=drain")
        until(lambda: _in_service(pair.replicas["replica2"]) == 2, "the drain to reach the other")
        # The other Poplar knows nothing of the session but by the store.
        with pair.log_in("replica2", "anna") as second:
            assert second.greeting.startswith(b"+OK"), second.greeting
            assert pair.nodes.on("anna") == {where}
    until(lambda: not pair.nodes.on("anna"), "both to be gone")
    with pair.log_in("replica2", "anna") as third:
        assert third.greeting.startswith(b"+OK") and where not in pair.nodes.on("anna")
    _set(pair.replicas["replica2"], f"nodes/main/{where}?state=up")
    until(lambda: _in_service(pair.replicas["replica1"]) == 3, "its end likewise")


def test_a_replica_that_starts_later_knows_what_was_set(pair):
    _set(pair.replicas["replica1"], "nodes/main/b?state=drain")
    until(lambda: _in_service(pair.replicas["replica2"]) == 2, "the drain to reach the other")
    pair.kill("replica2")
    pair.start("replica2")
    until(lambda: _in_service(pair.replicas["replica2"]) == 2, "the drain to reach the new one")
    _set(pair.replicas["replica1"], "nodes/main/b?state=up")
    until(lambda: _in_service(pair.replicas["replica2"]) == 3, "its end likewise")
    pair.settled()


def test_a_kick_reaches_all(pair):
    with pair.log_in("replica1", "ben") as one, pair.log_in("replica2", "ben") as two:
        _set(pair.replicas["replica1"], "api/v1/kick?user=ben")
        for session in (one, two):
            assert b"ended by the operator" in session.line()


def test_sessions_count_over_all(pair):
    with pair.log_in("replica1", "carl") as one, pair.log_in("replica2", "carl") as two:
        assert one.greeting.startswith(b"+OK") and two.greeting.startswith(b"+OK")
        with pair.log_in("replica2", "carl") as third:
            assert third.greeting.startswith(b"-ERR [IN-USE]"), third.greeting
        one.ok("QUIT")
        with pair.log_in("replica1", "carl") as fourth:
            assert fourth.greeting.startswith(b"+OK"), fourth.greeting


def test_wrong_passwords_count_over_all(pair):
    with pair.log_in("replica1", "dora", "wrong") as session:
        assert session.greeting.startswith(b"-ERR [AUTH]")

    def is_slow():
        began = time.monotonic()
        pair.log_in("replica2", "dora").close()
        return time.monotonic() - began > 0.9
    # The first good login there forgives; so the note has to be there first.
    until(lambda: int(pair.redis.ask("XLEN", "poplar:penalties")[1:]) > 0, "the note")
    _passes(0.5)
    assert is_slow()


def test_without_redis_logins_go_on(pair):
    with pair.log_in("replica1", "emil"):
        pair.redis.freeze()
        until(_up(pair, 0), "Redis to be given up")
        began = time.monotonic()
        for name in ("replica1", "replica2"):
            with pair.log_in(name, "emil") as session:
                assert session.greeting.startswith(b"+OK"), session.greeting
                session.ok("QUIT")
        assert time.monotonic() - began < 2
        pair.redis.thaw()
        until(_up(pair, 1), "Redis to be back")
    said = [line["message"] for line in pair.replicas["replica1"].lines() if line["event"] == "process"]
    assert len([each for each in said if "is away" in each]) == 1, said
    assert "let-me-in" not in pair.replicas["replica1"].log.read_text()
    assert not pair.nodes.overlaps
