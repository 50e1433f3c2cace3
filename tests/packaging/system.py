"""A whole Debian in a folder, booted by systemd-nspawn: the real systemd as process 1, in this network namespace."""

import pathlib
import signal
import subprocess

from child import Child
from waiting import until


class System:
    def __init__(self, archive: pathlib.Path, folder: pathlib.Path):
        self.root = folder / "system"
        self.root.mkdir(parents=True)
        subprocess.run(["tar", "--extract", "--file", archive, "--directory", self.root, "--numeric-owner"], check=True)
        self._child = Child(
            ["systemd-nspawn", "--directory", self.root, "--boot", "--register=no", "--keep-unit", "--quiet",
             "--machine=poplar-test", "--console=read-only", "--private-users=no", "--link-journal=no"],
            folder / "system.log")
        self._child.wait_for(self._is_up, "systemd to be up", 120)

    def _first_process(self) -> int:
        children = pathlib.Path(f"/proc/{self._child.pid}/task/{self._child.pid}/children").read_text().split()
        return int(children[0]) if children else 0

    def _is_up(self) -> bool:
        if not self._first_process():
            return False
        return self.run("systemctl", "is-system-running", check=False).stdout.strip() in ("running", "degraded")

    def run(self, *command, check: bool = True, text: str = None):
        """Runs a command in it, as root; its output comes back, both kinds together."""
        done = subprocess.run(
            ["nsenter", "--target", str(self._first_process()), "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--root",
             "env", "--chdir=/", "-i", "PATH=/usr/bin:/bin:/usr/sbin:/sbin", "DEBIAN_FRONTEND=noninteractive",
             *map(str, command)],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        assert not check or done.returncode == 0, f"{' '.join(map(str, command))}: {done.returncode}\n{done.stdout}"
        return done

    def output(self, *command) -> str:
        return self.run(*command).stdout.strip()

    def path(self, name: str) -> pathlib.Path:
        return self.root / name.lstrip("/")

    def put(self, name: str, content: bytes, mode: int = 0o644):
        self.path(name).write_bytes(content)
        self.path(name).chmod(mode)

    def stop(self):
        if self._child.alive():
            # What systemd takes for poweroff.
            self._child.process.send_signal(signal.SIGRTMIN + 4)
            until(lambda: not self._child.alive(), "systemd to power off", 60)
        self._child.stop()
