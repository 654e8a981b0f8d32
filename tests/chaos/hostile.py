"""Feeds that mean harm or are broken: what a receiver of documents must survive. Each entry is one server's manners."""

import asyncio
import gzip
import itertools
import zlib

from tests.fakes import rss
from tests.network.server import ScriptedServer, Talk

DOCUMENTS: tuple[tuple[bytes, dict[str, str]], ...] = tuple(
    (body.encode() if isinstance(body, str) else body, headers)
    for body, headers in (
        ("<rss><item " + " ".join(f'a{i}="1"' for i in range(50_000)) + "/></rss>", {}),
        ("<rss>" + "<!--" * 50_000, {}),
        ("<rss>" + "<a>" * 100_000, {}),
        ("[" * 100_000, {"Content-Type": "application/feed+json"}),
        (rss({"guid": "1", "author": "a@a" + ".a" * 8_000 + "!"}), {}),
        (rss({"guid": "1", "title": "x" * 1_000_000}), {}),
        (rss(*({"guid": str(i), "title": "t"} for i in range(20_000))), {}),
        ("<!DOCTYPE r [<!ENTITY a0 'lol lol lol lol'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 9}'>" for i in range(1, 9))
         + "]><rss version='2.0'><channel><item><title>&a8;</title></item></channel></rss>", {}),
        ("<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss><channel><item><title>&x;</title></item></channel></rss>", {}),
        (b"\0" * 100_000, {}),
        (b"\xff\xfe" + b"\xd8\x00" * 1_000, {"Content-Type": "text/xml; charset=utf-16"}),
        ("<html><body>Please log in</body></html>", {"Content-Type": "text/html"}),
        (b"", {}),
        (gzip.compress(b"0" * 100_000_000), {"Content-Encoding": "gzip"}),
        (gzip.compress(gzip.compress(b"0" * 10_000_000)), {"Content-Encoding": "gzip, gzip"}),
        (b"this is not gzip", {"Content-Encoding": "gzip"}),
        (zlib.compress(b"<rss>")[:6], {"Content-Encoding": "deflate"}),
    )
)  # fmt: skip


async def drip(talk: Talk) -> None:
    """A byte every half second, for as long as anybody listens."""
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(600):
        await talk.send(b"<")
        await asyncio.sleep(0.5)


async def never_answer(talk: Talk) -> None:
    """Silence."""
    await asyncio.sleep(300)


async def be_endless(talk: Talk) -> None:
    """A body without an end."""
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    for _ in range(10_000):
        await talk.send(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


async def bear_many_headers(talk: Talk) -> None:
    """Two thousand headers."""
    await talk.send(b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(2_000)) + b"\r\n")


async def redirect_for_ever(talk: Talk) -> None:
    """To itself."""
    await talk.answer("302 Found", Location=talk.path)


async def hang_up(talk: Talk) -> None:
    """A reset amid the body."""
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n<rss>")
    talk.reset()


MANNERS = (drip, never_answer, be_endless, bear_many_headers, redirect_for_ever, hang_up)


def start_hostile() -> ScriptedServer:
    """A server whose path `/N` behaves in the Nth way, in turn."""

    async def script(talk: Talk) -> None:
        ways = list(itertools.chain(DOCUMENTS, MANNERS))
        way = ways[int(talk.path.strip("/")) % len(ways)]
        if isinstance(way, tuple):
            body, headers = way
            await talk.answer(body=body, **{name.replace("-", "_"): value for name, value in headers.items()})
        else:
            await way(talk)

    return ScriptedServer(script)
