"""What must hold among the objects of deploy/kubernetes that no schema knows. Each rule gives what is wrong, a line each."""

import re

from kubernetes import Rendering, mebibytes, seconds

# What an operator, or another program, brings: named in the README.
BROUGHT = {("Secret", "poplar-tls"), ("Secret", "poplar-secrets"), ("ConfigMap", "poplar-node-ca"),
           ("ClusterIssuer", "letsencrypt")}
# For what is still to be ended when the drain is over: sessions that answer a command, parked ones, the log.
SPARE_SECONDS = 30
# Measured: bench/README.md, "Memory of idle sessions".
KIBIBYTES_A_SESSION = 10
BASE_MEBIBYTES = 64

_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
_SYSCTLS = {"kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
            "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes"}
_SELINUX_TYPES = {None, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}
_PROBES = ("startupProbe", "livenessProbe", "readinessProbe")


def _containers(spec):
    return [*spec.get("initContainers", []), *spec["containers"], *spec.get("ephemeralContainers", [])]


def _fits(selector, labels) -> bool:
    """An empty selector would take everything: never what is meant here."""
    wanted = selector.get("matchLabels", selector)
    return bool(wanted) and all(labels.get(name) == value for name, value in wanted.items())


def _ports(template):
    """Name and number of each port -> its number."""
    found = [port for container in template["spec"]["containers"] for port in container.get("ports", [])]
    return {key: port["containerPort"] for port in found for key in (port.get("name"), port["containerPort"])}


def _pods_of(rendering: Rendering, selector):
    return [each["spec"]["template"] for each in rendering.workloads()
            if _fits(selector, each["spec"]["template"]["metadata"]["labels"])]


# --- Pod Security Standards, profile "restricted", which has all of "baseline"

def _host_access(spec):
    yield from (f"{key} is the machine's" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key))
    for volume in spec.get("volumes", []):
        yield from (f"volume {volume['name']} is a {kind}" for kind in volume.keys() - {"name"} - _VOLUMES)
    for container in _containers(spec):
        yield from (f"{container['name']} has hostPort {port['hostPort']}"
                    for port in container.get("ports", []) if port.get("hostPort"))
        checks = [container[name] for name in _PROBES if name in container]
        checks += container.get("lifecycle", {}).values()
        yield from (f"{container['name']} sends a {kind} to a host" for check in checks
                    for kind in ("httpGet", "tcpSocket") if check.get(kind, {}).get("host"))


def _contexts(spec):
    pod = spec.get("securityContext", {})
    yield "the pod", pod, pod
    for container in _containers(spec):
        own = container.get("securityContext", {})
        yield container["name"], own, {**pod, **own}


def _privileges(name, own, is_container):
    if own.get("privileged"):
        yield f"{name} is privileged"
    if own.get("procMount", "Default") != "Default":
        yield f"{name} has procMount {own['procMount']}"
    if own.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name} is a process of the host"
    if own.get("appArmorProfile", {}).get("type", "RuntimeDefault") == "Unconfined":
        yield f"{name} is unconfined by AppArmor"
    linux = own.get("seLinuxOptions", {})
    if linux.get("type") not in _SELINUX_TYPES or linux.get("user") or linux.get("role"):
        yield f"{name} has SELinux options {linux}"
    yield from (f"{name} sets sysctl {each['name']}" for each in own.get("sysctls", []) if each["name"] not in _SYSCTLS)
    if not is_container:
        return
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name} may gain privileges"
    if own.get("capabilities", {}).get("drop") != ["ALL"]:
        yield f"{name} keeps capabilities"
    yield from (f"{name} adds {each}" for each in own.get("capabilities", {}).get("add", []) if each != "NET_BIND_SERVICE")


