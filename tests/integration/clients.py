"""Real mail clients: each fetches a whole maildrop into memory.

`Client.fetch` returns the messages as the client stored them, in no particular order. `Client.stored` says
how it stores a message that a server sent so: some clients turn CRLF into LF, fetchmail and getmail6 also
touch other things, which running them directly against a node (via=direct) shows to be their own doing.
"""

import dataclasses
import pathlib
import poplib
import re
import subprocess

from wire import tls_context, unstuff

_SYSTEM = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8"}


@dataclasses.dataclass(frozen=True)
class Account:
    """Where and as whom a client logs in: TLS on localhost, trusted through `ca_file`.

    `tls` is implicit or stls. `mechanism`: XOAUTH2 or OAUTHBEARER, for which the password is a token; else the client's
    choice.
    """
    port: int
    ca_file: pathlib.Path
    user: str
    password: str = "secret"
    tls: str = "implicit"
    mechanism: str = ""

    @property
    def stls(self) -> bool:
        return self.tls == "stls"


class ClientFailed(AssertionError):
    pass


def run(arguments, folder: pathlib.Path, stdin: bytes = None, seconds: float = 120) -> bytes:
    """Runs a client in `folder` as its home; its standard output, ClientFailed if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([str(argument) for argument in arguments], cwd=folder, timeout=seconds,
                          input=stdin if stdin is not None else b"", capture_output=True,
                          env={**_SYSTEM, "HOME": str(folder)})
    if done.returncode != 0:
        raise ClientFailed(f"{arguments[0]} ended with {done.returncode}:\n"
                           f"{done.stderr.decode(errors='replace')[-3000:]}"
                           f"{done.stdout.decode(errors='replace')[-1000:]}")
    return done.stdout


def private_file(path: pathlib.Path, text: str) -> pathlib.Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def files_of(*folders):
    return [entry.read_bytes() for folder in folders for entry in sorted(folder.iterdir())]


def maildir_at(path: pathlib.Path) -> pathlib.Path:
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(parents=True, exist_ok=True)
    return path


class Client:
    name = ""
    # Whether `hard()` messages survive the client itself; where not, only `plain()` ones are compared.
    keeps_hard = True
    knows_stls = True
    mechanisms = ()  # of those that take tokens

    def fetch(self, account: Account, folder: pathlib.Path, delete: bool = False):
        raise NotImplementedError

    def stored(self, sent: bytes) -> bytes:
        return sent


class Curl(Client):
    name = "curl"
    mechanisms = ("XOAUTH2", "OAUTHBEARER")

    def _url(self, account, rest=""):
        return f"{'pop3' if account.stls else 'pop3s'}://localhost:{account.port}/{rest}"

    def _login(self, account):
        common = ["--silent", "--show-error", "--cacert", account.ca_file, "--ssl-reqd"]
        if not account.mechanism:
            return [*common, "--user", f"{account.user}:{account.password}"]
        return [*common, "--user", f"{account.user}:", "--oauth2-bearer", account.password,
                "--login-options", f"AUTH={account.mechanism}"]

    def run(self, account, folder, *arguments):
        return run(["curl", "--fail", *self._login(account), *arguments], folder)

    def fetch(self, account, folder, delete=False):
        listing = self.run(account, folder, self._url(account)).split()
        count = len(listing) // 2
        if count == 0:
            return []
        self.run(account, folder, self._url(account, f"[1-{count}]"), "--output", "#1.eml")
        if delete:
            deletes = []
            for number in range(1, count + 1):
                deletes += ["--next"] * (number > 1)
                deletes += [*self._login(account), "--head", "--request", "DELE", self._url(account, number)]
            run(["curl", *deletes], folder)
        return [(folder / f"{number}.eml").read_bytes() for number in range(1, count + 1)]


class Poplib(Client):
    name = "poplib"

    def fetch(self, account, folder, delete=False):
        poplib._MAXLINE = 1 << 20
        context = tls_context(account.ca_file)
        if account.stls:
            session = poplib.POP3("localhost", account.port, timeout=60)
            session.stls(context)
        else:
            session = poplib.POP3_SSL("localhost", account.port, timeout=60, context=context)
        session.user(account.user)
        session.pass_(account.password)
        messages = []
        for number in range(1, session.stat()[0] + 1):
            messages.append(b"".join(line + b"\r\n" for line in session.retr(number)[1]))
            if delete:
                session.dele(number)
        session.quit()
        return messages


class OpensslClient(Client):
    """openssl s_client: the whole dialogue in one burst, commands behind PASS in the same packet."""
    name = "s_client"

    def fetch(self, account, folder, delete=False):
        dialogue = f"USER {account.user}\r\nPASS {account.password}\r\nSTAT\r\n"
        output = self._run(account, folder, dialogue + "QUIT\r\n")
        # With STLS the greeting was in the clear, and s_client has kept it.
        ahead = 0 if account.stls else 1
        count = int(output.split(b"\r\n")[2 + ahead].split()[1])
        for number in range(1, count + 1):
            dialogue += f"RETR {number}\r\n" + (f"DELE {number}\r\n" if delete else "")
        output = self._run(account, folder, dialogue + "QUIT\r\n")
        rest, messages = output.split(b"\r\n", 3 + ahead)[3 + ahead], []
        for _ in range(count):
            status, rest = rest.split(b"\r\n", 1)
            assert status.startswith(b"+OK"), status
            body, rest = rest.split(b"\r\n.\r\n", 1)
            messages.append(unstuff(body + b"\r\n"))
            if delete:
                status, rest = rest.split(b"\r\n", 1)
                assert status.startswith(b"+OK"), status
        assert rest.startswith(b"+OK") and rest.count(b"\r\n") == 1, rest
        return messages

    def _run(self, account, folder, dialogue):
        stls = ["-starttls", "pop3"] if account.stls else []
        return run(["openssl", "s_client", "-quiet", *stls, "-connect", f"localhost:{account.port}",
                    "-servername", "localhost", "-CAfile", account.ca_file,
                    "-verify_return_error", "-verify_hostname", "localhost"],
                   folder, dialogue.encode())


class Mpop(Client):
    """mpop pipelines: up to 100 commands in flight when CAPA says PIPELINING."""
    name = "mpop"
    mechanisms = ("XOAUTH2", "OAUTHBEARER")

    def fetch(self, account, folder, delete=False):
        maildir = maildir_at(folder / "mail")
        # Its configuration's lines have at most 500 bytes, and tokens are longer.
        password = private_file(folder / "password", account.password)
        file = private_file(folder / "mpoprc", (
            f"account test\nhost localhost\nport {account.port}\ntls on\n"
            f"tls_starttls {'on' if account.stls else 'off'}\n"
            f"tls_trust_file {account.ca_file}\nauth {account.mechanism.lower() or 'user'}\nuser {account.user}\n"
            f"passwordeval cat {password}\ndelivery maildir {maildir}\n"
            f"uidls_file {folder}/uidls\nonly_new off\nreceived_header off\n"
            f"keep {'off' if delete else 'on'}\npipelining on\n"))
        run(["mpop", "--quiet", f"--file={file}", "test"], folder)
        return files_of(maildir / "new")

    def stored(self, sent):
        return sent.replace(b"\r\n", b"\n")


class Getmail(Client):
    name = "getmail6"
    keeps_hard = False
    knows_stls = False

    def fetch(self, account, folder, delete=False):
        # As root it refuses to write a Maildir itself; a command may.
        (folder / "mail").mkdir(parents=True)
        file = private_file(folder / "getmailrc", (
            f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\n"
            f"port = {account.port}\nusername = {account.user}\npassword = {account.password}\n"
            f"ca_certs = {account.ca_file}\n[destination]\ntype = MDA_external\n"
            f"path = /bin/sh\narguments = ('-c', 'cat > $(mktemp {folder}/mail/XXXXXXXX)')\n"
            f"unixfrom = false\nallow_root_commands = true\n"
            f"[options]\ndelete = {str(delete).lower()}\nread_all = true\nreceived = false\n"
            f"delivered_to = false\nverbose = 0\n"))
        run(["getmail", f"--getmaildir={folder}", f"--rcfile={file}"], folder)
        return files_of(folder / "mail")

    def stored(self, sent):
        return sent.replace(b"\r\n", b"\n")


class Fetchmail(Client):
    name = "fetchmail"
    keeps_hard = False

    def fetch(self, account, folder, delete=False):
        (folder / "mail").mkdir(parents=True)
        file = private_file(folder / "fetchmailrc", (
            f'set invisible\nset no bouncemail\npoll localhost service {account.port} '
            f'protocol pop3 no dns:\n  user "{account.user}" password "{account.password}" '
            f'{"" if account.stls else "ssl "}sslproto "TLS1.2+" sslcertck sslcertfile "{account.ca_file}" fetchall '
            f'{"nokeep" if delete else "keep"} no rewrite pass8bits\n'
            f'  mda "cat > $(mktemp {folder}/mail/XXXXXXXX)"\n'))
        try:
            run(["fetchmail", "--silent", "--nosyslog", "--fetchmailrc", file, "--pidfile",
                 folder / "pid", "--idfile", folder / "ids"], folder)
        except ClientFailed as failure:
            if "ended with 1:" not in str(failure):  # 1: there was no mail
                raise
        return files_of(folder / "mail")

    def stored(self, sent):
        return re.sub(b"\r*\n", b"\n", sent)


ALL = [Curl(), Poplib(), OpensslClient(), Mpop(), Getmail(), Fetchmail()]
