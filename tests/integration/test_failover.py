"""Real nodes that die, hang, vanish, refuse or fail under a steady load: who notices, and for how long.

Where the nodes share their storage no fault may cost a session or a login, nor ever a wrong byte: sessions are resumed.
With `resume: off` a fault may cost what the node had in its hands, but no login that began after Poplar noticed, nor
anything of a session on another node. Needs root, for a network namespace.
"""

import signal
import time

import pytest

import corpus
from failover_stand import HEALTH, LOGIN_PROBES, TWICE, Stand
from failover_story import Story, served_since, tell
from load import Outcome
from node_watch import NodeWatch
from private_network import PrivateNetwork
from waiting import until


@pytest.fixture(scope="module")
def network():
    with PrivateNetwork() as made:
        yield made


@pytest.fixture(scope="module")
def messages():
    notes = {f"note-{index}": corpus.message(f"note-{index}", b"line\r\n" * 100 * index)
             for index in range(20)}
    return {**corpus.plain(), **corpus.large(1), **notes}


@pytest.fixture
def stand(folder, binary, authority, node_certificate, network, messages, request):
    with Stand(folder / request.node.name, authority, node_certificate, network, messages) as made:
        yield made
        network.heal()


@pytest.fixture(scope="module")
def table(request):
    """Rows (fault, figures); printed when the file is done, whether output is captured or not."""
    rows = []
    yield rows
    with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        if rows:
            print("\n\n" + f"{'fault':30}" + "".join(f"{name:>15}" for name in rows[0][1]))
        for fault, figures in rows:
            print(f"{fault:30}" + "".join(
                f"{value:>15.2f}" if isinstance(value, float) else f"{value:>15}"
                for value in figures.values()))


@pytest.fixture
def told(stand, table, record_property, request):
    """told(story) puts its figures into the table and into the report of the test, and checks what always holds."""
    def tell_it(story):
        table.append((request.node.name.removeprefix("test_"), story.figures()))
        for name, value in story.figures().items():
            record_property(name, value)
        story.check_nothing_inexcusable()
        story.check_after_detection()
    return tell_it


# At most what each of the 24 clients had in hand.
COST = {"on": {"refused_max": 0, "lost_max": 0}, "off": {"refused_max": 24, "lost_max": 24}}


@pytest.mark.parametrize("resume", COST)
def test_a_node_is_killed(stand, told, resume):
    """All its processes at once by SIGKILL, and later a start from what they left behind."""
    stand.start(resume=resume)
    story = tell(stand, lambda name: stand.nodes[name].kill(), lambda name: stand.nodes[name].restart())
    told(story)
    story.check_cost(**COST[resume])


@pytest.mark.parametrize("resume", COST)
def test_a_node_hangs_for_20_seconds(stand, told, resume):
    """SIGSTOP: the kernel still takes connections for it, nobody ever answers."""
    stand.start(resume=resume)
    story = tell(stand, lambda name: stand.nodes[name].signal_all(signal.SIGSTOP),
                 lambda name: stand.nodes[name].signal_all(signal.SIGCONT), lasting=20)
    told(story)
    story.check_cost(**COST[resume])


def test_a_nodes_port_refuses(stand, told):
    """Sessions that live go on; new connections are refused."""
    stand.start()
    story = tell(stand, lambda name: stand.network.refuse(stand.nodes[name].pop3_port),
                 lambda name: stand.network.heal())
    told(story)
    story.check_cost(**COST["on"])


def test_a_node_is_blackholed(stand, told):
    """Its packets are dropped in both directions, those of live connections included."""
    stand.start()
    story = tell(stand, lambda name: stand.network.blackhole(stand.nodes[name].pop3_port),
                 lambda name: stand.network.heal())
    told(story)
    story.check_cost(**COST["on"])


def test_a_node_fails_all_logins(stand, told):
    """-ERR [SYS/TEMP]: probes that log in see it, and no probe of another kind would."""
    stand.start(LOGIN_PROBES)
    story = tell(stand, lambda name: stand.trouble(name, True), lambda name: stand.trouble(name, False))
    told(story)
    story.check_cost(**COST["on"])


