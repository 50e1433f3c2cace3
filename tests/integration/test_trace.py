"""Traces: what is written down of sessions with a real Dovecot, of whom and for how long; and that no secret and no
message is in it."""

import base64
import json
import pathlib
import re
import stat

import pytest

import corpus
from dovecot import Dovecot
from oauth_stand import TokenAuthority, oauthbearer, xoauth2
from poplar import node
from test_admin_api import ask, get, post
from test_cli import run
from waiting import until

USERS = [f"user{index:03}" for index in range(400)]
PASSWORD = "h7nter2-s3cret"
BODY = b"the words that only their reader knows"
LINE = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ([0-9a-f]{16} \S+|- -) (.*)$")


@pytest.fixture(scope="module")
def tokens():
    with TokenAuthority() as made:
        yield made


@pytest.fixture(scope="module")
def dovecots(folder, node_certificate, tokens):
    """Two over one store; the second is reached by STLS."""
    made = []
    with Dovecot(folder / "one", "one", node_certificate, USERS, folder / "mail", stored=f"{{plain}}{PASSWORD}",
                 extra=tokens.dovecot_settings(folder / "oauth-one")) as one, \
            Dovecot(folder / "two", "two", node_certificate, USERS, folder / "mail", stored=f"{{plain}}{PASSWORD}",
                    extra=tokens.dovecot_settings(folder / "oauth-two")) as two:
        made += [one, two]
        yield made


@pytest.fixture(scope="module")
def traces(folder):
    made = folder / "traces"
    made.mkdir()
    return made


@pytest.fixture(scope="module")
def proxy(start, dovecots, traces, authority):
    one, two = dovecots
    nodes = [node("one", one.pop3_port),
             node("two", two.pop3_port, tls="verify", tls_start="stls", ca_file=str(authority.file),
                  host_name="node.test")]
    with start(nodes, shared=True, also={"stls": {"tls": "stls"}},
               pool={"warm": 0, "size": 20, "max_snapshot_age": "20s"},
               trace={"directory": str(traces), "file_bytes_max": "64KiB", "duration_max": "5m"}) as made:
        yield made


@pytest.fixture
def reader(dovecots, new_user):
    """A user with mail."""
    user = new_user()
    dovecots[0].deliver(user, {"one": corpus.message("one", BODY + b"\r\n" + b"and more\r\n" * 50)})
    return user


@pytest.fixture(autouse=True)
def none_is_left_on(proxy):
    yield
    for trace in get(proxy, "traces")["traces"]:
        post(proxy, f"untrace?id={trace['id']}")


class Trace:
    """A trace that is on, until `text` is asked for."""

    def __init__(self, proxy, parameters):
        self.proxy = proxy
        self.answer = post(proxy, f"trace?{parameters}")
        self.file = pathlib.Path(self.answer["file"])

    def text(self, stop=True) -> str:
        if stop:
            post(self.proxy, f"untrace?id={self.answer['id']}")
        until(lambda: "[the trace ends: " in self.file.read_text(), "the trace's last line")
        text = self.file.read_text()
        assert all(LINE.match(line) for line in text.splitlines()), text
        return text

    def lines(self):
        """["client C: STAT", ...], without times and sessions."""
        return [re.sub(r"^[0-9a-f]{16} ", "", " ".join(LINE.match(line).groups()))
                for line in self.text().splitlines()]


def forms(secret: bytes):
    """A secret, and what its base64 looks like at each place that it may have in a message."""
    yield secret
    for before in range(3):
        encoded = base64.b64encode(b"x" * before + secret)
        yield encoded[4 if before else 0:-4]


def assert_no_secret(text: str, *secrets):
    for secret in (PASSWORD.encode(), BODY, *secrets):
        for form in forms(secret):
            assert form not in text.encode(), f"{form} is in:\n{text}"


def read_mail(session, user):
    session.ok(f"USER {user}")
    session.ok(f"PASS {PASSWORD}")
    session.ok("STAT")
    assert BODY in session.retrieve(1)
    session.ok("UIDL")
    session.ok("QUIT")


def ordered(lines, expected):
    """Whether these are among the lines, in this order."""
    rest = iter(lines)
    return all(any(line == each for line in rest) for each in expected)


