"""The admin API, version 1, and the commands that speak it, in front of real Dovecots: what is said is true, and what is
asked happens, to those that are meant and to nobody else."""

import base64
import json
import os
import pty
import select
import signal
import socket
import subprocess
import termios
import time
import urllib.error
import urllib.request

import pytest

import corpus
from dovecot import Dovecot
from exposition import value
from fake_node import FakeNode
from poplar import TEST_IO, node
from waiting import until

USERS = [f"user{index:03}" for index in range(400)]


@pytest.fixture(scope="module")
def dovecots(folder, node_certificate):
    mail = folder / "mail"
    with Dovecot(folder / "one", "one", node_certificate, USERS, mail) as one, \
            Dovecot(folder / "two", "two", node_certificate, USERS, mail) as two:
        yield [one, two]


@pytest.fixture(scope="module")
def proxy(start, dovecots):
    """Both, over one store, with pools: a session's view may be 30 s old."""
    with start([node(each.name, each.pop3_port) for each in dovecots], shared=True,
               pool={"warm": 1, "size": 20, "max_snapshot_age": "30s"}) as made:
        yield made


@pytest.fixture
def reader(dovecots, new_user):
    """A user with a message."""
    user = new_user()
    dovecots[0].deliver(user, {"one": corpus.message("one", b"mail of " + user.encode() + b"\r\n")})
    return user


