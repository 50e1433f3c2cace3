"""The commands an operator types: check, config, route, demo, --version, and serve's refusals."""

import json
import re
import signal
import subprocess

import pytest

from child import Child
from poplar import TEST_IO, configuration, node
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
    for command in ("serve", "check", "config", "route", "probe", "demo"):
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
moves_wait: 5 parsecs
moves_wait: 10s
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


ROUTES = """\
listeners: [{name: plain, address: "127.0.0.1:0", tls: none, require_tls: no}]
user_names: {default_domain: example.org}
health: {hold_down: 7s}
clusters:
  - name: shared
    shared_storage: yes
    nodes:
      - {name: n1, address: "127.0.0.1:1111"}
      - {name: n2, address: "127.0.0.1:1112"}
      - {name: n3, address: "127.0.0.1:1113", weight: 50}
  - name: apart
    nodes:
      - {name: n1, address: "127.0.0.1:1111"}
      - {name: n2, address: "127.0.0.1:1112"}
"""


@pytest.fixture
def routes(tmp_path):
    file = tmp_path / "routes.yaml"
    file.write_text(ROUTES)
    return file


def test_route_shows_the_order_and_the_reasons(binary, routes):
    done = run(binary, "route", "Anna", "bob@example.net", "--config", routes)
    assert done.returncode == 0, done.stderr
    anna, bob, source = done.stdout.split("\n\n")
    assert source.startswith("No running Poplar is asked")
    assert anna.startswith("Anna (anna@example.org), cluster shared:")
    assert bob.startswith("bob@example.net, cluster shared:")
    home = re.search(r"1\. (n\d) .*home: highest score of 3 nodes", anna)
    assert home, anna
    assert f"2nd choice; only after {home[1]} has been out for hold_down 7s" in anna
    done = run(binary, "route", "Anna", "--config", routes, "--cluster", "apart")
    assert done.returncode == 0 and "never: shared_storage is no" in done.stdout


def test_route_writes_json_in_the_order_of_the_scores(binary, routes):
    users = [f"user{number}" for number in range(50)]
    done = run(binary, "route", *users, "--config", routes, "--format", "json")
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    assert [answer["user"] for answer in answers] == users
    homes = set()
    for answer in answers:
        assert answer["canonical"] == answer["user"] + "@example.org"
        assert answer["cluster"] == "shared"
        assert sorted(each["name"] for each in answer["nodes"]) == ["n1", "n2", "n3"]
        scores = [each["score"] for each in answer["nodes"]]
        assert scores == sorted(scores, reverse=True)
        homes.add(answer["nodes"][0]["name"])
    assert homes == {"n1", "n2", "n3"}


@pytest.mark.parametrize("arguments, code, complaint", [
    (["route"], 2, "USER"),
    (["route", "anna", "--format", "xml"], 2, "format"),
    (["route", "anna", "--cluster", "shraed"], 1, 'did you mean "shared"'),
    (["route", ""], 1, "empty user name"),
])
def test_route_refuses_what_makes_no_sense(arguments, code, complaint, binary, routes):
    done = run(binary, *arguments, "--config", routes)
    assert done.returncode == code
    assert complaint in done.stderr, done.stderr


def test_route_help_says_what_a_score_is(binary):
    done = run(binary, "route", "--help")
    assert done.returncode == 0 and "score" in done.stdout and "log2" in done.stdout


def test_check_judges_pools_and_health_where_they_are_overridden(binary, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(ROUTES.replace("health: {hold_down: 7s}", "pool: {size: 20, max_snapshot_age: 61s}")
                    .replace("weight: 50}", "weight: 50, pool: {warm: 21}}")
                    .replace("- name: apart", "- name: apart\n    affinity: none"))
    done = run(binary, "check", "--config", file)
    assert done.returncode == 1
    for place in (r"bad\.yaml:3:\d+: error: pool\.max_snapshot_age: \"61s\" is out of bounds",
                  r"bad\.yaml:10:\d+: error: clusters\[0\]\.nodes\[2\]\.pool\.warm: warm is 21",
                  r"bad\.yaml:12:\d+: error: clusters\[1\]\.affinity: "):
        assert re.search(place, done.stderr), f"no {place} in:\n{done.stderr}"


def test_config_prints_every_setting_with_its_help(binary):
    done = run(binary, "config")
    assert done.returncode == 0
    for key in ("workers", "listeners", "certificates", "shared_storage", "tls_handshake", "login",
                "upstream_connect", "upstream_response", "client_idle", "client_write_stall",
                "bad_commands", "bad_commands_before_login", "failed_logins", "drain", "delay", "idle_grace", "timeout", "replicas", "pool", "warm",
                "max_snapshot_age", "wait_timeout", "health", "probe", "hold_down", "panic_percent",
                "affinity", "maildrop_lock", "user_sessions", "state", "resume", "deadline"):
        assert re.search(rf"^\s*(#\s*)?(- )?{key}:", done.stdout, re.MULTILINE), key
    assert done.stdout.count("#") > 20, "help stands beside the settings"


def test_what_config_prints_is_valid_but_for_its_examples(binary, tmp_path):
    file = tmp_path / "poplar.yaml"
    file.write_text(run(binary, "config").stdout)
    done = run(binary, "check", "--config", file)
    # The example's certificate is the only thing that need not be there.
    complaints = re.findall(r": (?:error|warning): (\S+): ", done.stderr)
    assert all(each.startswith("tls.certificates") for each in complaints), done.stderr
    assert run(binary, "route", "anna", "--config", file).returncode == 0


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
    with_output = Child([binary, "demo", *(["--io", TEST_IO] if TEST_IO else [])], tmp_path / "demo.log")
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
