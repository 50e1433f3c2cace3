"""Users who are moved from one cluster to another while their sessions run. Two clusters of real Dovecot."""

import json
import subprocess
import threading

import pytest

import corpus
from dovecot import Dovecot
from poplar import node
from test_admin import post, series
from test_cli import run
from waiting import until

USERS = [f"user{number:02}@old.example" for number in range(40)] + ["anna@old.example", "bob@other.example"]
# More than all buffers between a node and a client who doesn't read can hold.
LARGE = corpus.message("large", b"0123456789abcdef" * (1 << 21) + b"\r\n")


@pytest.fixture(scope="module")
def places(folder, node_certificate):
    with Dovecot(folder / "old", "old", node_certificate, USERS) as old, \
            Dovecot(folder / "new", "new", node_certificate, USERS) as new:
        for place in (old, new):
            for user in USERS:
                place.deliver(user, {"one": corpus.message("one", f"mail in the {place.name}\r\n".encode())})
            place.deliver("anna@old.example", {"large": LARGE})
        yield {"old": old, "new": new}


@pytest.fixture
def moving(start, places):
    """moving(**settings of the move) is a Poplar in front of both; sections of its own in `sections`."""
    def make(sections=None, **move):
        clusters = [{"name": name, "nodes": [node(f"{name}-1", each.pop3_port)]} for name, each in places.items()]
        move = {"name": "away", "from": "old", "to": "new", "percent": 0, **move}
        return start([], clusters=clusters, moves=[move], **(sections or {}))
    return make


def set_percent(proxy, percent, name="away"):
    status, text = post(proxy, f"/moves/{name}?percent={percent}")
    assert status == 200, text
    assert text.startswith(f"{name}: {percent} percent. ") and "configuration file" in text
    return text


def move_of(proxy):
    status, text = proxy.get("/moves")
    assert status == 200, text
    return json.loads(text)["moves"][0]


def mail_of(session) -> str:
    return session.ok("RETR 1").split(b"mail in the ")[1].split(b"\r\n")[0].decode()


def where(proxy, user) -> str:
    """The cluster whose mail the user gets."""
    with proxy.connect() as session:
        session.log_in(user)
        place = mail_of(session)
        session.ok("QUIT")
        return place


def ended(proxy, user, *reasons):
    return until(lambda: [line for line in proxy.sessions() if line["user"] == user and line["reason"] in reasons],
                 f"a session of {user} to end as {reasons}")[0]


def test_a_live_session_ends_and_the_user_is_elsewhere(moving, places):
    anna = "anna@old.example"
    with moving(domains=["old.example"]) as proxy, proxy.connect() as session, proxy.connect() as other:
        session.log_in(anna)
        other.log_in("bob@other.example")
        assert mail_of(session) == "old"
        session.ok("DELE 1")
        set_percent(proxy, 100)
        # Idle is a command boundary.
        assert session.at_end() and session.buffer.startswith(b"-ERR [SYS/TEMP] "), bytes(session.buffer)
        assert where(proxy, anna) == "new"
        assert "one" in places["old"].stored(anna), "the client sent no QUIT, so its delete is void"
        line = ended(proxy, anna, "moved")
        assert (line["move"], line["side"], line["node"]) == ("away", "poplar", "old/old-1")
        # Who isn't meant notices nothing.
        assert mail_of(other) == "old"
        other.ok("QUIT")
        assert "move" not in ended(proxy, "bob@other.example", "quit")
        landed = ended(proxy, anna, "quit")
        assert (landed["move"], landed["node"]) == ("away", "new/new-1")
        # And back by the same rules.
        with proxy.connect() as session:
            session.log_in(anna)
            set_percent(proxy, 0)
            assert session.at_end() and session.buffer.startswith(b"-ERR [SYS/TEMP] ")
        assert where(proxy, anna) == "old"
        told = [line["message"] for line in proxy.lines() if line.get("message", "").startswith("move away: ")]
        assert told == ["move away: 100 percent of its users are moved; before it were 0",
                        "move away: 0 percent of its users are moved; before it were 100"]


