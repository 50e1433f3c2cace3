"""Mail nodes that share one guest book: which user is on which of them, at each moment. All in one loop, so that what
happens has an order. They judge "no user on two nodes at once" where it counts.
"""

import asyncio
import collections
import dataclasses
import socket
import threading
import time

from ports import free_port

PASSWORD = "secret"
_ANSWERS = {b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\n.\r\n", b"STAT": b"+OK 0 0\r\n", b"LIST": b"+OK\r\n.\r\n",
            b"UIDL": b"+OK\r\n.\r\n", b"NOOP": b"+OK\r\n", b"USER": b"+OK\r\n"}


@dataclasses.dataclass
class Guest:
    node: str
    user: str
    since: float
    connection: asyncio.trsock.TransportSocket

    def has_left(self) -> bool:
        """Its end may lie in the kernel, unread."""
        try:
            # A socket of asyncio's can't be read from; one of the same connection can.
            with self.connection.dup() as connection:
                return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class WitnessNodes:
    """`overlaps` has (moment, user, node, other node, how long it is there); `logins` counts by node. Leaving the block
    raises what went wrong in here: a witness that fails must not be taken for one that saw nothing.
    """

    def __init__(self, names):
        self.ports = {name: free_port() for name in names}
        self.overlaps, self.logins = [], collections.Counter()
        self._guests = collections.defaultdict(set)  # user -> ids
        self._by_id = {}
        self._servers, self._writers = {}, collections.defaultdict(set)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._faults = []

    def __enter__(self):
        self._thread.start()
        for name in self.ports:
            self.start(name)
        return self

    def __exit__(self, *_):
        for name in list(self._servers):
            self.kill(name)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        if self._faults:
            raise self._faults[0]

    def start(self, name: str):
        self._do(self._start(name))

    def kill(self, name: str):
        """Nothing listens there any more, and all its sessions are reset."""
        self._do(self._kill(name))

    def on(self, user: str):
        """The nodes where the user is now."""
        return {self._by_id[each].node for each in list(self._guests[user])}

    def users(self, name: str):
        return {guest.user for guest in list(self._by_id.values()) if guest.node == name}

    def _do(self, coroutine):
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(20)

    async def _start(self, name):
        async def serve(reader, writer):
            await self._serve(name, reader, writer)
        self._servers[name] = await asyncio.start_server(serve, "127.0.0.1", self.ports[name], backlog=256)

    async def _kill(self, name):
        self._servers.pop(name).close()
        for writer in list(self._writers[name]):
            writer.transport.abort()

    async def _serve(self, name, reader, writer):
        self._writers[name].add(writer)
        me, user = object(), b""
        try:
            writer.write(b"+OK\r\n")
            while line := await reader.readline():
                words = line.split()
                command = words[0].upper() if words else b""
                if command == b"USER":
                    user = words[1].decode()
                if command == b"PASS":
                    if words[1].decode() != PASSWORD:
                        writer.write(b"-ERR [AUTH] no\r\n")
                        continue
                    self._arrive(me, name, user, writer)
                    writer.write(b"+OK\r\n")
                elif command == b"QUIT":
                    self._leave(me)
                    writer.write(b"+OK\r\n")
                    break
                else:
                    writer.write(_ANSWERS.get(command, b"-ERR\r\n"))
        except OSError:
            pass
        except Exception as error:  # pylint: disable=broad-except
            self._faults.append(error)
        finally:
            self._leave(me)
            self._writers[name].discard(writer)
            writer.close()

    def _arrive(self, me, name, user, writer):
        for other in list(self._guests[user]):
            guest = self._by_id[other]
            if guest.node != name and not guest.has_left():
                self.overlaps.append((time.time(), user, name, guest.node, time.time() - guest.since))
        self._by_id[me] = Guest(name, user, time.time(), writer.get_extra_info("socket"))
        self._guests[user].add(me)
        self.logins[name] += 1

    def _leave(self, me):
        guest = self._by_id.pop(me, None)
        if guest is not None:
            self._guests[guest.user].discard(me)
