"""What the peers that can't watch nodes themselves are given: who is alive, and whose node is which.

As good as a script beside them can be: nodes are probed as Poplar probes them, and a user whose node is dead is sent to
the next one in an order of his own.
"""

import hashlib
import http.server
import threading

from wire import Pop3

_INTERVAL = 0.3   # seconds between two probes of a node
_TIMEOUT = 1.0    # seconds that one may take
_RISE = _FALL = 2


class Directory:
    """`changed()` is called, from a thread of its own, when a node has come or gone; and once in the beginning."""

    def __init__(self, nodes, changed=lambda: None):
        self._nodes, self._changed = list(nodes), changed
        self._alive = {node.name: True for node in nodes}
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._watch, args=(node,)) for node in nodes]

    def __enter__(self):
        self._changed()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        for thread in self._threads:
            thread.join()

    def port(self, user: str) -> int:
        """Of the user's node; of his first one where all are dead."""
        order = sorted(self._nodes, key=lambda node: hashlib.sha256(f"{user} {node.name}".encode()).digest())
        return next((node for node in order if self._alive[node.name]), order[0]).pop3_port

    def _watch(self, node):
        streak = 0  # probes in a row that contradict what we believe
        while not self._ending.wait(_INTERVAL):
            streak = streak + 1 if _greets(node) != self._alive[node.name] else 0
            if streak >= (_FALL if self._alive[node.name] else _RISE):
                self._alive[node.name], streak = not self._alive[node.name], 0
                self._changed()


def _greets(node) -> bool:
    try:
        with Pop3.connect(node.pop3_port, timeout=_TIMEOUT) as session:
            session.send(b"QUIT\r\n")
            return session.greeting.startswith(b"+OK")
    except (OSError, EOFError):
        return False


class AuthHttp:
    """The service that nginx asks where a user is to go. Nodes check the passwords."""

    def __init__(self, directory: Directory):
        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name; the library's
                self.send_response(200)
                self.send_header("Auth-Status", "OK")
                self.send_header("Auth-Server", "127.0.0.1")
                self.send_header("Auth-Port", str(directory.port(self.headers["Auth-User"])))
                self.end_headers()

            def log_message(self, *_):  # pylint: disable=arguments-differ
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