def test_a_node_fails_all_logins_and_only_sessions_see_it(stand, told):
    """Probes are content with it. Evidence ejects it, and only the end of the ejection brings it back."""
    stand.start({**HEALTH, "ejection_time": "6s"})
    story = tell(stand, lambda name: stand.trouble(name, True), lambda name: stand.trouble(name, False))
    told(story)
    story.check_cost(**COST["on"])


def test_a_node_loses_its_storage(stand, told):
    """It greets and lets users in, and then says -ERR [SYS/TEMP] Internal error occurred: its mount is gone."""
    stand.start(LOGIN_PROBES)
    story = tell(stand, lambda name: stand.unmount(name, True), lambda name: stand.unmount(name, False))
    for visit in story.visits:
        # What Dovecot says of mail that a session (it may have been parked) saw and that can't be found any more.
        if visit.asked < story.out and visit.node == story.victim and "expunged" in visit.detail:
            visit.outcome = Outcome.LOST
    told(story)
    story.check_cost(refused_max=0, lost_max=24)


def test_a_node_is_restarted(stand, table, record_property):
    """In order and at once, as for an update: whether or not Poplar takes the node out, the cost is small."""
    stand.start()
    story = Story(stand, stand.busiest())
    users = stand.users_of(story.victim)
    with NodeWatch(stand.proxy) as watch, stand.load() as load:
        until(lambda: len(load.visits()) >= 100, "the load to run", 60)
        story.hurt = time.time()
        stand.nodes[story.victim].restart()
        story.healed = time.time()
        until(lambda: watch.in_service(story.victim) and served_since(load, users, story.healed)
              and users <= stand.served(story.victim, story.healed), "its users to be at home", 30, 0.3)
    story.changes, story.visits = watch.changes, load.placed()
    story.out = next((moment for moment, _, serves in story.changes if not serves), 0.0)
    story.back = next((moment for moment, _, serves in story.changes if serves), 0.0)
    table.append(("a_node_is_restarted", story.figures()))
    for name, value in story.figures().items():
        record_property(name, value)
    story.check_nothing_inexcusable()
    late = [visit for visit in story.failed(Outcome.REFUSED, Outcome.LOST) if visit.asked > story.healed]
    assert not late, late
    story.check_cost(**COST["on"])


def test_a_node_is_drained_and_taken_down_by_hand(stand, table):
    """Drain: its sessions go on, their users' new logins follow them, nobody else's do. Down: they go on elsewhere."""
    proxy = stand.start()
    story = Story(stand, stand.busiest())
    users = sorted(stand.users_of(story.victim))
    holders = {users[0], *TWICE}  # two clients at once may hold each other there
    with NodeWatch(proxy) as watch, stand.load() as load, proxy.connect() as held:
        until(lambda: len(load.visits()) >= 100, "the load to run", 60)
        held.log_in(users[0])
        story.hurt = time.time()
        stand.set_state(story.victim, "drain")
        story.out = watch.first(story.victim, False, story.hurt)
        until(lambda: served_since(load, set(users), story.out), "all to be served", 30)
        began = time.time()
        until(lambda: served_since(load, set(users), began), "all to be served again", 30)
        stayed = stand.served(story.victim, began)
        assert stayed <= holders, "only whose sessions hold them may still go there"
        assert held.retrieve(1), "the session that was there goes on"
        stand.set_state(story.victim, "down")
        assert held.retrieve(2), "and it goes on at another node"
        held.ok("QUIT")
        story.healed = time.time()
        stand.set_state(story.victim, "up")
        story.back = watch.first(story.victim, True, story.healed)
        until(lambda: set(users) <= stand.served(story.victim, story.back), "all to be at home", 30, 0.3)
    story.changes, story.visits = watch.changes, load.placed()
    table.append(("a_node_is_drained", story.figures()))
    story.check_nothing_inexcusable()
    story.check_cost(**COST["on"])
