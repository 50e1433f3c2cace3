"""Where users are: by rules, by the name that they connect by, and by user maps. Two clusters of real Dovecot."""

import json
import subprocess

import pytest

import corpus
from dovecot import Dovecot
from fake_node import FakeNode
from poplar import node
from waiting import until
from wire import Pop3, tls_context

# In both clusters, with other mail in each: who reads which tells where the session went.
USERS = ["anna@east.example", "anna@west.example", "zoe@east.example", "carl@neutral.example",
         "moved@east.example", "m4711", "anna"]


@pytest.fixture(scope="module")
def places(folder, node_certificate):
    with Dovecot(folder / "east", "east", node_certificate, USERS) as east, \
            Dovecot(folder / "west", "west", node_certificate, USERS) as west:
        for place in (east, west):
            for user in USERS:
                place.deliver(user, {"one": corpus.message("one", f"mail in the {place.name}\r\n".encode())})
        yield {"east": east, "west": west}


@pytest.fixture(scope="module")
def clusters(places):
    return [{"name": name, "nodes": [node(f"{name}-1", each.pop3_port)]} for name, each in places.items()]


def where(session, user: str) -> str:
    """The cluster whose mail the user gets."""
    session.log_in(user)
    body = session.ok("RETR 1")
    session.ok("QUIT")
    return body.split(b"mail in the ")[1].split(b"\r\n")[0].decode()


RULES = [
    {"name": "by-domain", "domains": ["west.example"], "cluster": "west"},
    {"name": "by-name", "users": "[n-z].*@.*", "cluster": "west"},
    {"name": "by-host", "server_names": ["west.test"], "cluster": "west"},
    {"name": "by-listener", "listeners": ["old"], "cluster": "west"},
]


@pytest.mark.parametrize("user, host, listener, place, rule", [
    ("anna@east.example", "localhost", None, "east", None),
    ("anna@west.example", "localhost", None, "west", "by-domain"),
    ("ANNA@West.Example", "localhost", None, "west", "by-domain"),
    ("zoe@east.example", "localhost", None, "west", "by-name"),
    ("carl@neutral.example", "west.test", None, "west", "by-host"),
    ("carl@neutral.example", "localhost", None, "east", None),
    ("carl@neutral.example", "localhost", "old", "west", "by-listener"),
    ("anna", "east.test", None, "east", None),  # completed by the name that it came by
    ("anna", "west.test", None, "west", "by-domain"),
])
def test_the_first_rule_that_fits_decides(user, host, listener, place, rule, ruled, authority):
    ruled.idle()
    before = len(ruled.sessions())
    port = ruled.ports[listener] if listener else ruled.port
    with Pop3.connect(port, tls_context(authority.file), server_name=host) as session:
        assert where(session, user) == place
    line = ruled.session(before)
    assert line.get("route") == rule and line["node"] == f"{place}/{place}-1"


@pytest.fixture(scope="module")
def ruled(start, authority, clusters):
    names = {"domain_aliases": [], "server_names": [{"name": "east.test", "default_domain": "east.example"},
                                                    {"name": "west.test", "default_domain": "west.example"}]}
    with start([], clusters=clusters, routes=RULES, user_names=names, also={"old": {"tls": "implicit"}},
               certificates=[authority.issue("poplar", ["localhost", "east.test", "west.test"])]) as proxy:
        # Dovecot is told the name as the client typed it: without a domain it must know one itself.
        yield proxy


