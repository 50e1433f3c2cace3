"""POP3 byte by byte: a client that hides nothing, over plain TCP or TLS.

It reads responses as RFC 1939 frames them and keeps them raw, so that two of them can be compared whole.
"""

import base64
import socket
import ssl

TIMEOUT = 20.0
_MULTI_LINE = {b"RETR", b"TOP", b"CAPA", b"LIST", b"UIDL", b"LANG"}
_LISTS = {b"LIST", b"UIDL", b"LANG"}  # multi-line without an argument only


def tls_context(ca_file=None, **versions) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    if ca_file is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    for name, value in versions.items():
        setattr(context, name, value)
    return context


def open_socket(port: int, host: str = "127.0.0.1", timeout: float = TIMEOUT,
                source: str = "") -> socket.socket:
    connection = socket.create_connection((host, port), timeout, (source, 0) if source else None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Pop3:
    """One session. `greeting` is read at once; EOFError where the other side closed."""

    def __init__(self, connection: socket.socket):
        self.socket = connection
        self.buffer = bytearray()
        self.greeting = b""

    @classmethod
    def connect(cls, port: int, context: ssl.SSLContext = None, server_name: str = "localhost",
                greeting: bool = True, timeout: float = TIMEOUT, host: str = "127.0.0.1") -> "Pop3":
        connection = open_socket(port, host, timeout)
        try:
            if context is not None:
                connection = context.wrap_socket(connection, server_hostname=server_name)
            session = cls(connection)
            if greeting:
                session.greeting = session.line()
            return session
        except BaseException:
            connection.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends with a TCP RST, as a client does that lost its radio or its patience."""
        import struct
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def send(self, data: bytes):
        self.socket.sendall(data)

    def _more(self):
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise EOFError(f"closed after {bytes(self.buffer[-200:])!r}")
        self.buffer += chunk

    def line(self) -> bytes:
        """The next line, its CRLF included."""
        start = 0
        while (end := self.buffer.find(b"\n", start)) < 0:
            start = len(self.buffer)
            self._more()
        line = bytes(self.buffer[:end + 1])
        del self.buffer[:end + 1]
        return line

    def body(self) -> bytes:
        """A multi-line body as sent (still dot-stuffed), the terminator left out."""
        if self.buffer.startswith(b".\r\n"):
            del self.buffer[:3]
            return b""
        start = 0
        while len(self.buffer) < 3 or self.buffer.startswith(b".\r\n"[:len(self.buffer)]):
            if self.buffer.startswith(b".\r\n"):
                del self.buffer[:3]
                return b""
            self._more()
        while (end := self.buffer.find(b"\r\n.\r\n", start)) < 0:
            start = max(0, len(self.buffer) - 4)
            self._more()
        body = bytes(self.buffer[:end + 2])
        del self.buffer[:end + 5]
        return body

    def response(self, command: bytes) -> bytes:
        """The status line, and the raw body where this command has one."""
        status = self.line()
        words = command.split()
        keyword = words[0].upper() if words else b""
        single = keyword in _LISTS and len(words) > 1
        if status.startswith(b"+OK") and keyword in _MULTI_LINE and not single:
            return status + self.body()
        return status

    def command(self, text: str) -> bytes:
        data = text.encode()
        self.send(data + b"\r\n")
        return self.response(data)

    def ok(self, text: str) -> bytes:
        answer = self.command(text)
        assert answer.startswith(b"+OK"), f"{text}: {answer[:200]!r}"
        return answer

    def log_in(self, user: str, password: str = "secret") -> "Pop3":
        self.ok(f"USER {user}")
        self.ok(f"PASS {password}")
        return self

    def start_tls(self, context: ssl.SSLContext, server_name: str = "localhost") -> "Pop3":
        """The handshake, right behind the answer to STLS."""
        assert not self.buffer, bytes(self.buffer)
        self.socket = context.wrap_socket(self.socket, server_hostname=server_name)
        return self

    def authenticate(self, mechanism: str, *messages: bytes, initial: bool = True) -> bytes:
        """AUTH with these messages of the client's, the first one on the command's own line unless `initial` is false;
        the last line of the server's."""
        words = [base64.b64encode(message) or b"=" for message in messages]
        line = f"AUTH {mechanism}".encode()
        if initial and words:
            line += b" " + words.pop(0)
        self.send(line + b"\r\n")
        while (answer := self.line()).startswith(b"+ ") and words:
            word = words.pop(0)
            self.send((b"" if word == b"=" else word) + b"\r\n")
        return answer

    def retrieve(self, number: int) -> bytes:
        """The message, its dots un-stuffed."""
        self.send(b"RETR %d\r\n" % number)
        status = self.line()
        assert status.startswith(b"+OK"), status
        return unstuff(self.body())

    def count(self) -> int:
        return int(self.ok("STAT").split()[1])

    def at_end(self) -> bool:
        """True once the other side has closed, whatever it still sends before."""
        try:
            while True:
                self._more()
        except (EOFError, ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False


def unstuff(body: bytes) -> bytes:
    body = body.replace(b"\r\n.", b"\r\n")
    return body[1:] if body.startswith(b".") else body


def fetch_all(session: Pop3):
    """Every message of a logged-in session, in order: the truth that other clients are held to."""
    return [session.retrieve(number) for number in range(1, session.count() + 1)]
