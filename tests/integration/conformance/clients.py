"""What clients do, from the field: each habit is a row."""

import poplib as python_poplib
from unittest import mock

import corpus
from conformance.stand import NAMES, bodies_of, capabilities, lines_of
from conformance.table import CLIENTS, Section
from waiting import until
from wire import tls_context, unstuff

outlook = Section(CLIENTS, "Outlook")


@outlook.check("polls: STAT, LIST, UIDL, QUIT, several times in a row", "the same answers each time")
def outlook_polls(stand):
    answers = []
    for _ in range(2):
        with stand.log_in() as session:
            answers.append([session.command(command) for command in ("STAT", "LIST", "UIDL")])
            session.ok("QUIT")
    assert answers[0] == answers[1]


outlook.elsewhere("tests an account: logs in, looks, leaves; the real session follows at once",
                  "all served, by one login at the node where that is allowed",
                  "test_pool.py::test_an_account_test_and_what_follows_cost_the_node_one_login")
outlook.elsewhere("breaks when UIDs change", "a user stays at the node that made them",
                  "test_routing.py::test_a_user_stays_on_the_same_real_node",
                  "test_routing.py::test_without_shared_storage_nobody_moves")
outlook.not_done("hangs at NUL bytes, lone CR, missing end of headers",
                 "messages pass unchanged: nodes have options for it "
                 "(Dovecot: pop3_client_workarounds)", "a proxy that rewrites messages breaks more than it mends")

outlook.elsewhere("asks `AUTH`, and `AUTH` with a blank behind it", "a list, as for any AUTH without an argument; no mistake",
                  "auth_alone_lists",
                  "test_bad_clients.py::test_ways_to_log_in_that_are_not_offered_are_no_bad_commands")

thunderbird = Section(CLIENTS, "Thunderbird")
thunderbird.elsewhere("after a refused mechanism tries the next one on the same connection", "it may, three times",
                      "the_next_mechanism", "test_bad_clients.py::test_three_failed_logins")


@thunderbird.check("sends `AUTH` with an argument that nobody knows before CAPA", "-ERR at once, and the login goes on")
def unknown_mechanisms(stand):
    with stand.connect() as session:
        for command in ("AUTH NTLM", "AUTH X-NONE", "AUTH CRAM-MD5", "AUTH GSSAPI"):
            assert session.command(command).startswith(b"-ERR"), command
        session.log_in(stand.reader).ok("QUIT")


thunderbird.elsewhere("tries XOAUTH2 where CAPA doesn't have it", "tried at the node, unless it is known to have none",
                      "test_node_login.py::test_the_reason_of_a_refused_token_reaches_the_client",
                      "test_node_login.py::test_a_token_for_a_node_that_takes_none_is_refused_without_blame")
thunderbird.elsewhere("forgets all UIDs when STAT says 0", "no mailbox is ever shown empty that isn't",
                      "test_routing.py::test_without_shared_storage_nobody_moves", "test_failover.py::test_a_node_loses_its_storage")


@thunderbird.check("asks for UIDL, and gives up if CAPA doesn't have it",
                   "UIDL and TOP are promised, even of a node that knows no CAPA")
def uidl_is_promised(stand):
    with stand.connect() as session:
        assert {b"UIDL", b"TOP"} <= capabilities(session)
        session.log_in(stand.reader)
        assert len(lines_of(session.ok("UIDL"))) == len(NAMES)
        session.ok("QUIT")


@thunderbird.check("sends NOOP while it is busy, and doesn't wait for the answer", "it is answered in its turn")
def unawaited_noop(stand):
    with stand.log_in() as session:
        session.send(b"RETR 4\r\nNOOP\r\nSTAT\r\n")
        assert session.response(b"RETR 4").startswith(b"+OK")
        assert session.line().startswith(b"+OK")
        assert session.line().startswith(b"+OK 4 ")
        session.ok("QUIT")


@thunderbird.check("\"test account\": logs in and closes without QUIT", "the login that follows at once is served")
def login_and_gone(stand):
    user = stand.fresh(NAMES[:2])
    stand.log_in(user).close()
    stand.proxy.idle()
    # A server that locks needs a moment to notice; what Poplar owes is to have closed at once.
    def served():
        with stand.connect(user) as session:
            session.ok(f"USER {user}")
            good = session.command("PASS secret").startswith(b"+OK")
            return (session.count() == 2 and session.ok("QUIT")) if good else False
    until(served, "the next login")


mailkit = Section(CLIENTS, "MailKit")
mailkit.elsewhere("tries APOP where the greeting has `<...@...>`", "none in it",
                  "test_listeners.py::test_the_greeting_invites_no_apop")
mailkit.elsewhere("takes a connection that closes after the first -ERR for an exception",
                  "failed logins keep it open, three times",
                  "test_bad_clients.py::test_a_failed_login_may_be_repeated", "test_bad_clients.py::test_three_failed_logins")


@mailkit.check("asks for many messages at once where CAPA says PIPELINING, and deletes them so", "all answered, in order",
               without={"popa3d": "promises no PIPELINING"})
