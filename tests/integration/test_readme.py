"""What the README shows has to work as it stands there."""

import pathlib
import re
import subprocess

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def test_the_configuration_of_the_readme_passes_check(binary, authority, tmp_path):
    [shown] = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    files = {"internal-ca.pem": authority.file}
    for kind in ("ecdsa", "rsa"):
        made = authority.issue(f"readme-{kind}", ["mail.example.org"], kind)
        files |= {f"{kind}-fullchain.pem": made.certificate, f"{kind}-key.pem": made.key}
    for name, source in files.items():
        (tmp_path / name).write_bytes(source.read_bytes())
    password = tmp_path / "probe-password"
    password.write_text("secret\n")
    password.chmod(0o600)
    file = tmp_path / "poplar.yaml"
    file.write_text(shown.replace("/etc/poplar/tls/", f"{tmp_path}/")
                    .replace("/etc/poplar/", f"{tmp_path}/"))
    done = subprocess.run([str(binary), "check", "--config", str(file)], capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr


def test_the_commands_of_the_readme_exist():
    [commands] = re.findall(r"```sh\n(.*?)```", README.read_text(), re.DOTALL)
    named = [line.split()[0] for line in commands.splitlines()]
    assert named == ["deploy/quickstart.sh", "tests/run.sh"]
    for command in named:
        assert (README.parent / command).stat().st_mode & 0o111, f"{command} is not executable"
