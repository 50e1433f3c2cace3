"""Nodes that answer wrongly, too much, too little or not at all: what the client gets, and the named reason."""

import re
import threading

import pytest

import clients
from exposition import value
from fake_node import MESSAGE, FakeNode, stuffed
from poplar import node
from waiting import until
from wire import Pop3

BIG = b"Subject: big\r\n\r\n" + b"w" * 70 * 1024 + b"\r\nend\r\n"


def refused(proxy) -> bytes:
    """A login that has to fail; PASS's answer."""
    with proxy.connect() as session:
        session.ok("USER anybody")
        return session.command("PASS secret")


TEMPORARY = b"-ERR [SYS/TEMP] "


# --- before the login's answer

@pytest.mark.parametrize("greeting", [
    b"-ERR too busy\r\n", b"-ERR [SYS/PERM] go away\r\n", b"HELLO\r\n", b"\x00\xff\xfe\r\n",
    b"220 smtp.example.net ESMTP\r\n", b"\r\n", b"OK ready\r\n", b"+ok ready\r\n",
    b"x" * 100_000, lambda peer, words: peer.drop(), lambda peer, words: peer.reset(),
    lambda peer, words: peer.closed() and None],
    ids=["-ERR", "SYS/PERM", "words", "binary", "smtp", "blank", "no plus", "lower-case", "endless",
         "drops", "resets", "silent"])
def test_a_greeting_that_is_none(greeting, against):
    proxy, fake = against({"greeting": greeting})
    assert refused(proxy).startswith(TEMPORARY)
    assert not any("secret" in command for command in fake.commands), "no credentials were shown"
    assert proxy.session(0)["side"] in ("node", "client")


def test_nobody_listens(start):
    fake = FakeNode()
    fake.stop()
    with start([node("fake", fake.port)]) as proxy:
        assert refused(proxy) == b"-ERR [SYS/TEMP] Service temporarily unavailable, please wait\r\n"


# fetchmail's exit codes: to be looked into, and to be tried again.
_AUTHENTICATION_FAILED, _LOCK_BUSY = 3, 9


def test_fetchmail_tells_a_dead_node_from_a_wrong_password(against, start, authority, tmp_path):
    """It knows no [SYS/TEMP]: the words decide whether it stops polling for good."""
    proxy, fake = against()
    dead = FakeNode()
    dead.stop()
    with start([node("dead", dead.port)]) as before_dead:
        for port, password, code in ((proxy.port, "wrong", _AUTHENTICATION_FAILED),
                                     (before_dead.port, "secret", _LOCK_BUSY)):
            with pytest.raises(clients.ClientFailed) as failure:
                account = clients.Account(port, authority.file, "anybody", password)
                clients.Fetchmail().fetch(account, tmp_path / password)
            assert f"fetchmail ended with {code}:" in str(failure.value)


def test_after_a_refusal_the_client_may_try_again(against):
    refusals = iter([b"-ERR not yet\r\n"] * 2)

    def greeting(peer, words):
        return next(refusals, b"+OK now\r\n")

    proxy, _ = against({"greeting": greeting}, health={
        "probe": "off", "consecutive_failures": 2, "panic_percent": 0,
        "ejection_time": "1s", "ejection_time_max": "1s"})
    with proxy.connect() as session:
        session.ok("USER anybody")
        assert session.command("PASS secret").startswith(TEMPORARY)
        until(lambda: value(proxy, "poplar_node_state", state="up") == 1, "the node to come back")
        session.log_in("anybody")
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


def test_a_login_bears_with_a_node_that_refuses_for_a_moment(against):
    refusals = iter([b"-ERR not yet\r\n"] * 2)
    proxy, _ = against({"greeting": lambda peer, words: next(refusals, b"+OK now\r\n")},
                       health={"probe": "off"})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.ok("QUIT")
    assert proxy.metric("poplar_login_retries_total") == 2


@pytest.mark.parametrize("greeting", [b"-ERR too busy\r\n", b"garbage\r\n",
                                      lambda peer, words: peer.drop()],
                         ids=["-ERR", "garbage", "drops"])
def test_with_shared_storage_the_next_node_serves(greeting, start):
    with FakeNode({"greeting": greeting}) as bad, FakeNode() as good:
        nodes = [node("bad", bad.port), node("good", good.port)]
        with start(nodes, shared=True) as proxy:
            for index in range(16):
                with proxy.connect() as session:
                    session.log_in(f"reader{index}")
                    session.ok("QUIT")
                assert proxy.session(index)["node"] == "main/good"
        assert bad.connections > 0, "half of the users prefer the bad node"
        assert not any("secret" in command for command in bad.commands)


