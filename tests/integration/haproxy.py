"""HAProxy in front of something, in TCP mode, saying by PROXY protocol who its clients are."""

import pathlib

from child import Child
from ports import free_port
from wire import open_socket

_CONFIGURATION = """
global
  maxconn 500
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen pop3
  bind 127.0.0.1:{port}
  server behind 127.0.0.1:{target} {how} {check}
"""


class HAProxy:
    """Listens at `port`. `how` is send-proxy (version 1), send-proxy-v2, or nothing; `check` adds its health checks."""

    def __init__(self, folder: pathlib.Path, target: int, how: str = "send-proxy-v2", check: str = ""):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        file = folder / "haproxy.cfg"
        file.write_text(_CONFIGURATION.format(port=self.port, target=target, how=how, check=check))
        self._child = Child(["/usr/sbin/haproxy", "-db", "-f", file], folder / "output.log")
        self._child.wait_for(self._listens, "HAProxy to listen")

    def _listens(self) -> bool:
        try:
            open_socket(self.port).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.process.kill()  # asked politely, it waits for its clients
        self._child.process.wait()
