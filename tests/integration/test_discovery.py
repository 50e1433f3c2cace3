"""Nodes that come and go in DNS: real Dovecots on addresses of their own, a name server whose records change meanwhile."""

import contextlib
import json
import subprocess
import urllib.error
import urllib.request

import pytest

import corpus
from dnsmasq import Dnsmasq
from dovecot import Dovecot
from exposition import series, value
from ports import free_port
from waiting import until

NAME = "mail.poplar.test"
SERVICE = "_pop3._tcp.poplar.test"
USERS = [f"user{index:03}" for index in range(40)]
# As soon as the name server allows it, which in these tests is after a second.
SOON = {"ttl_min": "200ms", "ttl_max": "1s"}
KEEPS = {"pool": {"warm": 2, "max_snapshot_age": "60s"}}


@pytest.fixture(scope="module")
def pods(folder, node_certificate):
    """Four Dovecots over one Maildir tree, each on an address of its own, all on one port."""
    port, mail = free_port(), folder / "mail"
    with contextlib.ExitStack() as stack:
        nodes = [stack.enter_context(Dovecot(folder / f"pod{number}", f"pod{number}", node_certificate, USERS, mail,
                                             address=f"127.0.0.{number}", pop3_port=port))
                 for number in (11, 12, 13, 14)]
        for user in USERS:
            nodes[0].deliver(user, {"one": corpus.message("one", b"mail\r\n")})
        yield nodes


@pytest.fixture
def dns(tmp_path):
    with Dnsmasq(tmp_path / "dns") as server:
        yield server


@pytest.fixture
def discovering(start, dns, pods):
    """discovering(**more) is a Poplar that asks `dns` for the addresses of NAME, or with srv=..., for its services."""
    def make(ready=True, cluster=None, poplar=None, **more):
        asked = {} if "srv" in more else {"dns": f"{NAME}:{pods[0].pop3_port}"}
        discovery = {**asked, "name_servers": [dns.address], **SOON, **more}
        return start([], ready=ready, clusters=[{"name": "mail", "shared_storage": True, "discovery": discovery,
                                                 **(cluster or {})}], **(poplar or {}))
    return make


def addresses(pods):
    return [pod.address for pod in pods]


def nodes(proxy):
    """name -> what /nodes says of it."""
    return {each["node"]: each for each in json.loads(proxy.get("/nodes")[1])["clusters"][0]["nodes"]}


def names_are(proxy, *names):
    until(lambda: sorted(nodes(proxy)) == sorted(names), f"the nodes to be {names}, not {sorted(nodes(proxy))}")


def home(proxy, user: str) -> str:
    """The node that a login of the user's comes to."""
    proxy.idle()
    before = len(proxy.sessions())
    with proxy.connect() as session:
        session.log_in(user)
        assert b"mail" in session.ok("RETR 1")
        session.ok("QUIT")
    return proxy.session(before)["node"].removeprefix("mail/")


def homes(proxy):
    return {user: home(proxy, user) for user in USERS}


def log_has(proxy, text: str):
    until(lambda: any(text in line.get("message", "") + line.get("evidence", "") for line in proxy.lines()),
          f"the log to say: {text}")


def test_a_newcomer_takes_its_own_users_and_whoever_leaves_gives_only_its_own_away(dns, pods, discovering):
    dns.set_hosts(NAME, addresses(pods[:2]))
    with discovering() as proxy:
        two = homes(proxy)
        assert set(two.values()) == set(addresses(pods[:2]))
        dns.set_hosts(NAME, addresses(pods[:3]))
        names_are(proxy, *addresses(pods[:3]))
        three = homes(proxy)
        moved = {user for user in USERS if three[user] != two[user]}
        assert moved and all(three[user] == pods[2].address for user in moved)
        log_has(proxy, f"{NAME} names it, at {pods[2].address}:{pods[2].pop3_port}")
        dns.set_hosts(NAME, addresses(pods[:2]))
        names_are(proxy, *addresses(pods[:2]))
        assert homes(proxy) == two
        log_has(proxy, f"{NAME} no longer names it")
        assert value(proxy, "poplar_discovery_nodes", cluster="mail") == 2


