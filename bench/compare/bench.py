"""What every kind of measurement uses: nodes, nginx's directory, the load; and rounds that take turns.

A row is what is told of one proxy: numbers by name, "sessions" and "failed" among them, or "error" alone.
"""

import contextlib
import dataclasses
import json
import pathlib
import select
import signal
import statistics
import subprocess
import sys
import time

from peers import BUILD, NGINX, UPSTREAM, Child, Stand, free_port, on_core

FRONT_CORE, LOAD_CORE = 0, 1
GENERATOR = BUILD / "bench" / "generator" / "poplar_generator"
LOAD = BUILD / "bench" / "load" / "poplar_load"
PEERS = ("nginx-mail", "haproxy", "dovecot-proxy", "perdition")   # what Poplar is compared with
_SUMS = ("sessions", "failed")

_AUTH = """
daemon off;
pid {folder}/auth.pid;
error_log {folder}/auth.log crit;
worker_processes 1;
events {{ worker_connections 20000; }}
http {{
  access_log off;
  keepalive_timeout 65;
  split_clients $http_auth_user $node {{ {shares} }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      add_header Auth-Status OK always;
      add_header Auth-Server 127.0.0.1 always;
      add_header Auth-Port $node always;
      return 200;
    }}
  }}
}}
"""


class Failed(Exception):
    """A measurement that came to nothing; says why."""


@dataclasses.dataclass(frozen=True)
class Bench:
    folder: pathlib.Path     # for all that is made; the certificate is there
    size: float = 1          # times the usual amount of work
    rounds: int = 5
    fronts: tuple = ()       # names; empty: all
    cores: tuple = (0, 1)    # of the machine, all
    upstream: bool = False   # whether there is a build with upstream's BoringSSL

    def count(self, usual: float, least: int = 20) -> int:
        return max(least, int(usual * self.size))

    def seconds(self, usual: float, least: float) -> float:
        return max(least, usual * self.size)

    def stand(self, ports, core=FRONT_CORE, auth_port: int = 0) -> Stand:
        return Stand(self.folder, ports, self.folder / "certificate.pem", self.folder / "key.pem", core, auth_port)

    def chosen(self, names):
        there = [name for name in names if self.upstream or not name.endswith(UPSTREAM)]
        return [name for name in there if not self.fronts or name in self.fronts]


def say(words: str):
    print(f"{words[:110]:<110}", end="\r", file=sys.stderr, flush=True)


class Nodes:
    """Demo nodes in one process, on ports one behind the other, on the load's core unless told otherwise."""

    def __init__(self, bench: Bench, *more, count: int = 3, core=LOAD_CORE):
        self._bench, self._more, self._count, self._core = bench, more, count, core
        self.pop3_port = _ports_in_a_row(count)
        self.ports = [self.pop3_port + i for i in range(count)]
        self.name = f"node-{self.pop3_port}"

    def start(self):
        log = self._bench.folder / f"{self.name}.log"
        self._child = Child([LOAD, "nodes", "--nodes", self._count, "--port", self.pop3_port, *self._more], log,
                            preexec=on_core(self._core))
        self._child.wait_for(lambda: "ready" in log.read_text(), "the nodes to be ready", 60)

    def signal(self, number: int):
        self._child.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        self._child.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        if self._child.alive():
            self.signal(signal.SIGCONT)
            self._child.stop()


def _ports_in_a_row(count: int) -> int:
    for _ in range(100):
        first = free_port()
        if all(free_port() == first + i for i in range(1, count)):
            return first
    raise Failed(f"no {count} free ports in a row")


@contextlib.contextmanager
def auth_http(bench: Bench, ports, core=LOAD_CORE):
    """The port of a service that answers nginx's questions at once, on the load's core; each user has a node."""
    port = free_port()
    *others, last = ports
    shares = "".join(f"{100 / len(ports):.1f}% {each}; " for each in others) + f"* {last};"
    file = bench.folder / f"auth-{port}.conf"
    file.write_text(_AUTH.format(folder=bench.folder, port=port, shares=shares))
    child = Child([NGINX[0], "-p", bench.folder, "-e", "stderr", "-c", file], bench.folder / f"auth-{port}.log",
                  preexec=on_core(core))
    try:
        yield port
    finally:
        child.stop()


def start_load(port: int, *more, core=LOAD_CORE, stdin=subprocess.DEVNULL) -> subprocess.Popen:
    return subprocess.Popen([str(GENERATOR), "--target", f"127.0.0.1:{port}", *map(str, more)], stdin=stdin,
                            stdout=subprocess.PIPE, text=True, preexec_fn=on_core(core))


def end_load(load: subprocess.Popen, seconds: float) -> dict:
    """Its report; what is not done by then is killed."""
    try:
        text, _ = load.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        load.kill()
        load.communicate()
        raise Failed(f"the load was not done within {seconds:.0f} s") from None
    if load.returncode != 0:
        raise Failed(f"the load ended with status {load.returncode}")
    return json.loads(text.splitlines()[-1])


def run_load(port: int, *more, core=LOAD_CORE, seconds: float = 300) -> dict:
    return end_load(start_load(port, *more, core=core), seconds)


