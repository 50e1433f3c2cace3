"""SIGTERM: not ready any more, then no new sessions, time for the old ones, an end at a command boundary."""

import signal
import threading
import time

import pytest

from fake_node import FakeNode
from poplar import node
from waiting import until
from wire import Pop3, tls_context

LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (1 << 20) + b"\r\n"


@pytest.fixture
def fake():
    with FakeNode(messages=[LARGE]) as made:
        yield made


def accepts(proxy) -> bool:
    try:
        with Pop3.connect(proxy.port, tls_context(proxy.authority.file), timeout=2):
            return True
    except (OSError, EOFError):
        return False


def exit_code(proxy, seconds: float) -> int:
    return proxy.child.process.wait(seconds)


def test_an_idle_proxy_ends_at_once(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "60s"}) as proxy:
        proxy.terminate()
        assert exit_code(proxy, 5) == 0


def test_ctrl_c_is_the_same(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "60s"}) as proxy:
        proxy.child.process.send_signal(signal.SIGINT)
        assert exit_code(proxy, 5) == 0


def test_a_live_session_finishes_and_no_new_one_begins(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "60s"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            proxy.terminate()
            until(lambda: not accepts(proxy), "the listeners to close")
            assert proxy.status("/livez") == 200, "alive"
            assert proxy.status("/readyz") == 503, "and not ready"
            assert session.retrieve(1) == LARGE
            session.ok("DELE 1")
            session.ok("QUIT")
        assert exit_code(proxy, 10) == 0
        assert [line["reason"] for line in proxy.sessions()
                if line.get("user") == "anybody"] == ["quit"]
    assert fake.commands[-2:] == ["DELE 1", "QUIT"]


def test_listeners_stay_open_while_load_balancers_notice(start, fake):
    with start([node("fake", fake.port)], drain={"delay": "1s", "idle_grace": "60s", "timeout": "60s"}) as proxy:
        begin = time.monotonic()
        proxy.terminate()
        until(lambda: proxy.status("/readyz") == 503, "it not to be ready")
        with proxy.connect() as late:
            late.log_in("latecomer")
            until(lambda: not accepts(proxy), "the listeners to close")
            assert time.monotonic() - begin > 0.9
            assert late.retrieve(1) == LARGE
            late.ok("QUIT")
        assert exit_code(proxy, 10) == 0


def test_silent_sessions_are_let_go_first(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "1s", "timeout": "60s"}) as proxy:
        with proxy.connect() as silent, proxy.connect() as busy, proxy.connect() as asleep:
            asleep.log_in("asleep")
            time.sleep(1.2)  # it has been silent for longer than the grace when the drain begins
            silent.log_in("silent")
            busy.log_in("busy")
            proxy.terminate()
            until(lambda: not accepts(proxy), "the listeners to close")  # and then sessions are told
            assert asleep.command("NOOP").startswith(b"-ERR [SYS/TEMP] "), "at its next command"
            assert asleep.at_end()
            begin = time.monotonic()
            while time.monotonic() - begin < 2.5:
                busy.ok("NOOP")
            assert silent.at_end() and silent.buffer.startswith(b"-ERR [SYS/TEMP] "), "unasked"
            busy.ok("QUIT")
        assert exit_code(proxy, 10) == 0
        reasons = {line["user"]: line["reason"] for line in proxy.sessions() if line["user"]}
        assert reasons == {"asleep": "draining", "silent": "draining", "busy": "quit"}


def test_when_the_time_is_over_an_idle_session_gets_a_word(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "1s"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.ok("DELE 1")
            begin = time.monotonic()
            proxy.terminate()
            assert session.at_end()
            assert 0.8 < time.monotonic() - begin < 6
            assert session.buffer.startswith(b"-ERR [SYS/TEMP] "), bytes(session.buffer)
        assert exit_code(proxy, 10) == 0
        assert proxy.session(0)["reason"] == "draining"
    assert "QUIT" not in fake.commands, "the client sent none, so its delete is void"


def test_a_session_before_login_gets_a_word_too(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "1s"}) as proxy:
        with proxy.connect() as session:
            proxy.terminate()
            assert session.at_end()
            assert session.buffer.startswith(b"-ERR [SYS/TEMP] "), bytes(session.buffer)
        assert exit_code(proxy, 10) == 0


def test_a_download_is_finished_or_cut_but_never_faked(start, fake):
    """The time is over in the middle of a message that the client reads slowly."""
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "1s"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.send(b"RETR 1\r\n")
            assert session.line().startswith(b"+OK")
            proxy.terminate()
            until(lambda: proxy.status("/readyz") != 200, "the drain to begin")
            assert session.at_end()
            whole = LARGE + b".\r\n"
            got = bytes(session.buffer)
            if got.startswith(whole):
                rest = got[len(whole):]
                assert not rest or rest.startswith(b"-ERR [SYS/TEMP] ")
            else:
                assert whole.startswith(got)
        assert exit_code(proxy, 15) == 0


def test_a_second_sigterm_ends_at_once(start, fake):
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "60s"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            proxy.terminate()
            until(lambda: proxy.status("/readyz") == 503, "the drain to begin")
            proxy.terminate()
            assert exit_code(proxy, 5) == 0
            assert session.at_end()
        assert proxy.session(0)["reason"] in ("shutdown", "draining")


def test_with_a_node_that_hangs(start):
    release = threading.Event()
    hang = {"STAT": lambda peer, words: release.wait(60) and None}
    with FakeNode(hang) as stuck, start([node("stuck", stuck.port)], drain={"idle_grace": "60s", "timeout": "1s"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.send(b"STAT\r\n")
            until(lambda: "STAT" in stuck.commands, "the command to arrive")
            proxy.terminate()
            assert exit_code(proxy, 25) == 0, "a node that owes an answer cannot hold us"
        release.set()


def test_sessions_in_every_state_at_once(start, fake):
    """A crowd in all stages; the process ends in time, all sessions are named."""
    with start([node("fake", fake.port)], drain={"idle_grace": "60s", "timeout": "1s"}) as proxy:
        crowd = [Pop3.connect(proxy.port, tls_context(proxy.authority.file)) for _ in range(30)]
        for index, session in enumerate(crowd):
            if index % 3:
                session.log_in(f"reader{index}")
            if index % 3 == 2:
                session.send(b"RETR 1\r\n")
        proxy.terminate()
        for session in crowd:
            assert session.at_end()
            session.close()
        assert exit_code(proxy, 25) == 0
        assert len(proxy.sessions()) >= 30