@pytest.mark.parametrize("pool", [{}, KEEPS], ids=["bare", "pooled"])
def test_who_leaves_keeps_its_sessions_and_gets_no_new_users(dns, pods, discovering, pool):
    dns.set_hosts(NAME, addresses(pods[:3]))
    with discovering(poplar=pool) as proxy:
        all_homes = homes(proxy)
        leaver = pods[1].address
        stays, goes = [user for user in USERS if all_homes[user] == leaver][:2]
        with proxy.connect() as session:
            session.log_in(stays)
            dns.set_hosts(NAME, addresses([pods[0], pods[2]]))
            until(lambda: nodes(proxy)[leaver]["leaving"], "the node to leave")
            assert not nodes(proxy)[leaver]["in_service"]
            assert value(proxy, "poplar_discovery_nodes_leaving") == 1
            assert b"mail" in session.ok("RETR 1")
            # One user is never on two nodes: a second session follows the first.
            with proxy.connect() as second:
                second.log_in(stays)
                second.ok("QUIT")
            with proxy.connect() as other:
                other.log_in(goes)
                other.ok("QUIT")
            until(lambda: len(proxy.sessions()) == len(USERS) + 2, "two sessions to have ended")
            ended = {line["user"]: line["node"] for line in proxy.sessions()[-2:]}
            assert ended[stays] == f"mail/{leaver}" and ended[goes] != f"mail/{leaver}"
            assert b"mail" in session.ok("RETR 1")
            session.ok("QUIT")
        names_are(proxy, pods[0].address, pods[2].address)  # the seat is free
        assert value(proxy, "poplar_discovery_nodes_leaving") == 0
        assert home(proxy, stays) != leaver
        labels = [has["node"] for has, _ in series(proxy, "poplar_node_sessions_active")]
        assert sorted(labels) == [pods[0].address, pods[2].address]
        assert proxy.metric("poplar_pool_connections") <= 2 * 2 + len(USERS)


@pytest.mark.parametrize("trouble, result", [
    (lambda dns: dns.clear(), "not_found"),
    (lambda dns: dns.set_hosts(NAME, []), "not_found"),
    (lambda dns: dns.fail("servfail"), "failed"),
    (lambda dns: dns.fail("refused"), "failed"),
    (lambda dns: dns.stop(), "failed"),
], ids=["nxdomain", "nodata", "servfail", "refused", "outage"])
def test_the_nodes_known_stay_without_a_good_answer(dns, pods, discovering, trouble, result):
    dns.set_hosts(NAME, addresses(pods[:2]))
    with discovering() as proxy:
        before = homes(proxy)
        trouble(dns)
        until(lambda: value(proxy, "poplar_discovery_lookups_total", result=result) >= 2, "trouble to be met", 60)
        log_has(proxy, "what was known before stays in force")
        assert homes(proxy) == before and proxy.status("/readyz") == 200
        dns.set_hosts(NAME, addresses(pods[:3]))
        dns.start()
        names_are(proxy, *addresses(pods[:3]))
        log_has(proxy, f"the trouble with {NAME} is over")


def test_not_ready_until_the_nodes_are_known(dns, pods, discovering):
    dns.set_hosts(NAME, addresses(pods[:1]))
    dns.fail("servfail")
    with discovering(ready=False) as proxy:
        log_has(proxy, "no node is known yet")
        assert proxy.status("/readyz") == 503
        with proxy.connect() as session:
            assert session.command(f"USER {USERS[0]}").startswith(b"+OK")
            assert session.command("PASS secret").startswith(b"-ERR [SYS/TEMP]")
        line = proxy.session(0)
        assert line["failure"] == "no_nodes: none is known yet" and line["reason"] == "node_unavailable"
        assert nodes(proxy) == {} and series(proxy, "poplar_node_state") == []
        dns.heal()
        until(lambda: proxy.status("/readyz") == 200, "Poplar to be ready")
        assert home(proxy, USERS[0]) == pods[0].address


def test_more_nodes_than_room(dns, pods, discovering):
    dns.set_hosts(NAME, addresses(pods[:3]))
    with discovering(max_nodes=2) as proxy:
        names_are(proxy, *addresses(pods[:2]))
        assert value(proxy, "poplar_discovery_nodes_unseated") == 1
        log_has(proxy, f"{NAME} names 1 node more than max_nodes has room for (2), which get no users: "
                       f"{pods[2].address}; raise discovery.max_nodes")
        assert set(homes(proxy).values()) == set(addresses(pods[:2]))
        dns.set_hosts(NAME, addresses(pods[1:3]))
        names_are(proxy, *addresses(pods[1:3]))
        until(lambda: value(proxy, "poplar_discovery_nodes_unseated") == 0, "room for the third")
        assert set(homes(proxy).values()) == set(addresses(pods[1:3]))
        # The one who has the seat now begins at 0.
        assert value(proxy, "poplar_pool_takes_total", node=pods[2].address) == \
            sum(1 for line in proxy.sessions() if line["node"] == f"mail/{pods[2].address}")


def services(pods, names=("m0", "m1", "m2"), weight=10):
    return [(10, weight, pods[0].pop3_port, f"{name}.poplar.test") for name in names]


def hosts(pods, names=("m0", "m1", "m2")):
    return {f"{name}.poplar.test": [pod.address] for name, pod in zip(names, pods)}


