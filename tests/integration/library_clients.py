"""Mail libraries of other languages, and mutt: clients like those of clients.py."""

import pathlib

from clients import Client, ClientFailed, files_of, maildir_at, private_file, run
from fake_node import stuffed
from poplar import ROOT

_HERE = pathlib.Path(__file__).parent
_NODE_POP3 = ROOT / "build" / "clients" / "node-pop3"


class NetPop3(Client):
    """Perl's Net::POP3."""
    name = "Net::POP3"

    def fetch(self, account, folder, delete=False):
        mail = folder / "mail"
        mail.mkdir(parents=True)
        run(["/usr/bin/perl", _HERE / "net_pop3.pl", account.port, account.ca_file, account.user, account.password,
             mail, "stls" if account.stls else "tls", "delete" if delete else "keep"], folder)
        return files_of(mail)


class NodePop3(Client):
    """Node.js' node-pop3, which leaves the dots stuffed and drops the last line end."""
    name = "node-pop3"
    knows_stls = False

    def fetch(self, account, folder, delete=False):
        assert _NODE_POP3.exists(), f"{_NODE_POP3} is missing: run tests/integration/fetch_clients.sh"
        mail = folder / "mail"
        mail.mkdir(parents=True)
        run(["node", _HERE / "node_pop3.mjs", _NODE_POP3, account.port, account.ca_file, account.user,
             account.password, mail, "delete" if delete else "keep"], folder)
        return files_of(mail)

    def stored(self, sent):
        return stuffed(sent)[:-2]


class Mutt(Client):
    """mutt's fetch-mail, in a terminal that `script` gives it."""
    name = "mutt"
    keeps_hard = False
    mechanisms = ("XOAUTH2", "OAUTHBEARER")

    def fetch(self, account, folder, delete=False):
        mail = maildir_at(folder / "mail")
        password = "" if account.mechanism else f":{account.password}"
        private_file(folder / "muttrc", (
            f'set pop_host="{"pop" if account.stls else "pops"}://{account.user}{password}@localhost:{account.port}"\n'
            f'set pop_delete={"yes" if delete else "no"}\nset pop_last=no\n'
            f'set pop_authenticators="{account.mechanism.lower() or "user"}"\n'
            f'set pop_oauth_refresh_command="echo {account.password}"\n'
            f'set certificate_file="{account.ca_file}"\nset ssl_starttls=yes\nset ssl_force_tls=yes\n'
            f'set mbox_type=Maildir\nset folder="{mail}"\nset spoolfile="{mail}"\nset move=no\nset quit=yes\n'
            'set sort=mailbox-order\nset sleep_time=0\npush "<fetch-mail><exit>"\n'))
        said = run(["script", "--quiet", "--return", "--flush", "--command",
                    f"TERM=vt100 mutt -n -F {folder}/muttrc", "/dev/null"], folder)
        # The keys that wait overwrite what it says, but not the bell that it rings with every error.
        if b"\a" in said:
            raise ClientFailed(f"mutt rang: {said[-2000:]!r}")
        return files_of(mail / "new", mail / "cur")

    def stored(self, sent):
        return sent.replace(b"\r\n", b"\n")


ALL = [NetPop3(), NodePop3(), Mutt()]
