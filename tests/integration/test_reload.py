"""The configuration taken anew while all runs: by SIGHUP, `poplar reload` and changed files; and what is kept out."""

import base64
import contextlib
import json
import os
import pathlib
import signal
import ssl
import subprocess

import pytest

from fake_node import FakeNode
from poplar import node
from upgrade_stand import Crowd
from waiting import until
from wire import Pop3, open_socket, tls_context

APPLIED = 'poplar_config_reloads_total{result="ok"}'
REFUSED = 'poplar_config_reloads_total{result="refused"}'


@pytest.fixture
def nodes():
    """Three mail nodes."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(FakeNode()) for _ in range(3)]


def value(proxy, series: str) -> float:
    lines = proxy.get("/metrics")[1].splitlines()
    return float(next(line.split()[-1] for line in lines if line.startswith(series)))


@contextlib.contextmanager
def edited(proxy):
    """The configuration file as it is, to be changed."""
    sections = json.loads(proxy.file.read_text())
    yield sections
    # As careful editors do: it is never half there.
    new = proxy.file.with_suffix(".new")
    new.write_text(json.dumps(sections, indent=2))
    os.replace(new, proxy.file)


def reload(binary, proxy):
    return subprocess.run([str(binary), "reload", "--config", str(proxy.file)], capture_output=True, text=True, timeout=60)


def good_reload(binary, proxy) -> str:
    done = reload(binary, proxy)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def messages(proxy):
    return [line["message"] for line in proxy.lines() if "message" in line]


def served_name(proxy) -> set:
    made = tls_context(proxy.authority.file)
    made.check_hostname = False
    with Pop3.connect(proxy.port, made) as session:
        return {name for _, name in session.socket.getpeercert()["subjectAltName"]}


# --- under load

def visit(proxy, number: int):
    """A whole session of that visitor."""
    with proxy.connect() as session:
        session.log_in(f"visitor{number}")
        session.ok("STAT")
        session.retrieve(1)
        session.ok("QUIT")


def test_no_session_ends_for_fifty_reloads(start, binary, nodes, folder):
    entries = [node(f"n{i}", each.port) for i, each in enumerate(nodes)]
    with start(entries, shared=True) as proxy:
        lasting = [proxy.connect().log_in(f"lasting{i}") for i in range(8)]
        with Crowd(4, lambda number: visit(proxy, number)) as crowd:
            until(lambda: crowd.visits > 20, "the load to begin")
            for turn in range(50):
                with edited(proxy) as sections:
                    sections["timeouts"] = {"client_idle": f"{600 + turn}s"}
                    sections["pool"]["size"] = 20 + turn % 3
                    sections["limits"] = {"failed_logins": 1 + turn % 5}
                    sections["health"]["consecutive_failures"] = 2 + turn % 4
                    sections["clusters"][0]["nodes"] = entries if turn % 2 else entries[:2]
                    sections["routes"] = [{"name": f"r{turn}", "domains": ["example.org"], "cluster": "main"}]
                if turn % 10 == 0:
                    assert "pool.size" in good_reload(binary, proxy) or turn == 0
                else:
                    proxy.child.process.send_signal(signal.SIGHUP)
                    until(lambda turn=turn: value(proxy, APPLIED) >= turn + 1, f"reload {turn}")
            before = crowd.visits
            until(lambda: crowd.visits > before + 20, "the load to go on")
        assert crowd.complaints == []
        for session in lasting:
            session.ok("NOOP")
            session.ok("QUIT")
            session.close()
        proxy.idle()
        assert {line["reason"] for line in proxy.sessions()} == {"quit"}
        assert value(proxy, REFUSED) == 0 and value(proxy, "poplar_config_last_reload_success ") == 1


# --- nodes

def test_nodes_come_and_go(start, binary, nodes):
    one, two, _ = nodes
    with start([node("one", one.port)], shared=True) as proxy:
        staying = proxy.connect().log_in("anna")
        with edited(proxy) as sections:
            sections["clusters"][0]["nodes"].append(node("two", two.port))
        out = good_reload(binary, proxy)
        assert "clusters[main].nodes[two]: new" in out
        for user in range(40):
            with proxy.connect() as session:
                session.log_in(f"u{user}").ok("QUIT")
        assert two.connections > 0, "nobody came to the new node"
        assert 'poplar_node_in_service{cluster="main",node="two"} 1' in proxy.get("/metrics")[1]

        with edited(proxy) as sections:
            del sections["clusters"][0]["nodes"][0]
        assert "clusters[main].nodes[one]: gone" in good_reload(binary, proxy)
        shown = json.loads(proxy.get("/api/v1/nodes")[1])["clusters"][0]["nodes"]
        assert {each["node"]: each["in_service"] for each in shown} == {"one": False, "two": True}
        before = one.connections
        # Whoever has a session there follows it; all others go where they belong now.
        with proxy.connect() as session:
            session.log_in("anna").ok("QUIT")
        assert one.connections == before + 1
        for user in range(20):
            with proxy.connect() as session:
                session.log_in(f"v{user}").ok("QUIT")
        assert one.connections == before + 1
        staying.ok("STAT")
        staying.ok("QUIT")
        staying.close()
        until(lambda: "one" not in proxy.get("/api/v1/nodes")[1], "the node to be forgotten")

        with edited(proxy) as sections:
            sections["clusters"][0]["nodes"] = [node("two", one.port, state="drain"), node("three", two.port, weight=7)]
        out = good_reload(binary, proxy)
        assert "clusters[main].nodes[two].address: " in out and "clusters[main].nodes[three]: new" in out
        shown = {each["node"]: each for each in json.loads(proxy.get("/api/v1/nodes")[1])["clusters"][0]["nodes"]}
        assert shown["two"]["address"] == f"127.0.0.1:{one.port}" and shown["two"]["admin_state"] == "drain"
        assert shown["three"]["weight"] == 7


def test_what_an_operator_said_of_a_node_stays(start, binary, nodes):
    with start([node("one", nodes[0].port), node("two", nodes[1].port)], shared=True) as proxy:
        subprocess.run([str(binary), "drain", "one", "--config", str(proxy.file)], check=True, capture_output=True)
        with edited(proxy) as sections:
            sections["pool"]["size"] = 9
        good_reload(binary, proxy)
        assert 'poplar_node_admin_state{cluster="main",node="one",state="drain"} 1' in proxy.get("/metrics")[1]


# --- files

def test_a_certificate_is_rotated_as_kubernetes_does(start, authority, nodes, tmp_path):
    made = {name: authority.issue(name, ["localhost", f"{name}.test"]) for name in ("blue", "green")}
    for name, pair in made.items():
        (tmp_path / f"..{name}").mkdir()
        (tmp_path / f"..{name}" / "tls.crt").write_bytes(pair.certificate.read_bytes())
        (tmp_path / f"..{name}" / "tls.key").write_bytes(pair.key.read_bytes())
    (tmp_path / "..data").symlink_to("..blue")
    for name in ("tls.crt", "tls.key"):
        (tmp_path / name).symlink_to(pathlib.Path("..data") / name)
    certificates = {"certificates": [{"certificate": str(tmp_path / "tls.crt"), "key": str(tmp_path / "tls.key")}]}
    with start([node("n", nodes[0].port)], tls=certificates) as proxy:
        assert "blue.test" in served_name(proxy)
        staying = proxy.connect().log_in("anna")
        (tmp_path / "..new").symlink_to("..green")
        os.replace(tmp_path / "..new", tmp_path / "..data")
        until(lambda: "green.test" in served_name(proxy), "the new certificate")
        staying.ok("NOOP")
        staying.close()
        # What is only half there is kept out, and tried again.
        (tmp_path / "tls.crt").unlink()
        (tmp_path / "tls.crt").write_bytes(made["blue"].certificate.read_bytes())
        until(lambda: value(proxy, REFUSED) >= 1, "the refusal")
        assert "green.test" in served_name(proxy)
        assert value(proxy, "poplar_config_last_reload_success ") == 0
        assert any("refused, the configuration before stays in force" in text for text in messages(proxy))
        (tmp_path / "tls.key").unlink()
        (tmp_path / "tls.key").write_bytes(made["blue"].key.read_bytes())
        until(lambda: "blue.test" in served_name(proxy), "the pair to fit again")
        assert value(proxy, "poplar_config_last_reload_success ") == 1


def test_a_changed_file_takes_no_unfinished_edit(start, nodes, tmp_path):
    token = tmp_path / "token"
    token.write_text("first\n")
    token.chmod(0o600)
    with start([node("n", nodes[0].port)], admin={"write_token_file": str(token)}) as proxy:
        with edited(proxy) as sections:
            sections["clusters"][0]["nodes"] = []  # somebody is in the middle of it
        before = value(proxy, APPLIED)
        token.write_text("second\n")
        until(lambda: value(proxy, APPLIED) > before, "the new token")
        assert value(proxy, REFUSED) == 0
        with proxy.connect() as session:
            session.log_in("anna").ok("QUIT")


def test_the_file_is_watched_where_it_says_so(start, nodes):
    with start([node("n", nodes[0].port)], reload_on_change=True) as proxy:
        with edited(proxy) as sections:
            sections["listeners"][0]["capabilities"] = {"add": ["EXPIRE NEVER"]}
        until(lambda: value(proxy, APPLIED) == 1, "the reload")
        with proxy.connect() as session:
            session.send(b"CAPA\r\n")
            session.line()
            assert b"EXPIRE NEVER" in session.body()


# --- what is said

def test_errors_keep_everything_as_it_was(start, binary, nodes):
    with start([node("n", nodes[0].port)]) as proxy:
        with edited(proxy) as sections:
            sections["pool"]["size"] = "many"
            sections["routes"] = [{"name": "r", "cluster": "nowhere"}]
        proxy.child.process.send_signal(signal.SIGHUP)
        until(lambda: value(proxy, REFUSED) >= 1, "the refusal")
        said = "\n".join(messages(proxy))
        assert f"{proxy.file}:" in said and "pool.size: " in said and "routes[0].cluster: " in said
        done = reload(binary, proxy)
        assert done.returncode == 1
        assert "pool.size" in done.stderr and "nowhere" in done.stderr and done.stdout == ""
        with proxy.connect() as session:
            session.log_in("anna").ok("QUIT")


def test_an_error_that_only_the_running_one_sees(start, binary, nodes):
    with start([node("n", nodes[0].port)]) as proxy:
        with edited(proxy) as sections:
            sections["clusters"][0]["nodes"] = [node(f"n{i}", 20000 + i) for i in range(40)]
        done = reload(binary, proxy)
        assert done.returncode == 1 and "there is no room for" in done.stderr
        assert "n39" not in proxy.get("/api/v1/nodes")[1]


def test_what_waits_for_a_restart_is_named(start, binary, nodes):
    with start([node("n", nodes[0].port)]) as proxy:
        with edited(proxy) as sections:
            sections["workers"] = 1
            sections["timeouts"] = {"login": "31s"}
        out = good_reload(binary, proxy)
        assert "timeouts.login: 1m -> 31s" in out
        assert "takes effect with `poplar upgrade` or a restart" in out.lower().replace("\n", " ")
        assert "workers: 2 -> 1" in out
        assert value(proxy, "poplar_workers") == 2
        assert "workers: 2 -> 1" in good_reload(binary, proxy), "it still waits"
        with edited(proxy) as sections:
            sections["clusters"].append({"name": "more", "nodes": [node("m", nodes[1].port)]})
            sections["routes"] = [{"name": "r", "cluster": "more"}]
        done = reload(binary, proxy)
        assert done.returncode == 1 and "restart Poplar to take them all" in done.stderr


def test_secrets_are_taken_and_never_shown(start, binary, nodes, tmp_path):
    secret = tmp_path / "domain"
    secret.write_text("swordfish.example\n")
    with start([node("n", nodes[0].port)],
               user_names={"default_domain": "${file:" + str(secret) + "}"}) as proxy:
        with proxy.connect() as session:
            session.log_in("anna").ok("QUIT")
        assert proxy.session()["user"] == "anna@swordfish.example"
        secret.write_text("tunny.example\n")
        until(lambda: value(proxy, APPLIED) >= 1, "the new value")
        with proxy.connect() as session:
            session.log_in("anna").ok("QUIT")
        assert proxy.session(1)["user"] == "anna@tunny.example"
        said = "\n".join(messages(proxy))
        assert "user_names.default_domain: *** -> ***" in said
        secret.write_text("not a domain\n")
        until(lambda: value(proxy, REFUSED) >= 1, "the refusal")
        check = subprocess.run([str(binary), "check", "--config", str(proxy.file)], capture_output=True, text=True)
        assert check.returncode == 1
        said = "\n".join(messages(proxy)) + check.stdout + check.stderr
        for text in ("swordfish", "tunny", "not a domain"):
            assert text not in said
        secret.unlink()
        done = subprocess.run([str(binary), "check", "--config", str(proxy.file)], capture_output=True, text=True)
        assert "cannot be read" in done.stdout + done.stderr


# --- session tickets

def _keys(*numbers):
    return "".join(base64.b64encode(bytes([number]) * 80).decode() + "\n" for number in numbers)


class TlsClient:
    """Comes back with the last TLS session that it was given."""

    def __init__(self, authority, version):
        self.context = tls_context(authority.file, minimum_version=version, maximum_version=version)
        self.session = None

    def resumes(self, proxy) -> bool:
        wrapped = self.context.wrap_socket(open_socket(proxy.port), server_hostname="localhost", session=self.session)
        with Pop3(wrapped) as session:
            assert session.line().startswith(b"+OK")
            session.log_in("anna").ok("QUIT")
            self.session = session.socket.session
            return session.socket.session_reused


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tickets_are_good_at_every_replica_and_across_a_rotation(version, start, authority, nodes, tmp_path):
    certificate = authority.issue("replica", ["localhost"])
    files = [tmp_path / "one.keys", tmp_path / "two.keys"]

    def rotate(file, proxy, text):
        before = value(proxy, APPLIED) if proxy else 0
        file.write_text(text)
        file.chmod(0o600)
        if proxy:
            until(lambda: value(proxy, APPLIED) > before, "the new keys")

    def tls(file):
        return {"certificates": [{"certificate": str(certificate.certificate), "key": str(certificate.key)}],
                "ticket_key_file": str(file)}

    for file in files:
        rotate(file, None, _keys(1, 2, 3))
    with start([node("n", nodes[0].port)], tls=tls(files[0])) as one, \
            start([node("n", nodes[0].port)], tls=tls(files[1])) as two:
        client = TlsClient(authority, version)
        assert not client.resumes(one)
        assert all(client.resumes(proxy) for proxy in (two, one, two))
        # One replica has the new file already, the other not yet: each opens what the other seals.
        rotate(files[0], one, _keys(2, 3, 4))
        assert all(client.resumes(proxy) for proxy in (one, two, one, two))
        rotate(files[1], two, _keys(2, 3, 4))
        assert all(client.resumes(proxy) for proxy in (one, two))
        # Keys that nobody has any more open nothing; bad ones are kept out.
        for file, proxy in zip(files, (one, two)):
            rotate(file, proxy, _keys(7, 8, 9))
        assert not client.resumes(one)
        assert client.resumes(two)
        refused = value(one, REFUSED)
        files[0].write_text("no key\n")
        until(lambda: value(one, REFUSED) > refused, "the refusal")
        assert client.resumes(one)


def test_tickets_of_a_process_outlive_a_reload(start, binary, authority, nodes):
    with start([node("n", nodes[0].port)]) as proxy:
        client = TlsClient(authority, ssl.TLSVersion.TLSv1_3)
        client.resumes(proxy)
        good_reload(binary, proxy)
        assert client.resumes(proxy)