class Turns:
    """A load that runs as many sessions as it is told, again and again, and keeps its clients' TLS sessions meanwhile."""

    def __init__(self, port: int, *more, core=LOAD_CORE):
        self._load = start_load(port, "--turns", *more, core=core, stdin=subprocess.PIPE)

    def run(self, sessions: int, seconds: float = 120) -> dict:
        self._load.stdin.write(f"{sessions}\n")
        self._load.stdin.flush()
        if not select.select([self._load.stdout], [], [], seconds)[0]:
            raise Failed(f"the load was not done within {seconds:.0f} s")
        line = self._load.stdout.readline()
        if not line:
            raise Failed("the load has ended")
        return json.loads(line)

    def end(self):
        self._load.kill()
        self._load.communicate()


class Running:
    """Proxies that all run, each with its load, and are measured by turns; a proxy is started when its first turn comes."""

    def __init__(self, stand):
        self._stand, self._stack, self._running, self._errors = stand, contextlib.ExitStack(), {}, {}

    def measure(self, name: str, front, arguments, sessions: int, clients: int) -> dict:
        """`front`: its class."""
        if name in self._errors:
            raise self._errors[name]
        if name not in self._running:
            try:
                self._running[name] = self._start(front, arguments, clients)
            except (Failed, AssertionError, OSError) as error:
                self._errors[name] = error
                raise
        proxy, load = self._running[name]
        before = proxy.group.cpu_seconds()
        report = load.run(sessions)
        return _row_of(report, proxy.group.cpu_seconds() - before)

    def _start(self, front, arguments, clients: int):
        proxy = self._stack.enter_context(front(self._stand))
        load = Turns(proxy.port, *arguments, "--clients", clients)
        self._stack.callback(load.end)
        for _ in range(2):   # a client's first TLS session is a full one, and its first login may open what others use
            load.run(clients)
        return proxy, load

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()


class Held:
    """Sessions that are logged in and idle; `count`: how many there are."""

    def __init__(self, port: int, sessions: int, *more):
        self._sessions = sessions
        self._load = start_load(port, "hold", "--clients", sessions, "--users", sessions, *more, stdin=subprocess.PIPE)

    def wait(self, seconds: float = 240):
        line = ""
        if select.select([self._load.stdout], [], [], seconds)[0]:
            line = self._load.stdout.readline()
        if not line.startswith("holding "):
            raise Failed(f"{self._sessions} sessions were not open within {seconds:.0f} s")
        self.count = int(line.split()[1])

    def release(self, seconds: float = 120) -> dict:
        return end_load(self._load, seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._load.poll() is None:
            self._load.kill()
            self._load.communicate()


def warm_and_measure(front, arguments, sessions: int, clients: int = 64, core=LOAD_CORE) -> dict:
    """CPU time of one proxy that runs, for so many sessions of a closed loop."""
    clients = min(clients, sessions)
    arguments = (*arguments, "--clients", clients)
    warm = run_load(front.port, *arguments, "--sessions", max(clients, sessions // 10), core=core)
    before = front.group.cpu_seconds()
    report = run_load(front.port, *arguments, "--sessions", sessions, core=core)
    row = _row_of(report, front.group.cpu_seconds() - before)
    row["failed"] += warm["failed"]
    return row


def _row_of(report: dict, cpu: float) -> dict:
    if report["all_sessions"] == 0:
        raise Failed(f"no session came through: {report['failed_at']}")
    return {"cpu_us": cpu * 1e6 / report["all_sessions"], "cpu_seconds": cpu, "bytes": report["bytes_received"],
            "sessions_per_second": report["sessions"] / report["seconds"],
            "p50_ms": report["session"]["p50_ms"], "p99_ms": report["session"]["p99_ms"],
            "resumed": report["resumed"] / max(1, report["sessions"]),
            "sessions": report["sessions"] + report["failed"], "failed": report["failed"]}


def attempt(name: str, measure) -> dict:
    """A row, whatever happens."""
    try:
        return measure()
    except (Failed, AssertionError) as error:
        words = str(error)
    except (OSError, LookupError, ValueError, ArithmeticError, subprocess.SubprocessError) as error:
        words = repr(error)
    print(f"\n{name}: {words}", file=sys.stderr)
    return {"error": words.strip().partition("\n")[0][:200]}


def in_rounds(words: str, count: int, names, measure) -> dict:
    """{name: row}, the medians of so many rounds; each round runs every name once, in an order that turns."""
    names, done = list(names), {}
    for number in range(count):
        turn = number % max(1, len(names))
        for name in names[turn:] + names[:turn]:
            say(f"{words}: round {number + 1} of {count}, {name}")
            done.setdefault(name, []).append(attempt(f"{words}, {name}", lambda name=name: measure(name)))
    return {name: _row(done[name]) for name in names}


def _row(rounds) -> dict:
    good = [each for each in rounds if "error" not in each]
    bad = [each["error"] for each in rounds if "error" in each]
    if not good:
        return {"error": bad[0]}
    row = medians(good)
    row["rounds"] = len(good)
    if "cpu_us" in row:
        row["cpu_us_of_rounds"] = [each["cpu_us"] for each in good]
    if bad:
        row["errors"] = bad
    return row


def medians(rounds) -> dict:
    """Of each number, also of those further inside; sessions and failures are added up."""
    row = {}
    for name, value in rounds[0].items():
        values = [each[name] for each in rounds if name in each]
        if isinstance(value, dict):
            row[name] = medians(values)
        elif name in _SUMS:
            row[name] = sum(values)
        else:
            row[name] = statistics.median(values)
    return row


def wait_until(moment: float):
    """Of time.monotonic()."""
    time.sleep(max(0.0, moment - time.monotonic()))


