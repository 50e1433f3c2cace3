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


def _kind(name: str) -> str:
    if "@" in name:
        return "email:"
    return "IP:" if name.replace(".", "").isdigit() else "DNS:"


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

    def issue(self, name: str, names, kind: str = "ecdsa", days: int = 30, extra: str = "", usage: str = "serverAuth",
              alternatives=None, dates=None) -> Certificate:
        """A server certificate for `names` (host names, IPv4 or mail addresses), the first one of which is its subject.

        `alternatives`: other subjectAltNames than these; `extra`: more extensions, a line each; `dates`: from when until
        when it is valid (YYYYMMDDHHMMSSZ), instead of `days` from now.
        """
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        _openssl("req", "-nodes", *_key_options(kind), "-subj", f"/CN={names[0]}",
                 "-keyout", made.key, "-out", request)
        also = ",".join(_kind(entry) + entry for entry in alternatives or names)
        extensions.write_text(f"subjectAltName={also}\nextendedKeyUsage={usage}\n"
                              "keyUsage=digitalSignature,keyEncipherment\n"
                              f"basicConstraints=critical,CA:FALSE\n{extra}")
        if dates:
            self._sign_for(request, extensions, made.certificate, dates)
        else:
            _openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self._key,
                     "-CAcreateserial", "-days", days, "-extfile", extensions,
                     "-out", made.certificate)
        return made

    def _sign_for(self, request, extensions, certificate, dates):
        settings, database = self.folder / "ca.conf", self.folder / "ca.index"
        database.touch()
        settings.write_text(f"[ca]\ndefault_ca=own\n[own]\ndatabase={database}\nnew_certs_dir={self.folder}\n"
                            f"serial={self.folder}/ca.serial\ndefault_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n")
        _openssl("ca", "-batch", "-notext", "-config", settings, "-cert", self.file, "-keyfile", self._key, "-rand_serial",
                 "-startdate", dates[0], "-enddate", dates[1], "-extfile", extensions, "-in", request,
                 "-out", certificate)
