"""What the README shows has to work as it stands there."""

import json
import pathlib
import re
import subprocess

import pytest

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


@pytest.fixture
def check(binary, tmp_path):
    """check(text) has `poplar check` find nothing in it; /etc/poplar is the test's own folder."""
    def passes(text):
        file = tmp_path / "poplar.yaml"
        file.write_text(text.replace("/etc/poplar/tls/", f"{tmp_path}/").replace("/etc/poplar/", f"{tmp_path}/"))
        done = subprocess.run([str(binary), "check", "--config", str(file)], capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == 0, done.stderr
        assert "warning" not in done.stderr
    return passes


def examples():
    return re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)


def test_the_configuration_of_the_readme_passes_check(authority, tmp_path, check):
    whole, _ = examples()
    files = {"internal-ca.pem": authority.file}
    for kind in ("ecdsa", "rsa"):
        made = authority.issue(f"readme-{kind}", ["mail.example.org"], kind)
        files |= {f"{kind}-fullchain.pem": made.certificate, f"{kind}-key.pem": made.key}
    for name, source in files.items():
        (tmp_path / name).write_bytes(source.read_bytes())
        (tmp_path / name).chmod(0o600)
    password = tmp_path / "probe-password"
    password.write_text("secret\n")
    password.chmod(0o600)
    check(whole)


def test_the_routes_of_the_readme_pass_check(authority, binary, tmp_path, check):
    _, routes = examples()
    (tmp_path / "aliases").write_text("info@example.org anna@example.org\n")
    (tmp_path / "users.txt").write_text("anna@example.org new\n")
    subprocess.run([str(binary), "map", "build", tmp_path / "users.txt", tmp_path / "users.map"], check=True,
                   capture_output=True, timeout=60)
    made = authority.issue("readme-routes", ["mail.example.org"])
    rest = {"listeners": [{"name": "pop3s", "address": "127.0.0.1:995"}],
            "tls": {"certificates": [{"certificate": str(made.certificate), "key": str(made.key)}]},
            "clusters": [{"name": name, "nodes": [{"name": f"{name}-1", "address": f"127.0.0.1:{port}"}]}
                         for port, name in enumerate(("new", "archive", "com"), 1)]}
    check(routes + "\n".join(f"{section}: {json.dumps(value)}" for section, value in rest.items()) + "\n")


def test_the_commands_of_the_readme_exist():
    [commands] = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    named = [line.split()[0] for line in commands.splitlines()]
    assert named == ["deploy/quickstart.sh", "tests/run.sh"]
    for command in named:
        assert (README.parent / command).stat().st_mode & 0o111, f"{command} is not executable"
