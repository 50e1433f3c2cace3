"""On what it was measured: the machine, its kernel, and the versions of all programs, as they tell them."""

import os
import pathlib
import platform
import re
import subprocess

import peers
from bench import GENERATOR

_ASKED = {"Poplar": (peers.POPLAR, "--version"), "nginx": (peers.NGINX, "-v"), "HAProxy": (peers.HAPROXY, "-v"),
          "Dovecot": (peers.DOVECOT, "--version"), "Perdition": (peers.PERDITION, "--help"),
          "hitch": (peers.HITCH, "-V"), "OpenSSL": (("openssl", {}), "version")}


def _ask(program, environment, argument: str) -> str:
    done = subprocess.run([str(program), argument], env={**os.environ, **environment}, text=True, timeout=20, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.stdout


def programs() -> dict:
    answers = {name: _ask(*program, argument) for name, (program, argument) in _ASKED.items()}
    return {name: re.sub(r" (Copyright|- http|\(Library).*", "", answer.strip().splitlines()[0])
            for name, answer in answers.items()}


def tls_library(build: pathlib.Path) -> str:
    """That of a build of Poplar, as it says."""
    lines = _ask(build / "poplar", {}, "--version").splitlines()
    return next(line.partition(":")[2].strip() for line in lines if line.strip().startswith("boringssl:"))


def package(name: str) -> str:
    done = subprocess.run(["dpkg-query", "--show", "--showformat", "${Package} ${Version}", name], text=True,
                          capture_output=True, timeout=20, check=False)
    return done.stdout if done.returncode == 0 else ""


def commit() -> str:
    done = subprocess.run(["git", "-C", str(peers.ROOT), "describe", "--always", "--dirty"], text=True,
                          capture_output=True, timeout=20, check=False)
    return done.stdout.strip()


def machine() -> dict:
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return {"cpu": cpu[1] if cpu else platform.machine(), "cores": os.cpu_count(),
            "memory_gib": round(int(memory[1]) / (1 << 20), 1), "system": system[1] if system else "",
            "kernel": platform.release()}


def load() -> str:
    """How busy the machine is before anything is measured: runnable threads, on average over a minute."""
    return pathlib.Path("/proc/loadavg").read_text().split()[0]


def all_of_it(upstream: bool) -> dict:
    return {"commit": commit(), "machine": machine(), "programs": programs(), "tls_library": tls_library(peers.BUILD),
            "tls_library_upstream": tls_library(peers.UPSTREAM_BUILD) if upstream else None,
            "packages": [package(name) for name in ("android-libboringssl", "libssl3")],
            "generator": GENERATOR.name, "load_before": load()}
