"""Each user to a node of their own: stable, spread, and never to a wrong maildrop."""

import collections

import corpus
from dovecot import Dovecot
from fake_node import FakeNode
from poplar import node


def visit(proxy, user) -> str:
    """Logs in and out; the name of the node that the session log gives."""
    proxy.idle()
    before = len(proxy.sessions())
    with proxy.connect() as session:
        session.log_in(user)
        session.ok("QUIT")
    cluster, name = proxy.session(before)["node"].split("/")
    assert cluster == "main"
    return name


def fakes(count):
    return [FakeNode() for _ in range(count)]


def named(nodes, **more):
    return [node(f"node{index}", each.port, **more) for index, each in enumerate(nodes, 1)]


def test_a_user_stays_on_the_same_real_node(shared_proxy, shared_nodes, new_user):
    for _ in range(10):
        user = new_user()
        shared_nodes[0].deliver(user, {"one": corpus.message("one", b"one\r\n")})
        before = [each.logins(user) for each in shared_nodes]
        places = {visit(shared_proxy, user) for _ in range(3)}
        after = [each.logins(user) for each in shared_nodes]
        assert len(places) == 1
        counts = {each.name: new - old for each, old, new in zip(shared_nodes, before, after)}
        assert counts == {each.name: 3 * (each.name in places) for each in shared_nodes}


def test_users_spread_over_the_nodes(start):
    nodes = fakes(3)
    with start(named(nodes)) as proxy:
        places = collections.Counter(visit(proxy, f"reader{index}") for index in range(120))
    assert set(places) == {"node1", "node2", "node3"}
    assert min(places.values()) >= 20, places  # 40 each on average; 20 is 3.9 sigma away


def test_weight_zero_gets_nobody(start):
    nodes = fakes(3)
    entries = named(nodes)
    entries[1]["weight"] = 0
    with start(entries) as proxy:
        places = {visit(proxy, f"reader{index}") for index in range(40)}
    asked = {command.split()[0] for command in nodes[1].commands}
    assert places == {"node1", "node3"} and not asked


def test_the_mapping_outlives_a_restart_and_the_lists_order(start):
    nodes = fakes(3)
    users = [f"reader{index}" for index in range(20)]
    with start(named(nodes)) as proxy:
        first = [visit(proxy, user) for user in users]
    with start(list(reversed(named(nodes)))) as proxy:
        assert [visit(proxy, user) for user in users] == first


def test_the_names_case_does_not_matter(start):
    with start(named(fakes(3))) as proxy:
        for index in range(10):
            assert visit(proxy, f"Reader{index}") == visit(proxy, f"rEADER{index}")


def test_shared_storage_takes_the_next_node_when_one_is_gone(start):
    nodes = fakes(3)
    users = [f"reader{index}" for index in range(30)]
    with start(named(nodes), shared=True) as proxy:
        before = {user: visit(proxy, user) for user in users}
        nodes[0].stop()
        after = {user: visit(proxy, user) for user in users}
    for user in users:
        if before[user] == "node1":
            assert after[user] != "node1"
        else:
            assert after[user] == before[user], "only the dead node's users may move"
    assert "node1" in before.values()


def test_without_shared_storage_nobody_moves(start):
    nodes = fakes(3)
    users = [f"reader{index}" for index in range(30)]
    with start(named(nodes), shared=False) as proxy:
        before = {user: visit(proxy, user) for user in users}
        nodes[0].stop()
        for user, place in before.items():
            with proxy.connect() as session:
                session.ok(f"USER {user}")
                answer = session.command("PASS secret")
                assert answer.startswith(b"-ERR [SYS/TEMP]") == (place == "node1"), (user, answer)
    assert "node1" in before.values()


def test_separate_storage_shows_each_user_the_own_maildrop(folder, start, node_certificate):
    """Three real nodes that share nothing: the same mail only where the user lives."""
    users = [f"user{index:03}" for index in range(12)]
    nodes = [Dovecot(folder / f"apart{index}", f"node{index}", node_certificate, users)
             for index in (1, 2, 3)]
    try:
        for each in nodes:
            for user in users:
                each.deliver(user, {each.name: corpus.message(each.name, b"here\r\n")})
        with start([node(each.name, each.pop3_port) for each in nodes]) as proxy:
            for user in users:
                place = visit(proxy, user)
                with proxy.connect() as session:
                    session.log_in(user)
                    assert b"Subject: " + place.encode() in session.retrieve(1)
    finally:
        for each in nodes:
            each.stop()
