"""deploy/kubernetes as a cluster gets it: rendered by the real kustomize, its objects found by kind and name.

`fetch_kubernetes.sh` (called by tests/run.sh) unpacks kubectl, helm and the API's schemas into build/kubernetes.
"""

import base64
import json
import pathlib
import re
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
_TOOLS = ROOT / "build" / "kubernetes"
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


def _tool(path: str) -> pathlib.Path:
    found = _TOOLS / path
    assert found.exists(), f"{found} is missing: run tests/integration/fetch_kubernetes.sh"
    return found


def _run(*arguments, **options) -> str:
    done = subprocess.run([str(argument) for argument in arguments], capture_output=True, text=True, timeout=300, **options)
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout


def judge(inputs):
    """What is wrong with these (where, object) pairs by the API's schemas, a line each."""
    return _run("node", pathlib.Path(__file__).with_name("kubernetes_judges") / "judge.mjs", _tool("."),
                input=json.dumps([{"where": where, "object": each} for where, each in inputs])).splitlines()


def kustomize(folder: pathlib.Path) -> "Rendering":
    return Rendering(_run(_tool("bin/kubectl"), "kustomize", folder))


def helm(command: str, *arguments) -> str:
    """`template` or `lint` of the chart, with what the production overlay has for it."""
    overlay = FOLDER / "overlays" / "production"
    name = ["poplar", "--namespace", "poplar"] if command == "template" else ["--strict"]
    return _run(_tool("bin/helm"), command, *name, FOLDER / "chart", "--values", overlay / "helm_values.yaml",
                "--set-file", f"config={overlay / 'poplar.yaml'}", *arguments)


def readme_blocks():
    """The README's commands, a text for each block."""
    text = (FOLDER / "README.md").read_text()
    return [re.sub(r"^ {3}", "", block, flags=re.MULTILINE) for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)]


def brought(folder: pathlib.Path, namespace: str):
    """What the README has an operator create there, made by its own commands in `folder`: (kind, name) -> file -> bytes."""
    block, = [each for each in readme_blocks() if f"--namespace {namespace} create secret" in each]
    script = f"""set -e
        kubectl() {{ case " $* " in *" create "*) {_tool("bin/kubectl")} "$@" --dry-run=client --output json;; esac; }}
        curl() {{ :; }}
        {block}"""
    text, made = _run("bash", "-c", script, cwd=folder).strip(), {}
    while text:
        each, end = json.JSONDecoder().raw_decode(text)
        text = text[end:].lstrip()
        if "data" in each:
            assert each["metadata"]["namespace"] == namespace
            decode = base64.b64decode if each["kind"] == "Secret" else str.encode
            made[each["kind"], each["metadata"]["name"]] = {name: decode(value) for name, value in each["data"].items()}
    return made


class Rendering:
    def __init__(self, text: str):
        self.objects = [each for each in yaml.safe_load_all(text) if each]

    def all(self, kind: str):
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str):
        found = [each for each in self.all(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} of {kind}/{name}"
        return found[0]

    def named(self):
        """(where, object) of each."""
        return [(f"{each['kind']}/{each['metadata']['name']}", each) for each in self.objects]

    def workloads(self):
        return [each for each in self.objects if each["kind"] in _WORKLOADS]

    def poplar(self):
        """The pods' template of the Deployment."""
        return self.one("Deployment", "poplar")["spec"]["template"]

    def config_map(self):
        """That of the pods of Poplar, whatever its name ends in."""
        volume = next(each for each in self.poplar()["spec"]["volumes"] if each["name"] == "config")
        return self.one("ConfigMap", volume["configMap"]["name"])

    def configuration(self):
        return yaml.safe_load(self.config_map()["data"]["poplar.yaml"])


def seconds(duration) -> float:
    """Poplar's durations: 500ms, 15s, 10m, 1h."""
    for unit, scale in (("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)):
        if str(duration).endswith(unit):
            return float(str(duration)[:-len(unit)]) * scale
    raise AssertionError(f"{duration} is no duration")


def mebibytes(size) -> float:
    """Poplar's and Kubernetes' sizes: 256MiB, 768Mi, 1Gi."""
    for unit, scale in (("KiB", 2 ** -10), ("MiB", 1), ("GiB", 1024), ("Ki", 2 ** -10), ("Mi", 1), ("Gi", 1024)):
        if str(size).endswith(unit):
            return float(str(size)[:-len(unit)]) * scale
    raise AssertionError(f"{size} is no size")
