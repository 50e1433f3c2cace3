"""A real slapd (package slapd) with its own folder and data, on the loopback and on a Unix socket."""

import base64
import os
import pathlib
import shutil
import signal
import subprocess
import urllib.parse

from child import Child
from ports import free_port
from waiting import until
from wire import open_socket

SUFFIX = "dc=example,dc=org"
PEOPLE = f"ou=people,{SUFFIX}"
READER = f"cn=poplar,{SUFFIX}"
READER_PASSWORD = "pop lar:pass\u00e9"
_ROOT, _ROOT_PASSWORD = f"cn=admin,{SUFFIX}", "admin"

# Who hasn't bound may bind, and read nothing: as directories ought to be.
_CONFIGURATION = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/misc.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
loglevel stats
TLSCACertificateFile {authority}
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
TLSVerifyClient {verify_client}
database mdb
suffix "{suffix}"
rootdn "{root}"
rootpw {root_password}
directory {folder}/data
maxsize 33554432
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{reader}" read by * none
"""

_BEGINNING = f"""dn: {SUFFIX}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: {READER}
objectClass: person
cn: poplar
sn: poplar
userPassword:: {base64.b64encode(READER_PASSWORD.encode()).decode()}

dn: {PEOPLE}
objectClass: organizationalUnit
ou: people
"""


def person(uid: str, **attributes) -> str:
    """An entry in LDIF; an attribute may be a list. mailHost says where the person's mail is."""
    lines = [f"dn: uid={uid},{PEOPLE}", "objectClass: inetOrgPerson", "objectClass: inetLocalMailRecipient",
             f"cn: {uid}", f"sn: {uid}", f"uid: {uid}"]
    for name, values in attributes.items():
        for value in values if isinstance(values, list) else [values]:
            lines.append(f"{name}: {value}")
    return "\n".join(lines) + "\n"


def listens(port: int) -> bool:
    try:
        open_socket(port).close()
        return True
    except OSError:
        return False


class Slapd:
    def __init__(self, folder: pathlib.Path, authority, entries, verify_client: str = "never", certificate=None):
        """`entries`: people, see `person`. The certificate is for localhost unless another one is given."""
        self.folder = folder
        (folder / "data").mkdir(parents=True)
        self.port, self.tls_port = free_port(), free_port()
        certificate = certificate or authority.issue("slapd", ["localhost", "127.0.0.1"])
        # A Unix socket's path has at most 107 bytes.
        self._run = pathlib.Path("/tmp") / f"poplar-slapd-{os.getpid()}-{self.port}"
        self._file = folder / "slapd.conf"
        self._file.write_text(_CONFIGURATION.format(
            folder=folder, authority=authority.file, certificate=certificate.certificate, key=certificate.key,
            verify_client=verify_client, suffix=SUFFIX, root=_ROOT, root_password=_ROOT_PASSWORD, reader=READER))
        self._tool(["/usr/sbin/slapadd", "-q", "-f", self._file], "\n".join([_BEGINNING, *entries]))
        self.password_file = folder / "password"
        self.password_file.write_text(READER_PASSWORD + "\n", encoding="utf-8")
        self.password_file.chmod(0o600)
        self._child = None
        self.start()

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.port}"

    @property
    def tls_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.tls_port}"

    @property
    def socket_url(self) -> str:
        return "ldapi://" + urllib.parse.quote(str(self._run / "ldapi"), safe="")

    def start(self):
        self._run.mkdir(exist_ok=True)
        urls = f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port} {self.socket_url}"
        # With -d it stays in the foreground, and says each operation.
        self._child = Child(["/usr/sbin/slapd", "-d", "stats", "-f", self._file, "-h", urls],
                            self.folder / "output.log")
        self._child.wait_for(lambda: listens(self.port) and listens(self.tls_port), "slapd to listen")

    def _tool(self, command, text: str):
        done = subprocess.run([str(word) for word in command], input=text, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def change(self, ldif: str):
        """Adds, modifies, deletes while it runs, as ldapmodify takes it."""
        self._tool(["/usr/bin/ldapmodify", "-x", "-H", self.url, "-D", _ROOT, "-w", _ROOT_PASSWORD], ldif)

    def binds(self) -> int:
        """How often it was told who asks, rightly or wrongly."""
        return self._child.text().count(" RESULT tag=97 ")

    def searches(self):
        """The filters that were asked for, in order."""
        return [line.split('filter="')[1].rstrip('"\n') for line in self._child.text().splitlines()
                if " SRCH " in line and 'filter="' in line]

    def pause(self):
        self._child.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._child.process.send_signal(signal.SIGCONT)

    def stop(self):
        if self._child is None:
            return
        child, self._child = self._child, None
        if child.alive():
            child.process.send_signal(signal.SIGCONT)  # a test that failed may have left it stopped
        child.stop()
        until(lambda: not listens(self.port), "slapd to be gone")
        shutil.rmtree(self._run, ignore_errors=True)

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