def test_a_download_finishes_while_the_next_login_waits(moving):
    anna = "anna@old.example"
    with moving() as proxy, proxy.connect() as session:
        session.log_in(anna)
        session.send(b"RETR 2\r\nSTAT\r\n")
        assert session.line().startswith(b"+OK")
        set_percent(proxy, 100)
        places = []
        second = threading.Thread(target=lambda: places.append(where(proxy, anna)))
        second.start()
        until(lambda: move_of(proxy)["logins_waiting"] == 1, "the second login to wait")
        assert move_of(proxy)["sessions_ending"] == 1
        assert proxy.metric("poplar_move_logins_waiting") == proxy.metric("poplar_move_sessions_ending") == 1
        assert places == []
        body = session.body()
        assert body.endswith(b"0123456789abcdef\r\n") and len(body) > 1 << 25
        # The message is whole; no other answer follows it.
        assert session.at_end() and session.buffer.startswith(b"-ERR [SYS/TEMP] "), bytes(session.buffer[:80])
        second.join(20)
        assert places == ["new"]
        ended(proxy, anna, "moved")
        now = move_of(proxy)
        assert (now["logins_waiting"], now["sessions_ending"]) == (0, 0)
        assert (now["logins_landed"], now["sessions_ended"], now["percent"]) == (1, 1, 100)


def test_a_login_doesnt_wait_for_ever(moving):
    anna = "anna@old.example"
    with moving({"moves_wait": "300ms", "moves_grace": "60s"}) as proxy, proxy.connect() as session:
        session.log_in(anna)
        session.send(b"RETR 2\r\n")
        session.line()
        set_percent(proxy, 100)
        with proxy.connect() as second:
            second.ok(f"USER {anna}")
            assert second.command("PASS secret").startswith(b"-ERR [SYS/TEMP] ")
        line = ended(proxy, anna, "node_unavailable")
        assert line["failure"].startswith("move_wait: ") and line["move"] == "away"
        assert series(proxy, "poplar_move_logins_total", move="away", result="waited_too_long") == 1
        assert series(proxy, "poplar_move_logins_total", move="away", result="landed") == 0
        assert session.body().endswith(b"0123456789abcdef\r\n")


def test_a_client_who_leaves_waits_no_more(moving):
    anna = "anna@old.example"
    with moving({"moves_wait": "60s", "moves_grace": "60s"}) as proxy, proxy.connect() as session:
        session.log_in(anna)
        session.send(b"RETR 2\r\n")
        session.line()
        set_percent(proxy, 100)
        with proxy.connect() as second:
            second.ok(f"USER {anna}")
            second.send(b"PASS secret\r\n")
            until(lambda: move_of(proxy)["logins_waiting"] == 1, "the login to wait")
        ended(proxy, anna, "client_eof", "client_reset")
        assert move_of(proxy)["logins_waiting"] == 0
        session.close()


def test_who_takes_too_long_is_cut(moving):
    anna = "anna@old.example"
    with moving({"moves_grace": "300ms"}) as proxy, proxy.connect() as session:
        session.log_in(anna)
        session.send(b"RETR 2\r\n")
        session.line()
        set_percent(proxy, 100)
        assert where(proxy, anna) == "new"
        ended(proxy, anna, "moved")
        assert session.at_end()
        # Nothing that could pass for the message's end.
        assert b"-ERR" not in session.buffer and not session.buffer.endswith(b"\r\n.\r\n")
        assert series(proxy, "poplar_move_sessions_ended_total", move="away") == 1
        assert series(proxy, "poplar_sessions_ended_total", reason="moved", side="poplar") == 1


def test_parked_sessions_end(moving, places):
    anna, bob = "anna@old.example", "bob@other.example"
    pool = {"warm": 0, "max_snapshot_age": "60s"}
    with moving({"pool": pool}, domains=["old.example"]) as proxy:
        for user in (anna, bob):
            assert where(proxy, user) == "old"
        until(lambda: series(proxy, "poplar_pool_connections", node="old-1", kind="parked") == 2, "both to be kept")
        logins = places["old"].logins(bob)
        set_percent(proxy, 100)
        until(lambda: series(proxy, "poplar_pool_connections", node="old-1", kind="parked") == 1, "one of them to end")
        assert series(proxy, "poplar_pool_parked_outcomes_total", node="old-1", outcome="evicted") == 1
        assert where(proxy, anna) == "new" and where(proxy, bob) == "old"
        assert places["old"].logins(bob) == logins, "bob's was still there"
        until(lambda: series(proxy, "poplar_pool_connections", node="new-1", kind="parked") == 1, "anna's to be kept")
        set_percent(proxy, 0)
        until(lambda: series(proxy, "poplar_pool_connections", node="new-1", kind="parked") == 0, "it to end")
        assert where(proxy, anna) == "old"