def ask(proxy, method: str, target: str, **headers):
    """(status, the answer, its headers) of /api/v1/TARGET."""
    request = urllib.request.Request(f"http://127.0.0.1:{proxy.admin_port}/api/v1/{target}", method=method,
                                     headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as got:
            status, text, found = got.status, got.read(), got.headers
    except urllib.error.HTTPError as error:
        status, text, found = error.code, error.read(), error.headers
    assert found["Content-Type"] == "application/json" and found["Cache-Control"] == "no-store", found
    return status, json.loads(text), found


def get(proxy, target: str):
    status, answer, _ = ask(proxy, "GET", target)
    assert status == 200, answer
    return answer


def post(proxy, target: str):
    status, answer, _ = ask(proxy, "POST", target)
    assert status == 200, answer
    return answer


def session_of(proxy, user: str):
    """The only one."""
    answer = get(proxy, f"sessions?user={user}")
    assert answer["total"] == len(answer["sessions"]) == 1, answer
    return answer["sessions"][0]


def run(binary, proxy, *arguments, **options):
    return subprocess.run([str(binary), *arguments, "--config", str(proxy.file)], capture_output=True, text=True,
                          timeout=60, **options)


def ended(proxy, user: str, reason: str):
    return until(lambda: [line for line in proxy.sessions() if (line["user"], line["reason"]) == (user, reason)],
                 f"a session of {user} to end as {reason}")


# --- what it says

def test_status_counts_what_happens(proxy, reader):
    before = get(proxy, "status")
    with proxy.connect() as session:
        session.log_in(reader)
        during = get(proxy, "status")
        assert during["sessions"] >= 1 and during["logins"]["ok"] == before["logins"]["ok"] + 1
        session.retrieve(1)
        # At once, and not when the session has ended.
        until(lambda: get(proxy, "status")["messages"] == before["messages"] + 1, "the message to be counted")
        session.ok("QUIT")
    proxy.idle()
    with proxy.connect() as session:
        session.ok(f"USER {reader}")
        session.command("PASS wrong")
    proxy.idle()
    after = get(proxy, "status")
    assert after["ends"]["quit"] == before["ends"]["quit"] + 1
    assert after["logins"]["rejected"] == before["logins"]["rejected"] + 1
    assert after["bytes_to_clients"] > before["bytes_to_clients"] + 100
    for name in ("login_seconds", "first_byte_seconds", "download_seconds", "handshake_seconds"):
        counts = [count for _, count in after[name]["buckets"]]
        assert counts == sorted(counts) and counts[-1] <= after[name]["count"]
        assert after[name]["count"] > before[name]["count"] and after[name]["sum"] > before[name]["sum"], name
    assert after["login_seconds"]["count"] == after["logins"]["ok"]
    assert (after["ready"], after["draining"], after["workers"], after["io"]) == (True, False, 2, TEST_IO or "io_uring")
    assert before["started"] == after["started"] < before["now"] < after["now"] < time.time() + 1
    assert after["listeners"] == [{"name": "pop3s", "address": f"127.0.0.1:{proxy.port}", "sessions": 0}]
    assert len(after["certificates"]) == 1 and after["certificates"][0]["expires"] > time.time()
    assert after["version"] and "null" not in json.dumps(after)


def test_nodes_and_pools(proxy, dovecots, reader):
    # No probes here: nobody knows their time.
    nodes = get(proxy, "nodes")
    assert nodes == json.loads(proxy.get("/nodes")[1])
    assert [each["node"] for each in nodes["clusters"][0]["nodes"]] == ["one", "two"]
    assert "probe_seconds" not in nodes["clusters"][0]["nodes"][0]

    def pool(name):
        return next(each for each in get(proxy, "pools")["pools"] if (each["cluster"], each["node"]) == ("main", name))

    with proxy.connect() as session:
        session.log_in(reader)
        home = session_of(proxy, reader)["node"]
        before = pool(home)
        assert before["slots"] == 20 and before["in_use"] >= 1
        session.ok("QUIT")
    until(lambda: pool(home)["parked"] == before["parked"] + 1, "the session to be parked")
    with proxy.connect() as session:
        session.log_in(reader)
        assert pool(home)["reuse"]["parked"] == before["reuse"]["parked"] + 1
        assert session_of(proxy, reader)["lease"] == "parked"
        session.ok("QUIT")


def test_the_last_probes_time_is_known(start, dovecots):
    with start([node("one", dovecots[0].pop3_port)], health={"probe": "capa", "interval": "200ms"}) as proxy:
        def probed():
            return get(proxy, "nodes")["clusters"][0]["nodes"][0].get("probe_seconds")
        assert 0 < until(probed, "a probe") < 3


def test_sessions_in_each_state(start, new_user):
    def on_pass(peer, words):
        until(lambda: answer_login, "the login to be answered")
        peer.send(b"+OK\r\n")

    def on_retr(peer, words):
        peer.send(b"+OK\r\nhalf a message\r\n")
        until(lambda: finish_message, "the message to be finished")
        peer.send(b".\r\n")

    answer_login, finish_message, user = [], [], new_user()
    with FakeNode({"PASS": on_pass, "RETR": on_retr}) as fake, \
            start([node("fake", fake.port)], also={"plain": {"tls": "none", "require_tls": False}}) as proxy:
        with proxy.connect_plain("plain") as silent:
            # The greeting has come: it is past TLS, which there is none.
            before_login = get(proxy, "sessions")["sessions"][0]
            assert (before_login["state"], before_login["listener"]) == ("authorizing", "plain")
            assert not {"user", "node", "cluster", "idle", "mechanism", "tls", "lease"} & before_login.keys()
            silent.ok("QUIT")
        proxy.idle()
        with socket.create_connection(("127.0.0.1", proxy.port)):
            until(lambda: [each["state"] for each in get(proxy, "sessions")["sessions"]] == ["handshake"], "a handshake")
        proxy.idle()
        with proxy.connect() as session:
            session.ok(f"USER {user}")
            session.send(b"PASS secret\r\n")
            until(lambda: get(proxy, f"sessions?user={user}")["total"] == 1, "the login")
            logging_in = session_of(proxy, user)
            assert logging_in["state"] == "logging_in" and logging_in["mechanism"] == "USER"
            answer_login.append(True)
            assert session.line().startswith(b"+OK")
            idle = until(lambda: [each for each in [session_of(proxy, user)] if each["state"] == "idle"], "idleness")[0]
            assert (idle["cluster"], idle["node"], idle["tls"], idle["lease"]) == ("main", "fake", "TLSv1.3", "new")
            assert idle["id"] == logging_in["id"] and idle["age"] > logging_in["age"] and idle["idle"] >= 0
            assert idle["client"].startswith("127.0.0.1:") and idle["opaque"] is False
            session.send(b"RETR 1\r\n")
            assert session.line().startswith(b"+OK") and session.line() == b"half a message\r\n"
            relaying = session_of(proxy, user)
            assert (relaying["state"], relaying["messages"], relaying["commands"]) == ("relaying", 0, 1)
            assert relaying["bytes_to_client"] > idle["bytes_to_client"]
            finish_message.append(True)
            assert session.line() == b".\r\n"
            until(lambda: session_of(proxy, user)["messages"] == 1, "the whole message")
            session.ok("QUIT")
        line = ended(proxy, user, "quit")[0]
        assert line["id"] == idle["id"]


def test_sessions_are_found_by_user_node_and_client(proxy, new_user):
    one, two = new_user(), new_user()
    with proxy.connect() as first, proxy.connect() as second, proxy.connect() as third:
        for session, user in ((first, one), (second, two), (third, two)):
            session.log_in(user)
        assert get(proxy, f"sessions?user={one}")["total"] == 1
        both = get(proxy, f"sessions?user={two.upper()}")  # by the same rules as a login's name
        assert both["total"] == 2 and both["sessions"][0]["age"] >= both["sessions"][1]["age"]
        home = session_of(proxy, one)["node"]
        for text in (home, f"main/{home}"):
            found = get(proxy, f"sessions?node={text}&user={one}")
            assert found["total"] == 1
        assert get(proxy, f"sessions?node=other/{home}")["total"] == 0
        assert get(proxy, "sessions?client=127.0.0.1")["total"] == get(proxy, "sessions")["total"] >= 3
        assert get(proxy, "sessions?client=192.0.2.1")["total"] == 0
        limited = get(proxy, "sessions?limit=1")
        assert len(limited["sessions"]) == 1 and limited["total"] >= 3


# --- what it does

def test_a_kick_ends_the_users_sessions_and_no_others(proxy, dovecots, reader, new_user):
    other = new_user()
    before = value(proxy, "poplar_sessions_ended_total", reason="kicked", side="poplar")
    with proxy.connect() as first, proxy.connect() as second, proxy.connect() as stays, proxy.connect() as nobody:
        first.log_in(reader)
        second.log_in(reader)
        stays.log_in(other)
        nobody.ok(f"USER {reader}")
        # One who only tried the name is not the user.
        assert nobody.command("PASS wrong").startswith(b"-ERR")
        first.ok("DELE 1")
        assert post(proxy, f"kick?user={reader}") == {"kicked": 2, "parked": 0}
        for session in (first, second):
            assert session.at_end() and session.buffer.startswith(b"-ERR [SYS/TEMP] "), bytes(session.buffer)
        stays.ok("NOOP")
        nobody.ok(f"USER {reader}")
        assert dovecots[0].stored(reader), "the client sent no QUIT, so its delete is void"
        line = ended(proxy, reader, "kicked")[0]
        assert line["side"] == "poplar"
        until(lambda: value(proxy, "poplar_sessions_ended_total", reason="kicked", side="poplar") == before + 2,
              "the metric")
        assert get(proxy, "status")["ends"]["kicked"] == before + 2
    # Nothing keeps the user from coming back.
    with proxy.connect() as again:
        again.log_in(reader).ok("QUIT")


def test_a_kick_ends_what_is_parked(proxy, dovecots, reader):
    with proxy.connect() as session:
        session.log_in(reader)
        session.ok("QUIT")
        assert session.at_end()
    logins = sum(each.logins(reader) for each in dovecots)
    assert post(proxy, f"kick?user={reader}") == {"kicked": 0, "parked": 1}
    assert post(proxy, f"kick?user={reader}") == {"kicked": 0, "parked": 0}
    with proxy.connect() as session:
        session.log_in(reader)
        assert session_of(proxy, reader)["lease"] != "parked"
        session.ok("QUIT")
    until(lambda: sum(each.logins(reader) for each in dovecots) == logins + 1, "a login at the node")


def test_a_kick_by_session_and_at_once(proxy, new_user):
    user = new_user()
    with proxy.connect() as first, proxy.connect() as second:
        first.log_in(user)
        identity = session_of(proxy, user)["id"]
        second.log_in(user)
        assert post(proxy, f"kick?session={identity}&now=yes")["kicked"] == 1
        assert first.at_end() and not first.buffer
        second.ok("NOOP")
        assert ended(proxy, user, "kicked")[0]["id"] == identity
        status, answer, _ = ask(proxy, "POST", f"kick?session={identity}")
        assert status == 404 and "no such session" in answer["error"]


def test_drain_undrain_and_down(start, dovecots, new_user):
    with start([node(each.name, each.pop3_port) for each in dovecots], shared=True) as proxy, \
            proxy.connect() as session:
        user = new_user()
        session.log_in(user)
        home = session_of(proxy, user)["node"]

        def state():
            return next(each for each in get(proxy, "nodes")["clusters"][0]["nodes"] if each["node"] == home)

        assert post(proxy, f"drain?node={home}") == {"cluster": "main", "node": home, "admin_state": "drain"}
        assert (state()["admin_state"], state()["in_service"]) == ("drain", False)
        assert post(proxy, f"undrain?cluster=main&node={home}")["admin_state"] == "up"
        assert state()["in_service"]
        assert post(proxy, f"down?node={home}")["admin_state"] == "down"
        # It goes on at the other one, for they share their storage.
        session.ok("STAT")
        until(lambda: session_of(proxy, user)["node"] != home, "the session to be elsewhere")
        session.ok("QUIT")
        assert ask(proxy, "POST", "drain?node=none")[0] == 404


def test_a_name_in_two_clusters_must_be_told_apart(start, dovecots):
    clusters = [{"name": name, "nodes": [node("same", each.pop3_port)]} for name, each in zip("ab", dovecots)]
    with start([], clusters=clusters) as proxy:
        status, answer, _ = ask(proxy, "POST", "drain?node=same")
        assert status == 400 and "cluster=, one of a, b" in answer["error"]
        assert post(proxy, "drain?cluster=b&node=same")["cluster"] == "b"


# --- routes

def without_nulls(thing):
    if isinstance(thing, dict):
        return {key: without_nulls(value) for key, value in thing.items() if value is not None}
    return [without_nulls(each) for each in thing] if isinstance(thing, list) else thing


def routed(binary, proxy, user, *more):
    done = run(binary, proxy, "route", user, "--format", "json", *more)
    assert done.returncode == 0, done.stderr
    return without_nulls(json.loads(done.stdout)[0])


def test_a_route_is_what_the_command_says(start, binary, dovecots, tmp_path, new_user):
    file = tmp_path / "users.map"
    mapped = new_user()
    done = subprocess.run([str(binary), "map", "build", "-", str(file)], text=True, capture_output=True,
                          input=f"{mapped}@mapped.example b/b2 {mapped}\n")
    assert done.returncode == 0, done.stderr
    ports = [each.pop3_port for each in dovecots]
    clusters = [{"name": "a", "shared_storage": True, "nodes": [node("a1", ports[0]), node("a2", ports[1], weight=50)]},
                {"name": "b", "nodes": [node("b1", ports[0]), node("b2", ports[1])]}]
    routes = [{"name": "map", "user_map": str(file)},
              {"name": "host", "server_names": ["b.test"], "cluster": "b"},
              {"name": "asked", "domains": ["asked.example"], "directory": "auth"}]
    with start([], clusters=clusters, routes=routes, also={"other": {"tls": "implicit", "cluster": "b"}},
               directories=[{"name": "auth", "http": {"urls": ["http://127.0.0.1:1/"]}}],
               moves=[{"name": "some", "from": "a", "to": "b", "domains": ["moved.example"], "percent": 30}]) as proxy:
        for user in (f"{mapped}@mapped.example", "anna", "Carl@moved.example", "x@asked.example"):
            assert get(proxy, f"route?user={user}") == routed(binary, proxy, user), user
        assert get(proxy, "route?user=anna&server_name=b.test") == routed(binary, proxy, "anna", "--server-name", "b.test")
        assert get(proxy, "route?user=anna&listener=other") == routed(binary, proxy, "anna", "--listener", "other")
        assert get(proxy, "route?user=anna&listener=other")["cluster"] == "b"
        home = get(proxy, "route?user=anna")["nodes"][0]["name"]
        post(proxy, f"drain?node={home}")
        drained = get(proxy, "route?user=anna")
        assert drained == routed(binary, proxy, "anna")
        assert drained["nodes"][0]["now"]["admin_state"] == "drain"
        assert get(proxy, "route?user=x@asked.example")["asks_first"] == ["auth"]
        # The map in force counts, and the share that the move has now.
        assert "session_node" not in get(proxy, f"route?user={mapped}@mapped.example")
        with proxy.connect() as session:
            session.log_in(mapped)
            live = get(proxy, f"route?user={mapped}")
            assert f"{live['session_cluster']}/{live['session_node']}" == \
                "{cluster}/{node}".format(**session_of(proxy, mapped))
            session.ok("QUIT")


# --- who may, and what can't be

def guarded_proxy(start, tmp_path, port):
    files = {}
    for name in ("read", "write"):
        files[f"{name}_token_file"] = str(tmp_path / f"{name}-token")
        (tmp_path / f"{name}-token").write_text(f"{name}-0123456789abcdef\n")
        (tmp_path / f"{name}-token").chmod(0o600)
    return start([node("one", port)], admin=files)


def basic(password):
    return {"Authorization": "Basic " + base64.b64encode(f"anybody:{password}".encode()).decode()}


def bearer(name):
    return {"Authorization": f"Bearer {name}-0123456789abcdef"}


def test_basic_reads_and_never_changes(start, dovecots, tmp_path):
    with guarded_proxy(start, tmp_path, dovecots[0].pop3_port) as proxy:
        for name in ("status", "nodes", "pools", "sessions", "route?user=a"):
            status, answer, headers = ask(proxy, "GET", name)
            assert status == 401 and "admin.read_token_file" in answer["error"]
            assert headers.get_all("WWW-Authenticate") == ['Bearer realm="poplar"', 'Basic realm="Poplar"']
            assert ask(proxy, "GET", name, **basic("read-0123456789abcdef"))[0] == 200
            assert ask(proxy, "GET", name, **basic("write-0123456789abcdef"))[0] == 401
            assert ask(proxy, "GET", name, **bearer("read"))[0] == ask(proxy, "GET", name, **bearer("write"))[0] == 200
        for name in ("drain?node=one", "kick?user=a"):
            for headers, wanted in (({}, 401), (basic("read-0123456789abcdef"), 403), (bearer("read"), 403),
                                    (basic("write-0123456789abcdef"), 401), (bearer("write"), 200)):
                status, answer, found = ask(proxy, "POST", name, **headers)
                assert status == wanted, (name, headers, answer)
                # A page's script must not make the browser ask for a password.
                assert "Basic" not in str(found.get_all("WWW-Authenticate"))


def test_what_is_wrong_is_said_in_words(proxy):
    for method, target, status, words in (
            ("GET", "nothing", 404, "status, nodes, pools, sessions, route"),
            ("POST", "status", 405, "GET, HEAD only"),
            ("GET", "kick?user=a", 405, "POST only"),
            ("GET", "sessions?limit=100000", 400, "from 1 to 1000"),
            ("GET", "sessions?usr=a", 400, 'unknown parameter "usr"; this takes user, node, client, limit'),
            ("GET", "sessions?client=localhost", 400, "an IP address is expected"),
            ("GET", "sessions?user=%0a", 400, "control character"),
            ("GET", "route", 400, "say ?user="),
            ("GET", "route?user=a&listener=pop3", 400, 'did you mean "pop3s"?'),
            ("POST", "kick", 400, "say either ?user="),
            ("POST", "kick?user=a&session=0123456789abcdef", 400, "say either ?user="),
            ("POST", "kick?session=12", 400, "16 hexadecimal digits"),
            ("POST", "drain?cluster=main", 400, "say ?node="),
            ("POST", "drain?node=three", 404, "GET /api/v1/nodes lists them all")):
        got, answer, _ = ask(proxy, method, target)
        assert got == status and words in answer["error"], (target, got, answer)


def test_a_route_that_nobody_can_find_is_503(start, binary, dovecots, tmp_path):
    file = tmp_path / "users.map"
    subprocess.run([str(binary), "map", "build", "-", str(file)], text=True, input="lost nowhere\n", check=True,
                   capture_output=True)
    with start([node("one", dovecots[0].pop3_port)], routes=[{"name": "map", "user_map": str(file)}]) as proxy:
        status, answer, _ = ask(proxy, "GET", "route?user=lost")
        assert status == 503 and 'at "nowhere", which is no cluster or node' in answer["error"]


# --- the commands

def test_the_sessions_command(proxy, binary, new_user):
    user = new_user()
    with proxy.connect() as session:
        session.log_in(user)
        shown = run(binary, proxy, "sessions", "--user", user)
        lines = shown.stdout.splitlines()
        assert shown.returncode == 0 and lines[0].split()[:5] == ["SESSION", "AGE", "IDLE", "STATE", "USER"], shown
        one = session_of(proxy, user)
        assert len(lines) == 2 and lines[1].split()[0] == one["id"] and f" {user} " in lines[1]
        assert f" main/{one['node']} " in lines[1]
        as_json = json.loads(run(binary, proxy, "sessions", "--user", user, "--format", "json").stdout)
        assert as_json["sessions"][0]["id"] == one["id"]
        refused = run(binary, proxy, "sessions", "--client", "nowhere")
        assert refused.returncode == 1 and refused.stderr.startswith("poplar: error: Poplar refuses it: client: ")
        session.ok("QUIT")


def test_the_kick_command(proxy, binary, new_user):
    user = new_user()
    with proxy.connect() as first, proxy.connect() as second:
        first.log_in(user)
        identity = session_of(proxy, user)["id"]
        second.log_in(user)
        done = run(binary, proxy, "kick", "--session", identity)
        assert (done.returncode, done.stdout) == (0, "1 session ends at the next command boundary\n"), done
        assert first.at_end()
        done = run(binary, proxy, "kick", "--user", user, "--now")
        assert (done.returncode, done.stdout) == (0, "1 session ends now\n"), done
        assert second.at_end()
    gone = run(binary, proxy, "kick", "--session", identity)
    assert gone.returncode == 1 and "no such session" in gone.stderr
    assert run(binary, proxy, "kick").returncode == 2


def test_top_once(proxy, binary, new_user):
    user = new_user()
    with proxy.connect() as session:
        session.log_in(user)
        shown = run(binary, proxy, "top", "--once", "--interval", "100ms")
        assert shown.returncode == 0 and "\x1b" not in shown.stdout, shown
        lines = shown.stdout.splitlines()
        assert lines[0].startswith("poplar ") and " ready " in lines[0] and " up " in lines[0]
        assert lines[1].startswith("logins ") and " p99 " in lines[1]
        assert lines[3].split()[:3] == ["NODE", "STATE", "SESSIONS"]
        assert [line.split()[0] for line in lines[4:6]] == ["main/one", "main/two"]
        assert any(f" {user} " in line for line in lines[7:])
        session.ok("QUIT")
    wrong = run(binary, proxy, "top", "--interval", "1")
    assert wrong.returncode == 1 and "--interval" in wrong.stderr


class Screen:
    """`poplar top` on a terminal of its own."""

    def __init__(self, binary, proxy, columns=100, rows=20):
        self.master, slave = pty.openpty()
        self.slave = slave
        subprocess.run(["stty", "cols", str(columns), "rows", str(rows)], stdin=slave, check=True)
        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen([str(binary), "top", "--interval", "100ms", "--config", str(proxy.file)],
                                        stdin=slave, stdout=slave, stderr=subprocess.PIPE)
        self.text = b""

    def shows(self, words: bytes):
        def look():
            while select.select([self.master], [], [], 0)[0]:
                self.text += os.read(self.master, 65536)
            return words in self.text
        return until(look, f"{words} on the screen")

    def end(self) -> int:
        code = self.process.wait(20)
        self.shows(b"\x1b[?1049l")  # the screen as it was, with its cursor
        assert self.text.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")
        assert termios.tcgetattr(self.slave) == self.before
        os.close(self.slave)
        os.close(self.master)
        return code


@pytest.mark.parametrize("how", ["q", "ctrl-c", "SIGTERM", "SIGHUP"])
def test_top_leaves_the_terminal_as_it_was(proxy, binary, how):
    screen = Screen(binary, proxy)
    screen.shows(b"\x1b[?1049h")
    screen.shows(b"main/two")
    if how == "q":
        os.write(screen.master, b"xq")
    elif how == "ctrl-c":
        # The terminal is nobody's controlling one here; this is what it would send.
        screen.process.send_signal(signal.SIGINT)
    else:
        screen.process.send_signal(getattr(signal, how))
    assert screen.end() == 0


def test_top_fits_its_window_and_follows_it(proxy, binary):
    screen = Screen(binary, proxy, columns=40, rows=5)
    screen.shows(b"NODE")
    screen.shows(b"\x1b[J")
    picture = screen.text.split(b"\x1b[H")[1]
    lines = picture.split(b"\n")
    assert len(lines) <= 5 and b"main/two" not in picture
    subprocess.run(["stty", "cols", "120", "rows", "30"], stdin=screen.slave, check=True)
    screen.process.send_signal(signal.SIGWINCH)
    screen.shows(b"main/two")
    os.write(screen.master, b"q")
    assert screen.end() == 0


def test_top_waits_for_a_poplar_that_comes_back(start, binary, dovecots):
    with start([node("one", dovecots[0].pop3_port)]) as proxy:
        screen = Screen(binary, proxy)
        screen.shows(b"main/one")
    screen.shows(b"no Poplar answers at")
    os.write(screen.master, b"q")
    assert screen.end() == 0
    assert run(binary, proxy, "top").returncode == 1