@pytest.mark.parametrize("answer", [
    b"-ERR [AUTH] wrong password\r\n", b"-ERR [IN-USE] do you have another session?\r\n",
    b"-ERR [LOGIN-DELAY] wait a minute\r\n", b"-ERR [SYS/PERM] no mailbox\r\n", b"-ERR\r\n",
    b"-ERR   spaces   stay  \r\n"])
def test_the_nodes_own_refusal_passes_unchanged(answer, against):
    proxy, _ = against({"PASS": answer})
    with proxy.connect() as session:
        session.ok("USER anybody")
        assert session.command("PASS secret") == answer
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


@pytest.mark.parametrize("action, reasons", [
    (lambda peer, words: peer.drop(), {"node_eof", "node_reset"}),
    (lambda peer, words: peer.reset(), {"node_eof", "node_reset"}),
    (lambda peer, words: peer.closed() and None, {"node_response_timeout"}),
    (b"what?\r\n", {"node_protocol"}),
], ids=["drops", "resets", "silent", "nonsense"])
def test_a_login_without_an_answer(action, reasons, against):
    """The credentials are out: no other try, no success; the client learns that it is temporary."""
    proxy, fake = against({"PASS": action})
    with proxy.connect() as session:
        session.ok("USER anybody")
        assert session.command("PASS secret").startswith(TEMPORARY)
    assert fake.commands.count("PASS secret") == 1
    # The session may outlive the failure (the client may try again), then it is the client that ends it.
    assert proxy.session(0)["reason"] in reasons | {"client_eof", "node_unavailable"}


# --- in the middle of a session

def cut_off(session) -> bytes:
    """Everything until the end of stream."""
    assert session.at_end(), "the session must end"
    return bytes(session.buffer)


def logged_in(proxy) -> Pop3:
    return proxy.connect().log_in("anybody")


def test_an_answer_too_many(against):
    proxy, _ = against({"STAT": b"+OK 1 10\r\n+OK 7 777\r\n"})
    with logged_in(proxy) as session:
        assert session.command("STAT") == b"+OK 1 10\r\n"
        try:
            session.send(b"LIST 1\r\n")
        except ConnectionError:
            pass
        assert b"777" not in cut_off(session), "the stray line is nobody's answer"
    assert proxy.session(0)["reason"] == "node_protocol"


def test_words_in_the_middle_of_nothing(against):
    """The client learns it with its next command: until then it has nothing to be answered."""
    speak, said = threading.Event(), threading.Event()

    def noop(peer, words):
        peer.send(b"+OK\r\n")
        assert speak.wait(20)
        peer.send(b"+OK who asked?\r\n")
        said.set()

    proxy, fake = against({"NOOP": noop})
    with logged_in(proxy) as session:
        session.ok("NOOP")
        speak.set()
        assert said.wait(20)
        session.send(b"DELE 1\r\nQUIT\r\n")
        rest = cut_off(session)
        assert b"who asked" not in rest and b"+OK" not in rest, rest
        assert not rest or rest.startswith(TEMPORARY)
    assert proxy.session(0)["reason"] == "node_protocol"
    assert "QUIT" not in fake.commands, "nothing is committed"


@pytest.mark.parametrize("answer", [b"HELLO\r\n", b"+O\r\n", b"\r\n", b"ok\r\n", b"\x00\r\n",
                                    b"-err\r\n", b"y" * 100_000],
                         ids=lambda answer: repr(answer[:8]))
def test_an_answer_that_is_none(answer, against):
    proxy, _ = against({"STAT": answer})
    with logged_in(proxy) as session:
        session.send(b"STAT\r\n")
        rest = cut_off(session)
        assert not rest or rest.startswith(TEMPORARY), rest[:200]
    assert proxy.session(0)["reason"] == "node_protocol"


def test_no_answer_at_all(against):
    proxy, _ = against({"STAT": lambda peer, words: peer.closed() and None})
    with logged_in(proxy) as session:
        session.send(b"STAT\r\n")
        rest = cut_off(session)
        assert not rest or rest.startswith(TEMPORARY), rest[:200]
    assert proxy.session(0)["reason"] == "node_response_timeout"


@pytest.mark.parametrize("how", ["drop", "reset"])
def test_the_node_dies_between_commands(how, against):
    def noop(peer, words):
        peer.send(b"+OK\r\n")
        getattr(peer, how)()
        raise ConnectionError

    proxy, _ = against({"NOOP": noop})
    with logged_in(proxy) as session:
        session.ok("NOOP")
        try:
            session.send(b"STAT\r\n")
        except ConnectionError:
            pass
        rest = cut_off(session)
        assert not rest or rest.startswith(TEMPORARY), rest
    assert proxy.session(0)["reason"] in ("node_eof", "node_reset")


