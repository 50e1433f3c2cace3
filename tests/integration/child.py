"""A server started by a test: its output kept, ended by its own pid, shown when a test fails."""

import os
import pathlib
import signal
import subprocess

from waiting import until


class Child:
    def __init__(self, arguments, output: pathlib.Path, environment=None, pass_fds=(),
                 errors: pathlib.Path = None, preexec=None):
        self.output = output
        self.errors = errors
        self._file = open(output, "wb")
        self._error_file = open(errors, "wb") if errors else subprocess.STDOUT
        self.process = subprocess.Popen(
            [str(argument) for argument in arguments], stdin=subprocess.DEVNULL, stdout=self._file,
            stderr=self._error_file, env={**os.environ, **(environment or {})}, pass_fds=pass_fds,
            preexec_fn=preexec)

    @property
    def pid(self) -> int:
        return self.process.pid

    def alive(self) -> bool:
        return self.process.poll() is None

    def text(self) -> str:
        """All that it has written so far."""
        parts = [self.output.read_text(errors="replace")]
        if self.errors:
            parts.append(self.errors.read_text(errors="replace"))
        return "\n".join(parts)

    def wait_for(self, condition, what: str, seconds: float = 20.0):
        """As `until`, but over as soon as the process is; a process that disappoints is killed."""
        def check():
            if not self.alive():
                raise AssertionError(f"ended early, waiting for {what}:\n{self.text()[-4000:]}")
            return condition()
        try:
            return until(check, what, seconds)
        except AssertionError:
            self.process.kill()
            self.process.wait()
            raise

    def stop(self, number: int = signal.SIGTERM, seconds: float = 20.0) -> int:
        """Sends the signal, waits, returns the exit code; kills and fails if it does not end."""
        if self.alive():
            self.process.send_signal(number)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {seconds} s:\n{self.text()[-4000:]}")
        finally:
            self._file.close()
            if self.errors:
                self._error_file.close()
