"""deploy/kubernetes on paper: rendered by the real kustomize, judged by the API's schemas and by our own rules."""

import contextlib
import copy
import pathlib
import re
import shutil
import subprocess

import pytest
import yaml

import kubernetes_rules as rules
from kubernetes import FOLDER, Rendering, helm, judge, kustomize


def uncommented(folder: pathlib.Path, component: str):
    """The production overlay with another component, as an operator takes it in."""
    shutil.copytree(FOLDER, folder)
    file = folder / "overlays" / "production" / "kustomization.yaml"
    line = f"  # - ../../components/{component}\n"
    assert line in file.read_text()
    file.write_text(file.read_text().replace(line, line.replace("# ", "")))
    return folder / "overlays" / "production"


def with_proxy_protocol(folder: pathlib.Path):
    """And with the line in poplar.yaml that the component's comment asks for."""
    overlay = uncommented(folder, "proxy_protocol")
    asked = re.search(r"^# +(proxy_protocol_from: .*)$", (folder / "components/proxy_protocol/kustomization.yaml").read_text(),
                      re.MULTILINE)[1]
    file = overlay / "poplar.yaml"
    file.write_text(file.read_text().replace('address: "[::]:10995"\n', f'address: "[::]:10995"\n    {asked}\n'))
    return overlay


def with_shared_state(folder: pathlib.Path):
    """Likewise."""
    overlay = uncommented(folder, "shared_state")
    asked = re.search(r"^# +(shared_state: .*)$", (folder / "components/shared_state/kustomization.yaml").read_text(),
                      re.MULTILINE)[1]
    file = overlay / "poplar.yaml"
    file.write_text(f"{file.read_text()}{asked}\n")
    return overlay


CHART_CHANGES = ["--set", "service.externalTrafficPolicy=Cluster,service.annotations.proxy=yes,seccompProfile.type=Localhost",
                 "--set", "seccompProfile.localhostProfile=profiles/poplar.json,autoscaling.enabled=false,tlsSecret=mine"]


@pytest.fixture(scope="module")
def renderings(folder):
    return {"dev": kustomize(FOLDER / "overlays" / "dev"),
            "production": kustomize(FOLDER / "overlays" / "production"),
            "proxy_protocol": kustomize(with_proxy_protocol(folder / "proxy_protocol")),
            "shared_state": kustomize(with_shared_state(folder / "shared_state")),
            "io_uring": kustomize(uncommented(folder / "io_uring", "io_uring"))}


