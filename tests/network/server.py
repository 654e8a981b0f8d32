"""A server on loopback that answers each connection with scripted bytes, well-behaved or not."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Awaitable, Callable

Script = Callable[["Talk"], Awaitable[None]]


class Talk:
    """One request: what was asked, and ways to answer it badly."""

    def __init__(self, path: str, headers: dict[str, str], writer: asyncio.StreamWriter) -> None:
        self.path, self.headers, self._writer = path, headers, writer

    async def send(self, raw: bytes) -> None:
        self._writer.write(raw)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    async def answer(self, status: str = "200 OK", body: bytes = b"", **headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def reset(self) -> None:
        self._writer.transport.abort()


class ScriptedServer:
    """Listens on a free port of 127.0.0.1; `script` answers, `asked` remembers."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.script, self.asked = script, []
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task] = set()
        self._server = None
        self._context = context
        ready = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.wait(5)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/feed"

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self.loop).result(5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self.loop)
        start = asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._context)
        self._server = self.loop.run_until_complete(start)
        ready.set()
        self.loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
            talk = Talk(head[0].split(" ")[1], {name.lower(): value for name, value in headers.items()}, writer)
            self.asked.append(talk)
            await self.script(talk)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()
