"""RFC 2449, capabilities, and what they promise."""

import re

from conformance.stand import NAMES, capabilities, lines_of, own_line
from conformance.table import RFCS, Section

rfc = Section(RFCS, "2449")

# Of the AUTHORIZATION state, thus not the node's to keep.
_OURS = {b"USER", b"SASL", b"STLS", b"IMPLEMENTATION", b"CAPA"}


@rfc.check("5", "CAPA before login: lines of printable words, short ones (fetchmail has 64 bytes for each)")
def capabilities_before_login(stand):
    with stand.connect() as session:
        lines = lines_of(session.ok("CAPA"))
        assert lines and all(re.fullmatch(rb"[!-~]+( [!-~]+)*", line) and len(line) < 62 for line in lines), lines
        assert b"USER" in {line.split(b" ")[0] for line in lines}
        assert lines_of(session.ok("CAPA")) == lines
        session.ok("QUIT")


@rfc.check("5", "what CAPA promises before login the node keeps after it",
           without={"popa3d": "knows no CAPA"})
def promises_are_the_nodes(stand):
    with stand.connect() as session:
        before = capabilities(session) - _OURS
        session.log_in(stand.reader)
        after = capabilities(session)
        session.ok("QUIT")
    with stand.direct(stand.reader) as session:
        node = capabilities(session)
        session.ok("QUIT")
    assert before <= after and after | _OURS >= node, (before, after, node)
    assert b"STLS" not in after and b"SASL" not in after, "they are Poplar's, and of the other state"


@rfc.check("5", "CAPA after login is the node's, without STLS and SASL",
           without={"popa3d": "knows no CAPA: the row below"})
def capabilities_after_login(stand):
    with stand.direct(stand.reader) as session:
        wanted = [line for line in lines_of(session.ok("CAPA")) if line.split(b" ")[0] not in (b"SASL", b"STLS")]
        session.ok("QUIT")
    with stand.log_in() as session:
        assert lines_of(session.ok("CAPA")) == wanted
        session.ok("QUIT")


@rfc.check("5", "a node without CAPA: its -ERR after login; before it, TOP and UIDL are promised, no more",
           without={name: "knows CAPA" for name in ("dovecot", "dovecot-locked", "courier", "cyrus", "mailutils")})
def node_without_capabilities(stand):
    with stand.connect() as session:
        before = capabilities(session)
        session.log_in(stand.reader)
        assert session.command("CAPA").startswith(b"-ERR")
        session.ok("QUIT")
    assert before - _OURS == {b"TOP", b"UIDL"}


rfc.elsewhere("5", "before login, what nodes say of themselves (EXPIRE, LOGIN-DELAY) stands in their words; IMPLEMENTATION is ours",
              "unit/proxy/pop3/capabilities_test.cc::RenderBeforeLoginTest.SaysWhatNodesSayOfThemselves",
              "unit/proxy/pop3/capabilities_test.cc::RenderBeforeLoginTest.TheOperatorHasTheLastWord")
rfc.elsewhere("5", "before login, nothing is promised that one of the nodes hasn't got",
              "unit/proxy/upstream/offered_capabilities_test.cc::OfferedCapabilitiesTest.OnlyWhatAllNodesCanDo",
              "unit/proxy/pop3/capabilities_test.cc::RenderBeforeLoginTest.PromisesOnlyWhatTheNodesHave")


@rfc.check("4", "a command line of 255 octets is taken")
def long_command_lines(stand):
    with stand.connect() as session:
        assert session.command("USER " + "u" * 248).startswith(b"+OK")
        session.ok(f"USER {stand.reader}")
        session.ok("PASS secret")
        answer = session.command("LIST " + "0" * 247 + "1")
        assert answer.startswith((b"+OK 1 ", b"-ERR"))
        assert session.count() == len(NAMES)
        session.ok("QUIT")


rfc.elsewhere("4", "longer lines are refused, and cost a bounded amount",
              "test_bad_clients.py::test_a_line_of_a_megabyte",
              "test_bad_clients.py::test_a_line_without_an_end")


