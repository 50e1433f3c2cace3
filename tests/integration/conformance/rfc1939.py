"""RFC 1939, POP3 itself."""

import re

from conformance.stand import NAMES, bodies_of, lines_of, own_line
from conformance.table import RFCS, Section
from waiting import until
from wire import fetch_all

rfc = Section(RFCS, "1939")


@rfc.check("3", "keywords in any case")
def keywords_in_any_case(stand):
    with stand.connect() as session:
        session.ok(f"uSeR {stand.reader}")
        session.ok("pass secret")
        assert session.command("stat") == session.command("STAT") == session.command("sTaT")
        session.ok("quit")


@rfc.check("3", "before login, Poplar's lines start with +OK or -ERR and have at most 512 octets")
def own_lines_are_well_formed(stand):
    commands = ("NOOP", "XYZZY", "STAT", "USER", "PASS x", "APOP", "TOP", "RETR 1", "", " ", "LIST", "DELE 1",
                "AUTH X", "STLS", f"USER {stand.reader}", "PASS")
    # At most two on a connection: the third that makes no sense is the last.
    for pair in zip(commands[::2], commands[1::2]):
        with stand.connect() as session:
            own_line(session.greeting)
            for command in (*pair, "QUIT"):
                own_line(session.command(command))
            assert session.at_end()


@rfc.check("3", "an unknown command is answered -ERR, and the session goes on")
def unknown_command(stand):
    with stand.connect() as session:
        assert session.command("XYZZY").startswith(b"-ERR")
        session.log_in(stand.reader)
        assert session.command("XYZZY").startswith(b"-ERR")
        session.ok("STAT")
        session.ok("QUIT")


@rfc.check("3", "a command of the other state is answered -ERR, and the session goes on")
def command_of_the_wrong_state(stand):
    for pair in (("STAT", "LIST"), ("RETR 1", "DELE 1"), ("UIDL", "TOP 1 0"), ("RSET", "LAST")):
        with stand.connect() as session:
            for command in pair:
                assert session.command(command).startswith(b"-ERR"), command
            session.log_in(stand.reader).ok("QUIT")
    with stand.log_in() as session:
        for command in (f"USER {stand.reader}", "PASS secret", "STLS", "AUTH PLAIN"):
            assert session.command(command).startswith(b"-ERR"), command
        assert session.count() == len(NAMES)
        session.ok("QUIT")


@rfc.check("3", "multi-line answers end with CRLF . CRLF and keep their stuffed dots")
def messages_come_bit_for_bit(stand):
    with stand.log_in() as session:
        assert fetch_all(session) == stand.truth
        session.ok("QUIT")


rfc.elsewhere("3", "the idle timer is at least 10 minutes, and each command restarts it",
              "test_timeouts.py::test_client_idle", "test_timeouts.py::test_commands_keep_a_client_from_being_idle")
rfc.elsewhere("3", "a server's shorter timer is not the client's: Poplar keeps the node awake",
              "test_timeouts.py::test_a_node_with_less_patience_than_the_client_is_kept_awake",
              "test_timeouts.py::test_an_idle_client_does_not_time_the_node_out")


@rfc.check("4", "one line of greeting, then the AUTHORIZATION state")
def one_line_of_greeting(stand):
    with stand.connect() as session:
        assert session.greeting.startswith(b"+OK") and not session.buffer
        session.ok("QUIT")


@rfc.check("4", "QUIT before login is answered +OK, and the connection closes")
def quit_before_login(stand):
    with stand.connect() as session:
        session.ok(f"USER {stand.reader}")
        session.ok("QUIT")
        assert session.at_end() and not session.buffer


@rfc.check("4", "after a refused password the client is where it was, and may try again",
           without={"courier": "makes each wrong password wait 5 s; `test_other_servers.py` waits once"})
def refused_password(stand):
    with stand.connect() as session:
        session.ok(f"USER {stand.reader}")
        answer = session.command("PASS wrong")
        assert answer.startswith(b"-ERR") and b"[SYS/" not in answer
        assert session.command("STAT").startswith(b"-ERR")
        session.log_in(stand.reader)
        assert session.count() == len(NAMES)
        session.ok("QUIT")