def route(proxy, binary, *arguments):
    return run(binary, "route", *arguments, "--config", proxy.file)


def test_a_part_of_them_and_more(moving, binary):
    """A larger share only adds users; `poplar route` knows who they are."""
    users = [user for user in USERS if user.startswith("user")]

    def moved(proxy):
        found = {user for user in users if where(proxy, user) == "new"}
        answers = json.loads(route(proxy, binary, *users, "--json").stdout)
        assert {each["user"] for each in answers if each["cluster"] == "new"} == found
        return found

    with moving(percent=30) as proxy:
        first = moved(proxy)
        set_percent(proxy, 60.5)
        second = moved(proxy)
        set_percent(proxy, 30)
        third = moved(proxy)
    assert first == third and first < second < set(users)


def test_route_says_what_the_running_one_does(moving, binary):
    with moving() as proxy:
        done = route(proxy, binary, "anna@old.example", "--json")
        assert done.returncode == 0, done.stderr
        [answer] = json.loads(done.stdout)
        move = answer["move"]
        assert (move["name"], move["from"], move["to"], move["percent"], move["moved"]) == (
            "away", "old", "new", 0, False)
        assert answer["running"] is True and answer["cluster"] == "old"
        assert answer["nodes"][0]["now"] == {"in_service": True, "state": "up", "admin_state": "up", "evidence": ""}
        set_percent(proxy, move["moved_above"])
        assert json.loads(route(proxy, binary, "anna@old.example", "--json").stdout)[0]["cluster"] == "old"
        set_percent(proxy, round(move["moved_above"] + 0.1, 1))
        assert json.loads(route(proxy, binary, "anna@old.example", "--json").stdout)[0]["cluster"] == "new"
        post(proxy, "/nodes/new/new-1?state=drain")
        text = route(proxy, binary, "anna@old.example").stdout
        assert "cluster new, by move away:" in text and "; now out of service: drain" in text, text
        assert f"Moves and nodes as the Poplar at 127.0.0.1:{proxy.admin_port} has them now.\n" in text
    text = route(proxy, binary, "anna@old.example").stdout
    assert "cluster old:" in text and "No running Poplar is asked (" in text and "refused" in text, text
    assert json.loads(route(proxy, binary, "anna@old.example", "--json").stdout)[0]["running"] is False


def test_move_and_moves(moving, binary):
    with moving() as proxy:
        done = run(binary, "move", "away", "2.5", "--config", proxy.file)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        assert done.stdout.startswith("away: 2.5 percent. Change percent in the configuration file too")
        assert move_of(proxy)["percent"] == 2.5
        table = run(binary, "moves", "--config", proxy.file)
        assert table.stdout == proxy.get("/moves?format=text")[1] and "2.5" in table.stdout
        for name, percent, complaint in (("awya", "3", 'unknown move "awya"; did you mean "away"?'),
                                         ("away", "300", '"300" is out of bounds'),
                                         ("away", "3%", '"3%" has a sign')):
            done = run(binary, "move", name, percent, "--config", proxy.file)
            assert done.returncode == 1 and complaint in done.stderr, done.stderr
        assert move_of(proxy)["percent"] == 2.5
    for command in (["moves"], ["move", "away", "3"]):
        done = run(binary, *command, "--config", proxy.file)
        assert done.returncode == 1 and "no Poplar answers at 127.0.0.1:" in done.stderr, done.stderr


def test_check_reports_mistakes_with_their_place(moving, binary):
    with moving() as proxy:
        file = json.loads(proxy.file.read_text())
    clusters = [dict(cluster, affinity="none", shared_storage=True) if cluster["name"] == "new" else cluster
                for cluster in file["clusters"]]
    file.update(clusters=clusters, moves=[{"name": "a", "from": "old", "to": "odl", "percent": "120"},
                                          {"name": "a", "from": "new", "to": "new", "domains": ["@x"]}])
    proxy.file.write_text(json.dumps(file))
    done = run(binary, "check", "--config", proxy.file)
    for complaint in ('unknown cluster "odl"', '"120" is out of bounds', 'leads from "new" to itself',
                      'duplicate move name "a"', '"@x" is not a domain', '"new" has affinity: none'):
        assert complaint in done.stdout + done.stderr, done.stdout + done.stderr
    assert done.returncode == 1


