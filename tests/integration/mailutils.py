"""GNU mailutils' pop3d: mbox files, its own parser and its own words."""

import pathlib

from child import Child
from popa3d import greets
from ports import free_port
from unpacked import Accounts, program
from waiting import until

_CONFIGURATION = """
mode daemon;
foreground yes;
pidfile {folder}/pid;
logging {{ syslog no; }};
auth {{ authentication clear; authentication system; authorization clear; authorization system; }};
mailbox {{ mail-spool /var/mail; mailbox-type mbox; }};
locking {{ type kernel; }};
timeout 600;
server 127.0.0.1:{port} {{ tls-mode no; }};
"""


class Mailutils:
    def __init__(self, folder: pathlib.Path, users):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.accounts = Accounts(folder / "accounts", users)
        (folder / "pop3d.conf").write_text(_CONFIGURATION.format(folder=folder, port=self.port))
        self._child = Child(
            self.accounts.command(program("mailutils-pop3d", "usr/sbin/pop3d"),
                                  f"--config-file={folder / 'pop3d.conf'}"), folder / "output.log")
        self._child.wait_for(lambda: greets(self.port), "mailutils pop3d to greet")

    def deliver(self, user: str, messages):
        self.accounts.deliver(user, messages)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()
        until(lambda: not greets(self.port), "mailutils pop3d to be gone")