@pytest.mark.parametrize("pool", [{}, KEEPS], ids=["bare", "pooled"])
def test_a_host_of_a_service_keeps_its_users_wherever_it_moves(dns, pods, discovering, pool):
    dns.set(srv={SERVICE: services(pods)}, hosts=hosts(pods))
    with discovering(srv=SERVICE, poplar=pool) as proxy:
        before = homes(proxy)
        assert set(before.values()) == {"m0.poplar.test", "m1.poplar.test", "m2.poplar.test"}
        at_three = pods[3].log.read_text().count("Login: ") if pods[3].log.exists() else 0
        dns.set_hosts("m1.poplar.test", [pods[3].address])
        until(lambda: nodes(proxy)["m1.poplar.test"]["address"] == f"{pods[3].address}:{pods[3].pop3_port}",
              "the host to be where it is now")
        log_has(proxy, f"node mail/m1.poplar.test is at {pods[3].address}:{pods[3].pop3_port} now")
        ours = [user for user in USERS if before[user] == "m1.poplar.test"]
        there = [pods[1].logins(user) for user in ours]
        assert homes(proxy) == before
        until(lambda: pods[3].log.read_text().count("Login: ") >= at_three + len(ours), "the logins at the new address")
        assert [pods[1].logins(user) for user in ours] == there


def test_spares_of_a_service_serve_when_nobody_else_can(dns, pods, discovering):
    spare = (20, 100, pods[0].pop3_port, "m2.poplar.test")
    dns.set(srv={SERVICE: [*services(pods, ["m0"]), spare]}, hosts=hosts(pods))
    with discovering(srv=SERVICE) as proxy:
        assert set(homes(proxy).values()) == {"m0.poplar.test"}
        assert nodes(proxy)["m2.poplar.test"]["weight"] == 0
        dns.set_srv(SERVICE, [spare])
        names_are(proxy, "m2.poplar.test")
        assert home(proxy, USERS[0]) == "m2.poplar.test"


def post(proxy, path: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{proxy.admin_port}{path}", method="POST")
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def test_the_operators_word_holds_for_discovered_nodes(dns, pods, discovering):
    dns.set_hosts(NAME, addresses(pods[:2]))
    with discovering() as proxy:
        assert post(proxy, f"/nodes/mail/{pods[0].address}?state=drain") == 200
        assert post(proxy, f"/nodes/mail/{pods[2].address}?state=drain") == 404
        assert post(proxy, "/nodes/mail/-?state=drain") == 404
        assert set(homes(proxy).values()) == {pods[1].address}
        assert post(proxy, f"/nodes/mail/{pods[0].address}?state=up") == 200
        assert set(homes(proxy).values()) == set(addresses(pods[:2]))


def test_maps_know_discovered_nodes(dns, pods, discovering, binary, tmp_path):
    file = tmp_path / "users.map"
    text = f"{USERS[0]} mail/{pods[1].address}\n{USERS[1]} mail\n"
    done = subprocess.run([binary, "map", "build", "-", file], input=text, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    dns.set_hosts(NAME, addresses(pods[:1]))
    with discovering(poplar={"routes": [{"name": "map", "user_map": str(file)}]}) as proxy:
        assert home(proxy, USERS[1]) == pods[0].address
        with proxy.connect() as session:
            session.command(f"USER {USERS[0]}")
            assert session.command("PASS secret").startswith(b"-ERR [SYS/TEMP]")  # it isn't there
        dns.set_hosts(NAME, addresses(pods[:2]))
        names_are(proxy, *addresses(pods[:2]))
        assert home(proxy, USERS[0]) == pods[1].address


def test_the_command_line_asks_as_well(dns, pods, discovering, binary):
    dns.set_hosts(NAME, addresses(pods[:3]))
    with discovering() as proxy:
        real = homes(proxy)

        def route(*more):
            return subprocess.run([binary, "route", *USERS, "--config", proxy.file, *more], capture_output=True,
                                  text=True, timeout=60)
        shown = json.loads(route("--format", "json").stdout)
        assert {each["user"]: each["nodes"][0]["name"] for each in shown} == real
        # The running one knows without asking.
        assert {user: json.loads(proxy.get(f"/api/v1/route?user={user}")[1])["nodes"][0]["name"] for user in USERS} == real
        assert f"(asked just now: {NAME}:{pods[0].pop3_port} names 3 nodes)" in route().stdout
        dns.clear()
        done = route()
        assert done.returncode == 1 and "cluster mail: no node is known" in done.stderr


def test_a_session_that_its_leaving_node_drops_goes_on_at_another(dns, pods, discovering, binary, tmp_path):
    """Of a user whose own node it was, by a map."""
    file = tmp_path / "users.map"
    leaver = pods[2]
    done = subprocess.run([binary, "map", "build", "-", file], input=f"{USERS[0]} mail/{leaver.address}\n",
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    dns.set_hosts(NAME, addresses([pods[0], leaver]))
    with discovering(poplar={"routes": [{"name": "map", "user_map": str(file)}]}) as proxy:
        with proxy.connect() as session:
            session.log_in(USERS[0])
            before = session.ok("RETR 1")
            dns.set_hosts(NAME, addresses(pods[:1]))
            until(lambda: nodes(proxy)[leaver.address]["leaving"], "the node to leave")
            leaver.restart_whole()
            assert session.ok("RETR 1") == before
            session.ok("QUIT")
        line = proxy.session(0)
        assert (line["node"], line["resumes"]) == (f"mail/{pods[0].address}", 1)
        names_are(proxy, pods[0].address)
