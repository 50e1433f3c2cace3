"""popa3d: mbox files, an exclusive lock, no CAPA, no PIPELINING, no TLS."""

import pathlib
import sys

from child import Child
from ports import free_port
from unpacked import Accounts, program
from waiting import until
from wire import Pop3


def greets(port: int) -> bool:
    try:
        with Pop3.connect(port) as session:
            return session.greeting.startswith(b"+OK")
    except (OSError, EOFError):
        return False


class Popa3d:
    def __init__(self, folder: pathlib.Path, users):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.accounts = Accounts(folder / "accounts", users)
        inetd = pathlib.Path(__file__).with_name("inetd.py")
        self._child = Child(
            self.accounts.command(sys.executable, inetd, self.port,
                                  program("popa3d", "usr/sbin/popa3d")), folder / "output.log")
        self._child.wait_for(lambda: greets(self.port), "popa3d to greet")

    def deliver(self, user: str, messages):
        self.accounts.deliver(user, messages)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()
        until(lambda: not greets(self.port), "popa3d to be gone")