def test_only_the_users_named(moving):
    with moving(percent=100, users=["user01@old.example"], domains=[".example"]) as proxy:
        assert where(proxy, "user01@old.example") == "new"
        assert where(proxy, "user02@old.example") == "new"
    with moving(percent=100, users=["user01@old.example", "Anna@OLD.example"]) as proxy:
        assert where(proxy, "user02@old.example") == "old"
        assert where(proxy, "anna@old.example") == "new"


def test_a_map_that_names_a_node_is_moved_too(moving, binary, tmp_path):
    file = tmp_path / "users.map"
    subprocess.run([str(binary), "map", "build", "-", str(file)], input="anna@old.example old/old-1\n", text=True,
                   check=True, timeout=60)
    with moving({"routes": [{"name": "map", "user_map": str(file)}]}, percent=100) as proxy:
        assert where(proxy, "anna@old.example") == "new"
        assert (proxy.session()["route"], proxy.session()["move"]) == ("map", "away")


def test_many_logins_while_the_share_swings(moving, places):
    """Nobody is ever in both, as the two nodes' logs have it."""
    users = USERS[:6]
    stop = threading.Event()
    faults = []

    def poll(proxy, user):
        while not stop.is_set():
            try:
                with proxy.connect() as session:
                    session.ok(f"USER {user}")
                    if session.command("PASS secret").startswith(b"+OK"):
                        session.command("RETR 1")
                        session.command("QUIT")
            except (OSError, EOFError) as fault:
                faults.append(fault)

    with moving({"moves_wait": "5s", "pool": {"warm": 0, "max_snapshot_age": "2s"}}) as proxy:
        threads = [threading.Thread(target=poll, args=(proxy, user)) for user in users for _ in range(2)]
        for thread in threads:
            thread.start()
        for percent in (100, 0, 50, 100, 20, 0):
            set_percent(proxy, percent)
            landed = proxy.metric("poplar_logins_total")
            until(lambda: proxy.metric("poplar_logins_total") >= landed + 40, "more logins")
        stop.set()
        for thread in threads:
            thread.join(20)
        reasons = {line["reason"] for line in proxy.sessions()}
        # A client that reads its answers one by one may meet the end behind its command.
        assert reasons <= {"quit", "moved", "client_eof", "client_reset"}, reasons
        assert series(proxy, "poplar_logins_total", result="backend_unavailable") == 0
        assert move_of(proxy)["sessions_ending"] == move_of(proxy)["logins_waiting"] == 0


def test_the_admin_endpoint(moving):
    with moving() as proxy:
        assert move_of(proxy) == {"move": "away", "from": "old", "to": "new", "percent": 0, "logins_waiting": 0,
                                  "sessions_ending": 0, "logins_landed": 0, "logins_waited_too_long": 0,
                                  "sessions_ended": 0}
        set_percent(proxy, 2.5)
        assert move_of(proxy)["percent"] == 2.5
        assert proxy.metric("poplar_move_permille") == 25
        head, row = proxy.get("/moves?format=text")[1].splitlines()
        assert head.split()[:4] == ["MOVE", "FROM", "TO", "PERCENT"] and row.split()[:4] == ["away", "old", "new", "2.5"]
        for target, status in (("/moves/away", 400), ("/moves/away?percent=101", 400), ("/moves/away?percent=-1", 400),
                               ("/moves/away?percent=1.25", 400), ("/moves/nowhere?percent=1", 404),
                               ("/moves/?percent=1", 400)):
            assert post(proxy, target)[0] == status, target
        assert proxy.get("/moves/away?percent=1")[0] == 405
        assert post(proxy, "/moves/away?percent=1", Origin="http://evil.example")[0] == 403
        assert post(proxy, "/moves/away?percent=1", X_Forwarded_For="192.0.2.1")[0] == 403
        assert move_of(proxy)["percent"] == 2.5
