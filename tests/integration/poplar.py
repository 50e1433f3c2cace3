"""The program under test: a configuration written, the binary started, its session log read, its end checked."""

import functools
import json
import os
import pathlib
import re
import resource
import signal
import threading
import urllib.error
import urllib.request

from child import Child
from ports import free_port
from waiting import until
from wire import Pop3, tls_context

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("POPLAR", ROOT / "build" / "release" / "poplar"))

# What Poplar serves its sockets by, if not by what it would take itself: epoll or io_uring.
TEST_IO = os.environ.get("POPLAR_TEST_IO", "")

# Every way in which a session can end; a log line with another word is a defect.
REASONS = {
    "quit", "client_eof", "client_reset", "tls_handshake_failed", "tls_handshake_timeout",
    "not_tls", "unexpected_tls", "proxy_header", "login_timeout", "client_idle", "client_write_stall",
    "too_many_bad_commands", "too_many_failed_logins", "node_unavailable", "node_eof", "node_reset", "node_protocol",
    "too_many_guesses", "not_admitted", "crowded_out", "node_response_timeout", "node_trouble", "node_out", "node_down",
    "client_protocol", "opaque_ended", "moved", "kicked", "claim_lost", "draining", "shutdown", "loop",
}


def node(name: str, port: int, **more):
    """One entry of clusters[].nodes, on the loopback."""
    return {"name": name, "address": f"127.0.0.1:{port}", **more}


def configuration(nodes, certificates, port: int, admin_port: int, log_file: pathlib.Path,
                  shared: bool = False, listener=None, more_listeners=(), admin=None, **sections):
    """The whole configuration as the YAML reader's sections; `sections` replaces or adds.

    `listener` has settings of the first one; its address may be another one with {port} in it.
    """
    listener = {"name": "pop3s", "address": "127.0.0.1:{port}", "tls": "implicit", **(listener or {})}
    listener["address"] = listener["address"].format(port=port)
    return {
        **({"io": TEST_IO} if TEST_IO else {}),
        "workers": 2,
        "listeners": [listener, *more_listeners],
        "tls": {"certificates": [{"certificate": str(made.certificate), "key": str(made.key)}
                                 for made in certificates]},
        "clusters": [{"name": "main", "shared_storage": shared, "nodes": nodes}],
        "admin": {"address": f"127.0.0.1:{admin_port}", **(admin or {})},
        # Each session has its line, however many there are.
        "log": {"format": "json", "level": "info", "output": str(log_file), "noise_per_second": 0},
        "drain": {"idle_grace": "5s", "timeout": "5s"},
        # A login at the node for each of a client's, and as little patience as possible with a node
        # that is down: what most tests are about. Pools and health have tests of their own. Without
        # probes a node sees only what clients say.
        "pool": {"warm": 0, "max_snapshot_age": "0s"},
        "health": {"probe": "off", "consecutive_failures": 2, "hold_down": "200ms",
                   "slow_start": "0s", "ejection_time": "100ms", "ejection_time_max": "100ms",
                   "ejected_percent_max": 100, "panic_percent": 0},
        **sections,
    }