CUTS = {"status": 3, "first byte": 23, "middle": 30_000, "before the dot": -3, "dot": -2,
        "dot and CR": -1}


@pytest.mark.parametrize("how", ["drop", "reset"])
@pytest.mark.parametrize("cut", CUTS)
def test_death_in_a_download_gives_no_false_end(cut, how, against):
    whole = b"+OK message follows\r\n" + stuffed(BIG) + b".\r\n"

    def retr(peer, words):
        peer.send(whole[:CUTS[cut]])
        getattr(peer, how)()
        raise ConnectionError

    proxy, _ = against({"RETR": retr}, messages=[BIG])
    with logged_in(proxy) as session:
        session.send(b"RETR 1\r\n")
        got = cut_off(session)
    assert b"\r\n.\r\n" not in got
    assert cut == "status" or whole.startswith(got), "not a byte is invented"
    assert proxy.session(0)["reason"] in ("node_eof", "node_reset")


@pytest.mark.parametrize("how", ["drop", "reset"])
def test_death_after_quit_gives_no_false_ok(how, against):
    proxy, _ = against({"QUIT": lambda peer, words: getattr(peer, how)()})
    with logged_in(proxy) as session:
        session.ok("DELE 1")
        session.send(b"QUIT\r\n")
        assert b"+OK" not in cut_off(session)
    assert proxy.session(0)["reason"] in ("node_eof", "node_reset")


def test_the_nodes_refusal_of_quit_reaches_the_client(against):
    answer = b"-ERR some deleted messages were not removed\r\n"
    proxy, _ = against({"QUIT": answer})
    with logged_in(proxy) as session:
        session.ok("DELE 1")
        assert session.command("QUIT") == answer
        assert session.at_end()


def endless(start: bytes, unit: bytes):
    def answer(peer, words):
        peer.send(start)
        while True:
            peer.send(unit)
    return answer


@pytest.mark.parametrize("unit", [b"v" * 70 + b"\r\n", b"no line end ", b".\r", b"..\r\n"],
                         ids=lambda unit: repr(unit[:8]))
def test_a_message_without_an_end(unit, against):
    """10 GB were announced by nobody: relayed as long as the client wants it, and never kept."""
    proxy, _ = against({"RETR": endless(b"+OK\r\n", unit * (200_000 // len(unit)))})
    with logged_in(proxy) as session:
        before, received = proxy.memory(), 0
        session.send(b"RETR 1\r\n")
        while received < 256 << 20:
            received += len(session.socket.recv(1 << 20))
        assert proxy.memory() - before < 16 << 20
    assert proxy.session(0)["reason"] in ("client_eof", "client_reset")


def test_a_status_line_without_an_end(against):
    proxy, _ = against({"STAT": endless(b"+OK ", b"1" * 100_000)})
    with logged_in(proxy) as session:
        before = proxy.memory()
        session.send(b"STAT\r\n")
        cut_off(session)
        assert proxy.memory() - before < 16 << 20
    assert proxy.session(0)["reason"] == "node_protocol"


def test_refusals_are_single_lines_whatever_was_asked(against):
    refusals = {name: b"-ERR not now\r\n" for name in ("RETR", "TOP", "LIST", "UIDL", "STAT", "DELE")}
    proxy, _ = against(refusals)
    with logged_in(proxy) as session:
        for command in ("RETR 1", "TOP 1 1", "LIST", "UIDL", "STAT", "DELE 1", "LIST 1"):
            assert session.command(command) == b"-ERR not now\r\n"
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


def test_a_node_that_sends_byte_by_byte(against):
    message = b"Subject: slow\r\n\r\n.dot\r\n..\r\n.\r\n\r.\r\nend\r\n"

    def retr(peer, words):
        for byte in b"+OK\r\n" + stuffed(message) + b".\r\n":
            peer.send(bytes([byte]))

    proxy, _ = against({"RETR": retr}, messages=[message])
    with logged_in(proxy) as session:
        for _ in range(5):
            assert session.retrieve(1) == message
        session.ok("QUIT")


def test_line_feeds_do_not_end_a_message(against):
    """LF . LF inside a message is text: a proxy that ends there lets a mail speak for the node."""
    text = b"+OK\r\na\n.\n+OK faked\n\r\n.\n.\r.\r\nb\r\n.\r\n"
    proxy, _ = against({"RETR": text})
    with logged_in(proxy) as session:
        assert session.command("RETR 1") == text[:-3]
        assert re.match(rb"\+OK 1 ", session.command("STAT"))
        session.ok("QUIT")