def many_messages_at_once(stand):
    user = stand.fresh()
    with stand.connect(user) as session:
        assert b"PIPELINING" in capabilities(session) or stand.name == "mailutils"
        session.log_in(user)
        session.ok("CAPA")
        for keyword in (b"UIDL", b"LIST", b"TOP", b"RETR", b"DELE"):
            commands = [b"%s %d%s" % (keyword, number, b" 0" if keyword == b"TOP" else b"") for number in (1, 2, 3, 4)]
            session.send(b"".join(command + b"\r\n" for command in commands))
            answers = [session.response(command) for command in commands]
            assert all(answer.startswith(b"+OK") for answer in answers), answers
            if keyword == b"RETR":
                bodies = [unstuff(answer.split(b"\r\n\r\n", 1)[1]) for answer in answers]
                assert bodies == bodies_of(*NAMES)
        session.ok("QUIT")
    assert stand.left(user) == []


mpop = Section(CLIENTS, "mpop")
mpop.elsewhere("keeps 20 to 100 commands under way", "all answered, in order; a thousand, too",
               "test_pipelining.py::test_a_thousand_mixed_commands_keep_their_order",
               "test_clients.py::test_a_thousand_small_messages",
               "test_pipelining.py::test_a_hundred_commands_in_flight")

fetchmail = Section(CLIENTS, "fetchmail")


@fetchmail.check("asks LAST before it knows UIDL", "the node's answer; the session goes on")
def asks_for_last(stand):
    with stand.log_in() as session:
        assert session.command("LAST").startswith((b"+OK", b"-ERR"))
        assert session.count() == len(NAMES)
        session.ok("QUIT")


@fetchmail.check("fetches whole messages with TOP n 99999999", "the whole message, bit for bit")
def whole_messages_by_top(stand):
    commands = [f"TOP {number} 99999999" for number in range(1, len(NAMES) + 1)]
    direct, through = stand.both(stand.reader, commands)
    assert through == direct and all(answer.startswith(b"+OK") for answer in through)


@fetchmail.check("reads CAPA lines into 64 bytes, and takes any STLS, NTLM or CRAM-MD5 in them for the mechanism",
                 "short lines, and no such word")
def capabilities_for_fetchmail(stand):
    with stand.connect() as session:
        answer = session.ok("CAPA")
        session.ok("QUIT")
    assert not any(word in answer for word in (b"STLS", b"NTLM", b"CRAM-MD5"))
    assert all(len(line) < 62 for line in lines_of(answer))


fetchmail.elsewhere("fetches whole messages with TOP n 99999999", "counted as retrieved",
                    "unit/proxy/session/pending_command_test.cc::PendingCommandTest.TakesDownWhatIsAsked")

fetchmail.elsewhere("takes -ERR at login for a wrong password unless the text says wait or Service unavailable",
                    "temporary trouble says both", "test_bad_nodes.py::test_nobody_listens",
                    "test_bad_nodes.py::test_fetchmail_tells_a_dead_node_from_a_wrong_password")

fetchmail.elsewhere("asks CAPA first, and comes again without where the server closes on it", "always answered",
                    "capabilities_before_login")
fetchmail.elsewhere("takes `<...@...>` in the greeting for an APOP stamp, and checks its form", "none in it",
                    "test_listeners.py::test_the_greeting_invites_no_apop")

fetchmail.elsewhere("says STLS where it has to, offered or not", "taken on a port that has it, else -ERR",
                    "test_clients.py::test_over_stls", "test_stls.py::test_only_once_and_only_before_login")

k9 = Section(CLIENTS, "K-9")


@k9.check("takes odd listings as they come", "listings pass as the node writes them")
def listings_pass(stand):
    direct, through = stand.both(stand.reader, ["LIST", "UIDL", "UIDL 1", "LIST 1"])
    assert through == direct


k9.elsewhere("takes odd listings as they come", "several blanks, `+OK` ahead: as the node writes them",
             "test_evil_nodes.py::test_odd_listings_pass_as_they_are")


@k9.check("sends QUIT and closes without waiting for the answer", "the QUIT counts")
def quit_and_gone(stand):
    user = stand.fresh(NAMES[:2])
    with stand.log_in(user) as session:
        session.ok("DELE 1")
        session.send(b"QUIT\r\n")
    stand.proxy.idle()
    assert stand.left(user) == bodies_of(NAMES[1])


k9.elsewhere("tests an account: two or three logins within seconds",
             "all served, by one login at the node where that is allowed",
             "test_pool.py::test_the_next_login_needs_none_at_the_node",
             "test_pool.py::test_an_account_test_and_what_follows_cost_the_node_one_login")

k9.elsewhere("says AUTH PLAIN without an initial response", "asked for it, with `+ `", "plain_in_two_steps")

exchange = Section(CLIENTS, "Office 365 (as a node)")
exchange.elsewhere("wants the token on a line of its own", "long messages go there",
                   "test_node_login.py::test_a_long_token_goes_on_its_own_line",
                   "unit/proxy/pop3/node_login_test.cc::NodeLoginTest.ALongTokenGoesOnItsOwnLine")