class Poplar:
    """A running proxy in front of `nodes`. Leaving the block stops it and requires a clean end."""

    def __init__(self, folder: pathlib.Path, nodes, authority, certificates=None, also=None, ready=True,
                 descriptors: int = None, preexec=None, binary: pathlib.Path = BINARY, wrap=list, environment=None,
                 pass_fds=(), **options):
        """`also`: settings of further listeners, by name; each gets a port of its own, to be found in `ports`.
        `ready`: whether it can be, with what it needs; else it is only waited for to be alive.
        `descriptors`: the most that it may have open. `preexec`: called in its process before it begins.
        `wrap`: makes the command line of what starts it out of its own.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.authority = authority
        self.port, self.admin_port = free_port(), free_port()
        self.log = folder / "poplar.log"
        self._lines, self._read, self._inode, self._reading = [], 0, 0, threading.Lock()
        self.file = folder / "poplar.yaml"
        self.ports = {name: free_port() for name in also or {}}
        more = [{"name": name, "address": f"127.0.0.1:{self.ports[name]}", **settings}
                for name, settings in (also or {}).items()]
        certificates = certificates or [authority.issue("poplar", ["localhost", "127.0.0.1"])]
        # JSON is YAML; written so, no quoting rule of YAML can bite a test.
        self.file.write_text(json.dumps(configuration(
            nodes, certificates, self.port, self.admin_port, self.log, more_listeners=more, **options), indent=2))
        if descriptors:
            preexec = functools.partial(resource.setrlimit, resource.RLIMIT_NOFILE, (descriptors, descriptors))
        # Freed memory that a sanitizer keeps back would look as if Poplar kept it.
        self.binary = binary
        self.child = Child(wrap([binary, "serve", "--config", self.file]), folder / "output.log",
                           {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=64",
                            "LSAN_OPTIONS": f"suppressions={pathlib.Path(__file__).with_name('leaks.txt')}",
                            **(environment or {})},
                           pass_fds=pass_fds, preexec=preexec)
        self.child.wait_for(lambda: self.status("/readyz" if ready else "/livez") == 200, "Poplar to be ready")

    # --- the admin endpoint

    def get(self, path: str):
        """(status, body) of the admin endpoint; status 0 where nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=10) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def status(self, path: str) -> int:
        return self.get(path)[0]

    def metric(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        assert lines, f"no metric {name} in:\n{self.get('/metrics')[1][:4000]}"
        return sum(float(value) for value in lines)

    # --- the log

    def lines(self):
        """The log so far as objects; every line has to be one. Whoever waits for one asks often: only the new ones are read."""
        with self._reading:
            try:
                with open(self.log, "rb") as file:
                    inode = os.fstat(file.fileno()).st_ino
                    if inode != self._inode:  # the first one, or a rotation
                        self._lines, self._read, self._inode = [], 0, inode
                    file.seek(self._read)
                    whole, end, _ = file.read().rpartition(b"\n")
            except FileNotFoundError:
                return []
            if end:
                self._lines += [json.loads(line) for line in whole.decode(errors="replace").split("\n")]
            self._read += len(whole) + len(end)
            return list(self._lines)

    def sessions(self):
        found = [line for line in self.lines() if line.get("event") == "session"]
        for line in found:
            assert line["reason"] in REASONS, f"a reason without a name: {line}"
        return found

    def session(self, index: int = 0, seconds: float = 20.0):
        """The log line of the index-th session that ended (from 0), once it is there."""
        until(lambda: len(self.sessions()) > index, f"log line of session {index}", seconds)
        return self.sessions()[index]

    def idle(self, seconds: float = 20.0):
        """Waits until no session is left: what a test started must also end."""
        until(lambda: self.metric("poplar_sessions_active") == 0, "all sessions to end", seconds)
        # The gauge falls a moment before the line is written.
        ended = self.metric("poplar_sessions_ended_total")
        until(lambda: len(self.sessions()) >= ended, "the log to have them all", seconds)

    # --- clients and process

    def connect(self, **options) -> Pop3:
        """A TLS session that trusts the test CA."""
        return Pop3.connect(self.port, tls_context(self.authority.file), **options)

    def connect_plain(self, listener: str) -> Pop3:
        """A session in the clear, so far."""
        return Pop3.connect(self.ports[listener])

    def start_tls(self, session: Pop3) -> Pop3:
        """STLS, and the handshake."""
        session.ok("STLS")
        return session.start_tls(tls_context(self.authority.file))

    def memory(self) -> int:
        """Resident bytes."""
        status = pathlib.Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.child.pid}/fd"))

    def terminate(self):
        """Asks for the drain, without waiting for it."""
        self.child.process.send_signal(signal.SIGTERM)

    def stop(self, seconds: float = 30.0):
        code = self.child.stop(signal.SIGTERM, seconds)
        assert code == 0, f"Poplar ended with {code}:\n{self.child.text()[-6000:]}"
        self.sessions()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
            return
        self.child.process.kill()
        self.child.process.wait()
        log = self.log.read_text(errors="replace") if self.log.exists() else ""
        print(f"--- Poplar's output\n{self.child.text()[-4000:]}\n--- its log\n{log[-4000:]}")
