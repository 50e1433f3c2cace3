"""Mail that clients may not delete: what real ones make of a refused DELE, and of one that changes nothing."""

import contextlib

import pytest

import clients
import corpus
import library_clients
from clients import Account, ClientFailed
from dovecot import Dovecot
from poplar import node

_DENIED = b"-ERR Messages may not be deleted here\r\n"
_KEPT = b"+OK Message stays on the server\r\n"
_MESSAGES = {f"m{number}": corpus.message(f"m{number}", b"%d\r\n" % number) for number in range(1, 4)}

CLIENTS = pytest.mark.parametrize("client", clients.ALL + library_clients.ALL, ids=lambda client: client.name)
# Of three messages that a client wants to delete and may not: how many it has when it gives up. mpop has asked for
# all before it hears of it; the others stop at the first no, though s_client here sends everything in one packet.
_BEFORE_GIVING_UP = {"mpop": 3, "getmail6": 1, "fetchmail": 1, "mutt": 1, "Net::POP3": 1, "node-pop3": 1}


@pytest.fixture(scope="module")
def dovecot(folder, node_certificate):
    names = [f"user{index:03}" for index in range(400)] + ["kept@archive.example", "free@archive.example"]
    with Dovecot(folder / "archive", "archive", node_certificate, names, folder / "archive-mail") as made:
        yield made


@pytest.fixture(scope="module")
def proxies(start, dovecot):
    """By what becomes of a DELE."""
    def proxy(**retention):
        return start([], clusters=[{"name": "main", "nodes": [node("archive", dovecot.pop3_port)],
                                    "retention": retention}])
    with proxy(deletes="deny", allow_for=["free@archive.example"]) as deny, proxy(deletes="keep") as keep, \
            proxy(deny_for=["@archive.example"], allow_for=["free@archive.example"]) as by_user:
        yield {"deny": deny, "keep": keep, "by_user": by_user}


def test_a_refusal_keeps_its_place_among_the_answers(proxies, dovecot, user):
    dovecot.deliver(user, _MESSAGES)
    for proxy, answer in ((proxies["deny"], _DENIED), (proxies["keep"], _KEPT)):
        with proxy.connect() as session:
            session.log_in(user)
            session.send(b"STAT\r\nDELE 1\r\ndele 2\r\nNOOP\r\nXTND\r\nDELE 3\r\nRSET\r\nQUIT\r\n")
            lines = [session.line() for _ in range(8)]
            assert [line[:3] for line in lines[:1] + lines[3:4] + lines[6:]] == [b"+OK"] * 4
            assert [lines[1], lines[2], lines[5]] == [answer] * 3
            assert lines[4] == b"-ERR Not supported\r\n"
        proxy.idle()
        assert proxy.sessions()[-1]["deletes"] == 0
    assert dovecot.stored(user) == sorted(_MESSAGES)


def test_the_most_specific_word_holds(proxies, dovecot, user):
    for name in (user, "kept@archive.example", "free@archive.example"):
        dovecot.deliver(name, _MESSAGES)
    def delete_one(name):
        with proxies["by_user"].connect() as session:
            session.log_in(name)
            session.send(b"DELE 1\r\n")
            answer = session.line()
            session.ok("QUIT")
            return answer
    assert delete_one("kept@archive.example") == _DENIED
    assert delete_one("KEPT@Archive.Example") == _DENIED
    assert delete_one("free@archive.example").startswith(b"+OK")
    assert delete_one(user).startswith(b"+OK")
    assert dovecot.stored("kept@archive.example") == sorted(_MESSAGES)
    assert len(dovecot.stored("free@archive.example")) == len(dovecot.stored(user)) == 2


def test_a_session_that_was_kept_for_its_user_keeps_mail_too(start, dovecot, user):
    dovecot.deliver(user, _MESSAGES)
    with start([], pool={"warm": 0, "max_snapshot_age": "60s"},
               clusters=[{"name": "main", "nodes": [node("archive", dovecot.pop3_port)],
                          "retention": {"deletes": "deny"}}]) as proxy:
        for lease in ("new", "parked"):
            with proxy.connect() as session:
                session.log_in(user)
                session.send(b"DELE 1\r\n")
                assert session.line() == _DENIED
                session.ok("QUIT")
            proxy.idle()
            assert proxy.sessions()[-1]["lease"] == lease, "a refused DELE marks nothing"
    assert dovecot.stored(user) == sorted(_MESSAGES)


