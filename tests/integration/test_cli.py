"""The commands an operator types: check, config, demo, --version, and serve's refusals."""

import json
import re
import signal
import subprocess

import pytest

from child import Child
from poplar import configuration, node
from ports import free_port


def run(binary, *arguments):
    return subprocess.run([str(binary), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60)


@pytest.fixture
def good(tmp_path, authority):
    made = configuration([node("n1", 11110)], [authority.issue("cli", ["localhost"])],
                         free_port(), free_port(), tmp_path / "log")
    file = tmp_path / "good.yaml"
    file.write_text(json.dumps(made, indent=2))
    return file


def test_version_names_the_build(binary):
    done = run(binary, "--version")
    assert done.returncode == 0
    for fact in (r"\d+\.\d+\.\d+", "clang|gcc", "BoringSSL", "liburing", "io_uring|kernel"):
        assert re.search(fact, done.stdout, re.IGNORECASE), f"{fact} not in:\n{done.stdout}"


def test_help_names_the_commands(binary):
    done = run(binary, "--help")
    assert done.returncode == 0
    for command in ("serve", "check", "config", "demo"):
        assert command in done.stdout


@pytest.mark.parametrize("arguments", [["no-such-command"], ["serve", "--no-such-option"],
                                       ["serve", "--config", "/nonexistent/poplar.yaml"]])
def test_what_it_does_not_understand_fails(arguments, binary):
    done = run(binary, *arguments)
    assert done.returncode != 0 and (done.stderr or done.stdout)


def test_check_accepts_a_good_file(binary, good):
    done = run(binary, "check", "--config", good)
    assert done.returncode == 0, done.stdout + done.stderr


BAD = """\
workers: many
listeners:
  - name: pop3s
    adress: "127.0.0.1:9951"
    tls: implicit
  - name: pop3s
    address: "127.0.0.1:9951"
    tls: implicit
clusters:
  - name: main
    nodes:
      - {name: a, address: "127.0.0.1:1100", weight: 5000}
      - {name: b, address: "127.0.0.1:1100"}
timeouts:
  login: 60
drain_timeout: 5 parsecs
drain_timeout: 10s
"""


def test_check_reports_every_mistake_with_its_place(binary, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    done = run(binary, "check", "--config", file)
    text = done.stdout + done.stderr
    assert done.returncode == 1
    for line in (1, 4, 6, 12, 15, 16, 17):
        assert re.search(rf"bad\.yaml:{line}:\d+", text), f"nothing about line {line} in:\n{text}"
    assert 'did you mean "address"' in text or "did you mean address" in text
    assert "clusters[0].nodes[0].weight" in text
    assert "^" in text, "a caret under the place"


def test_serve_refuses_what_check_refuses(binary, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(BAD)
    done = run(binary, "serve", "--config", file)
    assert done.returncode != 0
    assert "bad.yaml:4:" in done.stdout + done.stderr


def test_check_sees_a_key_that_does_not_fit(binary, good, authority):
    other = authority.issue("other", ["localhost"])
    content = json.loads(good.read_text())
    content["tls"]["certificates"][0]["key"] = str(other.key)
    good.write_text(json.dumps(content))
    done = run(binary, "check", "--config", good)
    assert done.returncode == 1 and re.search("match|belong", done.stdout + done.stderr)


def test_check_sees_a_certificate_about_to_expire(binary, good, authority):
    soon = authority.issue("soon", ["localhost"], days=3)
    content = json.loads(good.read_text())
    content["tls"]["certificates"][0] = {"certificate": str(soon.certificate),
                                         "key": str(soon.key)}
    good.write_text(json.dumps(content))
    done = run(binary, "check", "--config", good)
    text = done.stdout + done.stderr
    assert done.returncode == 0 and "expire" in text and "warning" in text, text


def test_config_prints_every_setting_with_its_help(binary):
    done = run(binary, "config")
    assert done.returncode == 0
    for key in ("workers", "listeners", "certificates", "shared_storage", "tls_handshake", "login",
                "upstream_connect", "upstream_response", "client_idle", "client_write_stall",
                "bad_commands", "failed_logins", "drain_timeout"):
        assert re.search(rf"^\s*(#\s*)?(- )?{key}:", done.stdout, re.MULTILINE), key
    assert done.stdout.count("#") > 20, "help stands beside the settings"


def test_a_used_port_is_named(binary, good):
    import socket
    content = json.loads(good.read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        content["listeners"][0]["address"] = address
        good.write_text(json.dumps(content))
        done = run(binary, "serve", "--config", good)
    assert done.returncode != 0 and address in done.stdout + done.stderr


def test_the_demo_prints_commands_that_work(binary, tmp_path):
    with_output = Child([binary, "demo"], tmp_path / "demo.log")
    try:
        found = with_output.wait_for(
            lambda: re.search(r"^\s*(?:\$ )?(curl .*pop3s://.*)$", with_output.text(), re.MULTILINE),
            "the demo to print its curl line")
        done = subprocess.run(["bash", "-c", found[1]], capture_output=True, text=True, timeout=60,
                              cwd=tmp_path)
        assert done.returncode == 0 and done.stdout, done.stderr
        client = re.search(r"^\s*(?:\$ )?(openssl s_client .*)$", with_output.text(), re.MULTILINE)
        assert client, "an openssl line, too"
        done = subprocess.run(["bash", "-c", client[1]], input="QUIT\n", capture_output=True,
                              text=True, timeout=60, cwd=tmp_path)
        assert "+OK" in done.stdout
        assert re.search(r"(?i)user.*node|node.*user", with_output.text()), "which user lives where"
    finally:
        code = with_output.stop(signal.SIGINT)
    assert code == 0, with_output.text()
