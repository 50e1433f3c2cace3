"""deploy/migration/: with the examples there each user reaches the same node through Poplar as through the former proxy."""

import pathlib
import subprocess

import pytest

import corpus
from auth_service import AuthService, at
from child import Child
from dovecot import PASSWORD, Dovecot
from former_proxy import EXAMPLES, DovecotDirector, DovecotProxy, NginxMail, Perdition, greets, replaced
from ports import free_port
from wire import Pop3, tls_context

USERS = ["anna@example.org", "bert@example.org", "nora@example.org"]
RENAMED = {"sales@example.net": "sales.team"}
MANY = [f"user{index}@example.org" for index in range(12)]
EAST, WEST = "127.0.1.1", "127.0.1.2"


@pytest.fixture(scope="module")
def places(folder, node_certificate):
    """Two nodes with the same users and a mail each that says where it is."""
    names = [*USERS, *RENAMED.values(), *MANY]
    port = free_port()
    with Dovecot(folder / "east", "east", node_certificate, names, address=EAST, pop3_port=port) as east, \
            Dovecot(folder / "west", "west", node_certificate, names, address=WEST, pop3_port=port) as west:
        for place in (east, west):
            for name in names:
                place.deliver(name, {"one": corpus.message("one", f"mail in the {place.name}\r\n".encode())})
        yield {"east": east, "west": west}


@pytest.fixture(scope="module")
def nodes(places):
    """What stands in the examples for the nodes, and where they are."""
    port = places["east"].pop3_port
    return {"mail-east.internal:110": f"{EAST}:{port}", "mail-west.internal:110": f"{WEST}:{port}"}


@pytest.fixture(scope="module")
def certificate(authority):
    return authority.issue("front", ["localhost", "pop.example.org"])


@pytest.fixture(scope="module")
def poplar(folder, binary, authority, certificate):
    """poplar(name, words) runs the example's poplar.yaml, with its user map if it has one; in a with block."""
    return lambda name, words: ExamplePoplar(folder / f"poplar-{name}", binary, authority, certificate, name, words)


class ExamplePoplar:
    def __init__(self, folder: pathlib.Path, binary, authority, certificate, name: str, words: dict):
        folder.mkdir()
        self.port = free_port()
        source = EXAMPLES / name / "users.map.txt"
        if source.exists():
            subprocess.run([binary, "map", "build", source, folder / "users.map"], check=True, capture_output=True,
                           timeout=60)
            words = {**words, "/etc/poplar/users.map": f"{folder}/users.map"}
        text = replaced(EXAMPLES / name / "poplar.yaml", {
            **words, "0.0.0.0:995": f"127.0.0.1:{self.port}",
            "/etc/ssl/mail/fullchain.pem": str(certificate.certificate),
            "/etc/ssl/mail/key.pem": str(certificate.key)})
        text = text.replace("0.0.0.0:110", f"127.0.0.1:{free_port()}")
        file = folder / "poplar.yaml"
        file.write_text(f"{text}admin:\n  address: 127.0.0.1:{free_port()}\n")
        checked = subprocess.run([binary, "check", "-c", file], capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0 and "warning" not in checked.stderr, checked.stderr
        self._child = Child([binary, "serve", "-c", file], folder / "output.log")
        self._child.wait_for(lambda: greets(self.port, authority), "Poplar to greet")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        assert self._child.stop() == 0


def where(port: int, authority, user: str) -> str:
    """The node whose mail the user gets there."""
    with Pop3.connect(port, tls_context(authority.file)) as session:
        session.ok(f"USER {user}")
        session.ok(f"PASS {PASSWORD}")
        mail = session.ok("RETR 1")
        session.ok("QUIT")
    return "east" if b"mail in the east" in mail else "west"


def compare(authority, former, now, users) -> set:
    """Each user's node is the same behind both; which ones there were."""
    nodes = {user: where(former.port, authority, user) for user in users}
    assert nodes == {user: where(now.port, authority, user) for user in users}
    return set(nodes.values())


def test_nginx_mail(folder, authority, certificate, places, nodes, poplar):
    port = places["east"].pop3_port
    answers = {user: at(port, **{"Auth-Server": WEST if user.startswith("n") else EAST}) for user in USERS}
    answers["sales@example.net"] = at(port, **{"Auth-Server": EAST, "Auth-User": "sales.team"})
    with AuthService(answers) as service, NginxMail(folder / "nginx", authority, certificate, service.url) as former:
        with poplar("nginx-mail", {**nodes, "http://127.0.0.1:9000": service.url}) as now:
            assert compare(authority, former, now, [*USERS, *RENAMED]) == {"east", "west"}
        assert all(asked["x-auth-key"] == "example-key" for asked in service.asked)


def test_perdition(folder, authority, certificate, nodes, poplar):
    with Perdition(folder / "perdition", authority, certificate, nodes) as former, poplar("perdition", nodes) as now:
        assert compare(authority, former, now, [*USERS, *RENAMED, "ANNA@example.org", "user1@example.org"]) == {"east", "west"}


def test_dovecot_proxy(folder, authority, certificate, nodes, poplar):
    with DovecotProxy(folder / "dovecot", authority, certificate, nodes) as former, \
            poplar("dovecot-proxy", nodes) as now:
        assert compare(authority, former, now, [*USERS, *RENAMED]) == {"east", "west"}


def test_dovecot_director(folder, authority, certificate, places, poplar):
    """Both keep each user on one node; which one is another matter, and no loss: the nodes share their storage."""
    port = places["east"].pop3_port
    with DovecotDirector(folder / "director", authority, certificate, (EAST, WEST), port) as former, \
            poplar("dovecot-director", {"10.0.1.1:110": f"{EAST}:{port}", "10.0.1.2:110": f"{WEST}:{port}"}) as now:
        for front in (former, now):
            once = {user: where(front.port, authority, user) for user in MANY}
            assert set(once.values()) == {"east", "west"}
            assert once == {user: where(front.port, authority, user) for user in MANY}
