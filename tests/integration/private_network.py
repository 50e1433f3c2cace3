"""A network namespace for the calling thread and whatever it starts: packets can be dropped there that nobody misses.

Needs root, the commands `ip` (package iproute2) and `nft` (package nftables).
"""

import ctypes
import os
import subprocess

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str):
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _run(*arguments, text: str = None):
    done = subprocess.run(arguments, input=text, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(arguments)}: {done.stderr}"


class PrivateNetwork:
    """A with block in which this thread, and the threads and processes it starts, have a loopback of their own."""

    def __enter__(self):
        assert os.geteuid() == 0, "a network namespace needs root: run these tests as root"
        self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _checked(_libc.unshare(_CLONE_NEWNET), "unshare(CLONE_NEWNET)")
        _run("ip", "link", "set", "lo", "up")
        self.heal()
        return self

    def __exit__(self, *_):
        _checked(_libc.setns(self._outside, _CLONE_NEWNET), "setns")
        os.close(self._outside)

    def _filter(self, *rules):
        # One file for nft is one transaction: no packet sees half of it.
        _run("nft", "-f", "-", text=(
            "table inet faults\ndelete table inet faults\ntable inet faults {\n"
            "  chain input {\n    type filter hook input priority 0;\n"
            + "".join(f"    {rule}\n" for rule in rules) + "  }\n}\n"))

    def blackhole(self, port: int):
        """Nothing from or to the port arrives any more, nor is anybody told so."""
        self._filter(f"tcp dport {port} drop", f"tcp sport {port} drop")

    def refuse(self, port: int):
        """New connections to the port are refused; those that live go on."""
        self._filter(f"tcp dport {port} tcp flags & (syn | ack) == syn reject with tcp reset")

    def heal(self):
        self._filter()
