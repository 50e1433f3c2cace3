"""SASL in POP3: RFC 5034, and the mechanisms that need nothing but a password."""

import base64
import time

from conformance.stand import NAMES, own_line
from conformance.table import RFCS, Section

rfc = Section(RFCS, "5034")


def _finish(session):
    assert session.count() == len(NAMES)
    session.ok("QUIT")


@rfc.check("4 AUTH", "PLAIN with an initial response, on AUTH's own line")
def plain_at_once(stand):
    with stand.connect() as session:
        answer = session.authenticate("PLAIN", b"\0%s\0secret" % stand.reader.encode())
        assert answer.startswith(b"+OK"), answer
        _finish(session)


@rfc.check("4 AUTH", "PLAIN in two steps; the challenge is `+ ` and nothing else; mechanisms in any case")
def plain_in_two_steps(stand):
    with stand.connect() as session:
        session.send(b"auth pLaIn\r\n")
        assert session.line() == b"+ \r\n"
        session.send(base64.b64encode(b"\0%s\0secret" % stand.reader.encode()) + b"\r\n")
        assert session.line().startswith(b"+OK")
        _finish(session)


@rfc.check("4 AUTH", "LOGIN, which no RFC has and many clients choose")
def login_mechanism(stand):
    with stand.connect() as session:
        assert session.authenticate("LOGIN", stand.reader.encode(), b"secret", initial=False).startswith(b"+OK")
        _finish(session)
    with stand.connect() as session:
        assert session.authenticate("LOGIN", stand.reader.encode(), b"secret").startswith(b"+OK")
        _finish(session)


@rfc.check("4 AUTH", "`*` cancels: -ERR, and the client may try again")
def star_cancels(stand):
    with stand.connect() as session:
        for mechanism in ("PLAIN", "LOGIN"):
            session.send(f"AUTH {mechanism}\r\n".encode())
            assert session.line().startswith(b"+ ")
            answer = session.command("*")
            assert answer.startswith(b"-ERR")
            own_line(answer)
        session.log_in(stand.reader)
        _finish(session)


@rfc.check("4 AUTH", "`=` is an empty initial response, which PLAIN can't have")
def empty_initial_response(stand):
    with stand.connect() as session:
        assert session.command("AUTH PLAIN =").startswith(b"-ERR")
        session.log_in(stand.reader)
        _finish(session)


@rfc.check("4 AUTH", "what is no BASE64, or no message of the mechanism, is -ERR and reaches no node")
def garbage_in_sasl(stand):
    def encoded(text: bytes) -> str:
        return base64.b64encode(text).decode()

    # At most two on a connection: each is a login that failed.
    for pair in (("!!!!", "AAA"), (encoded(b"no zeros"), encoded(b"\0only one")),
                 (encoded(b"\0\0secret"), encoded(b"\0anybody\0")), (encoded(b"a\0b\0c\0d"), "====")):
        with stand.connect() as session:
            for word in pair:
                answer = session.command(f"AUTH PLAIN {word}")
                assert answer.startswith(b"-ERR") and b"[SYS" not in answer, word
                own_line(answer)
            session.ok("QUIT")


@rfc.check("4 AUTH", "CR, LF and NUL hidden in BASE64 don't become commands at the node")
def injected_lines(stand):
    for user, password in ((b"%s\r\nPASS secret", b"x"), (b"%s", b"wrong\r\nSTAT"), (b"%s\nDELE 1", b"secret"),
                           (b"%s", b"secret\r\n"), (b"%s\r", b"secret")):
        with stand.connect() as session:
            answer = session.authenticate("PLAIN", b"\0" + user.replace(b"%s",
                                                                        stand.reader.encode()) + b"\0" + password)
            assert answer.startswith(b"-ERR"), answer
            own_line(answer)
            assert session.command("STAT").startswith(b"-ERR")
            session.ok("QUIT")


@rfc.check("4 AUTH", "without an argument, or with a blank for one: the list, as Outlook asks for it")
def auth_alone_lists(stand):
    with stand.connect() as session:
        lists = []
        for command in (b"AUTH\r\n", b"AUTH \r\n"):
            session.send(command)
            status = session.line()
            assert status.startswith(b"+OK")
            lists.append(session.body())
        assert lists[0] == lists[1] and {b"PLAIN", b"LOGIN"} <= set(lists[0].split(b"\r\n"))
        session.log_in(stand.reader)
        _finish(session)


