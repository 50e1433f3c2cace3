"""A mail authentication service that speaks nginx's auth_http: checks passwords, says where users are."""

import http.server
import socket
import ssl
import threading
import urllib.parse


def plain(value: str) -> str:
    """A header's value as the client typed it: bytes, some of them as %XX."""
    return urllib.parse.unquote_to_bytes(value.encode("latin-1")).decode(errors="replace")


class AuthService:
    """`answers`: user -> function(headers) giving (status, headers) or headers alone. Counts what it is asked.

    `certificate`: speaks https; `clients`: a CA file, of which its clients have to have a certificate.
    """

    def __init__(self, answers=None, port: int = 0, certificate=None, clients=None, address: str = "127.0.0.1"):
        self.answers = dict(answers or {})
        self.scheme = "https" if certificate else "http"
        self.asked = []
        self.connections = 0
        self._sockets = []
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                service.connections += 1
                service._sockets.append(self.request)

            def do_GET(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                user = plain(headers.get("auth-user", ""))
                service.asked.append({**headers, "path": self.path})
                answer = service.answers.get(user, lambda _: {"Auth-Status": "Unknown user"})(headers)
                status, answer = answer if isinstance(answer, tuple) else (200, answer)
                self.send_response(status)
                for name, value in answer.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer((address, port), Handler)
        self._server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate.certificate, certificate.key)
            if clients:
                context.load_verify_locations(clients)
                context.verify_mode = ssl.CERT_REQUIRED
            # The handshake is the connection's own thread's, with its first read.
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return self.url_of("127.0.0.1")

    def url_of(self, host: str) -> str:
        return f"{self.scheme}://{host}:{self.port}/auth?from=test"

    def asked_for(self, user: str):
        return [each for each in self.asked if plain(each["auth-user"]) == user]

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        for connection in self._sockets:  # kept ones would be served on
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._thread.join()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def right(headers, password: str = "secret") -> bool:
    return plain(headers["auth-pass"]) == password


def at(port: int, password: str = "secret", **more):
    """The user is at this port of the loopback, if the password is right."""
    def answer(headers):
        if not right(headers, password):
            return {"Auth-Status": "Wrong password"}
        return {"Auth-Status": "OK", "Auth-Server": "127.0.0.1", "Auth-Port": str(port), **more}
    return answer


def directory(*urls, http=None, **more):
    """The sections of a configuration in which this service says where everybody is."""
    http = {"urls": list(urls), "headers": ["X-Auth-Key: abc"], **(http or {})}
    return {"routes": [{"name": "auth", "directory": "auth"}],
            "directories": [{"name": "auth", "http": http, **more}]}