@rfc.check("4", "PASS only directly behind a USER that was taken")
def pass_needs_user(stand):
    with stand.connect() as session:
        assert session.command("PASS secret").startswith(b"-ERR")
        assert session.command("STAT").startswith(b"-ERR")
        session.log_in(stand.reader).ok("QUIT")


@rfc.check("5", "STAT, LIST and LIST n as the server says it")
def sizes_are_the_servers(stand):
    commands = ["STAT", "LIST", "LIST 1", "LIST 4", "LIST 5", "LIST 0", "LIST 99999999999"]
    direct, through = stand.both(stand.reader, commands)
    assert through == direct
    assert re.match(rb"\+OK 4 \d+", through[0]) and len(lines_of(through[1])) == 4
    assert all(answer.startswith(b"-ERR") for answer in through[4:])


@rfc.check("5", "a command for a message that isn't there is the server's -ERR, in one line")
def no_such_message(stand):
    commands = ["RETR 99", "DELE 99", "TOP 99 0", "UIDL 99", "LIST 99", "RETR", "RETR x", "RETR 1 1 1"]
    direct, through = stand.both(stand.reader, commands)
    assert through == direct and all(answer.startswith(b"-ERR") for answer in through[:5])


@rfc.check("5", "DELE marks: the message leaves the listings, the others keep their numbers")
def deletes_mark(stand):
    with stand.log_in(stand.fresh()) as session:
        third = session.command("LIST 3")
        session.ok("DELE 2")
        assert session.count() == 3
        assert [line.split(b" ")[0] for line in lines_of(session.ok("LIST"))] == [b"1", b"3", b"4"]
        assert [line.split(b" ")[0] for line in lines_of(session.ok("UIDL"))] == [b"1", b"3", b"4"]
        assert session.command("LIST 3") == third
        for command in ("RETR 2", "TOP 2 0", "LIST 2", "UIDL 2"):
            assert session.command(command).startswith(b"-ERR"), command
        session.ok("RSET")
        session.ok("QUIT")


@rfc.check("5", "RSET takes the marks back")
def reset_unmarks(stand):
    user = stand.fresh()
    with stand.log_in(user) as session:
        session.ok("DELE 1")
        session.ok("DELE 4")
        session.ok("RSET")
        assert session.count() == 4
        session.ok("DELE 3")
        session.ok("QUIT")
    assert stand.left(user) == bodies_of(NAMES[0], NAMES[1], NAMES[3])


@rfc.check("5", "NOOP, any number of times")
def noop(stand):
    with stand.log_in() as session:
        for _ in range(5):
            session.ok("NOOP")
        session.ok("QUIT")


@rfc.check("5", "numbers are fixed for the session: mail that comes meanwhile stays hidden until the next",
           without={"popa3d": "nobody may write to the mbox meanwhile",
                    "mailutils": "nobody may write to the mbox meanwhile"})
def new_mail_waits(stand):
    import corpus
    user = stand.fresh(NAMES[:2])
    with stand.log_in(user) as session:
        before = session.command("LIST")
        stand.server.deliver(user, {"empty-body": corpus.plain()["empty-body"]})
        assert session.command("LIST") == before
        session.ok("QUIT")
    with stand.log_in(user) as session:
        assert session.count() == 3
        session.ok("QUIT")


@rfc.check("6", "QUIT removes exactly what is marked, and the mailbox is free for the next login")
def quit_commits(stand):
    user = stand.fresh()
    with stand.log_in(user) as session:
        session.ok("DELE 1")
        session.ok("DELE 3")
        assert session.command("QUIT").startswith(b"+OK")
        assert session.at_end()
    with stand.log_in(user) as session:
        assert session.count() == 2
        session.ok("QUIT")
    assert stand.left(user) == bodies_of(NAMES[1], NAMES[3])


def _after_an_end(stand, end):
    """A session with a mark that ends so removes nothing."""
    user = stand.fresh(NAMES[:2])
    session = stand.log_in(user)
    session.ok("DELE 1")
    end(session)

    def free():
        with stand.connect(user) as again:
            again.ok(f"USER {user}")
            if not again.command("PASS secret").startswith(b"+OK"):
                return False
            assert again.count() == 2
            again.ok("QUIT")
            return True

    # Servers that lock notice the end when they next look.
    until(free, "the mailbox to be free again")