def mistaken(production):
    """Objects with a mistake each, and what the judges have to say of it."""
    known = [copy.deepcopy(production.one(*each)) for each in
             [("Deployment", "poplar"), ("Deployment", "poplar"), ("Certificate", "poplar"), ("ServiceMonitor", "poplar")]]
    known[0]["spec"]["template"]["spec"]["terminationGracePeriodSecond"] = 3
    known[1]["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "768 MB"
    known[2]["spec"]["privateKey"]["algorithm"] = "DSA"
    known[3]["spec"]["endpoints"][0]["intervall"] = "15s"
    unknown = {"apiVersion": "apps/v2", "kind": "Deployment", "metadata": {}}
    return zip([*known, unknown], ["terminationGracePeriodSecond", "limits/memory must match format", "algorithm", "intervall",
                                   "apps/v2 has no Deployment"])


@pytest.fixture(scope="module")
def judgements(renderings):
    """All that the schemas say: of all that we have, and of the mistaken ones. Their reading takes most of the time."""
    rule = subprocess.run([FOLDER / "prometheus_rule.sh"], capture_output=True, text=True, check=True).stdout
    made = {**renderings, "chart": Rendering(helm("template")), "changed chart": Rendering(helm("template", *CHART_CHANGES)),
            "rules": Rendering(rule)}
    return judge([(f"{name}: {where}", each) for name, rendering in made.items() for where, each in rendering.named()]
                 + [(f"mistaken {number}", each) for number, (each, _) in enumerate(mistaken(renderings["production"]))])


def test_the_api_knows_every_object_and_every_field(judgements):
    assert [each for each in judgements if not each.startswith("mistaken ")] == []


def test_the_judges_see_mistakes(judgements, renderings):
    for number, (_, words) in enumerate(mistaken(renderings["production"])):
        assert any(each.startswith(f"mistaken {number}: ") and words in each for each in judgements), (words, judgements)


@pytest.mark.parametrize("name", ["dev", "production", "proxy_protocol", "io_uring", "shared_state"])
def test_all_fits_together(renderings, name):
    assert rules.problems(renderings[name]) == []


def _container(rendering):
    return rendering.poplar()["spec"]["containers"][0]


def _configure(rendering, **sections):
    data = rendering.config_map()["data"]
    data["poplar.yaml"] = yaml.safe_dump({**yaml.safe_load(data["poplar.yaml"]), **sections})


# What a hasty change would break, and the words for it.
BREAKS = {
    "killed after 200 s": lambda each: each.poplar()["spec"].update(terminationGracePeriodSeconds=200),
    "it stops to accept before": lambda each: _container(each)["lifecycle"]["preStop"]["sleep"].update(seconds=1),
    "poplar may gain privileges": lambda each: _container(each)["securityContext"].pop("allowPrivilegeEscalation"),
    "poplar keeps capabilities": lambda each: _container(each)["securityContext"].pop("capabilities"),
    "poplar adds NET_ADMIN": lambda each: _container(each)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]),
    "the pod may run as root": lambda each: each.poplar()["spec"]["securityContext"].pop("runAsNonRoot"),
    "the pod is root": lambda each: each.poplar()["spec"]["securityContext"].update(runAsUser=0),
    "the pod has no seccomp": lambda each: each.poplar()["spec"]["securityContext"].update(seccompProfile={"type": "Unconfined"}),
    "volume traces is a hostPath": lambda each: each.poplar()["spec"]["volumes"].__setitem__(
        -1, {"name": "traces", "hostPath": {"path": "/tmp"}}),
    "hostNetwork is the machine's": lambda each: each.poplar()["spec"].update(hostNetwork=True),
    "poplar has hostPort 995": lambda each: _container(each)["ports"][0].update(hostPort=995),
    "sets sysctl net.core.somaxconn": lambda each: each.poplar()["spec"]["securityContext"].update(
        sysctls=[{"name": "net.core.somaxconn", "value": "9"}]),
    "its root can be written to": lambda each: _container(each)["securityContext"].pop("readOnlyRootFilesystem"),
    "says no version": lambda each: _container(each).update(image="poplar:latest"),
    "poplar needs ConfigMap/poplar-config, which": lambda each: each.poplar()["spec"]["volumes"][0].update(
        configMap={"name": "poplar-config"}),
    "sends to port pop3, which": lambda each: each.one("Service", "poplar")["spec"]["ports"][0].update(targetPort="pop3"),
    "PodDisruptionBudget selects no pods": lambda each: each.one("PodDisruptionBudget", "poplar")["spec"].pop("selector"),
    "Service/poplar selects 0": lambda each: each.poplar()["metadata"]["labels"].update({"app.kubernetes.io/name": "other"}),
    "the monitor scrapes port metrics": lambda each: each.one("ServiceMonitor", "poplar")["spec"]["endpoints"][0].update(port="metrics"),
    "the clients' addresses are lost": lambda each: each.one("Service", "poplar")["spec"].pop("externalTrafficPolicy"),
    "sends PROXY headers and": lambda each: each.one("Service", "poplar")["metadata"].update(annotations={"aws-proxy-protocol": "*"}),
    "Poplar may need 1": lambda each: _configure(each, limits={"sessions": 100000}),
    "the configuration knows of 1": lambda each: _configure(each, replicas=1),
    "Poplar listens on": lambda each: _configure(each, admin={"address": "[::]:9996"}),
    "needs a capability": lambda each: _configure(each, listeners=[{"name": "pop3s", "address": "[::]:995"}]),
    "nothing is mounted where /tmp/traces": lambda each: _configure(each, trace={"directory": "/tmp/traces"}),
    "is none of": lambda each: _configure(each, clusters=[{"discovery": {"srv": "_pop3._tcp.nodes.poplar.svc.cluster.local"}}]),
    "are let out": lambda each: _configure(each, clusters=[{"nodes": [{"address": "mail:110"}]}]),
    "are let in": lambda each: each.one("NetworkPolicy", "poplar")["spec"]["ingress"].pop(),
    "each apply undoes": lambda each: each.one("Deployment", "poplar")["spec"].update(replicas=3),
}