def build_map(binary, file, text: str):
    done = subprocess.run([str(binary), "map", "build", "-", str(file)], input=text, capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def mapped(start, clusters, file):
    return start([], clusters=clusters, routes=[{"name": "map", "user_map": str(file)}])


def test_a_map_moves_users_while_sessions_run(start, clusters, binary, tmp_path):
    file = tmp_path / "users.map"
    build_map(binary, file, "moved@east.example east\n@neutral.example west/west-1\n")
    with mapped(start, clusters, file) as proxy:
        with proxy.connect() as session:
            assert where(session, "moved@east.example") == "east"
        with proxy.connect() as session:
            assert where(session, "carl@neutral.example") == "west"
        with proxy.connect() as stays:
            stays.log_in("moved@east.example")
            build_map(binary, file, "moved@east.example west m4711\ncarl@neutral.example east\n")
            until(lambda: proxy.metric("poplar_user_map_loads_total") == 2, "the map to be read anew")
            # Who is there stays there.
            assert b"mail in the east" in stays.ok("RETR 1")
            stays.ok("QUIT")
        with proxy.connect() as session:
            assert where(session, "moved@east.example") == "west"
        with proxy.connect() as session:
            assert where(session, "carl@neutral.example") == "east"
        assert proxy.metric("poplar_user_map_users") == 2
        line = proxy.session(3)
        assert (line["route"], line["user"]) == ("map", "moved@east.example")


def test_the_node_is_told_the_name_that_the_map_says(start, clusters, binary, tmp_path, places):
    file = tmp_path / "users.map"
    build_map(binary, file, "moved@east.example west m4711\n")
    logins = places["west"].logins("m4711")
    with mapped(start, clusters, file) as proxy, proxy.connect() as session:
        assert where(session, "moved@east.example") == "west"
    assert places["west"].logins("m4711") == logins + 1


def test_a_broken_map_leaves_the_old_one_in_force(start, clusters, binary, tmp_path):
    file = tmp_path / "users.map"
    build_map(binary, file, "moved@east.example west\n")
    with mapped(start, clusters, file) as proxy:
        file.write_text("moved@east.example east\n")  # in place, and the text instead of the map
        until(lambda: proxy.metric("poplar_user_map_loads_total") == 2, "the map to be read")
        with proxy.connect() as session:
            assert where(session, "moved@east.example") == "west"
        told = [line["message"] for line in proxy.lines() if "user map" in line.get("message", "")]
        assert len(told) == 1 and "is no user map" in told[0] and "stays in force" in told[0]
        text = proxy.get("/metrics")[1]
        assert f'poplar_user_map_loads_total{{file="{file}",result="refused"}} 1' in text
        build_map(binary, file, "moved@east.example east\n")
        until(lambda: proxy.metric("poplar_user_map_loads_total") == 3, "the map to be read anew")
        with proxy.connect() as session:
            assert where(session, "moved@east.example") == "east"


def test_a_place_that_there_is_not_serves_nobody(start, clusters, binary, tmp_path):
    file = tmp_path / "users.map"
    build_map(binary, file, "moved@east.example south\n")
    with mapped(start, clusters, file) as proxy:
        with proxy.connect() as session:
            session.ok("USER moved@east.example")
            assert session.command("PASS secret").startswith(b"-ERR [SYS/TEMP] ")
        assert "no cluster or node is called south" in proxy.session()["failure"]


def test_a_map_that_cannot_be_read_keeps_poplar_from_starting(binary, start, clusters, tmp_path):
    with pytest.raises(AssertionError, match="user map .*users.map cannot be read"):
        mapped(start, clusters, tmp_path / "users.map")


@pytest.mark.parametrize("login", ["anna", "Anna", "anna*admin", "anna+lists", "anna@EXAMPLE.net",
                                   "anna+x@example.org*admin", "info"])
def test_all_spellings_of_a_mailbox_are_on_one_node(login, spelled, tmp_path):
    spelled.idle()
    before = len(spelled.sessions())
    with spelled.connect() as session:
        session.log_in(login)
        session.ok("QUIT")
    line = spelled.session(before)
    assert (line["user"], line["node"]) == ("anna@example.org", spelled.home)


@pytest.fixture(scope="module")
def spelled(start, folder):
    nodes = [FakeNode() for _ in range(5)]
    aliases = folder / "aliases"
    aliases.write_text("# login name, mailbox\ninfo anna\n")
    names = {"default_domain": "example.org", "master_separator": "*", "detail_separator": "+",
             "domain_aliases": [{"domain": "example.net", "same_as": "example.org"}], "aliases_file": str(aliases)}
    with start([node(f"n{i}", each.port) for i, each in enumerate(nodes)], user_names=names) as proxy:
        with proxy.connect() as session:
            session.log_in("anna@example.org")
            session.ok("QUIT")
        proxy.home = proxy.session()["node"]
        yield proxy


def test_route_and_a_running_poplar_agree(ruled, binary, authority):
    users = [user for user in USERS if "@" in user]
    done = subprocess.run([str(binary), "route", *users, "--config", str(ruled.file), "--format", "json"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for answer in json.loads(done.stdout):
        with ruled.connect() as session:
            assert where(session, answer["user"]) == answer["cluster"]
