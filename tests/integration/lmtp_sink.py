"""A delivery agent that speaks LMTP (RFC 2033) and puts each mail it was given whole into a folder."""

import itertools
import pathlib
import socketserver
import threading

from wire import unstuff

_ANSWERS = {b"LHLO": b"250-localhost\r\n250 8BITMIME", b"DATA": b"354 go on", b"QUIT": b"221 bye"}


class LmtpSink:
    """Listens on `port` of the loopback. One mail, one file; line ends as they came, which is CRLF."""

    def __init__(self, folder: pathlib.Path):
        numbers = itertools.count(len(list(folder.iterdir())))

        class Dialogue(socketserver.StreamRequestHandler):
            def handle(self):
                self.wfile.write(b"220 localhost\r\n")
                while line := self.rfile.readline():
                    command = line[:4].upper()
                    self.wfile.write(_ANSWERS.get(command, b"250 ok") + b"\r\n")
                    if command == b"DATA" and not self._take():
                        return

            def _take(self) -> bool:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    if not line:
                        return False  # cut: never a mail
                    lines.append(line)
                (folder / str(next(numbers))).write_bytes(unstuff(b"".join(lines)))
                self.wfile.write(b"250 taken\r\n")
                return True

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Dialogue)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