@rfc.check("4 AUTH", "SASL in CAPA names what AUTH takes, and nothing that can't pass a proxy")
def what_is_offered_is_taken(stand):
    with stand.connect() as session:
        answer = session.ok("CAPA")
        offered = [line for line in answer.split(b"\r\n") if line.startswith(b"SASL ")]
        assert len(offered) == 1
        names = set(offered[0].split(b" ")[1:])
        assert {b"PLAIN", b"LOGIN"} <= names
        assert not names & {b"CRAM-MD5", b"DIGEST-MD5", b"NTLM", b"GSSAPI", b"APOP"}
        assert not any(name.endswith(b"-PLUS") for name in names)
        for name in names & {b"PLAIN", b"LOGIN"}:
            session.send(b"AUTH " + name + b"\r\n")
            assert session.line().startswith(b"+ ")
            assert session.command("*").startswith(b"-ERR")
        session.ok("QUIT")


@rfc.check("4 AUTH", "after login, AUTH is -ERR")
def auth_after_login(stand):
    with stand.log_in() as session:
        for command in ("AUTH", "AUTH PLAIN", "AUTH PLAIN AGEAYg=="):
            assert session.command(command).startswith(b"-ERR"), command
        _finish(session)


@rfc.check("4 AUTH", "a refused password, then another mechanism on the same connection",
           without={"courier": "makes each wrong password wait 5 s"})
def the_next_mechanism(stand):
    with stand.connect() as session:
        answer = session.authenticate("PLAIN", b"\0%s\0wrong" % stand.reader.encode())
        assert answer.startswith(b"-ERR") and b"[SYS" not in answer
        assert session.authenticate("LOGIN", stand.reader.encode(), b"secret").startswith(b"+OK")
        _finish(session)


@rfc.check("4 AUTH", "commands behind AUTH in one packet wait for the login")
def pipelined_behind_auth(stand):
    word = base64.b64encode(b"\0%s\0secret" % stand.reader.encode())
    with stand.connect() as session:
        session.send(b"AUTH PLAIN\r\n" + word + b"\r\nSTAT\r\nQUIT\r\n")
        assert session.line() == b"+ \r\n"
        assert session.line().startswith(b"+OK")
        assert session.line().startswith(b"+OK %d " % len(NAMES))
        assert session.line().startswith(b"+OK")


rfc.elsewhere("4 AUTH", "only the command's own line is bounded: messages of 16 KiB are taken",
              "unit/proxy/pop3/authorization_test.cc::AuthorizationTest.TokensMayBeLongCommandsMayNot",
              "test_oauth.py::test_a_token_logs_in")
rfc.not_done("6", "a SASL security layer", "none of the mechanisms that pass has one")

plain = Section(RFCS, "4616")


@plain.check("2", "an authorization identity that is the user's own is the same login")
def own_authorization_identity(stand):
    with stand.connect() as session:
        user = stand.reader.encode()
        assert session.authenticate("PLAIN", user + b"\0" + user + b"\0secret").startswith(b"+OK")
        _finish(session)


challenge = Section(RFCS, "2195, 2831, 4120, NTLM")


@challenge.check("CRAM-MD5 and the like", "not offered; refused at once, and the login goes on")
def challenges_are_refused(stand):
    with stand.connect() as session:
        began = time.monotonic()
        for name in ("CRAM-MD5", "DIGEST-MD5", "NTLM", "GSSAPI", "SCRAM-SHA-256-PLUS"):
            assert session.command(f"AUTH {name}").startswith(b"-ERR"), name
        assert time.monotonic() - began < 1, "servers make refused logins wait for seconds"
        session.log_in(stand.reader)
        _finish(session)


challenge.elsewhere("CRAM-MD5 and the like", "asking for them costs no penalty, and is no bad command",
                    "test_admission.py::test_asking_for_what_nobody_has_costs_nothing",
                    "test_bad_clients.py::test_ways_to_log_in_that_are_not_offered_are_no_bad_commands")
