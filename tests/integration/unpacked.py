"""Servers whose packages conflict with dovecot-pop3d: unpacked, never installed, and run with accounts of their own.

`fetch_servers.sh` (called by tests/run.sh) unpacks the packages into build/servers. Both servers look their users
up in /etc/passwd and /etc/shadow; they get private ones, in a mount namespace, which needs root (or sudo).
"""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVERS = pathlib.Path(os.environ.get("POPLAR_SERVERS", ROOT / "build" / "servers"))
PASSWORD = "secret"
_FIRST_UID = 61000  # above what adduser gives and below nobody's; nothing on the machine owns these


def program(package: str, path: str) -> pathlib.Path:
    found = SERVERS / package / path
    assert found.exists(), f"{found} is missing: run tests/integration/fetch_servers.sh"
    return found


class Accounts:
    """A passwd, a shadow and a /var/mail of our own, plus a PAM service that reads just these."""

    def __init__(self, folder: pathlib.Path, users):
        self.folder = folder
        self.spool = folder / "spool"
        self.empty = folder / "empty"
        for made in (self.spool, self.empty, folder / "pam.d"):
            made.mkdir(parents=True)
        os.chmod(self.spool, 0o1777)
        digest = subprocess.run(["openssl", "passwd", "-6", PASSWORD], capture_output=True,
                                text=True, check=True).stdout.strip()
        passwd, shadow, group = [], [], []
        for number, user in enumerate(["root", "popa3d", *users]):
            uid = 0 if user == "root" else _FIRST_UID + number
            group_id = uid if user in ("root", "popa3d") else 8
            passwd.append(f"{user}:x:{uid}:{group_id}::/nonexistent:/bin/sh\n")
            shadow.append(f"{user}:{digest if user in users else '*'}:19000:0:99999:7:::\n")
            group.append(f"{user}:x:{uid}:\n")
        (folder / "passwd").write_text("".join(passwd))
        (folder / "shadow").write_text("".join(shadow))
        (folder / "group").write_text("".join(group) + "mail:x:8:\n")
        os.chmod(folder / "shadow", 0o600)
        for service in ("popa3d", "pop3d", "gnu-pop3d", "other"):
            (folder / "pam.d" / service).write_text(
                "auth required pam_unix.so\naccount required pam_unix.so\n")

    def command(self, *arguments):
        """The command line that runs `arguments` among these accounts."""
        mounts = [(self.folder / name, f"/etc/{name}") for name in ("passwd", "shadow", "group")]
        mounts += [(self.folder / "pam.d", "/etc/pam.d"), (self.spool, "/var/mail")]
        script = " && ".join(f"mount --bind '{source}' {target}" for source, target in mounts)
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        return [*prefix, "unshare", "--mount", "--propagation", "private", "sh", "-c",
                # popa3d locks itself into this folder before it talks to anybody.
                f"{script} && mount -t tmpfs -o mode=755 none /var/lib && mkdir /var/lib/popa3d"
                " && exec \"$@\"", "sh", *map(str, arguments)]

    def deliver(self, user: str, messages):
        """Writes the user's mbox: the messages, each with a From_ line, LF line ends."""
        box = b""
        for content in messages.values():
            text = content.replace(b"\r\n", b"\n")
            text = text if text.endswith(b"\n") else text + b"\n"
            box += (b"From sender@example.net Mon Jan  1 00:00:00 2024\n"
                    + text.replace(b"\nFrom ", b"\n>From ") + b"\n")
        path = self.spool / user
        path.write_bytes(box)
        names = ["root", "popa3d"] + [line.split(":")[0] for line in
                                      (self.folder / "passwd").read_text().splitlines()[2:]]
        if os.geteuid() == 0:
            os.chown(path, _FIRST_UID + names.index(user), 8)
            os.chmod(path, 0o660)
        else:
            os.chmod(path, 0o666)
