"""Where a program runs: on one core, in a control group of its own, whose CPU time and memory are told.

A group counts what its programs' children used, too, also those that are gone: Perdition has a process a connection.
"""

import contextlib
import itertools
import os
import pathlib
import signal
import time

_ROOT = pathlib.Path("/sys/fs/cgroup")
_numbers = itertools.count()


class Group:
    """A control group, of version 2 or 1, whichever is mounted; needs root."""

    def __init__(self, name: str):
        folder = f"poplar-bench-{os.getpid()}-{next(_numbers)}-{name}"
        unified = (_ROOT / "cgroup.controllers").exists()
        self._cpu = _ROOT / folder if unified else _ROOT / "cpuacct" / folder
        self._unified = unified
        self._memory = self._cpu if unified else _ROOT / "memory" / folder
        for made in {self._cpu, self._memory}:
            made.mkdir()

    def enter(self):
        """The calling process, and all its children from here on."""
        for folder in {self._cpu, self._memory}:
            (folder / "cgroup.procs").write_text(str(os.getpid()))

    def cpu_seconds(self) -> float:
        if not self._unified:
            return int((self._cpu / "cpuacct.usage").read_text()) / 1e9
        fields = dict(line.split() for line in (self._cpu / "cpu.stat").read_text().splitlines())
        return int(fields["usage_usec"]) / 1e6

    def pids(self):
        return [int(pid) for pid in (self._cpu / "cgroup.procs").read_text().split()]

    def user_memory(self) -> int:
        """Bytes: the proportional share of all its processes."""
        total = 0
        for pid in self.pids():
            try:
                lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except OSError:
                continue
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
        return total

    def kernel_memory(self) -> int:
        """Bytes that the kernel holds for them, as it counts: sockets, files, page tables, stacks."""
        if not self._unified:
            return int((self._memory / "memory.kmem.usage_in_bytes").read_text())
        fields = dict(line.split() for line in (self._memory / "memory.stat").read_text().splitlines())
        return int(fields["kernel"]) + int(fields["sock"])

    def end(self, seconds: float = 20):
        """Waits for its processes to end, kills those that don't, and removes it."""
        deadline = time.monotonic() + seconds
        while self.pids():
            if time.monotonic() > deadline:
                for pid in self.pids():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                deadline = time.monotonic() + seconds
            time.sleep(0.05)
        for folder in {self._cpu, self._memory}:
            folder.rmdir()


def on_core(core, group: Group = None):
    """To be called in a child before it becomes another program. `core`: one, or several."""
    def settle():
        os.sched_setaffinity(0, {core} if isinstance(core, int) else core)
        if group:
            group.enter()
    return settle


def kernel_memory() -> int:
    """Bytes of slabs, processes' kernel stacks and page tables, and of sockets' buffers, of the whole machine."""
    fields = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
    total = sum(int(fields[each].split()[0]) for each in ("Slab", "KernelStack", "PageTables")) * 1024
    for line in pathlib.Path("/proc/net/sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return total + int(words[words.index("mem") + 1]) * os.sysconf("SC_PAGE_SIZE")
    return total
