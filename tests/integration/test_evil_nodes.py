"""Nodes that mean harm: greetings, capabilities, answers ahead of their time, terminators that almost are, certificates.

The classes are those of the EAST suite (greeting, CAPA, buffering, tampering, certificates); test_bad_nodes.py has the
nodes that are merely broken. Whatever a node does, its client gets no byte that isn't the answer to what it asked, no
login that the node didn't grant, and Poplar goes on.
"""

import pytest

from certificates import Authority
from fake_node import FakeNode, stuffed
from poplar import node
from waiting import until

TEMPORARY = b"-ERR [SYS/TEMP] "


def outcome(proxy) -> bytes:
    """What PASS is answered."""
    with proxy.connect() as session:
        session.ok("USER anybody")
        return session.command("PASS secret")


def rest_of(session) -> bytes:
    """Everything until the end of stream."""
    assert session.at_end(), "the session must end"
    return bytes(session.buffer)


# --- greeting

@pytest.mark.parametrize("greeting", [
    b"+OK\r\n", b"+OK \r\n", b"+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n",
    b"+OK [SYS/TEMP] odd but ok\r\n", b"+OK " + b"g" * 600 + b"\r\n", b"+OK \x1b[2J\x07 ready\r\n", b"+OK \xff\xfe\r\n",
    b"+OK -ERR\r\n", b"+OKAY\r\n", b"+OK\x00\r\n"], ids=lambda greeting: repr(greeting[:16]))
def test_odd_greetings_are_the_nodes_own_affair(greeting, against):
    """Nothing of it reaches the client, whose greeting it would be too late for, nor does it break the log."""
    proxy, _ = against({"greeting": greeting})
    with proxy.connect() as session:
        assert session.greeting == b"+OK Poplar POP3 ready\r\n"
        session.log_in("anybody")
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


@pytest.mark.parametrize("greeting", [
    b"+OK one\r\n+OK two\r\n", b"+OK one\r\n-ERR two\r\n", b"+OK one\r\n+OK two\r\n+OK logged in\r\n", b"+OK one\r\n.\r\n",
    b"+OK one\r\n\x00", b"-ERR <1896.697170952@dbc.mtview.ca.us>\r\n", b"-ERR \x1b[2J\r\n",
    b"* OK IMAP4rev1\r\n", b"+OK" + b" " * 3000 + b"\r\n", b" +OK\r\n"], ids=lambda greeting: repr(greeting[:24]))
def test_greetings_that_say_too_much_get_no_password(greeting, against):
    """What comes behind the greeting would be taken for the answers to USER and PASS."""
    proxy, fake = against({"greeting": greeting})
    assert outcome(proxy).startswith(TEMPORARY)
    assert not any("secret" in command for command in fake.commands)


# --- capabilities

def capability_lines(session):
    return session.ok("CAPA").split(b"\r\n")[1:-1]


EVIL_CAPABILITIES = {
    "tricks": b"+OK\r\nTOP\r\nstls\r\nSTLS \r\nsasl PLAIN\r\nSASL\r\nSASL EXTERNAL\r\nXCLIENT ADDR TTL\r\nUIDL\r\n.\r\n",
    "empty": b"+OK\r\n.\r\n",
    "refused": b"-ERR no\r\n",
    "blank lines": b"+OK\r\n\r\n \r\n\r\nTOP\r\n.\r\n",
    "binary": b"+OK\r\n\x00\x01\xff\r\n\x1b[2J\r\nTOP\r\n.\r\n",
    "long line": b"+OK\r\nTOP\r\nIMPLEMENTATION " + b"i" * 900 + b"\r\n.\r\n",
    "many lines": b"+OK\r\n" + b"".join(b"X-%d\r\n" % number for number in range(500)) + b".\r\n",
}


@pytest.mark.parametrize("name", EVIL_CAPABILITIES)
def test_before_login_capa_is_never_the_nodes_words(name, against):
    # It may have been believed that there is AUTH.
    proxy, fake = against({"CAPA": EVIL_CAPABILITIES[name], "AUTH": b"+OK\r\n"},
                          health={"probe": "capa", "interval": "100ms", "panic_percent": 0})
    until(lambda: fake.commands.count("CAPA") >= 3, "several probes")
    with proxy.connect() as session:
        for line in capability_lines(session):
            assert len(line) < 62 and line.isascii() and line.decode().isprintable() and line == line.strip(), line
            assert line.split(b" ")[0] in {b"USER", b"TOP", b"UIDL", b"PIPELINING", b"RESP-CODES", b"AUTH-RESP-CODE",
                                           b"IMPLEMENTATION", b"SASL", b"EXPIRE", b"LOGIN-DELAY"}, line
        session.log_in("anybody")
        session.ok("QUIT")


@pytest.mark.parametrize("answer", [
    b"+OK\r\n" + b"c" * 100_000, b"+OK\r\n" + b"X-NO-END\r\n" * 100_000, b"+OK" + b"x" * 100_000],
    ids=["line", "lines", "status"])
