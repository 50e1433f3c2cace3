"""nginx, HAProxy and a Dovecot proxy in front of the nodes, each set up as well as it can be for nodes that die.

All end TLS for their clients and talk plain POP3 to the nodes. `port`: where clients connect.
"""

import contextlib
import os
import pathlib
import threading

from child import Child
from directory import AuthHttp, Directory
from dovecot import PASSWORD, Dovecot
from ports import free_port
from wire import Pop3, tls_context

PEERS = pathlib.Path(__file__).resolve().parents[2] / "build" / "peers"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"

_NGINX = """
load_module {module};
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
worker_processes 2;
events {{ worker_connections 1024; }}
mail {{
  auth_http 127.0.0.1:{auth_port}/;
  pop3_auth plain;
  pop3_capabilities TOP USER UIDL PIPELINING RESP-CODES;
  proxy_pass_error_message on;
  proxy_timeout 10m;
  ssl_certificate {certificate};
  ssl_certificate_key {key};
  server {{
    listen 127.0.0.1:{port} ssl;
    protocol pop3;
  }}
}}
"""

_HAPROXY = """
defaults
  mode tcp
  timeout connect 3s
  timeout client 10m
  timeout server 10m
  timeout check 1s
  retries 3
  option redispatch
frontend pop3s
  bind 127.0.0.1:{port} ssl crt {both}
  default_backend nodes
backend nodes
  balance roundrobin
  option tcp-check
  tcp-check expect rstring ^\\+OK
  tcp-check send QUIT\\r\\n
  default-server check inter 300ms fastinter 200ms rise 2 fall 2 on-marked-down shutdown-sessions
{servers}
"""


class Front:
    """A peer as a program with a configuration file."""

    def __init__(self, folder: pathlib.Path, certificate, authority):
        folder.mkdir()
        self.folder, self.port = folder, free_port()
        self._certificate, self._authority = certificate, authority
        self._stack = contextlib.ExitStack()

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def _run(self, name: str, text: str, *command, environment=None):
        (self.folder / name).write_text(text)
        child = Child(command, self.folder / "output.log", environment)
        self._stack.callback(child.stop)
        child.wait_for(self._greets, f"{name} to greet")

    def _greets(self) -> bool:
        try:
            with Pop3.connect(self.port, tls_context(self._authority.file)) as session:
                return session.greeting.startswith(b"+OK")
        except (OSError, EOFError):
            return False


class Nginx(Front):
    def __init__(self, folder, nodes, certificate, authority):
        super().__init__(folder, certificate, authority)
        self._nodes = nodes

    def __enter__(self):
        directory = self._stack.enter_context(Directory(self._nodes))
        auth = self._stack.enter_context(AuthHttp(directory))
        self._run("nginx.conf", _NGINX.format(
            module=PEERS / "libnginx-mod-mail/usr/lib/nginx/modules/ngx_mail_module.so", folder=self.folder,
            auth_port=auth.port, port=self.port, certificate=self._certificate.certificate,
            key=self._certificate.key),
            PEERS / "nginx/usr/sbin/nginx", "-p", self.folder, "-e", "stderr", "-c", self.folder / "nginx.conf")
        return self


class HaProxy(Front):
    def __init__(self, folder, nodes, certificate, authority):
        super().__init__(folder, certificate, authority)
        self._nodes = nodes

    def __enter__(self):
        both = self.folder / "both.pem"
        both.write_text(self._certificate.certificate.read_text() + self._certificate.key.read_text())
        servers = "\n".join(f"  server {each.name} 127.0.0.1:{each.pop3_port}" for each in self._nodes)
        libraries = ":".join(str(PEERS / package / _LIBRARIES) for package in (
            "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1"))
        self._run("haproxy.cfg", _HAPROXY.format(port=self.port, both=both, servers=servers),
                  PEERS / "haproxy/usr/sbin/haproxy", "-db", "-f", self.folder / "haproxy.cfg",
                  environment={"LD_LIBRARY_PATH": libraries})
        return self


class DovecotProxy:
    """Its passdb says where each user is to go, and a script writes it anew when a node dies."""

    def __init__(self, folder, nodes, certificate, users):
        self._users = list(users)
        self._proxy = Dovecot(folder, "proxy", certificate, self._users)
        self._passwd, self._lock, self._written = folder / "users", threading.Lock(), 0
        self._directory = Directory(nodes, self._write)
        self.port = self._proxy.pop3s_port

    def __enter__(self):
        self._directory.__enter__()
        return self

    def __exit__(self, *error):
        self._directory.__exit__(*error)
        self._proxy.__exit__(*error)

    def _write(self):
        with self._lock:
            self._written += 1
            # Dovecot sees by its time, in seconds, and its size whether the file is a new one.
            text = "#" * (self._written % 1000) + "\n" + "".join(
                f"{user}:{{plain}}{PASSWORD}::::::proxy=y host=127.0.0.1 port={self._directory.port(user)}\n"
                for user in self._users)
            made = self._passwd.with_suffix(".new")
            made.write_text(text)
            os.chmod(made, 0o644)
            made.replace(self._passwd)
