"""A test CA and server certificates, made with the openssl command."""

import dataclasses
import pathlib
import subprocess


@dataclasses.dataclass(frozen=True)
class Certificate:
    certificate: pathlib.Path
    key: pathlib.Path


def _openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _key_options(kind: str):
    if kind == "ecdsa":
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    return ["-newkey", "rsa:2048"]


class Authority:
    """One CA in one folder; `file` is what clients are given to trust."""

    def __init__(self, folder: pathlib.Path, name: str = "Poplar test CA"):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.file = folder / "ca.pem"
        self._key = folder / "ca.key"
        _openssl("req", "-x509", "-nodes", "-days", 30, *_key_options("ecdsa"),
                 "-subj", f"/CN={name}", "-keyout", self._key, "-out", self.file,
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name: str, names, kind: str = "ecdsa", days: int = 30,
              usage: str = "serverAuth") -> Certificate:
        """A certificate for `names` (host names or IPv4 addresses), a server's or a client's (clientAuth)."""
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        _openssl("req", "-nodes", *_key_options(kind), "-subj", f"/CN={names[0]}",
                 "-keyout", made.key, "-out", request)
        alternatives = ",".join(
            ("IP:" if entry.replace(".", "").isdigit() else "DNS:") + entry for entry in names)
        extensions.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\n"
                              "keyUsage=digitalSignature,keyEncipherment\n"
                              "basicConstraints=critical,CA:FALSE\n")
        _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key,
                 "-CAcreateserial", "-days", days, "-extfile", extensions,
                 "-out", made.certificate)
        return made
