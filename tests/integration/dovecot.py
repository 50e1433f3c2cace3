"""Real Dovecot (package dovecot-pop3d) with private folders and ports; as root or as anybody."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal

from child import Child
from corpus import as_sent
from ports import free_port
from waiting import until
from wire import Pop3

PASSWORD = "secret"

_CONFIGURATION = """
base_dir = {run}
state_dir = {state}
instance_name = {name}
log_path = {log}
protocols = pop3
listen = {address}
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_max_userip_connections = 0
mail_location = maildir:{mail}/%u:INDEX={indexes}/%u
mail_uid = {mail_uid}
mail_gid = {mail_gid}
first_valid_uid = 0
first_valid_gid = 0
last_valid_uid = 0
mail_fsync = never
pop3_uidl_format = %g
passdb {{
  driver = passwd-file
  args = scheme=plain username_format=%u {users}
}}
userdb {{
  driver = static
  args = uid={mail_uid} gid={mail_gid} home={mail}/%u
}}
service pop3-login {{
  chroot =
  service_count = 0
  client_limit = 1000
  inet_listener pop3 {{
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = {pop3s_port}
    ssl = yes
  }}
}}
service pop3 {{
  process_limit = 400
}}
service anvil {{
  chroot =
  # Failed logins of one test would delay the next one's by up to 15 s: all come from one address.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
service auth-worker {{
  user = {internal_user}
}}
default_internal_user = {internal_user}
default_internal_group = {internal_group}
default_login_user = {login_user}
{extra}
"""


def _accounts():
    """Who Dovecot runs as: the package's users under root, else ourselves in every role."""
    if os.geteuid() == 0:
        mail = pwd.getpwnam("nobody")
        return {"internal_user": "dovecot", "internal_group": "dovecot",
                "login_user": "dovenull", "mail_uid": mail.pw_uid, "mail_gid": mail.pw_gid}
    import grp
    me, group = pwd.getpwuid(os.geteuid()), grp.getgrgid(os.getegid())
    return {"internal_user": me.pw_name, "internal_group": group.gr_name,
            "login_user": me.pw_name, "mail_uid": me.pw_uid, "mail_gid": me.pw_gid}


class Dovecot:
    """One instance. `mail` is its Maildir tree; give several instances the same one to share storage."""

    def __init__(self, folder: pathlib.Path, name: str, certificate, users,
                 mail: pathlib.Path = None, extra: str = "", stored: str = f"{{plain}}{PASSWORD}",
                 address: str = "127.0.0.1", pop3_port: int = None, pop3s_port: int = None):
        """`stored`: everybody's password as its passwd-file has it, with its scheme. `address`: of the loopback's."""
        self.name, self.folder, self.address = name, folder, address
        self.mail = mail or folder / "mail"
        self.pop3_port, self.pop3s_port = pop3_port or free_port(), pop3s_port or free_port()
        self.log = folder / "dovecot.log"
        self._child = None
        self._accounts = _accounts()
        for made in (folder / "state", folder / "indexes", self.mail):
            made.mkdir(parents=True, exist_ok=True)
            self._hand_over(made)
        # Its run folder holds Unix sockets, whose paths are limited to 107 bytes.
        self._run = pathlib.Path("/tmp") / f"poplar-dovecot-{os.getpid()}-{self.pop3s_port}"
        (folder / "users").write_text(
            "".join(f"{user}:{stored}::::::\n" for user in users))
        os.chmod(folder / "users", 0o644)
        self._file = folder / "dovecot.conf"
        self._file.write_text(_CONFIGURATION.format(
            address=address, run=self._run, state=folder / "state", name=name, log=self.log,
            certificate=certificate.certificate, key=certificate.key, mail=self.mail,
            indexes=folder / "indexes", users=folder / "users", pop3_port=self.pop3_port,
            pop3s_port=self.pop3s_port, extra=extra, **self._accounts))
        self.start()

    def _hand_over(self, path: pathlib.Path):
        if os.geteuid() == 0:
            os.chown(path, self._accounts["mail_uid"], self._accounts["mail_gid"])

    def start(self):
        self._run.mkdir(exist_ok=True)
        os.chmod(self._run, 0o755)
        # A process group of its own: a fault can then hit all its processes at once.
        self._child = Child(["/usr/sbin/dovecot", "-F", "-c", self._file],
                            self.folder / "output.log", preexec=os.setpgrp)
        self._child.wait_for(self._greets, f"Dovecot {self.name} to greet")

    def _greets(self) -> bool:
        try:
            with Pop3.connect(self.pop3_port, host=self.address) as session:
                return session.greeting.startswith(b"+OK")
        except (OSError, EOFError):
            return False

    def deliver(self, user: str, messages, sized: bool = False) -> None:
        """Puts messages (name -> bytes) into the user's Maildir; they are listed in this order.

        `sized`: with the sizes in the file's name, as delivery agents do it, so that no node has to read a message to
        list it.
        """
        maildir = self.mail / user
        for part in ("", "cur", "new", "tmp"):
            (maildir / part).mkdir(parents=True, exist_ok=True)
            self._hand_over(maildir / part)
        start = len(list((maildir / "cur").iterdir())) + len(list((maildir / "new").iterdir()))
        for number, (name, content) in enumerate(messages.items(), start=start + 1):
            sizes = f",S={len(content)},W={len(as_sent(content))}" if sized else ""
            path = maildir / "new" / f"17000{number:05}.{name}.test{sizes}"
            path.write_bytes(content)
            self._hand_over(path)

    def stored(self, user: str):
        """Names of the messages in the user's Maildir, as given to `deliver`."""
        files = [entry.name for part in ("cur", "new") for entry in (self.mail / user / part).iterdir()]
        return sorted(name.split(".")[1] for name in files if ".test" in name)

    def logins(self, user: str) -> int:
        """How often this node let the user in."""
        return self.log.read_text(errors="replace").count(f"Login: user=<{user}>")

    def signal_all(self, number):
        """Sends a signal to all of its processes, those of live sessions included."""
        os.killpg(self._child.pid, number)

    def kill(self):
        """As a power failure does it to the programs: nothing is tidied up."""
        self.signal_all(signal.SIGKILL)
        self._child.process.wait()

    def processes(self):
        """The pids of all of its processes."""
        pids = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.getpgid(int(entry.name)) == self._child.pid:
                    pids.append(int(entry.name))
            except ProcessLookupError:
                pass
        return pids

    def restart(self):
        self.stop()
        self.start()

    def restart_whole(self):
        """As a container is restarted. `restart` leaves its sessions alone: they end when their clients leave."""
        old = self._child.pid
        self.stop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(old, signal.SIGKILL)
        self.start()

    def stop(self):
        if self._child is None:
            return
        child, self._child = self._child, None
        if child.alive():
            os.killpg(child.pid, signal.SIGCONT)  # a test that failed may have left it stopped
        child.stop()
        until(lambda: not self._greets(), f"Dovecot {self.name} to be gone")
        shutil.rmtree(self._run, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is not None and self.log.exists():
            print(f"--- {self.name}\n{self.log.read_text(errors='replace')[-3000:]}")