@rfc.check("6", "a session that ends without QUIT removes nothing: the client closes")
def close_removes_nothing(stand):
    _after_an_end(stand, lambda session: session.close())


@rfc.check("6", "a session that ends without QUIT removes nothing: the connection breaks")
def break_removes_nothing(stand):
    _after_an_end(stand, lambda session: session.reset())


@rfc.check("6", "half a QUIT is none")
def half_a_quit(stand):
    def end(session):
        session.send(b"QUIT")
        session.close()
    _after_an_end(stand, end)


rfc.elsewhere("3, 6", "the end of a client that was idle for too long commits nothing, and Poplar says QUIT for nobody",
              "unit/proxy/session/session_end_test.cc::SessionEndTest.IdleClientIsLeftWithoutAWordAndWithoutUpdate",
              "test_bad_clients.py::test_gone_at_every_state")
rfc.elsewhere("6", "a QUIT whose answer is lost is not answered +OK",
              "test_bad_nodes.py::test_death_after_quit_gives_no_false_ok",
              "test_resume.py::test_a_quit_with_deletes_is_settled_elsewhere")
rfc.elsewhere("6", "the server's -ERR to QUIT reaches the client",
              "test_bad_nodes.py::test_the_nodes_refusal_of_quit_reaches_the_client")


@rfc.check("7 TOP", "TOP n lines, byte for byte the server's")
def top_is_the_servers(stand):
    commands = ["TOP 1 0", "TOP 1 1", "TOP 2 3", "TOP 4 100", "TOP 3 99999999", "TOP 1", "TOP 1 x", "TOP"]
    direct, through = stand.both(stand.reader, commands)
    assert through == direct and all(answer.startswith(b"+OK") for answer in through[:5])


@rfc.check("7 UIDL", "UIDs have 1 to 70 octets of 0x21 to 0x7E, differ, and are the same in each session")
def uids_last(stand):
    direct, through = stand.both(stand.reader, ["UIDL", "UIDL 2", "UIDL 99"])
    assert through == direct
    uids = [line.split(b" ")[1] for line in lines_of(through[0])]
    assert len(set(uids)) == 4 and all(re.fullmatch(rb"[\x21-\x7e]{1,70}", uid) for uid in uids)


@rfc.check("7 APOP", "no time stamp in the greeting; APOP is refused at once, and the client goes on with USER")
def apop_is_refused(stand):
    with stand.connect() as session:
        assert b"<" not in session.greeting
        assert session.command("APOP anybody c4c9334bac560ecc979e58001b3e22fb").startswith(b"-ERR")
        session.log_in(stand.reader).ok("QUIT")


rfc.not_done("7 APOP", "log in by APOP",
             "a proxy that doesn't keep passwords can't choose the node before it knows the user, "
             "whose answer depends on that node's time stamp")

last = Section(RFCS, "1460")


@last.check("LAST", "obsolete: the server's answer, whatever it is")
def last_is_the_servers(stand):
    user = stand.fresh(NAMES[:3])
    with stand.log_in(user) as session:
        first = session.command("LAST")
        session.ok("RETR 2")
        second = session.command("LAST")
        session.ok("RSET")
        session.ok("QUIT")
    if stand.name in ("dovecot-locked", "popa3d"):
        assert first.split()[:2] == [b"+OK", b"0"] and second.split()[:2] == [b"+OK", b"2"], (first, second)
    else:
        assert first.startswith(b"-ERR") and second.startswith(b"-ERR")


@last.check("LAST", "a session without RSET keeps the marks that LAST counts: Poplar says RSET for nobody",
            without={name: "knows no LAST" for name in ("dovecot", "courier", "cyrus", "mailutils")}
            | {"popa3d": "keeps no marks from one session to the next"})
def nobody_resets(stand):
    user = stand.fresh(NAMES[:3])
    for _ in range(2):
        with stand.log_in(user) as session:
            session.ok("RETR 2")
            session.ok("QUIT")
    with stand.direct(user) as session:
        assert session.command("LAST").split()[:2] == [b"+OK", b"2"]
        session.ok("QUIT")
