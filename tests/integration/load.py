"""A steady load of whole sessions: log in, look, download, compare each byte, QUIT; and what became of each of them.

Each client is a thread that visits its maildrop again and again. It knows what lies there, so a wrong byte never
passes; a broken session is written down as what it was: refused at the login, or lost afterwards.
"""

import dataclasses
import datetime
import enum
import random
import ssl
import threading
import time

from corpus import as_sent
from fake_node import stuffed
from wire import Pop3, tls_context, unstuff

TEMPORARY = b"-ERR [SYS/TEMP] "


class Outcome(enum.Enum):
    OK = "ok"
    NO_GREETING = "no greeting"  # Poplar itself did not answer: never excusable
    REFUSED = "refused"          # the login was answered -ERR [SYS/TEMP], or the connection ended before its answer
    LOST = "lost"                # logged in, and then cut or told -ERR [SYS/TEMP]
    WRONG = "wrong"              # anything that no fault excuses; `detail` says what


@dataclasses.dataclass
class Visit:
    """One session. Moments are seconds since the epoch, comparable with Poplar's log."""
    user: str
    port: int = 0           # the client's own, by which the log line is found
    began: float = 0.0
    asked: float = 0.0      # the password was sent
    admitted: float = 0.0   # the node's +OK arrived; 0: it did not
    left: float = 0.0       # QUIT was sent, or the session broke
    outcome: Outcome = Outcome.OK
    detail: str = ""
    node: str = ""          # from Poplar's log, once `Load.placed` was asked; of several the last
    resumes: int = 0        # likewise

    @property
    def arrived(self) -> float:
        """Since when it is known to have been on its node."""
        return self.left if self.resumes else self.admitted


class _Wrong(Exception):
    pass


class _Temporary(Exception):
    pass


class Load:
    """`maildrops`: user -> messages as stored, in order. A user named in `twice` has two clients at once.

    `pause` is the mean of the seconds between a client's sessions (the last one's end to the next one's start).
    """

    def __init__(self, proxy, maildrops, pause: float, twice=(), seed: int = 1):
        self._proxy = proxy
        self._context = tls_context(proxy.authority.file)
        self._maildrops = {user: [as_sent(each) for each in messages]
                           for user, messages in maildrops.items()}
        self._pause = pause
        self._lock = threading.Lock()
        self._visits = []
        self._views = {}
        self._stopping = threading.Event()
        self._clients = [
            threading.Thread(target=self._client, args=(user, random.Random(f"{seed} {user} {number}")))
            for user in maildrops for number in range(2 if user in twice else 1)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Lets each client finish the session it is in."""
        self._stopping.set()
        for client in self._clients:
            client.join()

    def visits(self):
        """Those that ended so far, in the order of their ends."""
        with self._lock:
            return list(self._visits)

    def placed(self):
        """All visits, with the nodes that served them. Call it when the load has stopped."""
        self._proxy.idle()
        lines = {}
        for line in self._proxy.sessions():
            lines.setdefault(line["client_port"], []).append(line)
        for visit in self.visits():
            # The kernel may give a port out again: the line that was written when this visit ended.
            found = [line for line in lines.get(visit.port, []) if line["user"] in ("", visit.user)]
            if found:
                line = min(found, key=lambda each: abs(_moment(each) - visit.left))
                visit.node = line["node"].partition("/")[2]
                visit.resumes = line.get("resumes", 0)
                if visit.outcome is not Outcome.OK:
                    visit.detail += f" ({line['reason']}, {line.get('failure')})"
        return self.visits()

    def _client(self, user, dice):
        # Not all at once in the beginning.
        self._stopping.wait(dice.uniform(0, self._pause))
        while not self._stopping.is_set():
            visit = Visit(user, began=time.time())
            self._run(visit, dice)
            visit.left = visit.left or time.time()
            with self._lock:
                self._visits.append(visit)
            self._stopping.wait(dice.expovariate(1 / self._pause))

    def _run(self, visit: Visit, dice):
        try:
            session = Pop3.connect(self._proxy.port, self._context)
        except (OSError, EOFError) as error:
            visit.outcome, visit.detail = Outcome.NO_GREETING, repr(error)
            return
        with session:
            visit.port = session.socket.getsockname()[1]
            try:
                self._log_in(session, visit)
                self._read(session, visit, dice)
            except _Wrong as wrong:
                visit.outcome, visit.detail = Outcome.WRONG, str(wrong)
            except TimeoutError:
                # Poplar's own deadlines are shorter than ours: a client must not be left hanging.
                visit.outcome, visit.detail = Outcome.WRONG, "no answer at all, in 20 s"
            except (_Temporary, EOFError, ConnectionError, ssl.SSLError) as error:
                visit.outcome = Outcome.LOST if visit.admitted else Outcome.REFUSED
                visit.detail = str(error)

    def _log_in(self, session, visit):
        _single(session, f"USER {visit.user}")
        visit.asked = time.time()
        _single(session, "PASS secret")
        visit.admitted = time.time()

    def _read(self, session, visit, dice):
        messages = self._maildrops[visit.user]
        # The number and size of the messages, and their unique ids, stay what they once were.
        view = _single(session, "STAT"), _multi(session, "UIDL")
        if view[1].count(b"\r\n") != len(messages) or self._views.setdefault(visit.user, view) != view:
            raise _Wrong(f"not the maildrop of {len(messages)} messages: {str(view)[:300]}")
        # One in three is a slow reader: at any moment some sessions are open, and they are at stake.
        dwell = 0.2 if dice.random() < 0.33 else 0
        for number in dice.sample(range(1, len(messages) + 1), min(3, len(messages))):
            self._stopping.wait(dice.uniform(0, 2 * dwell))
            got = _multi(session, f"RETR {number}", messages[number - 1])
            if unstuff(got) != messages[number - 1]:
                raise _Wrong(f"message {number}: {len(got)} bytes that aren't the message's")
        visit.left = time.time()
        _single(session, "QUIT")


def _moment(line) -> float:
    """When a log line was written, in seconds since the epoch."""
    return datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()


def _single(session: Pop3, command: str) -> bytes:
    """The answer's line; what is neither +OK nor temporary trouble is wrong."""
    session.send(command.encode() + b"\r\n")
    status = session.line()
    if status.startswith(TEMPORARY):
        raise _Temporary(f"{command.split()[0]}: {status.decode(errors='replace').strip()}")
    if not status.startswith(b"+OK"):
        raise _Wrong(f"{command.split()[0]}: {status!r}")
    return status


def _multi(session: Pop3, command: str, message: bytes = None) -> bytes:
    """The raw body. Where it breaks off, what came of `message` must be its beginning."""
    _single(session, command)
    try:
        return session.body()
    except (EOFError, ConnectionError, ssl.SSLError):
        part = bytes(session.buffer)
        if message is not None and not (stuffed(message) + b".\r\n").startswith(part):
            raise _Wrong(f"{command}: cut after {len(part)} bytes that aren't the message's") from None
        raise


def overlaps(visits):
    """Pairs of visits of one user that were logged in at the same time on different nodes."""
    found, of_user = [], {}
    for visit in visits:
        if visit.admitted and visit.node:
            of_user.setdefault(visit.user, []).append(visit)
    for each in of_user.values():
        for index, one in enumerate(each):
            found += [(one, two) for two in each[index + 1:]
                      if one.node != two.node and one.arrived < two.left and two.arrived < one.left]
    return found
