"""The Debian package in a clean Debian 12 that a real systemd runs: install, serve, upgrade, remove, purge."""

import re
import stat
import subprocess

import pytest

from conftest import MAIL, USER
from dovecot import PASSWORD
from system import System
from waiting import until
from wire import Pop3, tls_context

_CONFIGURATION = """\
listeners:
  - name: pop3s
    address: "127.0.0.1:995"
tls:
  certificates:
    - certificate: tls/chain.pem
      key: tls/key.pem
clusters:
  - name: mail
    nodes:
      - name: n
        address: "127.0.0.1:{port}"
admin:
  address: 127.0.0.1:9995
log:
  output: journal
# The operator's own words.
"""


@pytest.fixture(scope="module")
def packages(request):
    return request.config.getoption("--packages")


@pytest.fixture(scope="module")
def system(request, network, folder):
    made = System(request.config.getoption("--system").resolve(), folder)
    yield made
    made.stop()


def _install(system, package):
    system.put("/root/poplar.deb", package.read_bytes())
    return system.run("apt-get", "install", "--yes", "--no-install-recommends", "/root/poplar.deb").stdout


def _version(package) -> str:
    return subprocess.run(["dpkg-deb", "--field", package, "Version"], capture_output=True, text=True, check=True).stdout.strip()


def _fetch(authority) -> bytes:
    with Pop3.connect(995, tls_context(authority.file)) as session:
        session.log_in(USER, PASSWORD)
        message = session.ok("RETR 1")
        session.ok("QUIT")
        return message


def _property(system, name: str) -> str:
    return system.output("systemctl", "show", "--value", "--property", name, "poplar.service")


@pytest.fixture(scope="module")
def installed(system, packages):
    """What apt said."""
    return _install(system, packages[0])


@pytest.fixture(scope="module")
def serving(installed, system, authority, mail_node):
    """Configured and started as the default configuration says."""
    made = authority.issue("poplar", ["localhost", "127.0.0.1"])
    system.put("/etc/poplar/tls/chain.pem", made.certificate.read_bytes())
    system.put("/etc/poplar/tls/key.pem", made.key.read_bytes(), 0o640)
    system.run("chgrp", "poplar", "/etc/poplar/tls/key.pem")
    system.put("/etc/poplar/poplar.yaml", _CONFIGURATION.format(port=mail_node.pop3_port).encode())
    system.run("poplar", "check")
    done = system.run("systemctl", "start", "poplar", check=False)
    assert done.returncode == 0, done.stdout + system.run("journalctl", "-u", "poplar", "--no-pager", check=False).stdout
    return made


def test_it_is_not_started_before_anybody_configured_it(installed, system):
    assert "Fill in /etc/poplar/poplar.yaml" in installed
    assert system.run("systemctl", "is-active", "poplar", check=False).stdout.strip() == "inactive"
    assert system.output("systemctl", "is-enabled", "poplar") == "enabled"
    check = system.run("poplar", "check", check=False)
    assert check.returncode == 1 and "clusters" in check.stdout, check.stdout


def test_files_are_where_debian_wants_them_with_their_modes(installed, system):
    expected = {"/usr/bin/poplar": 0o755, "/lib/systemd/system/poplar.service": 0o644,
                "/usr/lib/sysusers.d/poplar.conf": 0o644, "/etc/poplar/poplar.yaml": 0o644, "/etc/poplar/tls": 0o750,
                "/usr/share/man/man1/poplar.1.gz": 0o644, "/usr/share/man/man5/poplar.yaml.5.gz": 0o644,
                "/usr/share/bash-completion/completions/poplar": 0o644,
                "/usr/share/zsh/vendor-completions/_poplar": 0o644,
                "/usr/share/fish/vendor_completions.d/poplar.fish": 0o644,
                "/usr/share/doc/poplar/copyright": 0o644, "/usr/share/doc/poplar/changelog.Debian.gz": 0o644,
                "/usr/share/doc/poplar/examples/prometheus/poplar.alerts.yaml": 0o644,
                "/usr/share/doc/poplar/examples/grafana/poplar-overview.json": 0o644}
    found = {name: stat.S_IMODE(system.path(name).stat().st_mode) for name in expected}
    assert found == expected
    listed = system.output("dpkg", "--listfiles", "poplar").splitlines()
    owned = [name for name in listed if system.path(name).stat().st_uid != 0]
    assert not owned
    assert system.output("stat", "--format", "%U:%G", "/etc/poplar/tls") == "root:poplar"
    assert system.output("dpkg-query", "--show", "--showformat", "${Conffiles}", "poplar").split()[0] == "/etc/poplar/poplar.yaml"


def test_its_user_can_do_nothing_else(installed, system):
    user = system.output("getent", "passwd", "poplar").split(":")
    assert user[5:] == ["/var/lib/poplar", "/usr/sbin/nologin"] and 0 < int(user[2]) < 1000
    assert system.output("getent", "shadow", "poplar").split(":")[1].startswith("!")


def test_no_openssl_comes_with_it(installed, system):
    libraries = system.output("ldd", "/usr/bin/poplar")
    assert "not found" not in libraries and "/android/libssl.so.0" in libraries
    assert "libssl.so.3" not in libraries and "libcrypto.so.3" not in libraries


