"""A new process takes over from the running one, and nobody outside can tell."""

import contextlib
import os
import shutil
import signal
import socket
import threading
import time

import pytest

from fake_node import stuffed
from poplar import BINARY, node
from upgrade_stand import Board, Crowd, Generations, Systemd, WatchedNode, swap_weights
from waiting import until
from wire import Pop3, open_socket, tls_context

SMALL = b"Subject: small\r\n\r\n" + b"A few lines of text.\r\n" * 50
LARGE = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * (1 << 18) + b"\r\n"
DRAIN = {"idle_grace": "2s", "timeout": "8s"}


@pytest.fixture(scope="module")
def board():
    return Board()


@pytest.fixture(scope="module")
def nodes(board):
    made = [WatchedNode(f"node{index}", board, [SMALL, LARGE]) for index in range(3)]
    yield made
    for each in made:
        each.stop()


@pytest.fixture
def generations(tmp_path, authority, nodes):
    """generations(**options): a Poplar before the three nodes, to be used in a with block."""
    def make(**options):
        options.setdefault("drain", DRAIN)
        weights = options.pop("weights", [100, 100, 100])
        entries = [node(each.name, each.port, weight=weight) for each, weight in zip(nodes, weights)]
        return Generations(tmp_path / "poplar", entries, authority, shared=True, **options)
    return make


def visit(proxy, context, user):
    """A whole session, every answer of it right."""
    with Pop3.connect(proxy.port, context) as session:
        assert session.greeting.startswith(b"+OK"), session.greeting
        session.log_in(user)
        assert session.ok("STAT").startswith(b"+OK 2 ")
        assert session.retrieve(1) == SMALL
        session.ok("QUIT")


