"""One real server, Poplar in front of it, and mailboxes: what a check is given."""

import contextlib
import re

import corpus
from courier import Courier
from cyrus import Cyrus
from dovecot import Dovecot
from mailutils import Mailutils
from popa3d import Popa3d
from poplar import node
from waiting import until
from wire import Pop3, fetch_all

_USERS = [f"user{index:03}" for index in range(60)]
_LOCKED = "protocol pop3 {\n  pop3_lock_session = yes\n  pop3_enable_last = yes\n}\n"
NAMES = ("short", "lone-dot", "leading-dot", "many-lines")


class Stand:
    """`port` is the server's; `proxy` is Poplar before it. A context manager."""

    def __init__(self, name: str, folder, start, certificate):
        self.name = name
        self._folder, self._start, self._certificate = folder / f"conformance-{name}", start, certificate
        self._stack = contextlib.ExitStack()
        self._users = iter(_USERS)
        self.proxy = self.server = None

    def __enter__(self):
        kinds = {"courier": Courier, "cyrus": Cyrus, "popa3d": Popa3d, "mailutils": Mailutils}
        if self.name in kinds:
            made = kinds[self.name](self._folder, _USERS)
        else:
            made = Dovecot(self._folder, self.name, self._certificate, _USERS,
                           extra=_LOCKED if self.name == "dovecot-locked" else "")
        with contextlib.ExitStack() as stack:
            self.server = stack.enter_context(made)
            self.port = getattr(made, "pop3_port", None) or made.port
            # Seldom asked for its capabilities, but once before the first client.
            health = {"probe": "capa", "interval": "2s", "hold_down": "200ms", "slow_start": "0s"}
            self.proxy = stack.enter_context(self._start(
                [node(self.name, self.port)], health=health, also={"stls": {"tls": "stls"}}))
            until(lambda: self.proxy.metric("poplar_node_probes_total") >= 1, "the first probe")
            self._stack = stack.pop_all()
        self.reader = self.fresh()
        with self.direct(self.reader) as session:
            self.truth = fetch_all(session)
            session.ok("QUIT")
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def fresh(self, names=NAMES, messages: dict = None) -> str:
        """A user nobody has used before, with these messages of the corpus, or with others by name."""
        user, every = next(self._users), corpus.plain()
        self.server.deliver(user, messages or {name: every[name] for name in names})
        # mailutils writes headers of its own into the mbox at the end of a session, until there are none left to write.
        before, now = None, self._everything(user) if self.name == "mailutils" else None
        while before != now:
            before, now = now, self._everything(user)
        return user

    def _everything(self, user):
        with self.direct(user) as session:
            session.ok("UIDL")
            messages = fetch_all(session)
            session.ok("QUIT")
        return messages

    def _unlocked(self, user: str):
        """Dovecot answers QUIT before it gives the lock up, and whoever meets it then waits for many seconds."""
        if self.name == "dovecot-locked":
            lock = self.server.mail / user / "dovecot-pop3-session.lock"
            until(lambda: not lock.exists(), f"{user}'s mailbox to be unlocked")

    def direct(self, user: str) -> Pop3:
        """A session with the server itself."""
        self._unlocked(user)
        return Pop3.connect(self.port).log_in(user)

    def connect(self, user: str = None) -> Pop3:
        """A session with Poplar before login, which may be the reader's or this user's."""
        self._unlocked(user or self.reader)
        return self.proxy.connect()

    def connect_plain(self) -> Pop3:
        """A session with Poplar in the clear, which may become the reader's over STLS."""
        self._unlocked(self.reader)
        return self.proxy.connect_plain("stls")

    def log_in(self, user: str = None) -> Pop3:
        """A session through Poplar; the reader's, whose mail nobody may delete, unless another user is named."""
        return self.connect(user).log_in(user or self.reader)

    def both(self, user: str, commands):
        """What the server itself answers to the commands, and what comes through Poplar; QUIT is the last."""
        answers = []
        for log_in in (self.direct, self.log_in):
            with log_in(user) as session:
                answers.append([session.command(command) for command in commands])
                session.ok("QUIT")
        return answers

    def left(self, user: str):
        """The bodies of what is in the mailbox, asked of the server itself."""
        with self.direct(user) as session:
            bodies = [body(message) for message in fetch_all(session)]
            session.ok("QUIT")
        return bodies


def body(message: bytes) -> bytes:
    """Servers put header lines of their own into a message; its body tells which one it is."""
    return message.split(b"\r\n\r\n", 1)[1]


def bodies_of(*names):
    every = corpus.plain()
    return [corpus.as_sent(body(every[name])) for name in names]


def lines_of(answer: bytes):
    """The lines of a multi-line answer behind its status line."""
    return answer.split(b"\r\n")[1:-1]


def capabilities(session: Pop3):
    return {line.split(b" ")[0] for line in lines_of(session.ok("CAPA"))}


def own_line(line: bytes):
    """Checks a line that Poplar itself has written."""
    assert re.fullmatch(rb"(\+OK|-ERR)( [^\r\n]*)?\r\n", line) and len(line) <= 512, line
    text = line.split(b" ", 1)[1] if b" " in line else b""
    assert not text.startswith(b"[") or re.match(rb"\[(SYS/TEMP|SYS/PERM|AUTH|IN-USE|LOGIN-DELAY)\] ", text), line
