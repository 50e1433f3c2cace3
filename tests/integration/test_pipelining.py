"""Commands in bursts: in order, at full speed, however the bytes are cut."""

import corpus
from fake_node import FakeNode
from poplar import node


def test_a_hundred_commands_in_flight(shared_proxy, shared_nodes, user):
    messages = corpus.many(100)
    shared_nodes[0].deliver(user, messages)
    before = len(shared_proxy.sessions())
    with shared_proxy.connect() as session:
        session.log_in(user)
        commands = [b"RETR %d" % number for number in range(1, 101)]
        session.send(b"".join(command + b"\r\n" for command in commands))
        for (name, content), command in zip(messages.items(), commands):
            answer = session.response(command)
            assert answer.split(b"\r\n", 1)[1] == corpus.as_sent(content), name
        session.ok("QUIT")
    assert shared_proxy.session(before)["messages"] == 100


def test_a_thousand_mixed_commands_keep_their_order(shared_proxy, shared_nodes, user):
    shared_nodes[0].deliver(user, corpus.many(10))
    turn = [b"NOOP", b"STAT", b"LIST", b"LIST 3", b"UIDL", b"RETR 4", b"TOP 5 0", b"LIST 99",
            b"DELE 1", b"RSET"]
    with shared_proxy.connect() as session:
        session.log_in(user)
        alone = []
        for command in turn:
            session.send(command + b"\r\n")
            alone.append(session.response(command))
        session.send(b"".join(command + b"\r\n" for command in turn) * 100)
        for _ in range(100):
            assert [session.response(command) for command in turn] == alone
        session.ok("QUIT")


def burst(user):
    commands = [b"USER " + user.encode(), b"PASS secret", b"STAT", b"RETR 1", b"LIST", b"DELE 2",
                b"QUIT"]
    return commands, b"".join(command + b"\r\n" for command in commands)


def check_burst(session, commands, content):
    answers = [session.response(command) for command in commands]
    assert all(answer.startswith(b"+OK") for answer in answers), answers
    assert answers[3].split(b"\r\n", 1)[1] == corpus.as_sent(content)
    assert session.at_end()


def test_the_whole_dialogue_in_the_packet_that_has_pass(shared_proxy, shared_nodes, user):
    messages = corpus.many(3)
    shared_nodes[0].deliver(user, messages)
    commands, data = burst(user)
    with shared_proxy.connect() as session:
        session.send(data)
        check_burst(session, commands, messages["small-0000"])
    assert shared_nodes[0].stored(user) == ["small-0000", "small-0002"]


def test_the_whole_dialogue_before_the_greeting_is_read(shared_proxy, shared_nodes, user):
    messages = corpus.many(3)
    shared_nodes[0].deliver(user, messages)
    commands, data = burst(user)
    with shared_proxy.connect(greeting=False) as session:
        session.send(data)
        assert session.line().startswith(b"+OK")
        check_burst(session, commands, messages["small-0000"])


def test_one_byte_a_record(shared_proxy, shared_nodes, user):
    messages = corpus.many(3)
    shared_nodes[0].deliver(user, messages)
    commands, data = burst(user)
    with shared_proxy.connect() as session:
        for index in range(len(data)):
            session.send(data[index:index + 1])
        check_burst(session, commands, messages["small-0000"])


def test_every_cut_in_two(start):
    with FakeNode() as fake, start([node("fake", fake.port)]) as proxy:
        commands, data = burst("anybody")
        commands[5], data = b"DELE 1", data.replace(b"DELE 2", b"DELE 1")
        for cut in range(1, len(data)):
            with proxy.connect() as session:
                session.send(data[:cut])
                session.send(data[cut:])
                check_burst(session, commands, fake.messages[0])


def test_bare_line_feeds_and_any_case(shared_proxy, shared_nodes, user):
    messages = corpus.many(1)
    shared_nodes[0].deliver(user, messages)
    with shared_proxy.connect() as session:
        session.send(b"uSeR %s\npass secret\nstat\nretr 1\nQuIt\n" % user.encode())
        for command in (b"USER", b"PASS", b"STAT"):
            assert session.response(command).startswith(b"+OK")
        answer = session.response(b"RETR 1")
        assert answer.split(b"\r\n", 1)[1] == corpus.as_sent(messages["small-0000"])
        assert session.response(b"QUIT").startswith(b"+OK")


def test_what_follows_quit_never_reaches_the_node(start):
    with FakeNode() as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            session.send(b"QUIT\r\nDELE 1\r\nSTAT\r\n")
            assert session.response(b"QUIT").startswith(b"+OK")
            assert session.at_end() and not session.buffer
        proxy.idle()
    assert fake.commands[-1] == "QUIT" and "DELE 1" not in fake.commands


def test_commands_behind_a_failed_pass_do_not_reach_the_node(start):
    """They were meant for a session that never began; some are commands of this state, too."""
    with FakeNode() as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            session.send(b"USER anybody\r\nPASS wrong\r\nDELE 1\r\nSTAT\r\nQUIT\r\n")
            assert session.response(b"USER").startswith(b"+OK")
            assert session.response(b"PASS").startswith(b"-ERR [AUTH]")
            assert session.response(b"DELE 1").startswith(b"-ERR")
            assert session.response(b"STAT").startswith(b"-ERR")
            assert session.response(b"QUIT").startswith(b"+OK")
        proxy.idle()
    assert not any(command.startswith(("DELE", "STAT")) for command in fake.commands)


def test_a_slow_reader_is_held_and_loses_nothing(start):
    """The client asks for 100 large messages and reads later: held back by the sockets, not in memory."""
    large = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 64 * 1024 + b"\r\n"
    with FakeNode(messages=[large]) as fake, start([node("fake", fake.port)]) as proxy:
        with proxy.connect() as session:
            session.log_in("anybody")
            before = proxy.memory()
            session.send(b"RETR 1\r\n" * 100)
            for _ in range(100):
                assert session.response(b"RETR 1").split(b"\r\n", 1)[1] == large
                assert proxy.memory() - before < 16 << 20
            session.ok("QUIT")
