"""The systemd unit, judged by systemd's own tools; tests/packaging starts it for real."""

import re
import subprocess

import pytest

from poplar import ROOT

_UNIT = ROOT / "deploy" / "systemd" / "poplar.service"


def _run(*arguments):
    return subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def root(folder, binary):
    """What the unit names, where it names it."""
    made = folder / "root"
    for name in ("usr/bin/poplar", "bin/sh"):
        path = made / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(binary)
    units = made / "lib" / "systemd" / "system"
    units.mkdir(parents=True)
    for source in _UNIT.parent.glob("poplar.s[eo]*"):
        (units / source.name).write_bytes(source.read_bytes())
    return made


def test_little_of_the_machine_is_exposed(root):
    # In tenths: 20 is 2.0.
    done = _run("systemd-analyze", "security", "--offline=true", f"--root={root}", "--threshold=20", "--no-pager",
                "poplar.service")
    assert done.returncode == 0, done.stdout[-300:] + done.stderr


def test_systemd_understands_all_of_it(folder):
    text = _UNIT.read_text()
    # Its program and its manual pages are not installed here.
    text = re.sub(r"/usr/bin/poplar", "/bin/true", re.sub(r"^Documentation=.*\n", "", text, flags=re.MULTILINE))
    copy = folder / "poplar.service"
    copy.write_text(text)
    done = _run("systemd-analyze", "verify", "--man=no", copy)
    assert done.returncode == 0 and not done.stderr, done.stderr


def test_it_waits_longer_for_the_end_than_a_drain_takes(binary):
    unit = dict(re.findall(r"^(\w+)=(.*)$", _UNIT.read_text(), re.MULTILINE))
    reference = _run(binary, "config").stdout
    drain = re.search(r"^(?:drain_timeout|drain:\n(?:.*\n)*?  timeout): (\d+)s", reference, re.MULTILINE)
    assert unit["TimeoutStopSec"] == "5min" and int(drain[1]) < 240


def test_io_uring_is_not_filtered_out():
    allowed = re.findall(r"^SystemCallFilter=(?!~)(.*)$", _UNIT.read_text(), re.MULTILINE)
    assert {"io_uring_setup", "io_uring_enter", "io_uring_register"} <= set(" ".join(allowed).split())
