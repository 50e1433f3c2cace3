"""`poplar probe` tries accounts at a real Dovecot, at servers that are wrong in one way each, and through Poplar."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading

import pytest

import corpus
from certificates import Authority
from dnsmasq import Dnsmasq
from dovecot import PASSWORD, Dovecot
from fake_node import FakeNode
from oauth_stand import TokenAuthority
from poplar import node
from ports import free_port

USERS = [f"user{index:03}" for index in range(60)]
OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
TLS_STEPS = ["resolve", "connect", "tls", "certificate", "greeting", "capabilities", "login", "stat", "list", "uidl",
             "message", "quit"]


@pytest.fixture(scope="module")
def tokens():
    with TokenAuthority() as made:
        yield made


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate, tokens):
    with Dovecot(folder / "node", "node", node_certificate, USERS,
                 extra=tokens.dovecot_settings(folder / "oauth-settings")) as made:
        yield made


@pytest.fixture
def mailbox(dovecot, user):
    dovecot.deliver(user, corpus.many(3))
    return user


@pytest.fixture
def probe(binary, authority, tmp_path):
    """probe(*arguments) runs it with the password in a file; trusts the tests' authority unless told otherwise."""
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n")

    def run(*arguments, password=file, ca=authority.file, stdin=subprocess.DEVNULL, **environment):
        command = [binary, "probe", *arguments]
        command += ["--password-file", password] if password else []
        command += ["--ca", ca] if ca else []
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, stdin=stdin,
                              env={**os.environ, "LC_ALL": "C.UTF-8", **environment})
        assert PASSWORD not in done.stdout + done.stderr, "a secret was shown"
        return done

    return run


@pytest.fixture
def seen(probe):
    """seen(*arguments) is (exit status, its JSON)."""
    def run(*arguments, **more):
        done = probe(*arguments, "--json", **more)
        assert not done.stderr, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def step(report, name):
    return next(each for each in report["steps"] if each["name"] == name)


def faults(report):
    """(step, fault) of all that is wrong."""
    return [(each["name"], finding["fault"]) for each in report["steps"] for finding in each["findings"]]


def passed(report):
    return [each["name"] for each in report["steps"] if each["outcome"] in ("passed", "warned")]


# --- a good account


def test_a_good_account(seen, dovecot, mailbox):
    status, report = seen(f"localhost:{dovecot.pop3s_port}", "--user", mailbox)
    assert (status, report["status"]) == (OK, "OK"), report
    assert passed(report) == TLS_STEPS
    assert report["tls"]["version"] == "TLSv1.3" and 28 <= report["tls"]["certificate_days"] <= 30
    assert "node.test" in report["tls"]["chain"][0]["dns_names"]
    assert report["messages"] == 3 and report["message_bytes"] > 0
    assert any(line.startswith("SASL ") for line in report["capabilities"])
    assert all(each["ms"] >= 0 for each in report["steps"])
    assert sum(each["ms"] for each in report["steps"]) <= report["ms"] + 1


def test_it_leaves_all_mail_where_it_is(probe, dovecot, mailbox):
    before = dovecot.stored(mailbox)
    for message in ("smallest", "newest", "none"):
        done = probe(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, "--message", message)
        assert done.returncode == OK, done.stdout
    assert dovecot.stored(mailbox) == before


def test_stls(seen, dovecot, mailbox):
    status, report = seen(f"localhost:{dovecot.pop3_port}", "-u", mailbox, "--stls")
    assert status == OK and report["tls"]["version"] == "TLSv1.3"
    assert [each["name"] for each in report["steps"]][2:6] == ["greeting", "stls", "tls", "certificate"]


def test_plain_is_said_in_so_many_words(seen, probe, dovecot, mailbox):
    status, report = seen(f"127.0.0.1:{dovecot.pop3_port}", "-u", mailbox, "--plain")
    assert status == OK and report["tls"] is None and report["security"] == "plain"
    assert "in the clear" in probe(f"127.0.0.1:{dovecot.pop3_port}", "-u", mailbox, "--plain").stdout


