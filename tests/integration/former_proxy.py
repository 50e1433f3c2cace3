"""The proxies that deploy/migration/ says how to leave, run with the very files that stand there.

Only what names the machine is replaced: addresses, ports, paths of certificates. Each says at `port` who a user's node is.
"""

import os
import pathlib

from child import Child
from poplar import ROOT
from ports import free_port
from unpacked import program
from wire import Pop3, tls_context

EXAMPLES = ROOT / "deploy" / "migration"
_PERDITION = "perdition"

# Where Dovecot keeps what two of them on one machine must not share.
_DOVECOT_PLACE = """
base_dir = {run}
state_dir = {folder}/state
instance_name = {name}
log_path = {folder}/dovecot.log
listen = 127.0.0.1
service pop3-login {{
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def replaced(file: pathlib.Path, words: dict) -> str:
    """Its text with each word replaced; one that doesn't stand there is a mistake in the test."""
    text = file.read_text()
    for word, other in words.items():
        assert word in text, f"{file} has no {word}"
        text = text.replace(word, other)
    return text


def greets(port: int, authority) -> bool:
    """Whether a POP3 server answers there over TLS."""
    try:
        with Pop3.connect(port, tls_context(authority.file)) as session:
            return session.greeting.startswith(b"+OK")
    except (OSError, EOFError):
        return False


class FormerProxy:
    def __init__(self, folder: pathlib.Path, authority, arguments, environment=None):
        self.port = free_port() if not hasattr(self, "port") else self.port
        self._child = Child(arguments, folder / "output.log", environment)
        self._child.wait_for(lambda: greets(self.port, authority), f"{type(self).__name__} to greet")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()


def _files(certificate):
    return {"/etc/ssl/mail/fullchain.pem": str(certificate.certificate), "/etc/ssl/mail/key.pem": str(certificate.key)}


class NginxMail(FormerProxy):
    def __init__(self, folder, authority, certificate, auth_url):
        folder.mkdir()
        self.port = free_port()
        (folder / "nginx.conf").write_text(replaced(EXAMPLES / "nginx-mail" / "nginx.conf", {
            **_files(certificate), "/run/nginx.pid": f"{folder}/nginx.pid", "http://127.0.0.1:9000": auth_url,
            "0.0.0.0:995": f"127.0.0.1:{self.port}", "0.0.0.0:110": f"127.0.0.1:{free_port()}"}))
        super().__init__(folder, authority, ["/usr/sbin/nginx", "-p", folder, "-e", folder / "error.log",
                                             "-c", folder / "nginx.conf", "-g", "daemon off;"])


class Perdition(FormerProxy):
    def __init__(self, folder, authority, certificate, nodes):
        folder.mkdir()
        self.port = free_port()
        example, libraries = EXAMPLES / "perdition", program(_PERDITION, "usr/lib/x86_64-linux-gnu")
        (folder / "popmap.re").write_text(replaced(example / "popmap.re", nodes))
        west = {name: address for name, address in nodes.items() if "west" in name}
        (folder / "perdition.conf").write_text(replaced(example / "perdition.conf", {
            **_files(certificate), **west, "/etc/perdition/popmap.re": f"{folder}/popmap.re",
            "/usr/lib/x86_64-linux-gnu/": f"{libraries}/", "bind_address 0.0.0.0": "bind_address 127.0.0.1",
            "listen_port 995": f"listen_port {self.port}"}) + "no_daemon\npid_file \"\"\n")
        super().__init__(folder, authority,
                         [program(_PERDITION, "usr/sbin/perdition"), "-f", folder / "perdition.conf"],
                         {"LD_LIBRARY_PATH": f"{libraries}:{libraries.parent}"})


class _Dovecot(FormerProxy):
    def __init__(self, folder, authority, text):
        (folder / "state").mkdir()
        # Its run folder holds Unix sockets, whose paths are limited to 107 bytes.
        run = pathlib.Path("/tmp") / f"poplar-former-{os.getpid()}-{self.port}"
        run.mkdir()
        (folder / "dovecot.conf").write_text(
            text + _DOVECOT_PLACE.format(run=run, folder=folder, name=f"former-{self.port}"))
        super().__init__(folder, authority, ["/usr/sbin/dovecot", "-F", "-c", folder / "dovecot.conf"])


class DovecotProxy(_Dovecot):
    def __init__(self, folder, authority, certificate, nodes):
        folder.mkdir()
        self.port = free_port()
        example = EXAMPLES / "dovecot-proxy"
        (folder / "proxy-users").write_text(replaced(example / "proxy-users", {
            f"host={name.split(':')[0]} port=110": f"host={address.split(':')[0]} port={address.split(':')[1]}"
            for name, address in nodes.items()}))
        os.chmod(folder / "proxy-users", 0o644)
        super().__init__(folder, authority, replaced(example / "dovecot.conf", {
            **_files(certificate), "/etc/dovecot/proxy-users": f"{folder}/proxy-users",
            "port = 995": f"port = {self.port}", "port = 110": f"port = {free_port()}"}))


class DovecotDirector(_Dovecot):
    """Its nodes have addresses of their own and one port, as a director wants it."""

    def __init__(self, folder, authority, certificate, addresses, port):
        folder.mkdir()
        self.port = free_port()
        super().__init__(folder, authority, replaced(EXAMPLES / "dovecot-director" / "dovecot.conf", {
            **_files(certificate), "10.0.0.1": "127.0.0.1", "10.0.1.1": addresses[0], "10.0.1.2": addresses[1],
            "port=110": f"port={port}", "port = 995": f"port = {self.port}", "port = 9090": f"port = {free_port()}"}))
