"""Fixtures: a CA, Dovecot nodes and Poplar in front of them. One set a test file; tests take users of their own."""

import itertools
import logging
import os
import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from certificates import Authority  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from fake_node import MESSAGE, FakeNode  # noqa: E402
from poplar import BINARY, Poplar, node  # noqa: E402

_USERS = [f"user{index:03}" for index in range(400)]


def pytest_addoption(parser):
    parser.addoption("--via", choices=["direct", "poplar", "both"], default="both",
                     help="client tests: straight to the node (which proves the test), through Poplar, both")


def pytest_generate_tests(metafunc):
    if "via" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--via")
        metafunc.parametrize("via", ["direct", "poplar"] if chosen == "both" else [chosen],
                             scope="module")


@pytest.fixture(autouse=True)
def _nothing_fails_unseen(caplog):
    """What goes wrong in a node's or a load's task on a loop of its own would otherwise only be logged."""
    yield
    faults = [record.getMessage() for record in caplog.get_records("call")
              if record.name == "asyncio" and record.levelno >= logging.ERROR]
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="module")
def folder():
    """A private folder that the servers' own users may enter, too."""
    with tempfile.TemporaryDirectory(prefix="poplar-test-") as name:
        os.chmod(name, 0o755)
        yield pathlib.Path(name)


@pytest.fixture(scope="module")
def authority(folder):
    return Authority(folder / "ca")


@pytest.fixture(scope="module")
def node_certificate(authority):
    return authority.issue("node", ["localhost", "127.0.0.1", "node.test"])


@pytest.fixture(scope="module")
def _user_numbers():
    return itertools.count()


@pytest.fixture
def new_user(_user_numbers):
    """Names a user nobody has used before."""
    return lambda: _USERS[next(_user_numbers)]


@pytest.fixture
def user(new_user):
    return new_user()


@pytest.fixture(scope="module")
def shared_nodes(folder, node_certificate):
    """Three Dovecots over one Maildir tree."""
    mail = folder / "shared-mail"
    with Dovecot(folder / "shared1", "node1", node_certificate, _USERS, mail) as one, \
            Dovecot(folder / "shared2", "node2", node_certificate, _USERS, mail) as two, \
            Dovecot(folder / "shared3", "node3", node_certificate, _USERS, mail) as three:
        yield [one, two, three]


@pytest.fixture(scope="module")
def binary():
    assert BINARY.exists(), f"{BINARY} is not built; name another one in POPLAR"
    return BINARY


@pytest.fixture(scope="module")
def shared_proxy(folder, binary, authority, shared_nodes):
    """Poplar before the three, over plain POP3; it also has a listener with STLS."""
    nodes = [node(each.name, each.pop3_port) for each in shared_nodes]
    with Poplar(folder / "poplar", nodes, authority, also={"stls": {"tls": "stls"}}, shared=True) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def start(folder, binary, authority):
    """start(nodes, **options) gives a Poplar of the test's own, to be used in a with block."""
    numbers, made = itertools.count(), []

    def make(nodes, **options):
        made.append(Poplar(folder / f"poplar-{next(numbers)}", nodes, authority, **options))
        return made[-1]

    yield make
    left = [proxy.file for proxy in made if proxy.child.alive()]
    for proxy in made:
        if proxy.child.alive():
            proxy.child.process.kill()
            proxy.child.process.wait()
    assert not left, f"a test left these running; use them in a with block: {left}"


@pytest.fixture
def against(start):
    """against(on=..., **options) gives (proxy, node): Poplar before one scripted node."""
    opened = []

    def make(on=None, messages=(MESSAGE,), handler=None, **options):
        fake = FakeNode(on, messages, handler=handler)
        options.setdefault("timeouts", {"upstream_connect": "2s", "upstream_response": "2s"})
        proxy = start([node("fake", fake.port)], **options)
        opened.append((proxy, fake))
        return proxy, fake

    yield make
    for proxy, fake in opened:
        with proxy:
            proxy.idle()
        fake.stop()
