"""A journal of this process's own: systemd's real one, in a mount namespace that nobody else sees. Needs root."""

import ctypes
import json
import os
import pathlib
import subprocess

from child import Child

_CLONE_NEWNS = 0x00020000
_JOURNALD = "/lib/systemd/systemd-journald"
_RUNTIME = pathlib.Path("/run/systemd")
_STORE = pathlib.Path("/run/log/journal")
_MACHINE = pathlib.Path("/etc/machine-id")


def _run(*arguments):
    done = subprocess.run(arguments, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(map(str, arguments))}: {done.stderr}"
    return done.stdout


class Journald:
    """From here on this process, and what it starts, write to it; there is no way back out."""

    def __init__(self, folder: pathlib.Path):
        assert os.geteuid() == 0, "a mount namespace needs root: run these tests as root"
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.unshare(_CLONE_NEWNS) == 0, os.strerror(ctypes.get_errno())
        _run("mount", "--make-rprivate", "/")
        for place in (_RUNTIME, _STORE):
            place.mkdir(parents=True, exist_ok=True)
            _run("mount", "-t", "tmpfs", "tmpfs", str(place))
        (_RUNTIME / "journal").mkdir()
        if not _MACHINE.exists() or len(_MACHINE.read_text()) < 32:
            _run("systemd-machine-id-setup")  # as the package does; containers come without
        self.child = Child([_JOURNALD], folder / "journald.log")
        self.child.wait_for((_RUNTIME / "journal/socket").exists, "the journal's socket")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stop()

    def entries(self, *matches):
        """The entries with these fields ("NAME=value"), oldest first, each a dict."""
        lines = _run("journalctl", "--directory", str(_STORE), "--output", "json", "--all", "--no-pager", *matches)
        return [json.loads(line) for line in lines.splitlines()]