def test_an_empty_mailbox_is_good(seen, dovecot, user):
    status, report = seen(f"localhost:{dovecot.pop3s_port}", "-u", user)
    assert status == OK and report["messages"] == 0
    assert step(report, "message")["detail"] == "there is none"


# --- how it is told of secrets


def test_a_password_from_standard_input(binary, authority, dovecot, mailbox):
    for extra in ([], ["--password-file", "-"]):
        done = subprocess.run([str(binary), "probe", f"localhost:{dovecot.pop3s_port}", "-u", mailbox, "--ca",
                               str(authority.file), *extra], input=f"{PASSWORD}\n", capture_output=True, text=True,
                              timeout=60)
        assert done.returncode == OK, done.stdout + done.stderr


class Terminal:
    """The program at a terminal of its own."""

    def __init__(self, command):
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # as a shell at a terminal has it
            os.execv(command[0], command)
        self.shown = ""

    def read_until(self, text: str, seconds: float = 20.0):
        while text not in self.shown:
            assert select.select([self._terminal], [], [], seconds)[0], self.shown
            self.shown += os.read(self._terminal, 4096).decode()

    def echoes(self) -> bool:
        import termios
        return bool(termios.tcgetattr(self._terminal)[3] & termios.ECHO)

    def type(self, text: str):
        os.write(self._terminal, text.encode())

    def end(self):
        with contextlib.suppress(OSError):
            while chunk := os.read(self._terminal, 4096):
                self.shown += chunk.decode()
        status = os.waitpid(self.pid, 0)[1]
        os.close(self._terminal)
        return status


def test_a_password_at_the_terminal(binary, authority, dovecot, mailbox):
    terminal = Terminal([str(binary), "probe", f"localhost:{dovecot.pop3s_port}", "-u", mailbox, "--ca",
                         str(authority.file), "--ascii"])
    terminal.read_until(f"Password of {mailbox}: ")
    assert not terminal.echoes()
    terminal.type(f"{PASSWORD}\n")
    status = terminal.end()
    assert os.waitstatus_to_exitcode(status) == OK, terminal.shown
    assert PASSWORD not in terminal.shown and "ok   login" in terminal.shown


def test_a_terminal_that_is_interrupted_echoes_again(binary):
    terminal = Terminal([str(binary), "probe", "localhost:1", "-u", "anna", "--plain"])
    terminal.read_until("Password of anna: ")
    assert not terminal.echoes()
    terminal.type("sec\x03")
    terminal.read_until("\n")
    assert os.waitstatus_to_exitcode(terminal.end()) == -signal.SIGINT
    assert "sec" not in terminal.shown


def test_tokens(probe, seen, dovecot, mailbox, tokens, tmp_path):
    file = tmp_path / "token"
    file.write_text(tokens.token(mailbox, 1200) + "\n")
    for options, way in ([], "OAUTHBEARER"), (["--xoauth2"], "XOAUTH2"):
        status, report = seen(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, "--token-file", file, *options,
                              password=None)
        assert status == OK and way in step(report, "login")["detail"], report
    file.write_text("expired-and-long-enough-to-be-one\n")
    done = probe(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, "--token-file", file, "--ascii", password=None)
    assert done.returncode == CRITICAL and "FAIL login" in done.stdout and "The token has expired" in done.stdout
    assert "expired-and-long" not in done.stdout


@pytest.mark.parametrize("content, words", [(None, "cannot be read: No such file"), (b"", "nothing in its first line"),
                                            (b"\nsecret\n", "nothing in its first line"),
                                            (b"a\x00b\n", "control character"), (b"x" * 20000, "more than")])
def test_a_file_without_a_password(content, words, probe, tmp_path):
    file = tmp_path / "odd"
    if content is not None:
        file.write_bytes(content)
    done = probe("localhost:1", "-u", "anna", "--plain", password=file)
    assert done.returncode == UNKNOWN and words in done.stderr and str(file) in done.stderr


