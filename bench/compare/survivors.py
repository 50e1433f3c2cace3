"""The proxies in front of nodes that die, each set up as well as it can be for that.

Those that can't watch nodes themselves are told by a script (bench/survival/directory.py), which runs on the load's core.
"""

import contextlib
import os
import pathlib
import sys
import threading

for _folder in ("survival", "case_study"):
    sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / _folder))

import fronts as case_study  # noqa: E402
import peers  # noqa: E402
from directory import AuthHttp, Directory  # noqa: E402


class Poplar(peers.Poplar):
    """With its defaults."""


class PoplarTuned(case_study.PoplarAll):
    """As the case study found."""

    name = "poplar-tuned"


class HaProxy(peers.HaProxy):
    """Probes by POP3 five times a second, and ends the sessions of a node that is found dead."""

    backend = case_study.HaProxyAll.backend
    server = "check inter 200ms rise 1 fall 1 on-marked-down shutdown-sessions"


class NginxMail(peers.NginxMail):
    def __enter__(self):
        self._stack = contextlib.ExitStack()
        with self._stack:
            directory = self._stack.enter_context(Directory(self.stand.watched))
            self.stand.auth_port = self._stack.enter_context(AuthHttp(directory)).port
            super().__enter__()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *error):
        with self._stack:
            super().__exit__(*error)


class DovecotProxy(peers.DovecotProxy):
    """Its passdb says where each user is to go, and is written anew when a node comes or goes; so nothing is cached."""

    more = f"auth_cache_size = 0\nlogin_proxy_timeout = {case_study.AFTER.timeout} secs\n"

    def __init__(self, stand):
        super().__init__(stand)
        self._directory = Directory(stand.watched, self._write)
        self._lock, self._written = threading.Lock(), 0

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._directory)
            super().__enter__()
            stack.pop_all()
        return self

    def __exit__(self, *error):
        self._directory.__exit__(*error)
        super().__exit__(*error)

    def _write(self):
        with self._lock:
            self._written += 1
            # Dovecot sees by its time, in seconds, and its size whether the file is a new one.
            lines = ["#" * (self._written % 1000)] + [
                f"{user}:::::::nopassword=y proxy=y host=127.0.0.1 port={self._directory.port(user)}"
                for user in (f"user{i:05}@example.com" for i in range(self.stand.users))]
            made = self.folder / "users.new"
            made.write_text("\n".join(lines) + "\n")
            os.chmod(made, 0o644)
            made.replace(self.folder / "users")

    def passdb(self):
        return f"passdb {{\n  driver = passwd-file\n  args = username_format=%u {self.folder}/users\n}}"


class Perdition(case_study.Perdition):
    """One of the nodes at random."""


ALL = {each.name: each for each in (Poplar, PoplarTuned, HaProxy, NginxMail, DovecotProxy, Perdition)}
