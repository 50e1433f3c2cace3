"""Failed logins in Dovecot's own words: fail2ban's filter for Dovecot finds them, and nothing else, in Poplar's file."""

import re
import signal
import subprocess

import pytest

from dovecot import Dovecot
from poplar import node
from unpacked import SERVERS
from waiting import until
from wire import Pop3, open_socket

_FAIL2BAN = SERVERS / "fail2ban"
_FILTER = _FAIL2BAN / "etc/fail2ban/filter.d/dovecot.conf"
# What CrowdSec's parser dovecot-logs expects of a line behind the program's name, as a regular expression.
_CROWDSEC = re.compile(r"\b\w+-login: .*?: user=<(.*?)>.*, rip=(\S+?), lip=(\S+?)(,|$)")


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    with Dovecot(folder / "node", "node", node_certificate, ["anna"]) as made:
        yield made


@pytest.fixture
def proxy(start, dovecot, tmp_path):
    with start([node("node", dovecot.pop3_port)], admission={"trusted": ["127.0.0.0/8"]},
               also={"clear": {"tls": "none", "require_tls": False}},
               log={"format": "json", "level": "info", "output": str(tmp_path / "poplar.log"),
                    "failed_logins": str(tmp_path / "failed.log")}) as made:
        made.log, made.failed = tmp_path / "poplar.log", tmp_path / "failed.log"
        yield made


def visit(proxy, source, *attempts):
    """Each attempt is (user, password); then the client leaves."""
    with Pop3(open_socket(proxy.ports["clear"], source=source)) as session:
        session.line()
        for user, password in attempts:
            session.command(f"USER {user}")
            session.command(f"PASS {password}")
        session.command("QUIT")


def found_by_fail2ban(file):
    """The addresses that it would count, in order."""
    done = subprocess.run(
        ["/usr/bin/python3", str(_FAIL2BAN / "usr/bin/fail2ban-regex"), "--out", "ip", str(file), str(_FILTER)],
        env={"PYTHONPATH": str(_FAIL2BAN / "usr/lib/python3/dist-packages"), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True)
    assert done.returncode == 0 and not done.stderr, done.stdout + done.stderr
    return done.stdout.split()


def test_fail2ban_finds_them(proxy):
    visit(proxy, "127.0.1.1", ("anna", "wrong"))
    visit(proxy, "127.0.1.2", ("nobody", "wrong"), ("anna", "wronger"))
    visit(proxy, "127.0.1.3", ("anna", "secret"))
    visit(proxy, "127.0.1.4", ("anna", "worng"), ("anna", "secret"))
    visit(proxy, "127.0.1.5", ("x>,rip=203.0.113.9,", "wrong"))
    until(lambda: len(proxy.sessions()) == 5, "all sessions to be logged")
    lines = proxy.failed.read_text().splitlines()
    assert [re.search(r"auth failed, (\d+) attempts", line)[1] for line in lines] == ["1", "2", "1"], lines
    addresses = found_by_fail2ban(proxy.failed)
    assert addresses == ["127.0.1.1", "127.0.1.2", "127.0.1.5"]
    assert [_CROWDSEC.search(line)[2] for line in lines] == addresses
    assert found_by_fail2ban(proxy.log) == [], "a line of Poplar's own log"


def test_logs_are_opened_anew(proxy):
    visit(proxy, "127.0.1.1", ("anna", "wrong"))
    until(lambda: len(proxy.sessions()) == 1, "the session to be logged")
    for file in (proxy.log, proxy.failed):
        file.rename(file.with_suffix(".1"))
    proxy.child.process.send_signal(signal.SIGHUP)
    until(lambda: proxy.log.exists() and "SIGHUP: log files are opened anew" in proxy.log.read_text(), "the new file")
    visit(proxy, "127.0.1.2", ("anna", "wrong"))
    until(lambda: len(proxy.sessions()) == 1, "the session to be logged in the new file")
    assert len(proxy.failed.read_text().splitlines()) == 1
    assert len(proxy.failed.with_suffix(".1").read_text().splitlines()) == 1