@rfc.check("6.6 PIPELINING", "commands in one packet, PASS among them, are done and answered in order")
def pipelined_commands(stand):
    commands = [f"USER {stand.reader}", "PASS secret", "STAT", "LIST", "RETR 2", "UIDL 1", "NOOP", "TOP 1 0",
                "RETR 99", "LIST 4", "QUIT"]
    with stand.connect() as session:
        session.send("".join(f"{command}\r\n" for command in commands).encode())
        answers = [session.response(command.encode()) for command in commands]
        assert session.at_end() and not session.buffer
    with stand.direct(stand.reader) as session:
        for command, answer in zip(commands[2:], answers[2:]):
            assert session.command(command) == answer, command


@rfc.check("6.6 PIPELINING", "a hundred commands under way at once")
def a_hundred_under_way(stand):
    with stand.log_in() as session:
        session.send(b"".join(b"LIST %d\r\n" % (1 + index % 4) for index in range(100)) + b"QUIT\r\n")
        for index in range(100):
            assert session.line().startswith(b"+OK %d " % (1 + index % 4)), index
        assert session.line().startswith(b"+OK")


@rfc.check("6.6 PIPELINING", "what follows QUIT is not done")
def nothing_behind_quit(stand):
    user = stand.fresh(NAMES[:2])
    with stand.log_in(user) as session:
        session.send(b"QUIT\r\nDELE 1\r\nQUIT\r\n")
        assert session.line().startswith(b"+OK")
        assert session.at_end() and not session.buffer
    assert len(stand.left(user)) == 2


rfc.elsewhere("6.6 PIPELINING", "what follows a PASS that fails is not done in anybody's mailbox",
              "test_pipelining.py::test_commands_behind_a_failed_pass_do_not_reach_the_node")
rfc.elsewhere("6.6 PIPELINING", "no input is lost, however it is cut", "test_pipelining.py::test_every_cut_in_two",
              "test_pipelining.py::test_one_byte_a_record")
rfc.elsewhere("8", "text of Poplar's own begins with `[` only where that is a response code",
              "unit/proxy/pop3/reply_test.cc::OwnRepliesTest.AreOneShortHonestLineEach", "own_lines_are_well_formed")
rfc.elsewhere("8 RESP-CODES", "[IN-USE], [LOGIN-DELAY] and whatever a node says at login pass unchanged",
              "test_bad_nodes.py::test_the_nodes_own_refusal_passes_unchanged")


rfc.not_done("8.1.2 IN-USE", "a locked mailbox at real servers",
             "of these, only Dovecot locks for a whole session, and it waits "
             "for the lock for minutes before it says so; a scripted node says it at once (row above)")
rfc.elsewhere("8.1.1 LOGIN-DELAY", "enforced by nodes; their refusal passes",
              "test_bad_nodes.py::test_the_nodes_own_refusal_passes_unchanged")

auth = Section(RFCS, "3206")


@auth.check("3", "USER tells nobody whether the user exists")
def users_are_not_told(stand):
    with stand.connect() as session:
        known, unknown = session.command(f"USER {stand.reader}"), session.command("USER nobody-of-that-name")
        assert known == unknown and known.startswith(b"+OK")
        own_line(known)
        session.ok("QUIT")


@auth.check("4", "a password that the node refuses is never [SYS/TEMP]: that is no matter of ours",
            without={"courier": "makes each wrong password wait 5 s; `test_other_servers.py` waits once"})
def refusals_are_the_nodes(stand):
    with stand.connect() as session:
        session.ok(f"USER {stand.reader}")
        answer = session.command("PASS wrong")
        session.ok("QUIT")
    assert answer.startswith(b"-ERR") and b"[SYS" not in answer
    if stand.name in ("dovecot", "dovecot-locked", "cyrus", "mailutils"):
        assert answer.startswith(b"-ERR [AUTH]")


auth.elsewhere("3", "nor do the answers to logins, or Poplar's delays: an unknown user and a wrong password are the same",
               "test_enumeration.py::test_a_wrong_password_and_an_unknown_user_are_the_same")
auth.elsewhere("4", "a node that is down, late or confused is [SYS/TEMP], never [AUTH]",
               "test_bad_nodes.py::test_a_greeting_that_is_none",
               "test_bad_nodes.py::test_nobody_listens", "test_bad_nodes.py::test_a_login_without_an_answer")
auth.elsewhere("4", "nor is it anything else when all of a node's connections are in use",
               "test_pool_slots.py::test_whoever_waits_too_long_is_told")
