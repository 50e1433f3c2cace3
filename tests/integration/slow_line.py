"""A slow line between a mail program and what it talks to: as many bytes a second come down it, and no more.

So a maildrop of some megabytes takes long enough for nodes to die meanwhile, again and again. It looks at nothing
it carries.
"""

import asyncio
import contextlib
import socket
import struct
import threading

_CHUNK = 4096   # bytes carried at once
_HELD = 32768  # bytes that the line's own sockets may hold back: few, or they would hide that it is slow


class SlowLine:
    """Listens on `port` of the loopback and leads to another one there, `rate` bytes a second for each connection."""

    def __init__(self, to: int, rate: int):
        self._to, self._rate = to, rate
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _HELD)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(128)
        self.port = self._listener.getsockname()[1]
        self._server = None

    def __enter__(self):
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self):
        return await asyncio.start_server(self._carry, sock=self._listener, limit=_CHUNK)

    async def _stop(self):
        self._server.close()
        carried = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in carried:
            task.cancel()
        await asyncio.gather(*carried, return_exceptions=True)

    async def _carry(self, reader, writer):
        far = socket.socket()
        far.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HELD)
        far.setblocking(False)
        try:
            await self._loop.sock_connect(far, ("127.0.0.1", self._to))
            far_reader, far_writer = await asyncio.open_connection(sock=far, limit=_CHUNK)
        except OSError:
            far.close()
            writer.transport.abort()
            return
        for each in (writer, far_writer):
            each.transport.set_write_buffer_limits(_CHUNK)
        try:
            await asyncio.gather(self._one_way(reader, far_writer, 0), self._one_way(far_reader, writer, self._rate))
        except OSError:  # one end broke off: so does the line, at both
            for each in (writer, far_writer):
                _reset(each)
        finally:
            for each in (writer, far_writer):
                each.close()

    async def _one_way(self, reader, writer, rate: int):
        ready = self._loop.time()
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
            if rate:
                # What the line didn't carry while nobody spoke can't be made good later.
                ready = max(ready, self._loop.time() - 0.05) + len(chunk) / rate
                await asyncio.sleep(ready - self._loop.time())
        with contextlib.suppress(OSError, RuntimeError):
            writer.write_eof()


def _reset(writer):
    connection = writer.transport.get_extra_info("socket")
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