def test_a_user_is_traced_and_nobody_else(proxy, reader, new_user, dovecots):
    other = new_user()
    dovecots[0].deliver(other, {"one": corpus.message("one", BODY)})
    trace = Trace(proxy, f"user={reader.upper()}&for=2m")
    for user in (other, reader, other):
        with proxy.connect() as session:
            read_mail(session, user)
    lines = trace.lines()
    text = trace.file.read_text()
    assert_no_secret(text)
    assert other not in text
    where = next(line for line in lines if line.endswith("C: PASS ***")).split()[0]
    assert where in ("main/one", "main/two")
    assert ordered(lines, [f"{where} [new connection]", f"{where} C: USER {reader}", f"{where} C: PASS ***",
                           f"{where} S: +OK Logged in.", "client S: +OK Logged in.", "client C: STAT",
                           "client C: RETR 1", "client C: UIDL", "client C: QUIT"]), text
    assert re.search(r"client S: \[message: \d+ bytes, \d+ lines\]", text), text
    # The session's number is the log's.
    session = next(line for line in proxy.sessions() if line.get("user") == reader)
    assert {line.split()[1] for line in text.splitlines()} == {"-", session["id"]}
    assert stat.S_IMODE(trace.file.stat().st_mode) == 0o600
    assert reader not in trace.file.name and "-user" in trace.file.name


def test_a_parked_connection_changes_hands_in_silence(proxy, reader):
    """Traced, not traced, traced: one connection of the user's to the node."""
    for traced in (True, False, True):
        trace = Trace(proxy, f"user={reader}") if traced else None
        with proxy.connect() as session:
            read_mail(session, reader)
        proxy.idle()
        if not traced:
            continue
        text = trace.text()
        assert_no_secret(text)
        assert text.count("client C: RETR 1") == 1, text
        last = text
    assert "[parked connection]" in last and "[kept for the user's next login]" in last, last
    assert "PASS" not in last, last  # the client's came before its user was known


def test_an_address_is_traced_from_the_greeting_on_through_stls(proxy, reader):
    trace = Trace(proxy, "client=127.0.0.0/8")
    with proxy.connect_plain("stls") as session:
        proxy.start_tls(session)
        session.ok("CAPA")
        assert session.authenticate("PLAIN", f"\0{reader}\0wrong {PASSWORD}".encode()).startswith(b"-ERR")
        assert session.authenticate("PLAIN", f"\0{reader}\0{PASSWORD}".encode(), initial=False).startswith(b"+OK")
        assert BODY in session.retrieve(1)
        session.ok("QUIT")
    proxy.idle()
    lines = trace.lines()
    text = trace.file.read_text()
    assert_no_secret(text)
    assert ordered(lines, ["client S: +OK Poplar POP3 ready", "client C: STLS", "client [TLS]", "client C: CAPA",
                           "client C: AUTH PLAIN ***", "client C: AUTH PLAIN", "client C: ***", "client C: RETR 1",
                           "client C: QUIT", "client [the session ends: quit]"]), text


def test_a_node_is_traced_alone(proxy, dovecots, new_user):
    """By its name, with the users that it has; the one is reached by STLS."""
    trace = Trace(proxy, "node=two")
    there = set()
    for _ in range(12):
        user = new_user()
        dovecots[0].deliver(user, {"one": corpus.message("one", BODY)})
        with proxy.connect() as session:
            read_mail(session, user)
        proxy.idle()
        if proxy.sessions()[-1]["node"] == "main/two":
            there.add(user)
    text = trace.text()
    assert_no_secret(text)
    assert there, "no user at the node"
    assert set(re.findall(r"main/two C: USER (\S+)", text)) == there
    assert "main/one" not in text
    assert "client C: RETR 1" in text and "main/two C: QUIT" not in text


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_no_token_is_written_down(mechanism, proxy, reader, tokens):
    token = tokens.token(reader)
    message = {"XOAUTH2": xoauth2, "OAUTHBEARER": oauthbearer}[mechanism](reader, token)
    refused = {"XOAUTH2": xoauth2, "OAUTHBEARER": oauthbearer}[mechanism](reader, "no-such-token-at-all")
    trace = Trace(proxy, "client=127.0.0.1")
    with proxy.connect() as session:
        assert session.authenticate(mechanism, refused, b"").startswith(b"-ERR")
        assert session.authenticate(mechanism, message, initial=False).startswith(b"+OK")
        session.ok("STAT")
        session.ok("QUIT")
    proxy.idle()
    text = trace.text()
    assert_no_secret(text, token.encode(), b"no-such-token-at-all", message)
    assert f"client C: AUTH {mechanism} ***" in text and "S: + ***" in text, text


