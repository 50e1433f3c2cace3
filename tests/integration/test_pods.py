"""The overlays of deploy/kubernetes at work: their pods started with the very ConfigMaps that they hold, and with what the
README's commands make besides, as the kubelet starts them, until mail has come through; and how such a pod ends."""

import contextlib
import json
import re
import shutil
import subprocess

import pytest

from certificates import Authority
from dnsmasq import Dnsmasq
from dovecot import Dovecot
from kubernetes import FOLDER, brought, kustomize, readme_blocks
from kubernetes_rules import SPARE_SECONDS, drain_seconds
from pod import Pod
from private_network import PrivateNetwork
from waiting import until
from wire import Pop3, tls_context

ANNA, PROBE = "anna@example.org", "probe@example.org"
MAIL = b"Subject: from a pod\r\n\r\nmail\r\n"


def resolver(namespace: str) -> str:
    """A pod's /etc/resolv.conf, with dnsPolicy: ClusterFirst."""
    return (f"nameserver 127.0.0.1\nsearch {namespace}.svc.cluster.local svc.cluster.local cluster.local\n"
            "options ndots:5\n")


def port(rendering) -> int:
    """Where the Service sends the clients of its port 995."""
    return next(each["containerPort"] for service in rendering.one("Service", "poplar")["spec"]["ports"]
                for each in rendering.poplar()["spec"]["containers"][0]["ports"]
                if service["port"] == 995 and each["name"] == service["targetPort"])


