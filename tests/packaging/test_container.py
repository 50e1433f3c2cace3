"""The container image, really run: as nobody, with a root that can't be written, through runc."""

import json
import pathlib
import signal
import subprocess
import tarfile
import urllib.request

import pytest

from child import Child
from conftest import MAIL, USER
from dovecot import PASSWORD
from waiting import until
from wire import Pop3, tls_context

_UID = 65532


def _run(*arguments):
    return subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, timeout=60)


@pytest.fixture(scope="module")
def image(request, folder):
    """(its configuration, its root): what an engine would make of the archive, which has one layer."""
    archive = request.config.getoption("--image")
    unpacked = folder / "image"
    with tarfile.open(archive) as tar:
        tar.extractall(unpacked)
    manifest = json.loads((unpacked / "manifest.json").read_text())
    assert len(manifest) == 1 and len(manifest[0]["Layers"]) == 1
    root = folder / "bundle" / "rootfs"
    root.mkdir(parents=True)
    with tarfile.open(unpacked / manifest[0]["Layers"][0]) as tar:
        tar.extractall(root)
    return json.loads((unpacked / manifest[0]["Config"]).read_text())["config"], root


@pytest.fixture(scope="module")
def configuration(folder, authority, mail_node):
    """What the operator mounts at /etc/poplar."""
    mounted = folder / "etc"
    mounted.mkdir(mode=0o755)
    made = authority.issue("poplar", ["localhost", "127.0.0.1"])
    for source, name in ((made.certificate, "chain.pem"), (made.key, "key.pem")):
        (mounted / name).write_bytes(source.read_bytes())
        (mounted / name).chmod(0o644)
    (mounted / "poplar.yaml").write_text(json.dumps({
        "listeners": [{"name": "pop3s", "address": "0.0.0.0:10995"}],
        "tls": {"certificates": [{"certificate": "chain.pem", "key": "key.pem"}]},
        "clusters": [{"name": "mail", "nodes": [{"name": "n", "address": f"127.0.0.1:{mail_node.pop3_port}"}]}],
        "admin": {"address": "0.0.0.0:9995"},
    }))
    return mounted


def _specification(config, mounted: pathlib.Path):
    """What `docker run --read-only --cap-drop ALL --network host` would ask of runc."""
    bundle = mounted.parent / "bundle"
    assert _run("runc", "spec", "--bundle", bundle).returncode == 0
    made = json.loads((bundle / "config.json").read_text())
    user, group = map(int, config["User"].split(":"))
    made["process"].update({
        "terminal": False, "user": {"uid": user, "gid": group}, "noNewPrivileges": True,
        "args": config["Entrypoint"] + config["Cmd"], "capabilities": {}, "cwd": "/", "rlimits": []})
    made["root"] = {"path": "rootfs", "readonly": True}
    made["mounts"].append({"destination": "/etc/poplar", "type": "bind", "source": str(mounted),
                           "options": ["rbind", "ro"]})
    made["linux"]["namespaces"] = [one for one in made["linux"]["namespaces"] if one["type"] != "network"]
    return made


@pytest.fixture(scope="module")
def container(folder, image, configuration):
    config, root = image
    bundle = root.parent
    (bundle / "config.json").write_text(json.dumps(_specification(config, configuration)))
    name = f"poplar-{folder.name}"
    child = Child(["runc", "--root", folder / "runc", "run", "--bundle", bundle, name], folder / "container.log")
    child.wait_for(lambda: _get("/readyz") == 200, "the container to be ready", 60)
    yield name, child
    if child.alive():
        child.stop(signal.SIGKILL)


def _get(path: str) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:9995{path}", timeout=5) as answer:
            return answer.status
    except OSError:
        return 0


def _process(name: str, folder: pathlib.Path) -> pathlib.Path:
    state = json.loads(_run("runc", "--root", folder / "runc", "state", name).stdout)
    return pathlib.Path("/proc") / str(state["pid"])


def test_it_holds_the_program_and_what_that_needs_alone(image):
    root = image[1]
    assert sorted(path.name for path in (root / "usr/bin").iterdir()) == ["poplar"]
    assert not list(root.rglob("*libssl.so.3*")) and not list(root.rglob("*libcrypto.so.3*"))
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if path.stat().st_mode & 0o7022], "set-uid, or writable by others"
    assert b"BEGIN CERTIFICATE" in (root / "etc/ssl/certs/ca-certificates.crt").read_bytes()
    assert sum(path.stat().st_size for path in files) < 40e6


def test_it_says_how_it_wants_to_be_run(image):
    config = image[0]
    assert config["User"] == f"{_UID}:{_UID}"
    assert config["Entrypoint"] == ["/usr/bin/poplar"] and config["Cmd"] == ["serve"]
    assert {port.removesuffix("/tcp") for port in config["ExposedPorts"]} == {"10995", "9995"}
    assert config["StopSignal"] == "SIGTERM"


def test_mail_is_fetched_through_it(container, authority):
    with Pop3.connect(10995, tls_context(authority.file)) as session:
        session.log_in(USER, PASSWORD)
        assert session.ok("RETR 1").endswith(MAIL)
        session.ok("QUIT")


def test_it_is_nobody_and_can_change_nothing(container, folder):
    process = _process(container[0], folder)
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines() if ":\t" in line)
    assert status["Uid"].split() == [str(_UID)] * 4 and status["Gid"].split() == [str(_UID)] * 4
    assert int(status["CapEff"], 16) == 0 and int(status["CapBnd"], 16) == 0 and status["NoNewPrivs"] == "1"
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    assert [fields[5] for fields in mounts if fields[4] == "/"][0].split(",")[0] == "ro"
    assert not [fields for fields in mounts if fields[4] == "/etc/poplar" and fields[5].startswith("rw")]


def test_its_health_check_sees_that_it_lives(container, image, folder):
    check = image[0]["Healthcheck"]["Test"]
    assert check[0] == "CMD"
    done = _run("runc", "--root", folder / "runc", "exec", container[0], *check[1:])
    assert done.returncode == 0, done.stdout + done.stderr


def test_sigterm_ends_it_cleanly(container, folder):
    name, child = container
    assert _run("runc", "--root", folder / "runc", "kill", name, "TERM").returncode == 0
    until(lambda: not child.alive(), "the container to end", 60)
    assert child.process.returncode == 0, child.text()