def _is_restricted(spec):
    yield from _host_access(spec)
    for name, own, whole in _contexts(spec):
        is_container = own is not whole
        yield from _privileges(name, own, is_container)
        if whole.get("seccompProfile", {}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{name} has no seccomp profile"
        if whole.get("runAsNonRoot") is not True:
            yield f"{name} may run as root"
        if own.get("runAsUser") == 0:
            yield f"{name} is root"


def pod_security(rendering: Rendering):
    for workload in rendering.workloads():
        yield from (f"{workload['kind']}/{workload['metadata']['name']}: {problem}"
                    for problem in _is_restricted(workload["spec"]["template"]["spec"]))
    for namespace in rendering.all("Namespace"):
        if namespace["metadata"].get("labels", {}).get("pod-security.kubernetes.io/enforce") != "restricted":
            yield f"Namespace/{namespace['metadata']['name']} doesn't ask for it"


def house(rendering: Rendering):
    """What we ask of our own pods besides."""
    for workload in rendering.workloads():
        where, spec = workload["metadata"]["name"], workload["spec"]["template"]["spec"]
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{where}: a token for Kubernetes is mounted"
        for container in spec["containers"]:
            if container["securityContext"].get("readOnlyRootFilesystem") is not True:
                yield f"{where}: its root can be written to"
            if not re.search(r":[^:/]+$", container["image"]) or container["image"].endswith(":latest"):
                yield f"{where}: image {container['image']} says no version"
            if not {"cpu", "memory"} <= container["resources"]["requests"].keys() or "memory" not in container["resources"]["limits"]:
                yield f"{where}: resources without requests, or without a limit of memory"
            yield from (f"{where}: {mount['name']} has a subPath, which never changes"
                        for mount in container.get("volumeMounts", []) if "subPath" in mount)


# --- Names that must be the same in two places

def _given(rendering: Rendering):
    made = {("Secret", each["spec"]["secretName"]) for each in rendering.all("Certificate")}
    return BROUGHT | made | {(each["kind"], each["metadata"]["name"]) for each in rendering.objects}


def _asked_for(rendering: Rendering):
    """(who, kind, name) of everything that one object takes another by."""
    for workload in rendering.workloads():
        who, spec = workload["metadata"]["name"], workload["spec"]["template"]["spec"]
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                yield who, "ConfigMap", volume["configMap"]["name"]
            if "secret" in volume:
                yield who, "Secret", volume["secret"]["secretName"]
        if "serviceAccountName" in spec:
            yield who, "ServiceAccount", spec["serviceAccountName"]
        if "serviceName" in workload["spec"]:
            yield who, "Service", workload["spec"]["serviceName"]
    for scaler in rendering.all("HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        yield "the autoscaler", target["kind"], target["name"]
    for certificate in rendering.all("Certificate"):
        yield "the certificate", certificate["spec"]["issuerRef"]["kind"], certificate["spec"]["issuerRef"]["name"]
    for monitor in rendering.all("ServiceMonitor"):
        for endpoint in monitor["spec"]["endpoints"]:
            if "authorization" in endpoint:
                yield "the monitor", "Secret", endpoint["authorization"]["credentials"]["name"]


def names(rendering: Rendering):
    given = _given(rendering)
    yield from (f"{who} needs {kind}/{name}, which nobody brings" for who, kind, name in _asked_for(rendering)
                if (kind, name) not in given)
    spaces = {each["metadata"].get("namespace") for each in rendering.objects if each["kind"] != "Namespace"}
    if spaces != {each["metadata"]["name"] for each in rendering.all("Namespace")}:
        yield f"the namespaces are {spaces}"
    for workload in rendering.workloads():
        where, template = workload["metadata"]["name"], workload["spec"]["template"]
        if not _fits(workload["spec"]["selector"], template["metadata"]["labels"]):
            yield f"{where} doesn't select its own pods"
        volumes = {volume["name"] for volume in template["spec"].get("volumes", [])}
        mounts = {mount["name"] for each in template["spec"]["containers"] for mount in each.get("volumeMounts", [])}
        if volumes != mounts:
            yield f"{where} has the volumes {volumes} and mounts {mounts}"
        for constraint in template["spec"].get("topologySpreadConstraints", []):
            if not _fits(constraint["labelSelector"], template["metadata"]["labels"]):
                yield f"{where} spreads other pods over {constraint['topologyKey']}"


def selectors(rendering: Rendering):
    """Services, budgets, policies and monitors mean pods and ports that are there."""
    for service in rendering.all("Service"):
        where, pods = service["metadata"]["name"], _pods_of(rendering, service["spec"]["selector"])
        if len(pods) != 1:
            yield f"Service/{where} selects {len(pods)} kinds of pods"
        yield from (f"Service/{where} sends to port {port['targetPort']}, which its pods don't have"
                    for port in service["spec"]["ports"] for pod in pods if port["targetPort"] not in _ports(pod))
    for kind, key in (("PodDisruptionBudget", "selector"), ("NetworkPolicy", "podSelector")):
        yield from (f"{kind} selects no pods" for each in rendering.all(kind) if not _pods_of(rendering, each["spec"].get(key, {})))
    for monitor in rendering.all("ServiceMonitor"):
        services = [each for each in rendering.all("Service")
                    if _fits(monitor["spec"]["selector"], each["metadata"].get("labels", {}))]
        if len(services) != 1:
            yield f"the monitor selects {len(services)} services"
        yield from (f"the monitor scrapes port {endpoint['port']}, which {each['metadata']['name']} doesn't have"
                    for endpoint in monitor["spec"]["endpoints"] for each in services
                    if endpoint["port"] not in [port["name"] for port in each["spec"]["ports"]])
    for container in rendering.poplar()["spec"]["containers"]:
        yield from (f"{probe} asks port {container[probe]['httpGet']['port']}, which isn't there" for probe in _PROBES
                    if container[probe]["httpGet"]["port"] not in _ports(rendering.poplar()))


# --- Poplar's configuration and the pod

def _port(address: str) -> int:
    return int(address.rsplit(":", 1)[1])


def _files(value):
    """Every absolute path in a configuration."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [path for each in value for path in _files(each)]
    return [value] if isinstance(value, str) and value.startswith("/") else []


def configuration(rendering: Rendering):
    config, template = rendering.configuration(), rendering.poplar()
    listeners = {each["name"]: _port(each["address"]) for each in config["listeners"]}
    wanted = {**listeners, "admin": _port(config["admin"]["address"])}
    ports = {name: port for name, port in _ports(template).items() if isinstance(name, str)}
    if ports != wanted:
        yield f"the pod has the ports {ports}, Poplar listens on {wanted}"
    yield from (f"port {port} needs a capability" for port in wanted.values() if port < 1024)
    mounts = [mount["mountPath"] for mount in template["spec"]["containers"][0]["volumeMounts"]]
    for path in _files(config):
        if not any(path == mount or path.startswith(mount + "/") for mount in mounts):
            yield f"nothing is mounted where {path} would be"
    if config["log"]["output"] not in ("stdout", "stderr"):
        yield "the log doesn't go where `kubectl logs` reads"
    for cluster in config["clusters"]:
        service = cluster.get("discovery", {}).get("srv")
        if service and service.rstrip(".") not in _services(rendering):
            yield f"{service} is none of {sorted(_services(rendering))}"


def _services(rendering: Rendering):
    return {f"_{port['name']}._tcp.{each['metadata']['name']}.{each['metadata']['namespace']}.svc.cluster.local"
            for each in rendering.all("Service") if each["spec"].get("clusterIP") == "None" for port in each["spec"]["ports"]}


def client_addresses(rendering: Rendering):
    """Kept by the machines' networks, or told by the load balancer to a Poplar that expects it."""
    service = rendering.one("Service", "poplar")
    tells = any("proxy" in name for name in service["metadata"].get("annotations", {}))
    expects = all(each.get("proxy_protocol_from") for each in rendering.configuration()["listeners"])
    if tells != expects:
        yield "the load balancer sends PROXY headers and proxy_protocol_from is empty, or the other way round"
    if service["spec"]["type"] == "LoadBalancer" and not tells and service["spec"].get("externalTrafficPolicy") != "Local":
        yield "the clients' addresses are lost"


def drain_seconds(rendering: Rendering):
    """(before Poplar is told, until it accepts no more, until it ends sessions)"""
    config = rendering.configuration()
    drain = config.get("drain", {})
    before = rendering.poplar()["spec"]["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    return before, seconds(drain.get("delay", "0s")), seconds(drain.get("timeout", config.get("drain_timeout", "30s")))


def end_of_a_pod(rendering: Rendering):
    before, delay, timeout = drain_seconds(rendering)
    grace = rendering.poplar()["spec"]["terminationGracePeriodSeconds"]
    if before + delay + timeout + SPARE_SECONDS > grace:
        yield f"killed after {grace} s, in the middle of {before} + {delay} + {timeout} + {SPARE_SECONDS} s"
    readiness = rendering.poplar()["spec"]["containers"][0]["readinessProbe"]
    if before + delay < readiness["periodSeconds"] * readiness["failureThreshold"]:
        yield "it stops to accept before anybody can know that it will"
    for scaler in rendering.all("HorizontalPodAutoscaler"):
        if scaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"] < grace:
            yield "the autoscaler ends the next pod before it knows what ending the last one did"


def sizes(rendering: Rendering):
    config, container = rendering.configuration(), rendering.poplar()["spec"]["containers"][0]
    limits = config["limits"]
    needs = (limits["sessions"] * KIBIBYTES_A_SESSION / 1024 + mebibytes(limits.get("buffer_memory", "256MiB")) + BASE_MEBIBYTES)
    if needs > mebibytes(container["resources"]["limits"]["memory"]):
        yield f"Poplar may need {needs:.0f} MiB, the pod gets {container['resources']['limits']['memory']}"
    for scaler in rendering.all("HorizontalPodAutoscaler"):
        if "replicas" in rendering.one("Deployment", "poplar")["spec"]:
            yield "each apply undoes what the autoscaler did"
        if config.get("replicas", 1) < scaler["spec"]["maxReplicas"]:
            yield f"the configuration knows of {config.get('replicas', 1)} Poplars, there may be {scaler['spec']['maxReplicas']}"
        sessions = [each["pods"]["target"]["averageValue"] for each in scaler["spec"]["metrics"] if each["type"] == "Pods"]
        if any(int(each) > 0.75 * limits["sessions"] for each in sessions):
            yield f"no room for sessions while a pod starts: {sessions} of {limits['sessions']}"


def network_policy(rendering: Rendering):
    """What may pass is what Poplar needs."""
    config, ports = rendering.configuration(), _ports(rendering.poplar())
    redis = [_port(config["shared_state"]["redis"])] if "shared_state" in config else []
    for policy in rendering.all("NetworkPolicy"):
        if not _fits(policy["spec"].get("podSelector", {}), rendering.poplar()["metadata"]["labels"]):
            continue
        within = {ports.get(port["port"]) for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        wanted = {_port(each["address"]) for each in config["listeners"]} | {_port(config["admin"]["address"])}
        if within != wanted:
            yield f"{within} are let in, {wanted} are served"
        out = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        wanted = {53} | {_port(node["address"]) for cluster in config["clusters"] for node in cluster.get("nodes", [])}
        wanted |= {*redis}
        if out != wanted:
            yield f"{out} are let out, {wanted} are needed"


RULES = [pod_security, house, names, selectors, configuration, client_addresses, end_of_a_pod, sizes, network_policy]


def problems(rendering: Rendering):
    return [f"{rule.__name__}: {problem}" for rule in RULES for problem in rule(rendering)]
