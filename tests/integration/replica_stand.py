"""Several Poplars that share their state by a real Redis, before nodes that know who is on them; and a load that uses
all of them.
"""

import asyncio
import collections
import contextlib
import pathlib
import random
import threading
import time

from poplar import Poplar, node
from redis_server import RedisServer
from wire import Pop3
from witness_nodes import PASSWORD, WitnessNodes

NODES = ("a", "b", "c")
HEALTH = {"probe": "capa", "interval": "400ms", "fast_interval": "200ms", "timeout": "1s", "rise": 2, "fall": 2,
          "consecutive_failures": 3, "ejection_time": "1s", "hold_down": "1s", "slow_start": "2s"}
_CLEAR = {"tls": "none", "require_tls": False}


class ReplicaStand:
    def __init__(self, folder: pathlib.Path, authority, replicas: int = 4, password: str = "", cluster=None, kind=Poplar,
                 weights=(100, 100, 100), **options):
        """`kind`: of Poplar."""
        self.folder, self._authority, self._kind, self._options = folder, authority, kind, options
        self._weights = weights
        self._cluster = {"name": "main", "shared_storage": True, **(cluster or {})}
        self.redis = RedisServer(folder / "redis", password)
        self.nodes = WitnessNodes(NODES)
        self.names = [f"replica{number}" for number in range(1, replicas + 1)]
        self.replicas = {}
        self._stack = contextlib.ExitStack()
        self._starts = 0
        # A key for all: issuing one takes a second.
        self._certificates = [authority.issue("replicas", ["localhost", "127.0.0.1"])]

    def __enter__(self):
        self._stack.enter_context(self.redis)
        self._stack.enter_context(self.nodes)
        for name in self.names:
            self.start(name)
        self.settled()
        return self

    def __exit__(self, kind, *error):
        for proxy in list(self.replicas.values()):
            proxy.__exit__(kind, *error)
        self._stack.__exit__(kind, *error)

    def start(self, name: str):
        self._starts += 1
        shared = {"redis": f"127.0.0.1:{self.redis.port}", "timeout": "200ms", "lease": "3s"}
        if self.redis.password:
            file = self.folder / "redis-password"
            file.write_text(self.redis.password + "\n")
            file.chmod(0o600)
            shared["password_file"] = str(file)
        nodes = [node(each, self.nodes.ports[each], weight=weight) for each, weight in zip(NODES, self._weights)]
        options = {"clusters": [{**self._cluster, "nodes": nodes}], "health": HEALTH, "replicas": len(self.names), "workers": 2,
                   "timeouts": {"login": "20s", "upstream_connect": "2s", "upstream_response": "2s"},
                   **self._options}
        self.replicas[name] = self._kind(self.folder / f"{name}-{self._starts}", nodes, self._authority,
                                         certificates=self._certificates, also={"plain": _CLEAR}, shared_state=shared,
                                         **options)

    def log_in(self, name: str, user: str, password: str = PASSWORD) -> Pop3:
        """Its last answer is the session's `greeting`."""
        session = self.connect(name)
        self.finish_login(session, user, password)
        return session

    def connect(self, name: str) -> Pop3:
        return self.replicas[name].connect_plain("plain")

    @staticmethod
    def finish_login(session: Pop3, user: str, password: str = PASSWORD):
        session.ok(f"USER {user}")
        session.greeting = session.command(f"PASS {password}")

    def kill(self, name: str):
        proxy = self.replicas.pop(name)
        proxy.child.process.kill()
        proxy.child.process.wait()
        return proxy

    def settled(self):
        """Each replica knows all others, and the store is past its first seconds."""
        for proxy in self.replicas.values():
            proxy.child.wait_for(lambda proxy=proxy: proxy.metric("poplar_shared_state_replicas") == len(self.replicas),
                                 "the replicas to know each other")
        born = time.monotonic()
        while time.monotonic() < born + 2.1:  # nobody's claims are known to a store that is younger
            time.sleep(0.1)


class ReplicaLoad:
    """`rate` logins a second of `users`, each at any replica. `failed` has (moment, user, replica, what)."""

    def __init__(self, stand: ReplicaStand, users, rate: float = 200, stay: float = 0.2, seed: int = 1):
        self._stand, self._users, self._rate, self._stay = stand, list(users), rate, stay
        self._dice = random.Random(seed)
        self.failed, self.done, self.lost, self.slowest = [], 0, 0, 0.0
        self.waits = collections.Counter()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ending = False

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending = True
        self._thread.join()

    def _run(self):
        self._loop.run_until_complete(self._all())
        self._loop.close()

    async def _all(self):
        tasks, due = set(), time.monotonic()
        while not self._ending:
            due = max(due + self._dice.expovariate(self._rate), time.monotonic() - 1)
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            name = self._dice.choice([*self._stand.replicas])
            task = asyncio.ensure_future(self._visit(self._dice.choice(self._users), name))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    async def _visit(self, user: str, name: str):
        proxy = self._stand.replicas.get(name)
        began, step, writer = time.time(), "connect", None
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", proxy.ports["plain"])
            await self._expect(reader)
            for step in (f"USER {user}", f"PASS {PASSWORD}"):
                writer.write(f"{step}\r\n".encode())
                await self._expect(reader)
            self.slowest = max(self.slowest, time.time() - began)
            step = "stay"
            await asyncio.sleep(self._dice.expovariate(1 / self._stay))
            for step in ("STAT", "QUIT"):
                writer.write(f"{step}\r\n".encode())
                await self._expect(reader)
            self.done += 1
        except (OSError, ConnectionError, AttributeError) as error:
            if self._stand.replicas.get(name) is not proxy:
                return  # killed under its client
            if step in ("stay", "STAT", "QUIT"):
                self.lost += 1
            else:
                self.failed.append((began, user, name, f"{step}: {error}, after {time.time() - began:.1f} s"))
        finally:
            if writer is not None:
                writer.close()

    @staticmethod
    async def _expect(reader):
        line = await asyncio.wait_for(reader.readline(), 30)
        if not line.startswith(b"+OK"):
            raise ConnectionError(line.decode().strip() or "closed")