@CLIENTS
def test_a_client_that_wants_to_delete_is_told_no(client, proxies, dovecot, user, authority, tmp_path):
    """Nothing is lost; how far a client comes is its own affair, and what the documentation says."""
    dovecot.deliver(user, _MESSAGES)
    account = Account(proxies["deny"].port, authority.file, user)
    with pytest.raises((ClientFailed, AssertionError, clients.poplib.error_proto)):
        client.fetch(account, tmp_path / "home", delete=True)
    assert dovecot.stored(user) == sorted(_MESSAGES)
    if client.name in _BEFORE_GIVING_UP:
        assert _fetched(tmp_path / "home") == _BEFORE_GIVING_UP[client.name]


def _fetched(home) -> int:
    folder = home / "mail"
    return len(list((folder / "new" if (folder / "new").exists() else folder).iterdir()))


@pytest.mark.parametrize("client, reports", [(library_clients.Mutt(), False), (library_clients.NetPop3(), False),
                                             (library_clients.NodePop3(), True)],
                         ids=lambda value: value.name if isinstance(value, clients.Client) else "")
def test_clients_without_a_memory_fetch_what_is_kept_each_time(client, reports, proxies, dovecot, user, authority, tmp_path):
    """They know no message again; of these only node-pop3 tells its user of the -ERR to QUIT."""
    dovecot.deliver(user, _MESSAGES)
    account = Account(proxies["keep"].port, authority.file, user)
    for home in (tmp_path / "first", tmp_path / "second"):
        with pytest.raises(ClientFailed, match="may not have been removed") if reports else contextlib.nullcontext():
            client.fetch(account, home, delete=True)
        assert _fetched(home) == len(_MESSAGES)
    assert dovecot.stored(user) == sorted(_MESSAGES)


@CLIENTS
def test_a_client_that_leaves_mail_on_the_server_notices_nothing(client, proxies, dovecot, user,
                                                                 authority, tmp_path):
    dovecot.deliver(user, _MESSAGES)
    got = client.fetch(Account(proxies["deny"].port, authority.file, user), tmp_path / "home")
    assert len(got) == 3 and dovecot.stored(user) == sorted(_MESSAGES)


def _mpop(account, folder):
    file = clients.private_file(folder / "mpoprc", (
        f"account test\nhost localhost\nport {account.port}\ntls on\ntls_starttls off\n"
        f"tls_trust_file {account.ca_file}\nauth user\nuser {account.user}\npassword {account.password}\n"
        f"delivery maildir {clients.maildir_at(folder / 'mail')}\nuidls_file {folder}/uidls\nkeep off\n"))
    return ["mpop", "--quiet", f"--file={file}", "test"], folder / "mail" / "new"


def _getmail(account, folder):
    file = clients.private_file(folder / "getmailrc", (
        f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = localhost\nport = {account.port}\n"
        f"username = {account.user}\npassword = {account.password}\nca_certs = {account.ca_file}\n"
        f"[destination]\ntype = MDA_external\npath = /bin/sh\n"
        f"arguments = ('-c', 'cat > $(mktemp {folder}/mail/XXXXXXXX)')\nunixfrom = false\n"
        f"allow_root_commands = true\n[options]\ndelete = true\nread_all = false\nverbose = 0\n"))
    return ["getmail", f"--getmaildir={folder}", f"--rcfile={file}"], folder / "mail"


def _fetchmail(account, folder):
    file = clients.private_file(folder / "fetchmailrc", (
        f'set invisible\nset no bouncemail\npoll localhost service {account.port} protocol pop3 no dns:\n'
        f'  user "{account.user}" password "{account.password}" ssl sslcertck sslcertfile "{account.ca_file}" '
        f'nokeep no rewrite pass8bits\n  mda "cat > $(mktemp {folder}/mail/XXXXXXXX)"\n'))
    return ["fetchmail", "--silent", "--nosyslog", "--fetchmailrc", file, "--pidfile", folder / "pid",
            "--idfile", folder / "ids"], folder / "mail"


@pytest.mark.parametrize("deletes, polls", [("keep", {_mpop: [3, 3, 3], _getmail: [3, 3, 3], _fetchmail: [3, 3, 3]}),
                                            ("deny", {_mpop: [3, 3, 3], _fetchmail: [1, 2, 3]})])
def test_clients_that_poll_and_want_to_delete(proxies, dovecot, new_user, authority, tmp_path, deletes, polls):
    """As they are set up for daily use: how many messages each has after each poll. None may come twice."""
    for program, expected in polls.items():
        name, folder = new_user(), tmp_path / program.__name__
        (folder / "mail").mkdir(parents=True)
        dovecot.deliver(name, _MESSAGES)
        command, mail = program(Account(proxies[deletes].port, authority.file, name), folder)
        had = []
        for _ in expected:
            with contextlib.suppress(ClientFailed):  # what it says of the mail that stays is its own affair
                clients.run(command, folder)
            had.append(len(list(mail.iterdir())))
        assert had == expected, program.__name__
        assert dovecot.stored(name) == sorted(_MESSAGES)