def slow_download(proxy, context, user, seconds, wrong):
    """A client on a bad line; its download outlasts several processes."""
    try:
        with Pop3.connect(proxy.port, context) as session:
            session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            session.log_in(user)
            session.send(b"RETR 2\r\n")
            assert session.line().startswith(b"+OK")
            whole, got = stuffed(LARGE) + b".\r\n", bytearray(session.buffer)
            pieces = 40
            for _ in range(pieces):
                until_size = min(len(whole), len(got) + len(whole) // pieces + 1)
                while len(got) < until_size:
                    got += session.socket.recv(until_size - len(got)) or b"?" * len(whole)
                time.sleep(seconds / pieces)  # what makes it slow
            assert bytes(got) == whole, f"{len(got)} bytes that aren't the message's"
    except Exception as error:  # noqa: BLE001
        wrong.append(f"download of {user}: {error!r}")


def idle_session(proxy, context, user, wrong):
    """A client that falls silent: it has to hear why it is let go."""
    try:
        with Pop3.connect(proxy.port, context) as session:
            session.log_in(user)
            assert session.at_end()
            assert session.buffer.startswith(b"-ERR [SYS/TEMP] "), bytes(session.buffer)
    except Exception as error:  # noqa: BLE001
        wrong.append(f"idle {user}: {error!r}")


def test_twenty_upgrades_under_load(generations, authority, board):
    context = tls_context(authority.file)
    wrong, others = [], []
    with generations(weights=[1, 10, 1000]) as proxy:
        def one_of_few(number):
            visit(proxy, context, f"user{number % 5}")
        with Crowd(10, one_of_few) as crowd:
            for index in range(20):
                if index % 4 == 0:
                    for target, name, *more in [(slow_download, "reader", 4), (idle_session, "idler")]:
                        thread = threading.Thread(
                            target=target, args=(proxy, context, f"{name}{index}", *more, wrong))
                        thread.start()
                        others.append(thread)
                before = crowd.visits
                proxy.configure(swap_weights)
                proxy.upgrade()
                until(lambda: crowd.visits >= before + 10 or crowd.complaints, "visits to go on")
            for thread in others:
                thread.join()
        assert not crowd.complaints, crowd.complaints[:10]
        assert not wrong, wrong
        assert crowd.visits > 200
        assert not board.twice, board.twice[:10]
        assert board.moved, "nobody has changed nodes: then nothing was put to the test"
        proxy.until_ended(proxy.pids[:-1], 40)
        assert len(set(proxy.pids)) == 21
    reasons = {line["reason"] for line in proxy.sessions()}
    assert reasons <= {"quit", "draining", "client_eof"}, reasons


def test_users_stay_with_a_session_of_the_old_process(generations, authority, board):
    """Their home is another node by the new configuration; while an old session lives, they follow it."""
    context = tls_context(authority.file)
    with generations(weights=[1, 1, 1000], drain={"idle_grace": "60s", "timeout": "60s"}) as proxy:
        with Pop3.connect(proxy.port, context) as old:
            old.log_in("stayer")
            proxy.configure(swap_weights)
            proxy.upgrade()
            proxy.upgrade()  # and the one that takes over from that one knows it as well
            visit(proxy, context, "stayer")
            old.ok("NOOP")
            assert "stayer" not in board.moved
            old.ok("QUIT")
        proxy.until_ended(proxy.pids[:-1], 20)
        visit(proxy, context, "stayer")
        assert "stayer" in board.moved and not board.twice


def test_a_login_in_the_old_process_goes_where_the_new_one_has_the_user(generations, authority, board):
    context = tls_context(authority.file)
    with generations(weights=[1, 1, 1000], drain={"idle_grace": "60s", "timeout": "60s"}) as proxy:
        with Pop3.connect(proxy.port, context) as late:
            proxy.configure(swap_weights)
            proxy.upgrade()
            with Pop3.connect(proxy.port, context) as new:
                new.log_in("latecomer")
                late.log_in("latecomer")  # connected to the old process, before it
                late.ok("QUIT")
                new.ok("QUIT")
        assert "latecomer" not in board.moved and not board.twice


def test_tls_sessions_are_resumed(generations, authority):
    context = tls_context(authority.file)
    with generations() as proxy:
        def connect(session=None):
            connection = context.wrap_socket(open_socket(proxy.port), server_hostname="localhost", session=session)
            with Pop3(connection) as pop3:
                pop3.line()
                pop3.ok("QUIT")
                return connection.session, connection.session_reused
        session, reused = connect()
        assert not reused
        for _ in range(2):
            proxy.upgrade()
            session, reused = connect(session)
            assert reused


def test_what_an_operator_said_is_remembered(generations, nodes):
    with generations() as proxy:
        answer = proxy.admin_command("drain", nodes[0].name)
        assert answer.returncode == 0, answer.stderr
        proxy.upgrade()
        states = {each["node"]: each["admin_state"] for each in proxy.api("nodes")["clusters"][0]["nodes"]}
        assert states == {"node0": "drain", "node1": "up", "node2": "up"}


def test_a_new_process_that_fails_changes_nothing(generations, authority, tmp_path):
    context = tls_context(authority.file)
    own = tmp_path / "poplar.bin"
    shutil.copy(BINARY, own)
    with generations(binary=own) as proxy, Pop3.connect(proxy.port, context) as session:
        session.log_in("witness")
        good = proxy.file.read_text()

        def still_serves():
            session.ok("NOOP")
            visit(proxy, context, "other")
            assert not proxy.ended(proxy.pids[-1])

        proxy.configure(lambda settings: settings["timeouts"].update(login="soon")
                        if "timeouts" in settings else settings.update(timeouts={"login": "soon"}))
        assert "timeouts.login" in proxy.refused_upgrade()
        still_serves()
        proxy.file.write_text(good)

        own.unlink()
        assert "ENOENT" in proxy.refused_upgrade()
        own.write_text("#!/bin/sh\nexit 3\n")
        own.chmod(0o755)
        assert "ended with status 3" in proxy.refused_upgrade()
        own.write_text("#!/bin/sh\nkill -SEGV $$\n")
        assert "was ended by signal 11" in proxy.refused_upgrade()
        still_serves()
        failed = [line for line in proxy.lines() if line.get("message", "").startswith("upgrade: ")
                  and "goes on as before" in line["message"]]
        assert len(failed) == 4, failed

        own.unlink()
        shutil.copy(BINARY, own)
        proxy.upgrade()
        session.ok("QUIT")


def test_the_engine_changes(generations, authority):
    """Both engines accept on the same sockets, which wait for one of them and not for the other."""
    context = tls_context(authority.file)
    with generations() as proxy, socket.create_server(("127.0.0.1", 0)) as taken:
        def use(engine):
            proxy.configure(lambda settings: settings.update(io=engine))

        def fail():
            """Not until it has the sockets: the address of its admin endpoint is somebody else's."""
            good, before = proxy.file.read_text(), len(failures())
            proxy.configure(lambda settings: settings["admin"].update(address=f"127.0.0.1:{taken.getsockname()[1]}"))
            os.kill(proxy.pids[-1], signal.SIGUSR2)
            until(lambda: len(failures()) > before and proxy.status("/readyz") == 200, "the old process to go on")
            proxy.file.write_text(good)

        def failures():
            return [line for line in proxy.lines() if "goes on as before" in line.get("message", "")]

        with Crowd(6, lambda number: visit(proxy, context, f"user{number}")) as crowd:
            for engine in ["epoll", "io_uring", "epoll", "io_uring"]:
                use(engine)
                fail()
                before = crowd.visits
                until(lambda: crowd.visits > before + 20, "visits to the old process to go on")
                proxy.upgrade()
                assert f'engine="{engine}"' in proxy.get("/metrics")[1]
                before = crowd.visits
                until(lambda: crowd.visits > before + 20, "visits to the new one to go on")
        assert not crowd.complaints, crowd.complaints[:10]
        assert len(failures()) == 4, failures()


def test_another_configuration_takes_effect(generations, authority, nodes):
    context = tls_context(authority.file)
    with generations(also={"extra": {"tls": "none", "require_tls": False}}) as proxy:
        extra = proxy.ports["extra"]

        def accepts_extra():
            with contextlib.suppress(OSError, EOFError):
                with Pop3.connect(extra, timeout=2) as session:
                    return session.greeting.startswith(b"+OK")
            return False

        with Crowd(4, lambda number: visit(proxy, context, f"user{number}")) as crowd:
            assert accepts_extra()
            listeners = []

            def without_extra(settings):
                settings["workers"] = 1
                listeners.append(settings["listeners"].pop())

            def with_extra(settings):
                settings["workers"] = 3
                settings["listeners"].append(listeners[0])

            proxy.configure(without_extra)
            proxy.upgrade()
            until(lambda: proxy.metric("poplar_workers") == 1, "the worker to count itself")
            assert not accepts_extra()
            proxy.configure(with_extra)
            proxy.upgrade()
            until(lambda: proxy.metric("poplar_workers") == 3, "the workers to count themselves")
            assert accepts_extra()
            proxy.upgrade()
            before = crowd.visits
            until(lambda: crowd.visits > before + 30, "visits to go on")
        assert not crowd.complaints, crowd.complaints[:10]
    assert any("configuration has no listener for it" in line.get("message", "") for line in proxy.lines())


def test_reloads_and_upgrades_in_turn(generations, authority, board):
    """A reload takes what it can; what it can't waits for the upgrade, and nothing that it took is lost there."""
    context = tls_context(authority.file)
    with generations(weights=[1, 10, 1000]) as proxy:
        with Crowd(6, lambda number: visit(proxy, context, f"user{number}")) as crowd:
            for workers in (1, 3, 1):
                def change(settings, workers=workers):
                    swap_weights(settings)
                    settings["workers"] = workers
                proxy.configure(change)
                answer = proxy.admin_command("reload")
                assert answer.returncode == 0, answer.stdout + answer.stderr
                waits = answer.stdout.partition("Takes effect with `poplar upgrade`")[2]
                assert "workers: " in waits and "weight" not in waits, answer.stdout
                before = crowd.visits
                until(lambda before=before: crowd.visits > before + 30 or crowd.complaints, "visits by the new weights")
                assert proxy.metric("poplar_workers") != workers
                proxy.upgrade()
                until(lambda workers=workers: proxy.metric("poplar_workers") == workers, "the workers to count themselves")
        assert not crowd.complaints, crowd.complaints[:10]
        assert board.moved and not board.twice


def test_the_systemd_is_told(generations, tmp_path, authority):
    manager = Systemd(tmp_path)
    with generations(environment={"NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": "400000"}) as proxy:
        ready = manager.await_field("READY", "1")
        assert "MAINPID" not in manager.heard[ready][2]
        assert manager.heard[ready][1] == proxy.pids[0]
        manager.await_field("WATCHDOG", "1", after=ready)
        os.kill(proxy.pids[0], signal.SIGHUP)
        reloading = manager.await_field("RELOADING", "1", after=ready)
        micros = int(manager.heard[reloading][2]["MONOTONIC_USEC"])
        assert abs(micros / 1e6 - manager.heard[reloading][0]) < 10
        again = manager.await_field("READY", "1", after=reloading)

        # A reload that takes long (its file is a pipe, to which nobody has written yet) keeps nobody waiting.
        text = proxy.file.read_text()
        proxy.file.unlink()
        os.mkfifo(proxy.file)
        os.kill(proxy.pids[0], signal.SIGHUP)
        reloading = manager.await_field("RELOADING", "1", after=again)
        fed = manager.await_field("WATCHDOG", "1", after=reloading)
        fed = manager.await_field("WATCHDOG", "1", after=fed + 1)
        assert not any("READY" in fields for _, _, fields in manager.heard[reloading:fed])
        proxy.file.write_text(text)
        again = manager.await_field("READY", "1", after=reloading)
        proxy.file.unlink()
        proxy.file.write_text(text)

        first, second = proxy.pids[0], proxy.upgrade()
        taken = manager.await_field("MAINPID", str(second), after=again)
        assert manager.heard[taken][1] == second and manager.heard[taken][2]["READY"] == "1"
        fed = manager.await_field("WATCHDOG", "1", after=taken)
        manager.await_field("WATCHDOG", "1", after=fed + 1)
        proxy.until_ended([first], 20)
        proxy.terminate_newest()
        stopping = manager.await_field("STOPPING", "1", after=taken)
        assert manager.heard[stopping][1] == second
        assert not any("STOPPING" in fields for _, pid, fields in manager.heard if pid == first)
        proxy.until_ended([second], 20)
    manager.close()


@pytest.mark.parametrize("named", [True, False], ids=["by name", "by address"])
def test_sockets_of_the_systemd(generations, authority, named):
    """It listens before Poplar is there, on one socket for all workers, which the next process has too."""
    context = tls_context(authority.file)
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    port = listening.getsockname()[1]
    early = socket.create_connection(("127.0.0.1", port), 20)
    number = listening.fileno()

    def wrap(command):
        names = f"LISTEN_FDNAMES={'pop3s' if named else 'poplar.socket'}"
        script = f'exec 3<&{number} {number}<&-; export LISTEN_PID=$$ LISTEN_FDS=1 {names}; exec "$@"'
        return ["bash", "-c", script, "bash", *command]

    # By name, the service manager's address counts, and not that of the configuration.
    listener = {"address": "127.0.0.1:1" if named else f"127.0.0.1:{port}"}
    with generations(wrap=wrap, pass_fds=(number,), listener=listener) as proxy:
        proxy.port = port
        listening.close()
        with Pop3(context.wrap_socket(early, server_hostname="localhost")) as session:
            assert session.line().startswith(b"+OK")
            session.log_in("early")
            session.ok("QUIT")
        visit(proxy, context, "later")
        proxy.upgrade()
        for index in range(8):
            visit(proxy, context, f"later{index}")