def test_no_password_is_unknown(probe):
    done = probe("localhost:1", "-u", "anna", "--plain", password=None)
    assert done.returncode == UNKNOWN and "--password-file" in done.stderr


# --- what can be wrong


def test_a_wrong_password(probe, seen, dovecot, mailbox, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-password\n")
    status, report = seen(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, password=wrong)
    assert status == CRITICAL and faults(report) == [("login", "wrong_credential")]
    assert step(report, "quit")["outcome"] == "passed"
    done = probe(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, password=wrong)
    assert "✗ login" in done.stdout and "app password" in done.stdout
    assert "not-the-password" not in done.stdout


def test_an_unknown_authority(seen, dovecot, mailbox, folder):
    other = Authority(folder / "other-ca", "Somebody else")
    status, report = seen(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, ca=other.file)
    assert status == CRITICAL and faults(report) == [("certificate", "incomplete_chain")]
    assert step(report, "login")["detail"] == "not reached"


def test_a_wrong_name(seen, dovecot, mailbox, tmp_path):
    with Dnsmasq(tmp_path / "dns", hosts={"mail.probe.test": ["127.0.0.1"]}) as dns:
        where = (f"mail.probe.test:{dovecot.pop3s_port}", "-u", mailbox, "--name-server", dns.address)
        status, report = seen(*where)
        assert status == CRITICAL and faults(report) == [("certificate", "wrong_name")]
        status, report = seen(*where, "--server-name", "node.test")
        assert status == OK, report
        status, report = seen(*where, "--insecure")
        assert status == WARNING and faults(report) == [("certificate", "wrong_name")]
        assert step(report, "login")["outcome"] == "passed"


@pytest.fixture(scope="module")
def old_node(folder, authority):
    """Its certificate has expired."""
    expired = authority.issue("expired", ["localhost"], dates=("20240101000000Z", "20240201000000Z"))
    with FakeNode(certificate=expired) as made:
        yield made


def test_an_expired_certificate(probe, seen, old_node):
    status, report = seen(f"localhost:{old_node.port}", "-u", "anna")
    assert status == CRITICAL and faults(report) == [("certificate", "expired")]
    assert report["tls"]["certificate_days"] < 0
    assert not old_node.commands, "nothing is said to a server that isn't trusted"
    done = probe(f"localhost:{old_node.port}", "-u", "anna")
    assert "expired on 2024-02-01" in done.stdout and "Renew the certificate" in done.stdout


def test_a_certificate_that_expires_soon(seen, authority):
    with FakeNode(certificate=authority.issue("soon", ["localhost"], days=5)) as fake:
        status, report = seen(f"localhost:{fake.port}", "-u", "anna")
        assert status == WARNING and faults(report) == [("certificate", "expires_soon")]
        assert seen(f"localhost:{fake.port}", "-u", "anna", "--certificate-days", "3")[0] == OK


def test_a_closed_port(probe, seen):
    port = free_port()
    status, report = seen(f"127.0.0.1:{port}", "-u", "anna")
    assert status == CRITICAL and faults(report) == [("connect", "refused")]
    assert f"127.0.0.1:{port}: connection refused" in probe(f"127.0.0.1:{port}", "-u", "anna").stdout


@pytest.mark.parametrize("options, where", [([], "tls"), (["--stls"], "greeting"), (["--plain"], "greeting")])
def test_a_silent_port(options, where, seen):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        status, report = seen(f"127.0.0.1:{silent.getsockname()[1]}", "-u", "anna", "--timeout", "1s", *options)
    assert status == CRITICAL and faults(report) == [(where, "timeout")]
    assert 1000 <= report["ms"] < 3000


class Speaker:
    """Says its words to whoever connects, and closes when they have said something."""

    def __init__(self, words: bytes):
        self._words = words
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection:
                    connection.sendall(self._words)
                    connection.settimeout(5)
                    with contextlib.suppress(OSError):
                        connection.recv(4096)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.mark.parametrize("words, fault", [
    (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "speaks_ssh"), (b"HTTP/1.1 400 Bad Request\r\n\r\n", "speaks_http"),
    (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "speaks_imap"), (b"220 mail.test ESMTP\r\n", "speaks_smtp"),
    (b"\x1b[2Jgo away\r\n", "speaks_other")])
@pytest.mark.parametrize("options, where", [([], "tls"), (["--plain"], "greeting")], ids=["tls", "plain"])
def test_another_protocol(words, fault, options, where, seen):
    with Speaker(words) as speaker:
        status, report = seen(f"127.0.0.1:{speaker.port}", "-u", "anna", *options)
    assert status == CRITICAL and faults(report) == [(where, fault)], report
    assert step(report, where)["findings"][0]["seen"].isprintable()


def test_no_tls_where_it_was_due(probe, seen, dovecot):
    status, report = seen(f"127.0.0.1:{dovecot.pop3_port}", "-u", "anna")
    assert status == CRITICAL and faults(report) == [("tls", "plain_pop3")]
    assert "--stls" in probe(f"127.0.0.1:{dovecot.pop3_port}", "-u", "anna").stdout


def test_tls_where_none_was_due(seen, dovecot):
    status, report = seen(f"127.0.0.1:{dovecot.pop3s_port}", "-u", "anna", "--plain", "--timeout", "1s")
    assert status == CRITICAL and faults(report) == [("greeting", "timeout")]
    assert "TLS from the first byte" in step(report, "greeting")["findings"][0]["cause"]


def test_stls_that_is_missing(seen):
    with FakeNode() as fake:
        status, report = seen(f"127.0.0.1:{fake.port}", "-u", "anna", "--stls")
        assert status == CRITICAL and faults(report) == [("stls", "stls_refused")]
        assert fake.commands == ["STLS", "QUIT"]


def test_a_password_that_is_only_taken_over_tls(seen, folder, node_certificate, user):
    """To Dovecot a connection within one address is as good as TLS: this one is between two."""
    with Dovecot(folder / "strict", "strict", node_certificate, USERS, address="127.0.0.5",
                 extra="disable_plaintext_auth = yes\n") as strict:
        status, report = seen(f"127.0.0.5:{strict.pop3_port}", "-u", user, "--plain")
    assert status == CRITICAL and faults(report) == [("login", "needs_tls")], report


def test_a_maildrop_in_use_is_a_warning(seen):
    with FakeNode(on={"PASS": b"-ERR [IN-USE] Do you use POP3 elsewhere?\r\n"}) as fake:
        status, report = seen(f"127.0.0.1:{fake.port}", "-u", "anna", "--plain")
    assert status == WARNING and faults(report) == [("login", "in_use")]


def test_a_server_that_repeats_the_password(seen):
    """The fixture looks for it in all output."""
    with FakeNode(on={"PASS": b"-ERR what is PASS secret?\r\n"}) as fake:
        status, report = seen(f"127.0.0.1:{fake.port}", "-u", "anna", "--plain")
    assert status == CRITICAL and "********" in step(report, "login")["findings"][0]["seen"]


def test_it_is_bounded_whatever_the_server_does(seen):
    def trickle(peer, _):
        with contextlib.suppress(OSError):
            peer.send(b"+OK\r\n")
            while True:
                peer.send(b"x")
                threading.Event().wait(0.02)

    with FakeNode(on={"RETR": trickle}) as fake:
        status, report = seen(f"127.0.0.1:{fake.port}", "-u", "anna", "--plain", "--timeout", "2s")
    assert status == CRITICAL and faults(report) == [("message", "timeout")]
    assert report["ms"] < 4000


# --- names


def test_service_records(seen, dovecot, mailbox, tmp_path):
    with Dnsmasq(tmp_path / "dns", hosts={"node.test": ["127.0.0.1"]},
                 srv={"_pop3s._tcp.example.test": [(10, 5, dovecot.pop3s_port, "node.test")],
                      "_pop3._tcp.example.test": [(10, 5, dovecot.pop3_port, "node.test")]}) as dns:
        for options, port in ([], dovecot.pop3s_port), (["--stls"], dovecot.pop3_port):
            status, report = seen("example.test", "-u", mailbox, "--name-server", dns.address, *options)
            assert status == OK, report
            assert report["host"] == "node.test" and report["address"] == f"127.0.0.1:{port}"


def test_a_name_that_is_unknown(seen, tmp_path):
    with Dnsmasq(tmp_path / "dns") as dns:
        status, report = seen("nowhere.test", "-u", "anna", "--name-server", dns.address)
        assert status == CRITICAL and faults(report) == [("resolve", "name_unknown")]
        dns.fail("servfail")
        status, report = seen("nowhere.test:995", "-u", "anna", "--name-server", dns.address)
        assert status == CRITICAL and faults(report) == [("resolve", "name_server_silent")]


def test_a_name_server_that_is_silent(seen, tmp_path):
    with Dnsmasq(tmp_path / "dns") as dns:
        dns.fail("silent")
        status, report = seen("mail.test:995", "-u", "anna", "--name-server", dns.address, "--timeout", "1s")
        assert status == CRITICAL and faults(report) == [("resolve", "name_server_silent")]
        assert report["ms"] < 3000


def test_an_address_that_does_not_serve(seen, mailbox, folder, node_certificate, tmp_path):
    """Addresses are tried in order, and nothing listens at the first."""
    with Dovecot(folder / "second", "second", node_certificate, USERS, address="127.0.0.3") as second, \
            Dnsmasq(tmp_path / "dns", hosts={"node.test": ["127.0.0.2", "127.0.0.3"]}) as dns:
        status, report = seen(f"node.test:{second.pop3s_port}", "-u", mailbox, "--name-server", dns.address)
    assert status == WARNING and faults(report) == [("connect", "address_failed")]
    assert report["address"] == f"127.0.0.3:{second.pop3s_port}"


# --- monitoring


def test_nagios(probe, dovecot, mailbox):
    done = probe(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, "--nagios", "--critical", "15s")
    assert done.returncode == OK and done.stdout.count("\n") == 1 and not done.stderr
    text, data = done.stdout.rstrip("\n").split(" | ")
    assert re.fullmatch(rf"POP3 OK - {mailbox} at 127\.0\.0\.1:\d+: 3 messages, [\d.]+ s, certificate \d+ days", text)
    values = dict(each.split("=") for each in data.split(" "))
    assert re.fullmatch(r"[\d.]+s;5;15;0;20", values["time"])
    assert values["messages"] == "3" and re.fullmatch(r"\d+;21:;0:", values["certificate_days"])
    assert {"resolve", "connect", "tls", "greeting", "login", "stat", "message", "quit"} <= values.keys()


def test_nagios_when_something_is_wrong(probe):
    done = probe(f"127.0.0.1:{free_port()}", "-u", "anna", "--nagios")
    assert done.returncode == CRITICAL and done.stdout.startswith("POP3 CRITICAL - connect: ")
    done = probe("localhost", "-u", "anna", "--nagios", password="/nonexistent")
    assert done.returncode == UNKNOWN and done.stdout.startswith("POP3 UNKNOWN - the password: /nonexistent ")
    assert not done.stderr


def test_slowness(seen, probe, dovecot, mailbox):
    where = (f"localhost:{dovecot.pop3s_port}", "-u", mailbox)
    status, report = seen(*where, "--warning", "1ms")
    assert status == WARNING and report["summary"].startswith("slow: ")
    assert probe(*where, "--warning", "1ms", "--critical", "2ms").returncode == CRITICAL


@pytest.mark.parametrize("arguments", [
    [], ["localhost"], ["-u", "anna"], ["localhost", "-u", "anna", "--nonsense"],
    ["localhost", "-u", "anna", "--json", "--nagios"], ["localhost", "-u", "anna", "--plain", "--stls"],
    ["localhost", "-u", "anna", "--message", "all"], ["local host", "-u", "anna"], ["localhost:0", "-u", "anna"],
    ["localhost:99999", "-u", "anna"], ["localhost", "-u", "anna", "--timeout", "soon"],
    ["localhost", "-u", "anna", "--timeout", "0s"], ["localhost", "-u", "anna", "--message-bytes", "many"],
    ["--via", "localhost", "-u", "anna"], ["--direct", "localhost", "-u", "anna"],
    ["localhost", "--via", "localhost", "--direct", "localhost", "-u", "anna"],
    ["localhost", "-u", "anna", "--ca", "/nonexistent"], ["localhost", "-u", "anna", "--name-server", "no server"]])
def test_a_wrong_command_line_is_unknown(arguments, probe):
    done = probe(*arguments, ca=None)
    assert done.returncode == UNKNOWN and done.stderr and not done.stdout


def test_help(binary):
    done = subprocess.run([str(binary), "probe", "--help"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    for word in ("--stls", "--password-file", "--nagios", "--via", "CRITICAL", "deletes nothing"):
        assert word in done.stdout


@pytest.mark.parametrize("environment, options, mark", [
    ({"LC_ALL": "C.UTF-8"}, [], "✓ login"), ({"LC_ALL": "C.UTF-8"}, ["--ascii"], "ok   login"),
    ({"LC_ALL": "C"}, [], "ok   login"), ({"LC_ALL": "", "LC_CTYPE": "", "LANG": "de_DE.utf8"}, [], "✓ login"),
    ({"LC_ALL": "", "LC_CTYPE": "", "LANG": ""}, [], "ok   login")])
def test_ticks_where_they_can_be_shown(environment, options, mark, probe, dovecot, mailbox):
    done = probe(f"localhost:{dovecot.pop3s_port}", "-u", mailbox, *options, **environment)
    assert mark in done.stdout


# --- side by side


@pytest.fixture(scope="module")
def proxy(start, dovecot):
    with start([node("node", dovecot.pop3_port)]) as made:
        yield made


def test_side_by_side(probe, seen, dovecot, proxy, mailbox):
    where = ("--via", f"localhost:{proxy.port}", "--direct", f"127.0.0.1:{dovecot.pop3_port}", "--direct-plain", "-u",
             mailbox)
    status, report = seen(*where)
    assert status == OK, report
    for key in ("messages", "bytes", "ids_hash", "message_hash", "message_bytes"):
        assert report["direct"][key] == report["via"][key], key
    assert (report["direct"]["security"], report["via"]["security"]) == ("plain", "tls")
    assert any("IMPLEMENTATION Poplar" in each for each in report["differences"])
    done = probe(*where, "--ascii")
    assert re.search(r"^login +ok +[\d.]+ ms +ok +[\d.]+ ms +[+-][\d.]+ ms$", done.stdout, re.MULTILINE), done.stdout
    assert "What differs:" in done.stdout and done.stdout.splitlines()[-1].startswith("OK: the same mail")


def test_side_by_side_for_monitoring(probe, dovecot, proxy, mailbox):
    done = probe("--via", f"localhost:{proxy.port}", "--direct", f"localhost:{dovecot.pop3s_port}", "-u", mailbox,
                 "--nagios")
    assert done.returncode == OK and done.stdout.count("\n") == 1
    assert " via_login=" in done.stdout and " direct_login=" in done.stdout


def test_side_by_side_when_one_fails(seen, dovecot, proxy, mailbox):
    status, report = seen("--via", f"localhost:{free_port()}", "--direct", f"localhost:{dovecot.pop3s_port}", "-u",
                          mailbox)
    assert status == CRITICAL and report["summary"].startswith("via: connect: ")
    assert report["direct"]["status"] == "OK"
    assert "connect: passed at the node, failed through the proxy" in report["differences"]


def test_side_by_side_with_other_mail(seen, proxy, dovecot, mailbox):
    with FakeNode() as fake:
        status, report = seen("--via", f"localhost:{proxy.port}", "--direct", f"127.0.0.1:{fake.port}",
                              "--direct-plain", "-u", mailbox)
    assert status == WARNING and any(each.startswith("STAT: ") for each in report["differences"])
