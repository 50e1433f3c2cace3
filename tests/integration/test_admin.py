"""The admin endpoint: metrics that Prometheus takes, and probes that tell the truth."""

import subprocess

import pytest

from fake_node import FakeNode
from poplar import node


@pytest.fixture(scope="module")
def proxy(start):
    with FakeNode() as fake, start([node("fake", fake.port)]) as made:
        for password in ("secret", "wrong"):
            with made.connect() as session:
                session.ok("USER anybody")
                session.command(f"PASS {password}")
                if password == "secret":
                    session.retrieve(1)
                session.ok("QUIT")
        made.session(1)
        yield made


def test_promtool_finds_nothing_to_mend(proxy):
    status, text = proxy.get("/metrics")
    assert status == 200
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr + done.stdout


@pytest.mark.parametrize("subject", [
    "poplar_sessions_ended_total", "poplar_tls_handshakes_total", "poplar_logins_total",
    "poplar_tls_handshake_duration_seconds", "poplar_login_duration_seconds",
    "poplar_login_stage_duration_seconds", "poplar_session_duration_seconds",
    "poplar_sessions_active", "poplar_bytes_total", "poplar_build_info"])
def test_the_first_set_is_there(subject, proxy):
    text = proxy.get("/metrics")[1]
    assert any(subject in line for line in text.splitlines() if line.startswith("# HELP")), text


def test_sessions_are_counted_by_reason(proxy):
    assert proxy.metric("poplar_sessions_ended_total") >= 2
    assert any(line.startswith("poplar_sessions_ended_total{") and 'reason="quit"' in line
               for line in proxy.get("/metrics")[1].splitlines())


def test_the_gauge_of_active_sessions_follows(proxy):
    proxy.idle()
    with proxy.connect(), proxy.connect():
        assert proxy.metric("poplar_sessions_active") == 2
    proxy.idle()


def test_no_user_name_becomes_a_label(proxy):
    """A label a user would let strangers grow the metrics without a limit."""
    assert "anybody" not in proxy.get("/metrics")[1]


def test_probes(proxy):
    assert proxy.status("/livez") == 200
    assert proxy.status("/readyz") == 200
    assert proxy.status("/nothing-here") == 404


def test_the_session_line_has_everything(proxy):
    line = proxy.sessions()[0]
    for key in ("id", "client", "listener", "user", "node", "tls_version", "tls_cipher",
                "messages", "bytes", "deletes", "reason", "side"):
        assert key in line, f"{key} is not in {line}"
    assert line["user"] == "anybody" and line["node"] == "main/fake" and line["messages"] == 1
    assert line["client"].startswith("127.0.0.1") and line["reason"] == "quit"
    assert len({each["id"] for each in proxy.sessions()}) == len(proxy.sessions())
    durations = [key for key in line if key.endswith("_ms")] or line.get("duration_ms")
    assert durations, f"no durations in {line}"
