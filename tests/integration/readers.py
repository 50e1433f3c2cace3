"""Users with real mail programs, each with a mailbox of its own: what they fetch, session by session.

Timeouts are the programs' own and longer than `resume.deadline`: what is awaited here is an answer, not patience.
"""

import dataclasses
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time

import clients
from clients import Account
from lmtp_sink import LmtpSink
from wire import unstuff

TIMEOUT = 90       # seconds without a byte, after which a program gives up
_CURL_BATCH = 100  # messages a session
_ENVIRONMENT = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}
# mpop 1.4.18 takes an end of file inside a message for endless empty lines, and writes them all.
_LIMITED = ["prlimit", f"--fsize={1 << 28}", "--"]
_ENVELOPE = re.compile(rb"MAIL FROM:(<[^>]*>)[^\r]*\r\nRCPT TO:[^\r]*\r\nDATA\r\n")
# Some programs write no mailbox as root.
_WHO = {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


@dataclasses.dataclass
class Session:
    """One run of a program, which is one session of POP3. Moments are seconds since the epoch."""
    began: float
    took: float
    failed: bool
    output: str


class Reader:
    """A user with one mail program, a mailbox and a home."""
    program = ""
    like = clients.Client()  # stores what it fetches as this one does

    def __init__(self, account: Account, home: pathlib.Path, delete: bool):
        self.account, self.home, self.delete = account, home, delete
        self.mailbox = home / "mail"
        for part in ("cur", "new", "tmp"):
            (self.mailbox / part).mkdir(parents=True)
        self.sessions = []
        self.visits = []  # whether each went well

    @property
    def name(self) -> str:
        return f"{self.program} {'deletes' if self.delete else 'keeps'}"

    def visit(self) -> bool:
        """Fetches what there is; False as soon as a session fails."""
        self.visits.append(self._visit())
        return self.visits[-1]

    def messages(self):
        """Whatever is in the mailbox, parts of messages included."""
        return [path.read_bytes() for path in (self.mailbox / "new").iterdir()]

    def _visit(self) -> bool:
        return self._run(*self._command())

    def _command(self):
        raise NotImplementedError

    def _failed(self, code: int) -> bool:
        return code != 0

    def _run(self, *arguments) -> bool:
        if _WHO:
            for path in (self.home, *self.home.rglob("*")):
                shutil.chown(path, _WHO["user"], _WHO["group"])
        began, output = time.time(), self.home / f"output-{len(self.sessions)}"
        with open(output, "wb") as file:
            done = subprocess.run(_LIMITED + [str(each) for each in arguments], cwd=self.home, stdin=subprocess.DEVNULL,
                                  stdout=file, stderr=subprocess.STDOUT, check=False,
                                  env={**_ENVIRONMENT, "HOME": str(self.home)}, **_WHO)
        failed = self._failed(done.returncode)
        said = f"exit {done.returncode}: {output.read_text(errors='replace')[-600:]}"
        self.sessions.append(Session(began, time.time() - began, failed, said))
        return not failed

    def _private(self, name: str, text: str) -> pathlib.Path:
        path = self.home / name
        path.touch()
        path.chmod(0o600)
        path.write_text(text)
        return path


class Fetchmail(Reader):
    """Numbers and no UIDL where it deletes; where it keeps, UIDL and what is new by it."""
    program, like = "fetchmail", clients.Fetchmail()

    def _command(self):
        server, user = ("", "fetchall nokeep") if self.delete else ("uidl ", "keep")
        # Written as SMTP's dialogue into one file: no process has to be started for each message.
        file = self._private("fetchmailrc", (
            f'set invisible\nset no bouncemail\npoll localhost service {self.account.port} protocol pop3 {server}no dns'
            f' timeout {TIMEOUT}:\n  user "{self.account.user}" password "{self.account.password}" '
            f'ssl sslcertck sslcertfile "{self.account.ca_file}" {user} no rewrite pass8bits\n'
            f'  bsmtp "{self.home}/batch-{len(self.sessions)}"\n'))
        return ["fetchmail", "--silent", "--nosyslog", "--fetchmailrc", file,
                "--pidfile", self.home / "pid", "--idfile", self.home / "ids"]

    def _failed(self, code):
        return code not in (0, 1)  # 1: there was no mail

    def messages(self):
        return [mail for path in self.home.glob("batch-*") for mail in _from_batch(path.read_bytes())]


def _from_batch(text: bytes):
    """The mails in an SMTP dialogue, in which the envelope's sender was the Return-Path; the last one may be cut."""
    at, found = 0, []
    while begin := _ENVELOPE.match(text, at):
        end = text.find(b"\r\n.\r\n", begin.end() - 2)
        mail = unstuff(text[begin.end():end + 2 if end >= 0 else len(text)])
        found.append(b"Return-Path: %s\n" % begin[1] + mail.replace(b"\r\n", b"\n"))
        at = end + 5 if end >= 0 else len(text)
    assert at == len(text), text[at:at + 200]
    return found


class Mpop(Reader):
    """Up to 100 commands under way."""
    program, like = "mpop", clients.Mpop()

    def _command(self):
        file = self._private("mpoprc", (
            f"account test\nhost localhost\nport {self.account.port}\ntimeout {TIMEOUT}\ntls on\ntls_starttls off\n"
            f"tls_trust_file {self.account.ca_file}\nauth user\nuser {self.account.user}\n"
            f"password {self.account.password}\ndelivery maildir {self.mailbox}\nuidls_file {self.home}/uidls\n"
            f"received_header off\nkeep {'off' if self.delete else 'on'}\npipelining on\n"))
        return ["mpop", "--quiet", f"--file={file}", "test"]


class Getmail(Reader):
    """UIDL, then a message at a time."""
    program, like = "getmail6", clients.Getmail()

    def _visit(self):
        # With any other destination it starts a process for each mail, and misses the end of one that is too quick.
        with LmtpSink(self.mailbox / "new") as sink:
            return self._run(*self._command(sink.port))

    def _command(self, lmtp_port: int):
        file = self._private("getmailrc", (
            f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {self.account.port}\n"
            f"username = {self.account.user}\npassword = {self.account.password}\ntimeout = {TIMEOUT}\n"
            f"ca_certs = {self.account.ca_file}\n[destination]\ntype = MDA_lmtp\nhost = 127.0.0.1\n"
            f"port = {lmtp_port}\noverride = reader@localhost\n"
            f"[options]\ndelete = {str(self.delete).lower()}\nread_all = false\nreceived = false\n"
            f"delivered_to = false\nverbose = 0\n"))
        return ["getmail", f"--getmaildir={self.home}", f"--rcfile={file}"]

    def messages(self):
        return [mail.replace(b"\r\n", b"\n") for mail in super().messages()]


class Curl(Reader):
    """A script of URLs: one session lists, each further one takes a batch and deletes it. A few answers are what it
    checks; that its QUIT was answered is not among them."""
    program, like = "curl", clients.Curl()

    def _visit(self):
        at = f"pop3s://localhost:{self.account.port}/"
        common = (f'silent\nshow-error\nfail-early\nremove-on-error\ncacert = "{self.account.ca_file}"\n'
                  f'speed-time = {TIMEOUT}\nspeed-limit = 1\n'
                  f'user = "{self.account.user}:{self.account.password}"\n')
        listing = self._private("list.curl", f'{common}url = "{at}"\noutput = "{self.home}/listing"\n')
        if not self._run("curl", "--config", listing):
            return False
        left = len((self.home / "listing").read_text().split()) // 2
        done = 0
        while left > 0:
            size = min(left, _CURL_BATCH)
            first, last = (1, size) if self.delete else (done + 1, done + size)
            text = (f'{common}url = "{at}[{first}-{last}]"\n'
                    f'output = "{self.mailbox}/new/{len(self.sessions)}-#1.eml"\n')
            if self.delete:
                text += f'next\n{common}head\nrequest = "DELE"\nurl = "{at}[{first}-{last}]"\n'
            if not self._run("curl", "--config", self._private("batch.curl", text)):
                return False
            done, left = done + size, left - size
        return True


# Who reads: with deletes and without.
MODES = [(Fetchmail, True), (Fetchmail, False), (Mpop, True), (Mpop, False), (Getmail, True), (Curl, True)]
