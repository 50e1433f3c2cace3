"""A mail node that does what the test says: correct by default, wrong exactly where it is told to be."""

import socket
import ssl
import struct
import threading

from ports import free_port

PASSWORD = "secret"
MESSAGE = b"Subject: fake\r\n\r\nHello from the fake node.\r\n"


class Peer:
    """One connection as the node sees it."""

    def __init__(self, connection: socket.socket, number: int):
        self.socket = connection
        self.number = number
        self.buffer = b""

    def line(self) -> bytes:
        """The next line without its line end; ConnectionError where there is none."""
        while b"\n" not in self.buffer:
            chunk = self.socket.recv(65536)
            if not chunk:
                raise ConnectionError("the proxy closed")
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def send(self, data: bytes):
        self.socket.sendall(data)

    def closed(self, seconds: float = 20.0) -> bool:
        """Waits, reading, until the proxy closes."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65536):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def drop(self):
        """Closes so that the proxy sees an orderly end of stream, not a reset."""
        self.socket.close()
        raise ConnectionError("dropped by the script")


class FakeNode:
    """Listens at `port`. `on` maps a command (or "greeting") to bytes, or to a function of (peer, words).

    `commands` has each line that arrived; `connections` counts; `ends` says how each connection ended.
    """

    def __init__(self, on=None, messages=(MESSAGE,), certificate=None, handler=None):
        self.on = {key: value for key, value in (on or {}).items()}
        self.messages = list(messages)
        self.port = free_port()
        self.commands, self.ends = [], []
        self.connections = 0
        self._handler = handler or self._converse
        self._context = None
        if certificate:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.certificate, certificate.key)
        self._peers = []
        self._listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection, self.connections),
                             daemon=True).start()

    def _serve(self, connection, number):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
            peer = Peer(connection, number)
            self._peers.append(peer)
            self._handler(peer)
            self.ends.append("done")
        except (OSError, ValueError) as error:
            self.ends.append(str(error))
        finally:
            connection.close()

    def _converse(self, peer: Peer):
        self._reply(peer, "greeting", [], b"+OK fake node ready\r\n")
        while True:
            line = peer.line()
            self.commands.append(line.decode(errors="replace"))
            words = line.decode(errors="replace").split(" ")
            keyword = words[0].upper()
            self._reply(peer, keyword, words, self._correct(keyword, words))
            if keyword == "QUIT":
                return

    def _reply(self, peer, keyword, words, correct: bytes):
        scripted = self.on.get(keyword, correct)
        if callable(scripted):
            scripted = scripted(peer, words)
        if scripted:
            peer.send(scripted)

    def _correct(self, keyword, words) -> bytes:
        sizes = [len(content) for content in self.messages]
        number = int(words[1]) if len(words) > 1 and words[1].isdigit() else None
        wanted = keyword in ("RETR", "TOP", "DELE") or keyword in ("LIST", "UIDL") and len(words) > 1
        if wanted and not (number and number <= len(self.messages)):
            return b"-ERR no such message\r\n"
        lists = {
            "CAPA": "TOP\r\nUIDL\r\nUSER\r\nPIPELINING\r\nRESP-CODES\r\n",
            "LIST": "".join(f"{index} {size}\r\n" for index, size in enumerate(sizes, 1)),
            "UIDL": "".join(f"{index} uid{index}\r\n" for index in range(1, len(sizes) + 1)),
        }
        if keyword in lists and number is None:
            return b"+OK\r\n" + lists[keyword].encode() + b".\r\n"
        if keyword in ("RETR", "TOP"):
            return b"+OK message follows\r\n" + stuffed(self.messages[number - 1]) + b".\r\n"
        return {
            "STAT": b"+OK %d %d\r\n" % (len(sizes), sum(sizes)),
            "PASS": b"+OK logged in\r\n" if words[1:] == [PASSWORD] else b"-ERR [AUTH] wrong\r\n",
            "LIST": b"+OK %d %d\r\n" % (number or 0, sizes[number - 1] if number else 0),
            "UIDL": b"+OK %d uid%d\r\n" % (number or 0, number or 0),
        }.get(keyword, b"+OK\r\n" if keyword in ("USER", "DELE", "NOOP", "RSET", "QUIT")
              else b"-ERR unknown command\r\n")

    def stop(self):
        """No more connections; those that live are cut."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._listener.close()
        for peer in self._peers:
            try:
                peer.socket.close()
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def stuffed(message: bytes) -> bytes:
    body = message if message.endswith(b"\r\n") else message + b"\r\n"
    body = body.replace(b"\r\n.", b"\r\n..")
    return b"." + body if body.startswith(b".") else body