def test_ends_by_itself(proxy, reader):
    over = Trace(proxy, f"user={reader}&for=500ms")
    assert "[the trace ends: its time is over]" in over.text(stop=False)
    full = Trace(proxy, f"user={reader}")
    with proxy.connect() as session:
        session.log_in(reader, PASSWORD)
        for _ in range(400):
            session.ok("STAT")
        session.ok("QUIT")
    text = full.text(stop=False)
    assert text.endswith("[the trace ends: its file is as large as it may be]\n"), text[-300:]
    assert len(text) <= 64 * 1024
    assert get(proxy, "traces") == {"traces": []}
    size = full.file.stat().st_size
    with proxy.connect() as session:
        read_mail(session, reader)
    proxy.idle()
    assert full.file.stat().st_size == size
    messages = [line["message"] for line in proxy.lines() if line.get("event") == "process"]
    assert any(re.match(r"trace \d+ of a user begins", each) for each in messages), messages
    assert any(re.match(r"trace \d+ of a user has ended: its time is over", each) for each in messages), messages
    assert not any(reader in each for each in messages)


def test_the_api_says_what_is_on_and_what_is_wrong(proxy, new_user):
    assert proxy.metric("poplar_traces") == 0
    user = new_user()
    made = post(proxy, f"trace?user={user}&for=1m")
    assert made["until"] == made["began"] + 60 and made["user"] == user
    listed = get(proxy, "traces")["traces"]
    assert [(each["id"], each["user"], each["file"]) for each in listed] == [(made["id"], user, made["file"])]
    assert proxy.metric("poplar_traces") == 1
    assert proxy.metric("poplar_trace_lines_dropped_total") == 0
    for target, status, words in [("trace", 400, "say one of"), (f"trace?user={user}&node=one", 400, "say one of"),
                                  (f"trace?user={user}&for=6m", 400, "trace.duration_max"),
                                  (f"trace?user={user}&for=long", 400, "a duration such as"),
                                  ("trace?client=here", 400, "an IP address or a network"),
                                  ("trace?node=three", 404, "no such node"), ("untrace?id=4711", 404, "no such trace"),
                                  ("untrace", 400, "?id="), ("untrace?id=x", 400, "?id=")]:
        got, answer, _ = ask(proxy, "POST", target)
        assert (got, words in answer["error"]) == (status, True), (target, got, answer)
    assert ask(proxy, "GET", f"trace?user={user}")[0] == 405
    for _ in range(3):
        post(proxy, "trace?node=main/one")
    got, answer, _ = ask(proxy, "POST", "trace?node=main/one")
    assert got == 503 and "trace.at_once_max" in answer["error"]


def test_the_command_line_turns_it_on_and_off(proxy, reader, binary):
    done = run(binary, "trace", "--config", proxy.file, "--user", reader, "--for", "2m")
    assert done.returncode == 0, done.stderr
    file = pathlib.Path(done.stdout.strip())
    with proxy.connect() as session:
        read_mail(session, reader)
    proxy.idle()
    listed = run(binary, "trace", "--config", proxy.file, "--list")
    assert listed.returncode == 0 and str(file) in listed.stdout and f"user {reader}" in listed.stdout
    number = listed.stdout.splitlines()[1].split()[0]
    stopped = run(binary, "trace", "--config", proxy.file, "--stop", number)
    assert (stopped.returncode, stopped.stdout.strip()) == (0, str(file)), stopped.stderr
    until(lambda: "an operator stopped it" in file.read_text(), "the last line")
    assert "client C: RETR 1" in file.read_text()
    for wrong, status in [(["--stop", "4711"], 1), ([], 2), (["--user", reader, "--list"], 2),
                          (["--client", "nowhere"], 1)]:
        done = run(binary, "trace", "--config", proxy.file, *wrong)
        assert done.returncode == status and done.stderr.startswith("poplar: error: "), (wrong, done)


def test_without_a_directory_nothing_is_traced(start, dovecots):
    with start([node("one", dovecots[0].pop3_port)]) as proxy:
        status, answer, _ = ask(proxy, "POST", "trace?user=anybody")
        assert status == 503 and "trace.directory" in answer["error"]


def test_check_wants_the_directory_to_exist(proxy, binary, tmp_path):
    settings = json.loads(proxy.file.read_text())
    settings["trace"]["directory"] = str(tmp_path / "none")
    file = tmp_path / "poplar.yaml"
    file.write_text(json.dumps(settings, indent=2))
    done = run(binary, "check", "--config", file)
    assert done.returncode == 1 and "trace.directory" in done.stdout + done.stderr, done
