"""Fixtures: a folder, a CA, a real node, all in a network namespace of their own, so that ports like 995 are free."""

import pathlib
import sys
import tempfile

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))

from certificates import Authority  # noqa: E402
from dovecot import Dovecot  # noqa: E402
from private_network import PrivateNetwork  # noqa: E402

USER = "anna"
MAIL = b"Subject: packed\r\n\r\nReally.\r\n"


def pytest_addoption(parser):
    parser.addoption("--packages", nargs=2, type=pathlib.Path, help="two .deb files, the older one first")
    parser.addoption("--system", type=pathlib.Path, help="a Debian 12 with what the package depends on, as tar file")
    parser.addoption("--image", type=pathlib.Path, help="what deploy/container/build.sh made")


@pytest.fixture(scope="session")
def network():
    with PrivateNetwork() as made:
        yield made


@pytest.fixture(scope="session")
def folder():
    with tempfile.TemporaryDirectory(prefix="poplar-packaging-") as name:
        path = pathlib.Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def authority(folder):
    return Authority(folder / "ca")


@pytest.fixture(scope="session")
def mail_node(network, folder, authority):
    with Dovecot(folder / "node", "node", authority.issue("node", ["localhost"]), [USER]) as made:
        made.deliver(USER, {"1": MAIL})
        yield made
