"""10,000 wrong passwords from 50 addresses beside good users on the same addresses and on others."""

import asyncio
import collections
import dataclasses
import time

import pytest

from exposition import value
from fake_node import FakeNode
from poplar import node
from waiting import until

_GUESSES = 10_000
_ATTACKERS = [f"127.0.1.{number}" for number in range(1, 51)]
_AT_ONCE = 20  # connections of an attacker
_VICTIM = "victim@example.org"
_THROTTLED = b"-ERR [SYS/TEMP] Service temporarily unavailable after too many failed logins, please wait\r\n"
_SECONDS = 20.0  # for one answer; the longest delay is 15


class Turned(Exception):
    """Away, by a close."""


class Dialogue:
    """POP3 in the clear from one of the loopback's addresses."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer

    @classmethod
    async def begin(cls, address: str, port: int):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        dialogue = cls(reader, writer)
        await dialogue._line()
        return dialogue

    async def _line(self) -> bytes:
        try:
            line = await asyncio.wait_for(self._reader.readline(), _SECONDS)
        except ConnectionError:
            line = b""
        if not line:
            raise Turned
        return line

    async def ask(self, command: str) -> bytes:
        self._writer.write(command.encode() + b"\r\n")
        return await self._line()

    async def log_in(self, user: str, password: str) -> bytes:
        await self.ask(f"USER {user}")
        return await self.ask(f"PASS {password}")

    def close(self):
        self._writer.close()


class Siege:
    """Guesses without a pause, each password once, until they are used up. `answers` counts what came back."""

    def __init__(self, port: int):
        self._port = port
        self._numbers = {address: iter(range(_GUESSES // len(_ATTACKERS))) for address in _ATTACKERS}
        self.answers = collections.Counter()

    async def run(self):
        await asyncio.gather(*(self._guess(address) for address in _ATTACKERS for _ in range(_AT_ONCE)))

    async def _guess(self, address: str):
        dialogue = None
        for number in self._numbers[address]:
            try:
                if dialogue is None:
                    dialogue = await Dialogue.begin(address, self._port)
                answer = await dialogue.log_in(_VICTIM, f"{address}-{number}")
            except Turned:
                answer = b""
            self.answers[answer] += 1
            if not answer.startswith(b"-ERR [AUTH]"):
                if dialogue is not None:
                    dialogue.close()
                dialogue = None
        if dialogue is not None:
            dialogue.close()


@dataclasses.dataclass
class GoodUser:
    """Polls; `waits` has how long each login took, `blocked` what kept one out."""
    address: str
    name: str
    waits: list = dataclasses.field(default_factory=list)
    blocked: list = dataclasses.field(default_factory=list)

    async def poll(self, port: int):
        begun = time.monotonic()
        try:
            dialogue = await Dialogue.begin(self.address, port)
            answer = await dialogue.log_in(self.name, "secret")
            if answer.startswith(b"+OK"):
                await dialogue.ask("QUIT")
            else:
                self.blocked.append(answer)
            dialogue.close()
        except (Turned, TimeoutError) as failure:
            self.blocked.append(repr(failure))
        self.waits.append(time.monotonic() - begun)

    async def poll_until(self, port: int, over: asyncio.Event):
        while not over.is_set():
            await self.poll(port)
            await asyncio.sleep(0.5)


@dataclasses.dataclass
class Outcome:
    answers: collections.Counter
    known: list    # on attackers' addresses, where they had logged in before
    others: list   # on addresses of their own
    late: list     # first seen in the middle of it, on addresses of their own
    served: list   # log lines of the sessions that logged in
    reached: int   # guesses that the node heard of
    before: int    # resident bytes
    after: int
    took: float


async def _besiege(port: int):
    known = [GoodUser(address, f"known{index}") for index, address in enumerate(_ATTACKERS[:5])]
    others = [GoodUser(f"127.0.2.{index}", f"user{index}") for index in range(1, 6)]
    others.append(GoodUser("127.0.2.9", _VICTIM))
    late = [GoodUser(f"127.0.3.{index}", f"late{index}") for index in range(1, 6)]
    for user in known + others:
        await user.poll(port)
    siege, over = Siege(port), asyncio.Event()
    polling = [asyncio.ensure_future(user.poll_until(port, over)) for user in known + others]
    guessing = asyncio.ensure_future(siege.run())
    await asyncio.sleep(2)  # the siege is in full swing; nothing depends on it
    await asyncio.gather(*(user.poll(port) for user in late))
    await guessing
    over.set()
    await asyncio.gather(*polling)
    return siege, known, others, late


@pytest.fixture(scope="module")
def outcome(start):
    listener = {"tls": "none", "require_tls": False}
    # Slots keep what the first moment lets through from a node that serves no thousand at once.
    pool = {"warm": 0, "max_snapshot_age": "0s", "size": 40}
    with FakeNode() as fake, start([node("fake", fake.port)], listener=listener, pool=pool,
                                   admission={"trusted": []}) as proxy:
        before, begun = proxy.memory(), time.monotonic()
        siege, known, others, late = asyncio.run(_besiege(proxy.port))
        took = time.monotonic() - begun
        proxy.idle()
        reached = sum(command.startswith("PASS 127.") for command in fake.commands)
        served = [line for line in proxy.sessions() if line["logged_in"]]
        yield Outcome(siege.answers, known, others, late, served, reached, before, proxy.memory(), took)


def test_guesses_crawl(outcome):
    """At first as many pass as there are connections, as nothing is known against them; then five wait at a time."""
    print(f"{_GUESSES} guesses in {outcome.took:.0f} s: {outcome.reached} reached the node; {outcome.answers}")
    assert sum(outcome.answers.values()) == _GUESSES
    assert set(outcome.answers) == {b"-ERR [AUTH] wrong\r\n", _THROTTLED}
    assert outcome.answers[b"-ERR [AUTH] wrong\r\n"] == outcome.reached
    turns = 2 + outcome.took / 2  # the shortest delay, to be on the safe side
    assert outcome.reached <= len(_ATTACKERS) * (_AT_ONCE + 5 * turns)
    assert outcome.reached < _GUESSES / 2


def test_no_good_login_is_blocked_or_slowed(outcome):
    everybody = outcome.known + outcome.others + outcome.late
    polls = sum(len(user.waits) for user in everybody)
    slowest = max(max(user.waits) for user in everybody)
    print(f"{polls} good logins, the slowest took {slowest:.2f} s")
    assert polls > 3 * len(everybody)
    assert [blocked for user in everybody for blocked in user.blocked] == []
    # How long a login takes is the busy machine's matter, too: what counts is that none was made to wait.
    assert len(outcome.served) == polls
    assert [line for line in outcome.served if "delayed_ms" in line] == []


def test_memory_stays(outcome):
    grown = outcome.after - outcome.before
    print(f"{grown / 2**20:.1f} MiB more than before")
    assert grown < 24 << 20


def test_the_attack_is_seen(start):
    """Each delay is measured, each login turned away counted and named."""
    listener = {"tls": "none", "require_tls": False}
    delay = {"first": "200ms", "longest": "400ms", "waiting_per_address": 4}
    with FakeNode() as fake, start([node("fake", fake.port)], listener=listener,
                                   admission={"trusted": [], "login_delay": delay}) as proxy:
        async def guess():
            first = await Dialogue.begin("127.0.1.1", proxy.port)
            assert (await first.log_in("anna", "one")).startswith(b"-ERR [AUTH]")
            waiting = asyncio.ensure_future(first.log_in("anna", "two"))
            while proxy.metric("poplar_login_delay_seconds_count") < 1:
                await asyncio.sleep(0.01)
            second = await Dialogue.begin("127.0.1.1", proxy.port)
            assert await second.log_in("anna", "three") == _THROTTLED
            with pytest.raises(Turned):
                await second.ask("NOOP")
            assert (await waiting).startswith(b"-ERR [AUTH]")
            first.close()
            second.close()
        asyncio.run(guess())
        proxy.idle()
        until(lambda: value(proxy, "poplar_logins_total", result="throttled") == 1, "the metric")
        by_reason = {line["reason"]: line for line in proxy.sessions()}
        assert by_reason["too_many_guesses"]["user"] == "anna"
        assert by_reason["client_eof"]["delayed_ms"] == 200
        assert "PASS three" not in fake.commands
