"""Poplars that take over from one another, the nodes that see it, and the service manager that hears of it."""

import contextlib
import ctypes
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

from fake_node import FakeNode
from poplar import BINARY, Poplar
from waiting import until

_PR_SET_CHILD_SUBREAPER = 36


class Generations(Poplar):
    """A Poplar and its successors. Leaving the block stops the newest; all must have ended cleanly."""

    def __init__(self, *arguments, **options):
        # Whose process has ended becomes ours: so we learn how each of them ends.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        super().__init__(*arguments, **options)
        self.pids = [self.child.pid]
        self.codes = {}

    def configure(self, change):
        """Edits the file: `change` gets the whole configuration."""
        settings = json.loads(self.file.read_text())
        change(settings)
        self.file.write_text(json.dumps(settings, indent=2))

    def ask_for_upgrade(self):
        return subprocess.run([BINARY, "upgrade", "--config", self.file], capture_output=True, text=True, timeout=90)

    def upgrade(self) -> int:
        """The new process, which serves when this returns."""
        before = self.started()
        done = self.ask_for_upgrade()
        assert done.returncode == 0, done.stderr + done.stdout
        found = re.fullmatch(r"process (\d+) takes over from process (\d+), whose sessions go on\n", done.stdout)
        assert found and int(found[2]) == self.pids[-1], (done.stdout, self.pids)
        self.pids.append(int(found[1]))
        until(lambda: self.started() > before and self.status("/readyz") == 200, "the new process to answer", every=0.01)
        return self.pids[-1]

    def started(self) -> float:
        """When the process that answers was started; 0 where none does."""
        status, body = self.get("/api/v1/status")
        return json.loads(body)["started"] if status == 200 else 0

    def refused_upgrade(self) -> str:
        """Why there is no new process; by the API, since the command looks at the file itself."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.admin_port}/api/v1/upgrade", method="POST")
        try:
            with urllib.request.urlopen(request, timeout=90) as got:
                raise AssertionError(f"it was upgraded: {got.read()}")
        except urllib.error.HTTPError as error:
            until(lambda: self.status("/readyz") == 200, "the old process to go on")
            return json.loads(error.read())["error"]

    def admin_command(self, *arguments):
        """`poplar drain` and its like, for the one that runs."""
        return subprocess.run([BINARY, *arguments, "--config", self.file], capture_output=True, text=True,
                              timeout=30)

    def api(self, what: str):
        return json.loads(self.get(f"/api/v1/{what}")[1])

    def terminate_newest(self):
        os.kill(self.pids[-1], signal.SIGTERM)

    def ended(self, pid: int) -> bool:
        if pid == self.child.pid:
            self.codes[pid] = self.child.process.poll()
        elif self.codes.get(pid) is None:
            with contextlib.suppress(ChildProcessError):  # its parent is still there
                found, status = os.waitpid(pid, os.WNOHANG)
                self.codes[pid] = os.waitstatus_to_exitcode(status) if found else None
        return self.codes.get(pid) is not None

    def until_ended(self, pids, seconds: float):
        until(lambda: all([self.ended(pid) for pid in pids]), f"{pids} to end ({self.codes})", seconds)

    def stop(self, seconds: float = 30.0):
        if not self.ended(self.pids[-1]):
            self.terminate_newest()
        self.until_ended(self.pids, seconds)
        assert set(self.codes.values()) == {0}, f"{self.codes}:\n{self.child.text()[-6000:]}"
        self.child._file.close()
        self.sessions()

    def __exit__(self, kind, value, trace):
        if kind is not None:
            for pid in self.pids[1:]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        super().__exit__(kind, value, trace)


def swap_weights(settings):
    """Other homes for most users, so that only the old process's sessions keep them where they are."""
    entries = settings["clusters"][0]["nodes"]
    for entry, weight in zip(entries, [each["weight"] for each in entries[1:] + entries[:1]]):
        entry["weight"] = weight


class Board:
    """Who is logged in at which node; `twice` has those who were at two."""

    def __init__(self):
        self._lock = threading.Lock()
        self._there = {}
        self.twice = []
        self.moved = set()
        self._last = {}

    def enter(self, user, node, peer):
        with self._lock:
            others = [(name, other) for name, other in self._there.get(user, []) if _open(other)]
            self.twice += [(user, name, node) for name, _ in others if name != node]
            self._there[user] = [*others, (node, peer)]
            if self._last.setdefault(user, node) != node:
                self.moved.add(user)
            self._last[user] = node

    def leave(self, user, peer):
        with self._lock:
            self._there[user] = [each for each in self._there.get(user, []) if each[1] is not peer]


def _open(peer) -> bool:
    """Whether the other end still is, whatever the node's own thread has seen of it."""
    try:
        return peer.socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


class WatchedNode:
    """A node that writes on the board who is there."""

    def __init__(self, name, board, messages):
        self.name, self._board = name, board
        self.fake = FakeNode({"USER": self._user, "PASS": self._pass, "QUIT": self._quit}, messages,
                             handler=self._serve)
        self.port = self.fake.port

    def _user(self, peer, words):
        peer.user = words[1]
        return b"+OK\r\n"

    def _pass(self, peer, words):
        self._board.enter(peer.user, self.name, peer)
        return b"+OK logged in\r\n"

    def _quit(self, peer, words):
        self._leave(peer)
        return b"+OK bye\r\n"

    def _leave(self, peer):
        if getattr(peer, "user", None):
            self._board.leave(peer.user, peer)

    def _serve(self, peer):
        try:
            self.fake._converse(peer)
        finally:
            self._leave(peer)

    def stop(self):
        self.fake.stop()


class Crowd:
    """Clients, each a thread that does `visit(number)` again and again; what it raises is a complaint."""

    def __init__(self, count, visit):
        self.visits, self.complaints = 0, []
        self._visit, self._stopping = visit, threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]

    def _run(self, number):
        while not self._stopping.is_set():
            try:
                self._visit(number)
                self.visits += 1
            except Exception as error:  # noqa: BLE001: whatever it is, the test shows it
                self.complaints.append(f"client {number}: {error!r}")
                self._stopping.wait(0.05)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        for thread in self._threads:
            thread.join()


class Systemd:
    """What systemd hears of a service: datagrams at NOTIFY_SOCKET. `heard`: (moment, sender's pid, fields)."""

    def __init__(self, folder):
        self.path = folder / "notify.sock"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(str(self.path))
        self.heard = []

    def _listen(self):
        while select.select([self._socket], [], [], 0)[0]:
            data, control, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(12))
            pid = int.from_bytes(control[0][2][:4], "little") if control else 0
            fields = dict(line.split("=", 1) for line in data.decode().splitlines())
            self.heard.append((time.monotonic(), pid, fields))

    def await_field(self, name, value=None, after: int = 0, seconds: float = 20.0):
        """The index of the first message behind `after` that says so."""
        def find():
            self._listen()
            return next((index + 1 for index, (_, _, fields) in enumerate(self.heard)
                         if index >= after and name in fields and value in (None, fields[name])), None)
        return until(find, f"{name}={value} (heard: {self.heard[after:]})", seconds) - 1

    def close(self):
        self._socket.close()
