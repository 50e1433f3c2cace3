"""Courier's pop3d: Maildirs, no lock, a login program of its own that says "logged in" its own way.

Its daemon for accounts is this module: Courier's programs ask it over a Unix socket at a fixed path, which a mount
namespace (root, or sudo) makes a private one.
"""

import os
import pathlib
import pwd
import shutil
import socketserver
import tempfile
import threading

from child import Child
from popa3d import greets
from ports import free_port
from unpacked import PASSWORD, SERVERS, program
from waiting import until

_PROGRAMS = "usr/lib/courier/courier"


class _Accounts(socketserver.StreamRequestHandler):
    """Answers authdaemond's only question that a login asks: AUTH LENGTH, then service, method, user,
    password."""

    def handle(self):
        words = [b""]
        while words and words[0] != b"AUTH":  # before it: the client's address
            words = self.rfile.readline().split()
        if len(words) != 2:
            self.wfile.write(b"FAIL\n")
            return
        fields = self.rfile.read(int(words[1])).decode().split("\n")
        home = self.server.homes / fields[2] if len(fields) > 3 else None
        if fields[1] != "login" or fields[3] != PASSWORD or fields[2] not in self.server.users:
            self.wfile.write(b"FAIL\n")
            return
        owner = _owner()
        self.wfile.write(f"UID={owner.pw_uid}\nGID={owner.pw_gid}\nHOME={home}\n"
                         f"ADDRESS={fields[2]}\nNAME={fields[2]}\nMAILDIR={home}/Maildir\n.\n".encode())


class _AccountServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _owner():
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


class Courier:
    def __init__(self, folder: pathlib.Path, users):
        self.port = free_port()
        self._homes = folder / "homes"
        self._homes.mkdir(parents=True)
        # Unix sockets' paths are limited to 107 bytes.
        self._sockets = pathlib.Path(tempfile.mkdtemp(prefix="poplar-courier-", dir="/tmp"))
        os.chmod(self._sockets, 0o755)
        self._server = _AccountServer(str(self._sockets / "socket"), _Accounts)
        os.chmod(self._sockets / "socket", 0o777)
        self._server.homes, self._server.users = self._homes, set(users)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        for user in users:
            self.deliver(user, {})
        self._child = Child(self._command(), folder / "output.log", {
            "LD_LIBRARY_PATH": str(SERVERS / "courier" / "usr/lib"), "MAILDIRPATH": "Maildir",
            "POP3AUTH": "PLAIN LOGIN", "POP3_STARTTLS": "NO", "POP3_TLS_REQUIRED": "0", "POP3_PROXY": "0",
            "AUTH_MKHOMEDIR_SKEL": ""})
        self._child.wait_for(lambda: greets(self.port), "Courier to greet")

    def _command(self):
        arguments = [program("courier", "usr/sbin/couriertcpd"), "-address=127.0.0.1", "-maxprocs=200",
                     "-maxperip=200", "-nodnslookup", "-noidentlookup", self.port,
                     program("courier", f"{_PROGRAMS}/courierpop3login"),
                     program("courier", f"{_PROGRAMS}/courierpop3d"), "Maildir"]
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n", "-E"]
        return [*prefix, "unshare", "--mount", "--propagation", "private", "sh", "-c",
                "mount -t tmpfs -o mode=755 none /run && mkdir -p /run/courier/authdaemon"
                f" && mount --bind '{self._sockets}' /run/courier/authdaemon && exec \"$@\"", "sh",
                *map(str, arguments)]

    def deliver(self, user: str, messages):
        """Puts messages (name -> bytes) into the user's Maildir, with LF line ends, as a delivery agent does."""
        home, owner = self._homes / user, _owner()
        maildir = home / "Maildir"
        if not maildir.exists():
            for part in ("cur", "new", "tmp"):
                (maildir / part).mkdir(parents=True)
            for made in (home, maildir, maildir / "cur", maildir / "new", maildir / "tmp"):
                os.chown(made, owner.pw_uid, owner.pw_gid)
        for number, (name, content) in enumerate(messages.items(), 1):
            path = maildir / "new" / f"17000{number:05}.{name}.test"
            path.write_bytes(content.replace(b"\r\n", b"\n"))
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()
        until(lambda: not greets(self.port), "Courier to be gone")
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._sockets, ignore_errors=True)
