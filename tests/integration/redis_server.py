"""A real redis-server (package redis-server) on the loopback, which keeps nothing on disk."""

import pathlib
import signal

from child import Child
from ports import free_port
from wire import open_socket


class RedisServer:
    def __init__(self, folder: pathlib.Path, password: str = ""):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.password, self.port = folder, password, free_port()
        self.child = None
        self._starts = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        """Empty, as after each start."""
        self._starts += 1
        arguments = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
                     "--dir", self.folder]
        if self.password:
            arguments += ["--requirepass", self.password]
        self.child = Child(arguments, self.folder / f"redis-{self._starts}.log")
        self.child.wait_for(self._answers, "redis-server to answer")

    def kill(self):
        self.child.stop(signal.SIGKILL)

    def freeze(self):
        self.child.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.child.process.send_signal(signal.SIGCONT)

    def ask(self, *words: str) -> bytes:
        """What redis-cli would: one inline command, and what comes back at once."""
        with open_socket(self.port) as connection:
            if self.password:
                connection.sendall(f"AUTH {self.password}\r\n".encode())
                connection.recv(1024)
            connection.sendall(" ".join(words).encode() + b"\r\n")
            return connection.recv(65536)

    def _answers(self):
        try:
            return self.ask("PING").startswith(b"+PONG")
        except OSError:
            return False
