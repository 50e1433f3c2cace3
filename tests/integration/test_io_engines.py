"""Where io_uring is refused, and the profile that allows it: a real Poplar behind real seccomp filters."""

import errno
import json
import re
import subprocess

import pytest

from poplar import ROOT, TEST_IO, configuration, node
from ports import free_port
from seccomp_filter import IO_URING, profile, refusing

PROFILE = ROOT / "deploy" / "seccomp" / "poplar.json"
_REASONS = {errno.EPERM: "forbidden", errno.ENOSYS: "unsupported"}


def read_mail(proxy, shared_nodes, user: str):
    """A session from the handshake to QUIT."""
    shared_nodes[0].deliver(user, {f"{user}-1": b"Subject: one\r\n\r\nthrough all layers\r\n"})
    with proxy.connect() as session:
        session.log_in(user)
        assert b"through all layers" in session.retrieve(1)
        assert session.command("QUIT").startswith(b"+OK")
    proxy.idle()


def engine_of(proxy):
    """(engine, reason) of the one series."""
    [found] = re.findall(r'^poplar_io_engine_info\{engine="(\w+)",reason="(\w+)"\} 1$', proxy.get("/metrics")[1], re.MULTILINE)
    return found


def warnings(proxy):
    """That are of engines; it may also be short of descriptors here."""
    found = [line["message"] for line in proxy.lines() if line["level"] == "warning"]
    return [line for line in found if "io_uring" in line or "epoll" in line]


@pytest.fixture
def nodes(shared_nodes):
    return [node(each.name, each.pop3_port) for each in shared_nodes]


def test_the_tests_run_on_what_they_were_told_to(shared_proxy):
    assert engine_of(shared_proxy) == {"epoll": ("epoll", "configured")}.get(TEST_IO, ("io_uring", "available"))


@pytest.mark.parametrize("code", _REASONS, ids=errno.errorcode.get)
def test_auto_takes_epoll_and_says_so_everywhere(start, binary, nodes, shared_nodes, user, code):
    with start(nodes, shared=True, io="auto", preexec=refusing(code)) as proxy:
        read_mail(proxy, shared_nodes, user)
        assert engine_of(proxy) == ("epoll", _REASONS[code])
        status = json.loads(proxy.get("/api/v1/status")[1])
        assert status["io"] == "epoll"
        note = status["io_note"]
        for part in ("served by epoll", errno.errorcode[code], "io_uring_setup", "io: epoll"):
            assert part in note, note
        assert note in proxy.get("/")[1]
        told = subprocess.run([binary, "status", "--config", proxy.file], capture_output=True, text=True, timeout=60)
        assert told.returncode == 0 and note in told.stdout.splitlines(), told
        assert warnings(proxy) == [note]
        assert any("workers, epoll" in line.get("message", "") for line in proxy.lines())


def test_what_is_configured_is_nothing_to_warn_of(start, nodes, shared_nodes, user):
    with start(nodes, shared=True, io="epoll", preexec=refusing(errno.EPERM)) as proxy:
        read_mail(proxy, shared_nodes, user)
        assert engine_of(proxy) == ("epoll", "configured")
        assert json.loads(proxy.get("/api/v1/status")[1])["io_note"] == ""
        assert warnings(proxy) == []


@pytest.mark.parametrize("code", _REASONS, ids=errno.errorcode.get)
def test_io_uring_and_nothing_else_does_not_start(binary, nodes, authority, tmp_path, code):
    made = configuration(nodes, [authority.issue("io", ["localhost"])], free_port(), free_port(), tmp_path / "log",
                         **{"io": "io_uring"})
    file = tmp_path / "poplar.yaml"
    file.write_text(json.dumps(made))
    done = subprocess.run([binary, "serve", "--config", file], capture_output=True, text=True, timeout=60,
                          preexec_fn=refusing(code))
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    for part in ("poplar: error: io: io_uring: io_uring is not available here", errno.errorcode[code], "io_uring_setup",
                 "Or set io: auto"):
        assert part in done.stderr


def test_version_tells_what_is_taken_instead(binary):
    for code in _REASONS:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=60, preexec_fn=refusing(code))
        assert re.search(rf"^  io_uring: .*{errno.errorcode[code]}.*\n  epoll: available, and taken instead$", done.stdout,
                         re.MULTILINE), done


# --- deploy/seccomp

@pytest.mark.parametrize("io", ["io_uring", "epoll"])
def test_the_profile_allows_all_that_it_takes(start, nodes, shared_nodes, user, io):
    """Strictly: whatever Poplar asks and the profile lacks would kill it."""
    with start(nodes, shared=True, io=io, preexec=profile(PROFILE, strict=True)) as proxy:
        read_mail(proxy, shared_nodes, user)
        assert engine_of(proxy)[0] == io
        assert proxy.get("/")[0] == 200


def test_without_its_three_calls_there_is_epoll(start, nodes, shared_nodes, user):
    with start(nodes, shared=True, io="auto", preexec=profile(PROFILE, without=IO_URING)) as proxy:
        read_mail(proxy, shared_nodes, user)
        assert engine_of(proxy) == ("epoll", "forbidden")


def test_the_operators_manifest_is_the_same():
    written = subprocess.run(["/usr/bin/python3", "-c", "import json, build; print(build.manifest(json.load(open('poplar.json'))), end='')"],
                             cwd=PROFILE.parent, capture_output=True, text=True, check=True, timeout=60).stdout
    assert (PROFILE.parent / "seccompprofile.yaml").read_text() == written


def test_io_uring_is_a_rule_of_its_own():
    """So that whoever wants it or not knows what to take out or in."""
    rules = [set(rule["names"]) for rule in json.loads(PROFILE.read_text())["syscalls"]]
    assert set(IO_URING) in rules
    names = [name for rule in rules for name in rule if rule != {"socket"}]  # a rule a family
    assert len(names) == len(set(names))
