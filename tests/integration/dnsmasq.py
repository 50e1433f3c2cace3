"""A private name server whose records a test can change while it runs: dnsmasq, twice.

The one in front keeps its port and knows nothing; it forwards to one that has the records. A change starts another of
those and swaps them, so that no question meets a closed port. Every change is in force when its call returns.
"""

import contextlib
import getpass
import itertools
import pathlib
import signal
import socket
import threading

from child import Child
from dns_question import ask
from ports import free_port

_BINARY = "/usr/sbin/dnsmasq"
_SERIAL = "serial.dnsmasq.test"
_SERVFAIL = 2


def _free_port() -> int:
    """Free for TCP and UDP."""
    while True:
        port = free_port()
        with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", port))
            return port


def _start(folder: pathlib.Path, name: str, port: int, lines) -> Child:
    file = folder / f"{name}.conf"
    file.write_text("\n".join([
        "no-hosts", "no-resolv", "bind-interfaces", "listen-address=127.0.0.1", f"port={port}", "cache-size=0",
        "dns-forward-max=2000", f"user={getpass.getuser()}", "pid-file=", *lines]) + "\n")
    return Child([_BINARY, "--keep-in-foreground", "--log-facility=-", f"--conf-file={file}"], folder / f"{name}.log")


class _Failing:
    """What the one in front meets instead of records: silence, or an answer with nothing but a fault."""

    def __init__(self, rcode):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._rcode = rcode
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def _answer(self):
        while True:
            question, peer = self._socket.recvfrom(4096)
            if not question:  # from stop()
                return
            if self._rcode is not None:
                head = question[:2] + bytes([question[2] | 0x80, 0x80 | self._rcode])
                self._socket.sendto(head + question[4:], peer)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


class Dnsmasq:
    """`hosts`: name -> addresses; an empty list is a name without addresses. `srv`: name -> (priority, weight, port,
    target)s. `cnames`: name -> the name it stands for, one of `hosts`. `ttl`: seconds, of all records. `port`: a free one."""

    def __init__(self, folder: pathlib.Path, hosts=None, srv=None, cnames=None, ttl: int = 1, port: int = None):
        folder.mkdir(parents=True)
        self._folder = folder
        self._numbers = itertools.count(1)
        self._servers = folder / "servers"
        self._records = {"hosts": dict(hosts or {}), "srv": dict(srv or {}), "cnames": dict(cnames or {}), "ttl": ttl}
        self._front = None
        self._behind = None
        self.port = port or _free_port()
        self._servers.write_text("")
        self.start()
        self._apply()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def set(self, **records):
        """set(hosts={...}, srv={...}, cnames={...}, ttl=5): what is named is replaced, at once; it ends fail(), too."""
        assert records.keys() <= self._records.keys(), records
        self._records.update(records)
        self._apply()

    def set_hosts(self, name: str, addresses):
        self.set(hosts={**self._records["hosts"], name: list(addresses)})

    def set_srv(self, name: str, targets):
        self.set(srv={**self._records["srv"], name: list(targets)})

    def clear(self):
        """No record is left: every name is NXDOMAIN."""
        self.set(hosts={}, srv={}, cnames={})

    def fail(self, how: str):
        """`refused`, `servfail` or `silent` is the answer to everything, until heal() or a change of the records."""
        if how == "refused":
            self._swap(None, lambda: self._rcode() == 5)
        elif how == "servfail":
            behind = _Failing(_SERVFAIL)
            self._swap(behind, lambda: self._rcode() == _SERVFAIL)
        else:
            assert how == "silent", how
            behind = _Failing(None)
            self._swap(behind, lambda: self._rcode() is None)

    def heal(self):
        self._apply()

    def stop(self):
        """An outage: the port is closed."""
        if self._front:
            self._front.stop()
            self._front = None

    def start(self):
        """Ends the outage; what was changed meanwhile is in force."""
        if self._front:
            return
        self._front = _start(self._folder, "front", self.port, [f"servers-file={self._servers}"])
        self._front.wait_for(lambda: self._rcode() is not None or isinstance(self._behind, _Failing),
                             "the name server to answer")

    def ask(self, name: str, kind: str, seconds: float = 5.0):
        """As whoever is tested asks; see dns_question.py. None: no answer."""
        return ask(self.port, name, kind, seconds)

    def log(self) -> str:
        return self._front.text() if self._front else ""

    def close(self):
        self.stop()
        if self._behind:
            self._behind.stop()
            self._behind = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _rcode(self, seconds: float = 0.3):
        answer = self.ask(_SERIAL, "TXT", seconds)
        return answer.rcode if answer else None

    def _apply(self):
        serial = str(next(self._numbers))
        behind = _start(self._folder, f"records-{serial}", port := _free_port(), self._lines(serial))
        behind.port = port
        behind.wait_for(lambda: self._serial(port) == serial, "the records to be served")
        self._swap(behind, lambda: self._serial(self.port) == serial)

    def _lines(self, serial: str):
        hosts = self._folder / f"hosts-{serial}"
        hosts.write_text("".join(f"{address} {name}\n" for name, addresses in self._records["hosts"].items()
                                 for address in addresses))
        lines = ["address=/#/", f"txt-record={_SERIAL},{serial}", f"addn-hosts={hosts}",
                 f"local-ttl={self._records['ttl']}"]
        lines += [f"txt-record={name},none" for name, addresses in self._records["hosts"].items() if not addresses]
        lines += [f"cname={name},{target}" for name, target in self._records["cnames"].items()]
        lines += [f"srv-host={name},{target},{port},{priority},{weight}"
                  for name, targets in self._records["srv"].items() for priority, weight, port, target in targets]
        return lines

    @staticmethod
    def _serial(port: int):
        answer = ask(port, _SERIAL, "TXT", seconds=0.3)  # what is asked ahead of the change may find silence
        return answer.values[0] if answer and answer.values else None

    def _swap(self, behind, in_force):
        self._servers.write_text(f"server=127.0.0.1#{behind.port}\n" if behind else "")
        if self._front:
            self._front.process.send_signal(signal.SIGHUP)
            self._front.wait_for(in_force, "the name server to know the change")
        if self._behind:
            self._behind.stop()
        self._behind = behind