class Stand:
    """Poplar's pod of one overlay, in a network where nothing else is. `given`: what the overlay doesn't hold itself."""

    def __init__(self, folder, overlay: str, binary, given, ca_file, server_name: str, config=lambda text: text):
        self.rendering = kustomize(FOLDER / "overlays" / overlay)
        self._trust = {"context": tls_context(ca_file), "server_name": server_name}
        data = self.rendering.config_map()["data"]
        data["poplar.yaml"] = config(data["poplar.yaml"])
        maps = {("ConfigMap", each["metadata"]["name"]): {name: text.encode() for name, text in each["data"].items()}
                for each in self.rendering.all("ConfigMap")}
        namespace = self.rendering.one("Deployment", "poplar")["metadata"]["namespace"]
        self.pod = Pod(folder, self.rendering.poplar(), binary, {**maps, **given}, resolver=resolver(namespace))

    def connect(self) -> Pop3:
        return Pop3.connect(port(self.rendering), **self._trust)

    def sessions(self):
        lines = [json.loads(line) for line in self.pod.child.text().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") == "session"]

    def accepts(self) -> bool:
        try:
            with self.connect():
                return True
        except (OSError, EOFError):
            return False


@pytest.fixture
def place(folder, request):
    """A test's own folder, which servers with users of their own may enter."""
    made = folder / request.node.name
    made.mkdir()
    return made


# --- dev

def records(rendering, addresses):
    """What CoreDNS would say of the demo nodes' headless Service."""
    service, workload = rendering.one("Service", "demo-nodes"), rendering.one("StatefulSet", "demo-nodes")
    name = f"{service['metadata']['name']}.{service['metadata']['namespace']}.svc.cluster.local"
    pods = [f"{workload['metadata']['name']}-{number}.{name}" for number in range(workload["spec"]["replicas"])]
    listed, = service["spec"]["ports"]
    return {"hosts": {**{pod: [address] for pod, address in zip(pods, addresses)}, name: addresses},
            "srv": {f"_{listed['name']}._tcp.{name}": [(0, 33, listed["port"], pod) for pod in pods]}}


@pytest.fixture(scope="module")
def demo_nodes(folder, binary):
    """The three, in a network of their own with a name server that knows them, and what the README has one bring."""
    rendering, addresses = kustomize(FOLDER / "overlays" / "dev"), ["127.0.0.11", "127.0.0.12", "127.0.0.13"]
    template = rendering.one("StatefulSet", "demo-nodes")["spec"]["template"]
    with PrivateNetwork(), contextlib.ExitStack() as stack:
        pods = [stack.enter_context(Pod(folder / address, template, binary, {}, address)) for address in addresses]
        stack.enter_context(Dnsmasq(folder / "dns", **records(rendering, addresses), port=53))
        for pod in pods:
            pod.child.wait_for(lambda: "Demo mail node" in pod.child.text(), "the demo node to listen")
        yield brought(folder, "poplar-dev")


@pytest.fixture
def dev(folder, place, binary, demo_nodes):
    """dev(config=...) starts the overlay's Poplar."""
    stands = []

    def make(**more):
        stands.append(Stand(place / f"dev-{len(stands)}", "dev", binary, demo_nodes, folder / "tls.crt", "localhost", **more))
        stands[-1].pod.wait_until("startupProbe")
        stands[-1].pod.wait_until("readinessProbe")
        return stands[-1]

    yield make
    for stand in stands:
        stand.pod.__exit__(None, None, None)


def log_in(session):
    session.ok("USER alice@example.com")
    session.ok("PASS alder")


def test_dev_serves_the_demo_nodes_mail(dev, folder):
    stand = dev()
    block, = [each for each in readme_blocks() if "curl" in each]
    command = re.search(r"^curl .*$", block, re.MULTILINE)[0].replace(":9950", f":{port(stand.rendering)}")
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "Subject: " in done.stdout, done.stderr
    with stand.connect() as session:
        log_in(session)
        assert session.ok("RETR 1").count(b"\r\n") > 5
        session.ok("QUIT")
    until(lambda: len(stand.sessions()) == 2, "all sessions' lines in the pod's output")
    assert {line["reason"] for line in stand.sessions()} == {"quit"}
    assert {line["node"].startswith("demo/demo-nodes-") for line in stand.sessions()} == {True}


def test_a_pod_is_as_restricted_as_it_says(dev):
    stand = dev()
    facts = stand.pod.facts()
    assert facts["Uid"].split() == ["65532"] * 4 and facts["Gid"].split() == ["65532"] * 4
    assert facts["NoNewPrivs"] == "1" and {int(facts[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapAmb")} == {0}
    assert facts["NSpid"].split()[-1] == "1"
    assert stand.pod.probe("livenessProbe")
    # What the README says to do in a pod.
    assert "demo-nodes-0." in run(stand.pod, "status")
    written = run(stand.pod, "trace", "--user", "alice@example.com", "--for", "1m").strip()
    assert written.startswith("/var/lib/poplar/traces/"), written


def execute(pod, *command):
    return subprocess.run(pod.execute(*command), capture_output=True, text=True, timeout=60)


def run(pod, *command) -> str:
    done = execute(pod, *command)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_sigterm_lets_sessions_finish(dev):
    stand = dev()
    with stand.connect() as session:
        log_in(session)
        stand.pod.terminate()
        until(lambda: not stand.pod.probe("readinessProbe"), "Poplar to say that it isn't ready")
        until(lambda: not stand.accepts(), "the listener to close")
        assert stand.pod.probe("livenessProbe"), "or the kubelet would kill it"
        session.ok("RETR 1")
        session.ok("QUIT")
    assert stand.pod.exit_code(SPARE_SECONDS) == 0


def test_it_ends_within_the_time_that_a_pod_has(dev):
    """With a drain that is over in a second: what comes then needs no more than the seconds that are to spare."""
    _, _, timeout = drain_seconds(kustomize(FOLDER / "overlays" / "dev"))
    stand = dev(config=lambda text: text.replace(f"{timeout:.0f}s", "1s"))
    assert drain_seconds(stand.rendering)[2] == 1
    with stand.connect() as session:
        log_in(session)
        stand.pod.terminate()
        assert stand.pod.exit_code(1 + SPARE_SECONDS) == 0
        assert session.at_end() and session.buffer.startswith(b"-ERR [SYS/TEMP] ")


# --- production

@pytest.fixture
def production(place, binary):
    ours, clients = Authority(place / "node-ca", "The nodes' CA"), Authority(place / "ca")
    names = [f"mail-{number}.internal" for number in (1, 2, 3)]
    # One node under the three names: what three would show is not about Kubernetes.
    with PrivateNetwork(), Dnsmasq(place / "dns", hosts={name: ["127.0.1.1"] for name in names}, port=53), \
            Dovecot(place / "node", "node", ours.issue("node", names), [ANNA, PROBE], address="127.0.1.1",
                    pop3s_port=995) as node:
        node.deliver(ANNA, {"one": MAIL})
        shutil.copy(ours.file, place / "internal-ca.pem")
        (place / "probe-password").write_text("secret")
        ours_to_clients = clients.issue("tls", ["pop.example.org"])  # which cert-manager keeps
        given = {**brought(place, "poplar"), ("Secret", "poplar-tls"): {
            "tls.crt": ours_to_clients.certificate.read_bytes(), "tls.key": ours_to_clients.key.read_bytes()}}
        stand = Stand(place / "production", "production", binary, given, clients.file, "pop.example.org")
        stand.token = given["Secret", "poplar-secrets"]["read-token"].decode()
        with stand.pod:
            stand.pod.wait_until("startupProbe")
            stand.pod.wait_until("readinessProbe")
            yield stand


def test_production_serves_the_nodes_mail(production):
    until(lambda: execute(production.pod, "status").returncode == 0, "the probes to log in at all nodes")
    with production.connect() as session:
        session.log_in(ANNA)
        assert session.retrieve(1) == MAIL
        session.ok("QUIT")
    monitor, = production.rendering.one("ServiceMonitor", "poplar")["spec"]["endpoints"]
    admin = production.pod.port(monitor["port"])
    assert production.pod.get(admin, monitor["path"])[0] == 401
    status, text = production.pod.get(admin, monitor["path"], production.token)
    assert status == 200 and "\npoplar_sessions_active{" in text  # what the autoscaler goes by
    production.pod.terminate()
    assert production.pod.exit_code(SPARE_SECONDS) == 0
