"""Cyrus' pop3d: a store of its own, filled by LMTP, and capabilities that no other server has (EXPIRE, LOGIN-DELAY).

Its programs run as nobody; what to start them needs root. Accounts are this module's: Cyrus asks saslauthd for
passwords, whose protocol is four counted strings and a word.
"""

import os
import pathlib
import shutil
import smtplib
import socketserver
import struct
import tempfile
import threading

from child import Child
from popa3d import greets
from ports import free_port
from unpacked import PASSWORD, SERVERS, program
from waiting import until
from wire import Pop3

_PROGRAMS = "usr/lib/cyrus/bin"

_SETTINGS = """
configdirectory: {folder}/configuration
partition-default: {folder}/spool
defaultpartition: default
cyrus_user: nobody
cyrus_group: nogroup
mboxname_lockpath: {folder}/locks
proc_path: {folder}/proc
temp_path: {folder}/temporary
admins: cyrus
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {sockets}/accounts
sasl_mech_list: PLAIN LOGIN
sasl_maximum_layer: 0
allowplaintext: yes
autocreate_quota: 0
autocreate_post: yes
duplicatesuppression: no
munge8bit: no
skiplist_unsafe: yes
unixhierarchysep: yes
popminpoll: 0
failedloginpause: 0
servername: cyrus.test
"""

_SERVICES = """
START {{
  recover cmd="{programs}/ctl_cyrusdb -C {settings} -r"
}}
SERVICES {{
  pop3 cmd="{programs}/pop3d -C {settings}" listen="127.0.0.1:{port}" proto="tcp4" prefork=0
  lmtp cmd="{programs}/lmtpd -C {settings} -a" listen="127.0.0.1:{lmtp_port}" proto="tcp4" prefork=0
}}
EVENTS {{
}}
"""


class _Accounts(socketserver.StreamRequestHandler):
    """saslauthd's protocol: user, password, service and realm, each with its length; "OK" or "NO", with its length."""

    def handle(self):
        user, password, _, _ = (self.rfile.read(struct.unpack("!H", self.rfile.read(2))[0]).decode() for _ in range(4))
        answer = b"OK" if user in self.server.users and password == PASSWORD else b"NO"
        self.wfile.write(struct.pack("!H", len(answer)) + answer)


class _AccountServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Cyrus:
    def __init__(self, folder: pathlib.Path, users):
        assert os.geteuid() == 0, "Cyrus' programs start as root"
        self.port, self._lmtp_port = free_port(), free_port()
        self._sockets = pathlib.Path(tempfile.mkdtemp(prefix="poplar-cyrus-", dir="/tmp"))
        for part in ("configuration/socket", "configuration/db", "spool", "locks", "proc", "temporary"):
            (folder / part).mkdir(parents=True)
        for path in (folder, self._sockets, *folder.rglob("*")):
            shutil.chown(path, "nobody", "nogroup")
            os.chmod(path, 0o755)
        self._server = _AccountServer(str(self._sockets / "accounts"), _Accounts)
        os.chmod(self._sockets / "accounts", 0o777)
        self._server.users = set(users)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        settings, services = folder / "imapd.conf", folder / "cyrus.conf"
        settings.write_text(_SETTINGS.format(folder=folder, sockets=self._sockets))
        services.write_text(_SERVICES.format(programs=SERVERS / "cyrus" / _PROGRAMS, settings=settings,
                                             port=self.port, lmtp_port=self._lmtp_port))
        self._child = Child([program("cyrus", f"{_PROGRAMS}/master"), "-C", settings, "-M", services, "-D",
                             "-p", folder / "pid"], folder / "output.log",
                            {"LD_LIBRARY_PATH": str(SERVERS / "cyrus/usr/lib/x86_64-linux-gnu"),
                             "CYRUS_VERBOSE": "1"})
        self._child.wait_for(lambda: greets(self.port), "Cyrus to greet")

    def deliver(self, user: str, messages):
        """Hands the messages over by LMTP; Cyrus puts a Return-Path and a Received line before each."""
        with smtplib.LMTP("127.0.0.1", self._lmtp_port, timeout=20) as session:
            for content in messages.values():
                text = content if content.endswith(b"\r\n") else content + b"\r\n"
                session.sendmail("sender@example.net", [user], text.split(b"\r\n", 1)[1])
        if not messages:
            with Pop3.connect(self.port) as session:
                session.log_in(user).ok("QUIT")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()
        until(lambda: not greets(self.port), "Cyrus to be gone")
        self._server.shutdown()
        self._server.server_close()
        shutil.rmtree(self._sockets, ignore_errors=True)