@pytest.mark.parametrize("words", BREAKS)
def test_every_rule_can_fail(renderings, words):
    broken = copy.deepcopy(renderings["production"])
    BREAKS[words](broken)
    found = [problem for rule in rules.RULES for problem in _told(rule, broken)]
    assert any(words in problem for problem in found), found


def _told(rule, rendering):
    """As far as a rule comes with objects that another one has found broken."""
    told = []
    with contextlib.suppress(KeyError, StopIteration, AssertionError):
        told.extend(rule(rendering))
    return told


# What only Helm says, or only kustomize.
_OWN = {"app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/managed-by", "helm.sh/chart", "checksum/config",
        "imagePullPolicy"}


def essence(value):
    """An object without that, and without the order of what has names."""
    if isinstance(value, dict):
        kept = {key: essence(each) for key, each in value.items() if key not in _OWN}
        return {key: each for key, each in kept.items() if each != {}}
    if isinstance(value, list):
        made = [essence(each) for each in value]
        return sorted(made, key=lambda each: each["name"]) if all(isinstance(each, dict) and "name" in each for each in made) else made
    return re.sub(r"^poplar-config-\w{10}$", "poplar-config", value) if isinstance(value, str) else value


def test_the_chart_gives_what_the_production_overlay_gives(renderings):
    made = [[essence(each) for each in rendering.objects if each["kind"] != "Namespace"]
            for rendering in (renderings["production"], Rendering(helm("template")))]
    by_name = [{(each["kind"], each["metadata"]["name"]): each for each in objects} for objects in made]
    assert by_name[0] == by_name[1]
    helm("lint")


def test_the_chart_refuses_what_it_does_not_know():
    for words, arguments in {"additional properties 'replica' not allowed": ["--set", "replica=3"],
                             "config is empty": ["--set-file", "config=/dev/null"],
                             "minimum": ["--set", "ports[0].name=pop3s,ports[0].port=995,ports[0].containerPort=995"]}.items():
        with pytest.raises(AssertionError, match=words):
            helm("template", *arguments)


def test_the_readme_names_what_an_operator_brings():
    readme = (FOLDER / "README.md").read_text()
    for kind, name in rules.BROUGHT:
        assert re.search(rf"\b{name}\b", readme), f"{kind}/{name} is in no command of the README"


def test_prometheus_understands_what_the_adapter_asks(renderings, tmp_path):
    rule, = yaml.safe_load((FOLDER / "components/autoscaling/prometheus_adapter.yaml").read_text())["rules"]["custom"]
    metrics = [each["pods"]["metric"]["name"] for each in
               renderings["production"].one("HorizontalPodAutoscaler", "poplar")["spec"]["metrics"] if each["type"] == "Pods"]
    assert metrics == [rule["name"]["as"]]
    query = rule["metricsQuery"]
    for name, value in {"<<.Series>>": "poplar_sessions_active", "<<.GroupBy>>": "pod",
                        "<<.LabelMatchers>>": 'namespace="poplar",pod=~"a|b"'}.items():
        query = query.replace(name, value)
    groups = {"groups": [{"name": "adapter", "rules": [{"record": "it", "expr": each} for each in (query, rule["seriesQuery"])]}]}
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups))
    done = subprocess.run(["promtool", "check", "rules", tmp_path / "rules.yaml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