exchange.elsewhere("takes NTLM", "never offered, refused at once: a proxy can't relay it", "challenges_are_refused")
exchange.not_done("answers NTLM with `+OK` instead of `+ ` (Exchange 2003)", "nothing: no node is ever asked for NTLM",
                  "NTLM can't be relayed; only the mechanisms that pass are told to nodes")

forgetful = Section(CLIENTS, "mutt, Net::POP3, node-pop3")
forgetful.elsewhere("remember no UIDs", "where mail that they delete is kept, they fetch all of it each time, and lose none",
                    "test_retention.py::test_clients_without_a_memory_fetch_what_is_kept_each_time")

php = Section(CLIENTS, "PHP's imap (c-client)")
php.elsewhere("refuses servers that offer PLAIN in the clear", "USER and SASL are offered behind TLS only",
              "mail_over_stls")

gmail = Section(CLIENTS, "Gmail's fetcher")


@gmail.check("minds empty lines in listings and numbers out of order", "none, and ascending")
def listings_are_tidy(stand):
    with stand.log_in() as session:
        for command in ("LIST", "UIDL"):
            numbers = [int(line.split(b" ")[0]) for line in lines_of(session.ok(command))]
            assert numbers == [1, 2, 3, 4]
        session.ok("QUIT")


phones = Section(CLIENTS, "old phones, Eudora")


@phones.check("end lines with LF alone", "taken")
def bare_line_feeds(stand):
    with stand.connect() as session:
        session.send(b"USER %s\nPASS secret\nSTAT\nQUIT\n" % stand.reader.encode())
        for _ in range(2):
            assert session.line().startswith(b"+OK")
        assert session.line().startswith(b"+OK 4 ")
        assert session.line().startswith(b"+OK")


@phones.check("send XTND XLST, LAST, RPOP", "the node's -ERR or answer, and the session goes on")
def obsolete_commands(stand):
    with stand.log_in() as session:
        for command in ("XTND XLST Subject", "RPOP anybody"):
            assert session.command(command).startswith(b"-ERR"), command
        assert session.count() == len(NAMES)
        session.ok("QUIT")


phones.elsewhere("lose the radio in the middle of anything", "nothing is deleted, nothing stays behind",
                 "test_bad_clients.py::test_gone_at_every_state", "test_clients.py::test_without_quit_nothing_is_deleted")

poplib = Section(CLIENTS, "Python's poplib")
poplib.elsewhere("refuses lines longer than 2048 bytes", "Poplar's own have at most 512", "own_lines_are_well_formed")


@poplib.check("keeps to that limit in listings, too", "served as it comes, from CAPA to QUIT")
def poplib_with_its_own_limit(stand):
    with stand.connect() as ready:  # a server that locks is ready for the next login now
        ready.ok("QUIT")
    with mock.patch.object(python_poplib, "_MAXLINE", 2048):  # other tests lift it
        session = python_poplib.POP3_SSL("localhost", stand.proxy.port, timeout=60,
                                         context=tls_context(stand.proxy.authority.file))
        assert {"USER", "UIDL", "TOP"} <= set(session.capa())
        session.user(stand.reader)
        session.pass_("secret")
        assert session.stat()[0] == len(session.list()[1]) == len(session.uidl()[1]) == len(NAMES)
        got = [b"".join(line + b"\r\n" for line in session.retr(number)[1]) for number in range(1, len(NAMES) + 1)]
        session.quit()
    assert got == stand.truth

scanners = Section(CLIENTS, "scanners")
scanners.elsewhere("speak HTTP, SSH or nothing at all", "refused, and not waited for",
                   "test_bad_clients.py::test_what_is_not_tls",
                   "test_bad_clients.py::test_part_of_a_handshake_and_silence")
scanners.elsewhere("say TLS to a port in the clear", "refused like any garbage",
                   "test_listeners.py::test_tls_where_none_is_spoken")
scanners.elsewhere("connect to port 110 and say nothing", "closed after `timeouts.login`, 60 s unless said otherwise",
                   "test_timeouts.py::test_connected_in_the_clear_and_silent", "test_timeouts.py::test_login",
                   "unit/proxy/config/read_test.cc::Read.TheDefaultsAreTheDocumentedOnes")
scanners.elsewhere("send USER without end", "the same time; no node hears of it, and nothing of it is kept",
                   "test_timeouts.py::test_a_flood_of_users")
scanners.elsewhere("send garbage commands without end", "before login, the third one ends it",
                   "test_bad_clients.py::test_two_hundred_bad_commands",
                   "test_bad_clients.py::test_two_hundred_commands_of_the_wrong_state")

maillennium = Section(CLIENTS, "Maillennium's proxy")


@maillennium.check("cut TOP at 64 to 80 KB", "TOP and RETR of a megabyte pass whole")
def a_megabyte_passes_whole(stand):
    user = stand.fresh(messages=corpus.large(1))
    direct, through = stand.both(user, ["TOP 1 99999999", "RETR 1"])
    assert through == direct and all(len(answer) > 1 << 20 for answer in through)


foxmail = Section(CLIENTS, "Foxmail")
foxmail.not_done("nothing reliable is known", "treated as Outlook", "nothing to test beyond Outlook's rows")
