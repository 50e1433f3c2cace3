"""The admin endpoint: metrics that Prometheus takes, and probes that tell the truth."""

import json
import re
import subprocess
import urllib.error
import urllib.request

import pytest

from fake_node import FakeNode
from poplar import node
from waiting import until


def post(proxy, target, body=b"", **headers):
    """(status, body) of a POST to the admin endpoint; `headers` with _ for -."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{proxy.admin_port}{target}", data=body, method="POST",
        headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def nodes_of(proxy):
    """GET /nodes as {"cluster/node": its figures}."""
    status, text = proxy.get("/nodes")
    assert status == 200, text
    return {f"{cluster['cluster']}/{each['node']}": each
            for cluster in json.loads(text)["clusters"] for each in cluster["nodes"]}


def series(proxy, name, **labels):
    """The sum over all series of a metric that have these labels."""
    found = re.findall(rf"^{name}{{([^}}]*)}} (\S+)$", proxy.get("/metrics")[1], re.MULTILINE)
    values = [float(value) for text, value in found
              if labels.items() <= dict(re.findall(r'(\w+)="([^"]*)"', text)).items()]
    assert values, f"no {name} with {labels}"
    return sum(values)


def log_in(proxy, user):
    """The answer to the login, and the node that the session log names."""
    proxy.idle()
    before = len(proxy.sessions())
    with proxy.connect() as session:
        session.ok(f"USER {user}")
        answer = session.command("PASS secret")
        if answer.startswith(b"+OK"):
            session.ok("QUIT")
    return answer, proxy.session(before).get("node")


def set_state(proxy, place, state):
    status, text = post(proxy, f"/nodes/{place}?state={state}")
    assert (status, text) == (200, f"{place}: {state}\n")
    assert nodes_of(proxy)[place]["admin_state"] == state
    # A parked session holds its user on the node until the node's keeper has ended it.
    if state != "up":
        until(lambda: nodes_of(proxy)[place]["parked"] == 0, f"{place} to end what is parked")


@pytest.fixture(scope="module")
def proxy(start):
    with FakeNode() as fake, start([node("fake", fake.port)], health={"probe": "capa"}) as made:
        for password in ("secret", "wrong"):
            with made.connect() as session:
                session.ok("USER anybody")
                session.command(f"PASS {password}")
                if password == "secret":
                    session.retrieve(1)
                session.ok("QUIT")
        made.session(1)
        yield made


def test_promtool_finds_nothing_to_mend(proxy):
    status, text = proxy.get("/metrics")
    assert status == 200
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True,
                          text=True)
    assert done.returncode == 0 and not done.stderr, done.stderr + done.stdout


@pytest.mark.parametrize("subject", [
    "poplar_sessions_ended_total", "poplar_tls_handshakes_total", "poplar_logins_total",
    "poplar_tls_handshake_duration_seconds", "poplar_login_duration_seconds",
    "poplar_login_stage_duration_seconds", "poplar_session_duration_seconds",
    "poplar_sessions_active", "poplar_bytes_total", "poplar_build_info",
    "poplar_pool_connections", "poplar_pool_slots", "poplar_pool_waiting",
    "poplar_pool_takes_total", "poplar_pool_parks_total", "poplar_pool_parked_outcomes_total",
    "poplar_pool_snapshot_age_seconds", "poplar_pool_wait_seconds",
    "poplar_pool_warm_opened_total", "poplar_node_probes_total",
    "poplar_node_probe_duration_seconds", "poplar_node_state", "poplar_node_admin_state",
    "poplar_node_in_service", "poplar_node_transitions_total", "poplar_cluster_panic",
    "poplar_failovers_total", "poplar_login_retries_total", "poplar_resumes_total",
    "poplar_resume_seconds"])
def test_the_metrics_are_there(subject, proxy):
    text = proxy.get("/metrics")[1]
    assert any(subject in line for line in text.splitlines() if line.startswith("# HELP")), text


def test_sessions_are_counted_by_reason(proxy):
    assert proxy.metric("poplar_sessions_ended_total") >= 2
    assert any(line.startswith("poplar_sessions_ended_total{") and 'reason="quit"' in line
               for line in proxy.get("/metrics")[1].splitlines())


def test_the_gauge_of_active_sessions_follows(proxy):
    proxy.idle()
    with proxy.connect(), proxy.connect():
        assert proxy.metric("poplar_sessions_active") == 2
    proxy.idle()


def test_no_user_name_becomes_a_label(proxy):
    """A label a user would let strangers grow the metrics without a limit."""
    assert "anybody" not in proxy.get("/metrics")[1]


def test_probes(proxy):
    assert proxy.status("/livez") == 200
    assert proxy.status("/readyz") == 200
    assert proxy.status("/nothing-here") == 404


def test_nodes_are_shown(proxy):
    shown = nodes_of(proxy)
    assert list(shown) == ["main/fake"]
    figures = shown["main/fake"]
    assert (figures["state"], figures["admin_state"], figures["in_service"]) == ("up", "up", True)
    assert figures["address"].startswith("127.0.0.1")
    for key in ("weight", "sessions", "slots", "in_use", "warm", "parked", "waiting", "ejections"):
        assert isinstance(figures[key], int), key


def test_a_person_gets_a_table(proxy):
    status, text = proxy.get("/nodes?format=text")
    lines = text.splitlines()
    assert status == 200 and lines[0].split()[:4] == ["CLUSTER", "NODE", "ADDRESS", "STATE"]
    assert lines[1].split()[:2] == ["main", "fake"]


def test_the_nodes_gauges_say_what_nodes_says(proxy):
    for name, state in (("poplar_node_state", "up"), ("poplar_node_admin_state", "up")):
        assert series(proxy, name, node="fake", state=state) == 1
        assert series(proxy, name, node="fake") == 1
    assert series(proxy, "poplar_node_in_service", node="fake") == 1
    assert series(proxy, "poplar_cluster_panic", cluster="main") == 0
    assert series(proxy, "poplar_pool_slots", node="fake") == nodes_of(proxy)["main/fake"]["slots"]
    assert series(proxy, "poplar_pool_takes_total", node="fake") >= 2  # the fixture's logins
    until(lambda: series(proxy, "poplar_node_probes_total", node="fake", result="ok") >= 1,
          "the first probe")


def test_what_changes_nothing(proxy):
    """Each refusal says why, and the node stays as it was."""
    target = "/nodes/main/fake?state=down"
    for header in ("Origin", "Sec_Fetch_Site", "Referer", "X_Forwarded_For"):
        status, text = post(proxy, target, **{header: "http://evil.example"})
        assert status == 403 and header.replace("_", "-").lower() in text.lower(), text
    assert post(proxy, "/nodes/main/nobody?state=down")[0] == 404
    assert post(proxy, "/nodes/main/fake?state=sideways")[0] == 400
    assert post(proxy, "/nodes/main/fake", b"state=down")[0] == 400
    assert post(proxy, "/nodes?state=down")[0] == 405
    assert proxy.status(target) == 405
    assert nodes_of(proxy)["main/fake"]["admin_state"] == "up"


def test_a_drained_nodes_users_move_where_storage_is_shared(start):
    with FakeNode() as one, FakeNode() as two, \
            start([node("one", one.port), node("two", two.port)], shared=True) as proxy:
        answer, home = log_in(proxy, "reader")
        assert answer.startswith(b"+OK")
        set_state(proxy, home, "drain")
        assert not nodes_of(proxy)[home]["in_service"]
        assert series(proxy, "poplar_node_admin_state", node=home.split("/")[1], state="drain") == 1
        answer, other = log_in(proxy, "reader")
        assert answer.startswith(b"+OK") and other != home
        assert series(proxy, "poplar_node_transitions_total", cause="admin") == 1
        set_state(proxy, home, "up")
        assert nodes_of(proxy)[home]["in_service"]


def test_a_drained_nodes_users_wait_where_storage_is_not_shared(start):
    with FakeNode() as fake, start([node("fake", fake.port)]) as proxy:
        assert log_in(proxy, "reader")[0].startswith(b"+OK")
        set_state(proxy, "main/fake", "drain")
        assert log_in(proxy, "reader")[0].startswith(b"-ERR [SYS/TEMP]")
        set_state(proxy, "main/fake", "up")
        assert log_in(proxy, "reader")[0].startswith(b"+OK")


def test_a_node_may_start_drained_by_the_file(start):
    """Whoever would live there goes elsewhere, from the first login on; the node hears of nobody until it is up."""
    users = [f"reader{number}" for number in range(16)]
    with FakeNode() as one, FakeNode() as two, \
            start([node("one", one.port, state="drain"), node("two", two.port)], shared=True) as proxy:
        shown = nodes_of(proxy)["main/one"]
        assert (shown["admin_state"], shown["in_service"]) == ("drain", False)
        assert {log_in(proxy, user)[1] for user in users} == {"main/two"}
        assert one.connections == 0
        set_state(proxy, "main/one", "up")
        until(lambda: any(log_in(proxy, user)[1] == "main/one" for user in users), "its users to come home")


def test_a_session_outlives_the_drain_of_its_node(start):
    """Drain means no new users; whoever is there finishes."""
    with FakeNode() as fake, start([node("fake", fake.port)]) as proxy, \
            proxy.connect() as session:
        session.log_in("reader")
        set_state(proxy, "main/fake", "drain")
        assert b"Subject: fake" in session.retrieve(1)
        session.ok("QUIT")


def test_the_session_line_has_everything(proxy):
    line = proxy.sessions()[0]
    for key in ("id", "client", "listener", "user", "node", "tls_version", "tls_cipher",
                "messages", "bytes", "deletes", "reason", "side"):
        assert key in line, f"{key} is not in {line}"
    assert line["user"] == "anybody" and line["node"] == "main/fake" and line["messages"] == 1
    assert line["client"].startswith("127.0.0.1") and line["reason"] == "quit"
    assert len({each["id"] for each in proxy.sessions()}) == len(proxy.sessions())
    durations = [key for key in line if key.endswith("_ms")] or line.get("duration_ms")
    assert durations, f"no durations in {line}"


# --- tokens

@pytest.fixture
def guarded(start, tmp_path):
    files = {}
    for name in ("read", "write"):
        files[name] = tmp_path / f"{name}-token"
        files[name].write_text(f"{name}-0123456789abcdef\n")
        files[name].chmod(0o600)
    with FakeNode() as fake, \
            start([node("fake", fake.port)],
                  admin={f"{name}_token_file": str(file) for name, file in files.items()}) as made:
        yield made


def bearer(name):
    return {"Authorization": f"Bearer {name}-0123456789abcdef"}


def read(proxy, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{proxy.admin_port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["WWW-Authenticate"]


def test_who_may_read_and_who_may_change(guarded):
    assert read(guarded, "/livez")[0] == read(guarded, "/readyz")[0] == 200
    for path in ("/metrics", "/nodes", "/moves"):
        assert read(guarded, path) == (401, 'Bearer realm="poplar"')
        assert read(guarded, path, **bearer("other"))[0] == 401
        assert read(guarded, path, **bearer("read"))[0] == 200
        assert read(guarded, path, **bearer("write"))[0] == 200
    change = "/nodes/main/fake?state=drain"
    assert post(guarded, change)[0] == 401
    assert post(guarded, change, **bearer("read"))[0] == 403
    assert post(guarded, change, Origin="https://status.example", **bearer("write")) == (200, "main/fake: drain\n")


def test_the_commands_show_the_tokens(guarded, binary):
    def run(*arguments):
        return subprocess.run([str(binary), *arguments, "--config", str(guarded.file)], capture_output=True, text=True)

    status = run("status")
    assert status.returncode == 0 and status.stdout.startswith("ready: new clients are served\n"), status
    assert run("drain", "fake").stdout == "main/fake: drain\n"
    assert json.loads(read(guarded, "/nodes", **bearer("read"))[1])["clusters"][0]["nodes"][0]["admin_state"] == "drain"
    status = run("status")
    assert status.returncode == 1 and "cluster main: no node is in service" in status.stdout, status
    assert run("drain", "fake", "--drop").stdout == "main/fake: down\n"
    assert run("undrain", "main/fake").stdout == "main/fake: up\n"
    assert run("status").returncode == 0
    unknown = run("drain", "fakes")
    assert unknown.returncode == 1 and 'did you mean "fake"?' in unknown.stderr, unknown


def test_a_token_that_cannot_be_read_is_said_so(start, binary, tmp_path):
    with FakeNode() as fake, start([node("fake", fake.port)]) as made:
        broken = tmp_path / "broken.yaml"
        settings = json.loads(made.file.read_text())
        settings["admin"]["read_token_file"] = "/no/such/token"
        broken.write_text(json.dumps(settings))
        done = subprocess.run([str(binary), "check", "--config", str(broken)], capture_output=True, text=True)
        assert done.returncode == 1
        assert 'admin.read_token_file: "/no/such/token" cannot be read: No such file' in done.stdout + done.stderr