def test_mail_is_fetched_through_the_service(serving, authority):
    assert _fetch(authority).endswith(MAIL)


def test_the_service_is_shut_in(serving, system):
    process = _property(system, "MainPID")
    assert system.output("stat", "--format", "%U", f"/proc/{process}") == "poplar"
    lines = system.output("cat", f"/proc/{process}/status").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert int(status["CapEff"], 16) == 1 << 10, "CAP_NET_BIND_SERVICE and nothing else"
    assert int(status["CapBnd"], 16) == 1 << 10 and status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
    mounts = system.output("cat", f"/proc/{process}/mountinfo").splitlines()
    modes = {fields[4]: fields[5].split(",")[0] for fields in map(str.split, mounts)}
    assert modes["/"] == "ro" and modes["/var/lib/poplar"] == "rw" and modes["/run/poplar"] == "rw"
    assert re.search(r"io_uring|epoll", system.output("journalctl", "-u", "poplar", "--no-pager"))


def test_reload_refuses_a_file_with_mistakes(serving, system, authority):
    process = _property(system, "MainPID")
    good = system.path("/etc/poplar/poplar.yaml").read_bytes()
    system.put("/etc/poplar/poplar.yaml", b"listeners: none\n")
    assert system.run("systemctl", "reload", "poplar", check=False).returncode != 0
    system.put("/etc/poplar/poplar.yaml", good)
    system.run("systemctl", "reload", "poplar")
    assert _property(system, "MainPID") == process
    assert _fetch(authority).endswith(MAIL)


def test_what_crashes_is_started_again(serving, system, authority):
    process = _property(system, "MainPID")
    system.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "poplar")
    until(lambda: _property(system, "MainPID") not in ("0", process) and _property(system, "ActiveState") == "active",
          "the service to be back", 60)
    assert _fetch(authority).endswith(MAIL)


def test_an_upgrade_keeps_the_configuration_and_ends_no_session(serving, system, packages, authority):
    process = _property(system, "MainPID")
    before = system.path("/etc/poplar/poplar.yaml").read_bytes()
    with Pop3.connect(995, tls_context(authority.file)) as session:
        session.log_in(USER, PASSWORD)
        _install(system, packages[1])
        assert session.ok("RETR 1").endswith(MAIL)
        session.ok("QUIT")
    assert system.output("dpkg-query", "--show", "--showformat", "${Version}", "poplar") == _version(packages[1])
    assert system.path("/etc/poplar/poplar.yaml").read_bytes() == before
    until(lambda: _property(system, "ActiveState") == "active", "the new version to run", 60)
    assert _property(system, "MainPID") != process, "the old version runs on"
    assert _fetch(authority).endswith(MAIL)


def test_an_upgrade_with_a_wrong_configuration_leaves_the_old_one_running(serving, system, packages, authority):
    process = _property(system, "MainPID")
    good = system.path("/etc/poplar/poplar.yaml").read_bytes()
    system.put("/etc/poplar/poplar.yaml", good + b"nonsense: 1\n")
    said = system.run("dpkg", "--install", "/root/poplar.deb").stdout
    assert "the old version runs on" in said
    assert _property(system, "MainPID") == process
    assert _fetch(authority).endswith(MAIL)
    system.put("/etc/poplar/poplar.yaml", good)


def test_removal_stops_it_and_keeps_what_the_operator_wrote(serving, system):
    system.run("apt-get", "remove", "--yes", "poplar")
    assert system.run("systemctl", "is-active", "poplar", check=False).stdout.strip() in ("inactive", "unknown", "failed")
    assert not system.path("/usr/bin/poplar").exists()
    assert b"The operator's own words." in system.path("/etc/poplar/poplar.yaml").read_bytes()


def test_it_comes_back_as_it_was(serving, system, packages, authority):
    _install(system, packages[1])
    until(lambda: _property(system, "ActiveState") == "active", "the service to run again", 60)
    assert _fetch(authority).endswith(MAIL)


def test_what_the_operator_stopped_stays_stopped(serving, system):
    system.run("systemctl", "stop", "poplar")
    system.run("dpkg", "--install", "/root/poplar.deb")
    assert _property(system, "ActiveState") == "inactive"


def test_purge_leaves_nothing_but_the_operators_keys_and_a_locked_user(serving, system):
    system.run("apt-get", "purge", "--yes", "poplar")
    assert system.run("dpkg-query", "--show", "poplar", check=False).returncode != 0
    left = system.output("find", "/", "-xdev", "-name", "*poplar*", "-not", "-path", "/proc/*", "-not", "-path", "/sys/*",
                         "-not", "-path", "/run/*", "-not", "-path", "/var/log/journal/*").splitlines()
    assert sorted(left) == ["/etc/poplar", "/root/poplar.deb"]
    assert sorted(path.name for path in system.path("/etc/poplar").rglob("*")) == ["chain.pem", "key.pem", "tls"]
    assert system.output("getent", "shadow", "poplar").split(":")[1].startswith("!")