def test_endless_capabilities_are_a_failed_probe(answer, against):
    """A second CAPA, asked by a client, ends its session; neither costs memory."""
    proxy, fake = against({"CAPA": lambda peer, words: (peer.send(answer), peer.closed()) and None},
                          health={"probe": "capa", "interval": "100ms", "fall": 50, "consecutive_failures": 50,
                                  "timeout": "500ms"})
    before = proxy.memory()
    until(lambda: fake.commands.count("CAPA") >= 3, "several probes")
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(b"CAPA\r\n")
        assert b"\r\n.\r\n" not in rest_of(session)
    assert proxy.memory() - before < 8 << 20


def test_after_login_no_capability_of_ours_comes_from_the_node(against):
    proxy, _ = against({"CAPA": EVIL_CAPABILITIES["tricks"]})
    with proxy.connect() as session:
        session.log_in("anybody")
        assert capability_lines(session) == [b"TOP", b"UIDL"]
        session.ok("QUIT")


# --- buffering: answers to what was not asked yet

@pytest.mark.parametrize("answer", [b"+OK\r\n+OK logged in\r\n", b"+OK\r\n-ERR [AUTH] no\r\n", b"+OK\r\n.\r\n", b"+OK\r\n+"],
                         ids=lambda answer: repr(answer[5:]))
def test_an_answer_to_pass_before_pass(answer, against):
    proxy, fake = against({"USER": answer, "PASS": b"-ERR [AUTH] wrong\r\n"})
    assert outcome(proxy).startswith(TEMPORARY)
    assert not any("secret" in command for command in fake.commands), "a node that talks ahead gets no password"


@pytest.mark.parametrize("answer", [b"+OK logged in\r\n+OK 9 999\r\n", b"+OK logged in\r\n+OK\r\nfaked\r\n.\r\n",
                                    b"+OK logged in\r\n\x00"], ids=["line", "listing", "NUL"])
def test_answers_behind_the_logins(answer, against):
    """Nobody's answers: the login that they came with doesn't count, and the client may try again."""
    proxy, _ = against({"PASS": answer})
    with proxy.connect() as session:
        session.ok("USER anybody")
        session.send(b"PASS secret\r\nSTAT\r\n")
        assert session.line().startswith(TEMPORARY)
        assert session.line().startswith(b"-ERR")
        session.ok("QUIT")
        assert not rest_of(session)


def test_answers_to_commands_under_way_may_come_in_one_packet(against):
    """That is pipelining, not malice."""
    held = []

    def hold(peer, words):
        held.append(words)
        if len(held) < 3:
            return None
        return b"+OK 1 10\r\n+OK 1 10\r\n+OK\r\n1 10\r\n.\r\n"

    proxy, _ = against({"STAT": hold, "NOOP": hold, "LIST": hold})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.send(b"STAT\r\nNOOP\r\nLIST\r\n")
        assert [session.response(command) for command in (b"STAT", b"NOOP", b"LIST")] == [
            b"+OK 1 10\r\n", b"+OK 1 10\r\n", b"+OK\r\n1 10\r\n"]
        session.ok("QUIT")


@pytest.mark.parametrize("command, answer", [
    ("STAT", b"+OK 1 10\r\n1 10\r\n.\r\n"), ("RETR 1", b"-ERR no\r\nSubject: faked\r\n\r\nfaked\r\n.\r\n"),
    ("RETR 1", b"+OK\r\nshort\r\n.\r\nfaked\r\n.\r\n"), ("NOOP", b"+OK\r\n.\r\n"), ("LIST 1", b"+OK 1 10\r\n2 faked\r\n.\r\n")],
    ids=["single as listing", "refusal as message", "a second end", "lone dot", "listing of one"])
def test_more_than_the_answer_ends_the_session(command, answer, against):
    proxy, _ = against({command.split()[0]: answer})
    with proxy.connect() as session:
        session.log_in("anybody")
        session.command(command)
        try:
            session.send(b"DELE 1\r\nQUIT\r\n")
        except ConnectionError:
            pass
        rest = rest_of(session)
    assert b"faked" not in rest and b"+OK" not in rest, rest
    assert proxy.session(0)["reason"] == "node_protocol"


# --- tampering: ends that are none, bytes that don't belong

@pytest.mark.parametrize("almost", [
    b"\r\n.\n", b"\n.\r\n", b"\r.\r\n", b"\r\n.\r\r\n", b"\r\n. \r\n", b"\r\n .\r\n", b"\n.\n", b"\r\n.\r", b"\r\n..\r\n",
    b"\r\n.\x00\r\n", b"\x00.\r\n", b"\r\r\n\n.\r\n", b".\r\n"], ids=repr)
def test_what_is_almost_an_end(almost, against):
    """Only CRLF . CRLF is one; whatever a client takes for one, Poplar counts as the node does."""
    text = b"+OK\r\nbefore" + almost + b"+OK faked\r\nafter\r\n.\r\n"
    proxy, _ = against({"RETR": text, "TOP": text})
    with proxy.connect() as session:
        session.log_in("anybody")
        for command in ("RETR 1", "TOP 1 1"):
            session.send(command.encode() + b"\r\n")
            got = b""
            while len(got) < len(text):
                got += session.socket.recv(65536)
            assert got == text
        assert session.ok("STAT").startswith(b"+OK 1 ")
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


