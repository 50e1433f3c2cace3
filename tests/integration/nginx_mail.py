"""The real nginx as a POP3 proxy with auth_http."""

import os
import pathlib
import pwd

from child import Child
from ports import free_port
from wire import open_socket

_CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
events {{ worker_connections 200; }}
mail {{
  auth_http {auth};
  auth_http_timeout 5s;
  pop3_capabilities "TOP" "USER" "UIDL";
  proxy_pass_error_message on;
  server {{
    listen 127.0.0.1:{port};
    protocol pop3;
    pop3_auth plain;
  }}
  {secure}
}}
"""

_SECURE = """
  server {{
    listen 127.0.0.1:{port} ssl;
    protocol pop3;
    pop3_auth plain;
    ssl_protocols TLSv1.3;
    ssl_certificate {certificate.certificate};
    ssl_certificate_key {certificate.key};
    ssl_client_certificate {clients};
    ssl_verify_client optional;
  }}
"""


class NginxMail:
    """With a `certificate` there is a port with TLS, too, where clients may have a certificate of `clients`, a CA file."""

    def __init__(self, folder: pathlib.Path, auth: str, certificate=None, clients=None):
        folder.mkdir(parents=True)
        self.port, self.secure_port = free_port(), free_port()
        secure = _SECURE.format(port=self.secure_port, certificate=certificate, clients=clients) if certificate else ""
        file = folder / "nginx.conf"
        file.write_text(_CONFIGURATION.format(folder=folder, auth=auth.removeprefix("http://"), port=self.port,
                                              secure=secure))
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("www-data")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        self._child = Child(["/usr/sbin/nginx", "-p", folder, "-e", folder / "error.log", "-c", file],
                            folder / "output.log")
        self._child.wait_for(self._listens, "nginx to listen")

    def _listens(self) -> bool:
        try:
            open_socket(self.port).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._child.stop()
