"""Sessions in systemd's journal, where each value is a field; what isn't worth a line is told by its number."""

import pytest

from dovecot import Dovecot
from journald import Journald
from poplar import node
from waiting import until
from wire import open_socket


@pytest.fixture(scope="module")
def journal(folder):
    with Journald(folder) as made:
        yield made


@pytest.fixture
def dovecot(folder, node_certificate):
    with Dovecot(folder / "node", "node", node_certificate, ["anna"]) as made:
        yield made


@pytest.fixture
def proxy(start, dovecot, journal):
    with start([node("one", dovecot.pop3_port)], admission={"trusted": ["127.0.0.0/8"]},
               also={"clear": {"tls": "none", "require_tls": False}},
               log={"output": "journal", "noise_per_second": 5}) as made:
        yield made


def test_sessions_are_found_by_their_fields(proxy, journal):
    user = "anna"
    with proxy.connect().log_in(user) as client:
        client.ok("STAT")
        client.ok("QUIT")
    found = until(lambda: journal.entries("POPLAR_EVENT=session", f"POPLAR_USER={user}"), "the session's entry")
    assert len(found) == 1, found
    entry = found[0]
    assert entry["SYSLOG_IDENTIFIER"] == "poplar" and entry["PRIORITY"] == "6"
    assert entry["POPLAR_NODE"] == "main/one" and entry["POPLAR_REASON"] == "quit"
    assert entry["POPLAR_LOGGED_IN"] == "true" and float(entry["POPLAR_DURATION_MS"]) > 0
    assert entry["MESSAGE"].startswith("event=session id=") and f"user={user}" in entry["MESSAGE"]
    # Its origin comes from the kernel, and says who really wrote it.
    assert entry["_PID"] == str(proxy.child.pid)


def test_events_have_their_words_as_the_message(proxy, journal):
    def ready():
        found = journal.entries("POPLAR_EVENT=process", f"_PID={proxy.child.pid}")
        return any(entry["MESSAGE"].startswith("ready: 2 workers") for entry in found)

    until(ready, "the word that Poplar is ready")  # the journal has it a moment later


def test_noise_is_told_by_its_number(proxy, journal):
    pid = f"_PID={proxy.child.pid}"
    scans = 400
    for _ in range(scans):
        open_socket(proxy.ports["clear"]).close()

    def told():
        lines = len(journal.entries(pid, "POPLAR_EVENT=session"))
        left_out = sum(int(entry["POPLAR_SESSIONS"]) for entry in journal.entries(pid, "POPLAR_EVENT=noise"))
        return lines + left_out >= scans and (lines, left_out)

    until(lambda: proxy.metric("poplar_sessions_ended_total") >= scans, "the scans' ends")
    proxy.stop()
    lines, left_out = until(told, "all scans to be told")
    assert lines + left_out == scans and left_out > lines, (lines, left_out)