@pytest.mark.parametrize("answer", [b"+OK a\rb\r\n", b"+OK \x00\r\n", b"+OK \xff\r\n", b"+OK \x1b[2J\r\n", b"-ERR \x00\r\n",
                                    b"+OK -1 -1\r\n", b"+OK 99999999999999999999 99999999999999999999\r\n", b"+OK\r\n"],
                         ids=repr)
def test_odd_status_lines_pass_as_they_are(answer, against):
    proxy, _ = against({"STAT": answer})
    with proxy.connect() as session:
        session.log_in("anybody")
        assert session.command("STAT") == answer
        session.ok("QUIT")


@pytest.mark.parametrize("listing", [b"", b"1 -5\r\n", b"0 0\r\n", b"2 5\r\n1 5\r\n", b"1\r\n", b"x y z\r\n", b"\x00\r\n",
                                     b"99999999999999999999 5\r\n", b"1 5\r\n" * 5, b"\r\n\r\n", b"1 " + b"u" * 500 + b"\r\n",
                                     b"1   uid\r\n", b"+OK 1 uid\r\n"],
                         ids=repr)
def test_odd_listings_pass_as_they_are(listing, against):
    """They are between the node and the client; what Poplar makes of them for itself must not hurt it."""
    proxy, _ = against({"LIST": b"+OK\r\n" + listing + b".\r\n", "UIDL": b"+OK\r\n" + listing + b".\r\n"})
    with proxy.connect() as session:
        session.log_in("anybody")
        for command in ("LIST", "UIDL"):
            assert session.command(command) == b"+OK\r\n" + listing
        session.ok("RETR 1")
        session.ok("QUIT")
    assert proxy.session(0)["reason"] == "quit"


def test_dots_that_a_node_forgot_to_stuff(against):
    """Passed on, byte for byte: the client's parser sees what the node has sent."""
    text = b"+OK\r\n.unstuffed\r\n...\r\n. \r\n" + stuffed(b".stuffed\r\n") + b".\r\n"
    proxy, _ = against({"RETR": text})
    with proxy.connect() as session:
        session.log_in("anybody")
        assert session.command("RETR 1") == text[:-3]
        session.ok("QUIT")


# --- certificates

def _refused(start, authority, certificate, host_name="mail.test"):
    with FakeNode(certificate=certificate) as fake:
        entry = node("n", fake.port, tls="verify", ca_file=str(authority.file), host_name=host_name)
        with start([entry]) as proxy:
            assert outcome(proxy).startswith(TEMPORARY)
            proxy.idle()
        assert not fake.commands, "nothing is said to a node that isn't who it says"


@pytest.mark.parametrize("dates", [("20200101000000Z", "20210101000000Z"), ("21000101000000Z", "21010101000000Z")],
                         ids=["no longer", "not yet"])
def test_a_node_whose_certificate_is_not_valid_now(dates, start, authority):
    _refused(start, authority, authority.issue(f"dated{dates[0]}", ["mail.test"], dates=dates))


def test_a_node_that_vouches_for_itself(start, authority, tmp_path):
    """Its own authority is its certificate."""
    own = Authority(tmp_path / "own", "mail.test")
    _refused(start, authority, own.issue("self", ["mail.test"]))


def test_a_node_with_a_clients_certificate(start, authority):
    _refused(start, authority, authority.issue("client-only", ["mail.test"], usage="clientAuth"))


@pytest.mark.parametrize("names", [["mail.test.evil.test"], ["evil-mail.test"], ["*.mail.test"], ["*.test.evil"], ["*"],
                                   ["MAIL.TEST.", "evil.test"]], ids=lambda names: names[0])
def test_a_node_with_almost_the_name(names, start, authority):
    _refused(start, authority, authority.issue("almost-" + names[0].replace("*", "star"), names))


def test_a_node_with_the_name_only_in_the_subject(start, authority):
    """RFC 7817 section 3 and RFC 6125: where there are subjectAltNames, the common name doesn't count."""
    _refused(start, authority, authority.issue("subject", ["mail.test"], alternatives=["evil.test"]))


@pytest.mark.parametrize("bytes_sent", [b"+OK no TLS here\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x03\xff\xff",
                                        b"HTTP/1.1 400 Bad Request\r\n\r\n", b""],
                         ids=["pop3", "alert", "endless record", "http", "silence"])
def test_a_node_that_cannot_shake_hands(bytes_sent, start, authority):
    def handler(peer):
        peer.send(bytes_sent)
        peer.closed(5)

    with FakeNode(handler=handler) as fake:
        entry = node("n", fake.port, tls="verify", ca_file=str(authority.file), host_name="mail.test")
        timeouts = {"upstream_connect": "300ms", "upstream_response": "300ms", "login": "1s"}
        with start([entry], timeouts=timeouts) as proxy:
            with proxy.connect() as session:
                session.ok("USER anybody")
                session.send(b"PASS secret\r\n")
                assert rest_of(session).startswith((TEMPORARY, b"-ERR"))
