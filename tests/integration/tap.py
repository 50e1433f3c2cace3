"""A line to a mail node that remembers what was said on it, for nodes that don't tell what they are sent."""

import socket
import threading


class Tap:
    """Listens on `port` of the loopback and leads to `to` there. `said` has what each connection sent to the node."""

    def __init__(self, to: int):
        self._to = to
        self.said, self.answered = [], []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def logins(self):
        """What was said on the connections that logged in, or tried to; without the probes' own."""
        words = (b"USER", b"AUTH", b"XCLIENT")
        return [bytes(said) for said in self.said if any(word in said for word in words)]

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            said, answered = bytearray(), bytearray()
            self.said.append(said)
            self.answered.append(answered)
            for ends in ((near, far, said), (far, near, answered)):
                threading.Thread(target=_carry, args=ends, daemon=True).start()


def _carry(source: socket.socket, sink: socket.socket, record: bytearray):
    try:
        while chunk := source.recv(65536):
            record += chunk
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for each in (source, sink):
            each.close()
