"""An authority for OAuth tokens, and what a Dovecot needs to ask it: introspection (RFC 7662) over HTTP on the loopback."""

import http.server
import json
import pathlib
import threading
import urllib.parse


class TokenAuthority:
    """Knows tokens by user; `questions` has each token that was asked about. A context manager."""

    def __init__(self):
        self.tokens = {}     # token -> user
        self.questions = []
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                self._answer(urllib.parse.parse_qs(body).get("token", [""])[0])

            def do_GET(self):
                self._answer(urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query).get("token", [""])[0])

            def _answer(self, token):
                authority.questions.append(token)
                user = authority.tokens.get(token)
                answer = json.dumps({"active": bool(user), "username": user, "scope": "mail"} if user
                                    else {"active": False}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, user: str, length: int = 40) -> str:
        """A new token that is the user's; tokens in the field have some hundred to some thousand bytes."""
        made = f"{user}-{len(self.tokens)}-".ljust(length, "t")
        self.tokens[made] = user
        return made

    def dovecot_settings(self, folder: pathlib.Path) -> str:
        """What makes a Dovecot take these tokens beside passwords; for its `extra`."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "dovecot-oauth2.conf.ext"
        file.write_text(f"introspection_url = http://127.0.0.1:{self.port}/introspect\nintrospection_mode = post\n"
                        "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
                        "timeout_msecs = 5000\n")
        file.chmod(0o644)
        return ("auth_mechanisms = plain login xoauth2 oauthbearer\n"
                f"passdb {{\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = {file}\n}}\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def xoauth2(user: str, token: str) -> bytes:
    return f"user={user}\x01auth=Bearer {token}\x01\x01".encode()


def oauthbearer(user: str, token: str) -> bytes:
    """RFC 7628 section 3.1."""
    return f"n,a={user},\x01host=localhost\x01port=995\x01auth=Bearer {token}\x01\x01".encode()
