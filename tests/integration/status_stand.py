"""What the status page is shown with: three Dovecots over one storage and an archive's, Poplar, and people at work."""

import contextlib
import pathlib
import random
import threading

from corpus import mixed
from dovecot import Dovecot
from load import Load
from poplar import node

TOKEN = "write-0123456789abcdef"
NODES = ("mail1", "mail2", "mail3")
ARCHIVE = "archive1"
_NAMES = ("ada", "bela", "carla", "david", "edith", "fritz", "greta", "hugo", "ida", "jonas", "kira", "leo", "mona", "nils",
          "olga", "paul", "rosa", "sven", "tilda", "udo", "vera", "willi", "yara", "zeno")
USERS = tuple(f"{name}@example.org" for name in _NAMES)
ARCHIVED = tuple(f"{name}@archive.example.org" for name in _NAMES[:6])

_HEALTH = {"probe": "capa", "interval": "500ms", "fast_interval": "200ms", "timeout": "1s", "rise": 2, "fall": 2,
           "hold_down": "1s", "slow_start": "0s", "ejected_percent_max": 100, "panic_percent": 0}


class StatusStand:
    def __init__(self, folder: pathlib.Path, start, authority, certificate):
        self.folder, self._start, self._authority, self._certificate = folder, start, authority, certificate
        self._stack = contextlib.ExitStack()
        self.nodes, self.proxy, self._maildrops = {}, None, {}

    def __enter__(self):
        self.folder.mkdir()
        try:
            for name in (*NODES, ARCHIVE):
                mail = self.folder / ("archived" if name == ARCHIVE else "mail")
                self.nodes[name] = self._stack.enter_context(
                    Dovecot(self.folder / name, name, self._certificate, [*USERS, *ARCHIVED], mail))
            self._fill()
            self.proxy = self._stack.enter_context(self._poplar())
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def _fill(self):
        for users, name in ((USERS, NODES[0]), (ARCHIVED, ARCHIVE)):
            for seed, user in enumerate(users, 1):
                messages = mixed(6, seed)
                self.nodes[name].deliver(user, messages, sized=True)
                self._maildrops[user] = list(messages.values())

    def _poplar(self):
        token = self.folder / "write-token"
        token.write_text(f"{TOKEN}\n")
        token.chmod(0o600)
        clusters = [{"name": "main", "shared_storage": True,
                     "nodes": [node(name, self.nodes[name].pop3_port) for name in NODES]},
                    {"name": "archive", "nodes": [node(ARCHIVE, self.nodes[ARCHIVE].pop3_port)]}]
        names = ["localhost", "127.0.0.1"]
        return self._start(
            [], clusters=clusters, health=_HEALTH, admin={"write_token_file": str(token)},
            certificates=[self._authority.issue("mail.example.org", names, days=80),
                          self._authority.issue("old.example.org", names, "rsa", 12)],
            pool={"size": 20, "warm": 2, "max_snapshot_age": "5s"},
            routes=[{"name": "archived", "domains": ["archive.example.org"], "cluster": "archive"}],
            resume={"enabled": True, "deadline": "15s"})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.proxy.admin_port}/"

    @contextlib.contextmanager
    def at_work(self, pause: float = 0.8):
        """Meanwhile everybody reads mail, and now and then somebody has the wrong password."""
        stopping = threading.Event()
        guesser = threading.Thread(target=self._guess, args=(stopping,))
        with Load(self.proxy, self._maildrops, pause) as load:
            guesser.start()
            try:
                yield load
            finally:
                stopping.set()
                guesser.join()

    def _guess(self, stopping):
        dice = random.Random(1)
        while not stopping.wait(dice.expovariate(1.0)):
            with contextlib.suppress(OSError, EOFError), self.proxy.connect() as session:
                session.ok(f"USER {dice.choice(USERS)}")
                session.command("PASS wrong")
                session.ok("QUIT")
