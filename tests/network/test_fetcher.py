"""Whatever a server does, a fetch ends soon, in little memory, with one reason and no secret in its words."""

import asyncio
import errno
import gzip
import random
import shutil
import socket
import ssl
import subprocess
import sys
import time
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import aiohttp
import brotli
import pytest
from aiohttp import ClientTimeout, ServerDisconnectedError
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler

from tests import pages
from tests.clock import Clock, leap
from tests.fakes import HARMLESS, feed, rss
from tests.network.server import ScriptedServer
from worker.errors import TurnOver
from worker.model import Access, Fetched, NotModified, PollFailed, PollFailure, Postponed
from worker.poll import PollRequest
from worker.runtime import decompress, http
from worker.runtime.explain import explain
from worker.runtime.fetcher import TIMEOUT, HttpFetcher, refuse_hop
from worker.runtime.http import HttpLoop
from worker.runtime.patience import Patient
from worker.runtime.politeness import HostBusyError, Turns
from worker.runtime.turn_store import RedisTurns

DOCUMENT = rss(HARMLESS).encode()
SECRET = "s3cret"


@pytest.fixture(scope="module")
def loop():
    http = HttpLoop()
    yield http
    http.close()


@pytest.fixture
def fetcher(loop):
    return HttpFetcher(loop, "https://contact.example", Turns(time.monotonic, pause=timedelta(0)))


@pytest.fixture
def own_loop():
    """A loop whose time a test may move."""
    http = HttpLoop()
    yield http
    http.close()


@pytest.fixture
def serve():
    servers = []

    def start(script, context=None):
        servers.append(ScriptedServer(script, context))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


def test_a_turn_that_ends_while_it_wakes_the_loop_leaves_it_to_be_woken(loop, monkeypatch):
    async def answer():
        return "here"

    def end(_):
        raise TurnOver

    with monkeypatch.context() as patched:
        patched.setattr(loop.loop, "call_soon_threadsafe", end)
        with pytest.raises(TurnOver):
            loop.submit(answer())
    assert loop.submit(answer()).result(5) == "here"


def begin(fetcher, url, etag="", last_modified="", **kwargs):
    kwargs = {"allow_private": True} | kwargs
    source = feed(**kwargs)
    object.__setattr__(source, "url", url)
    return fetcher.fetch(PollRequest(source, etag, last_modified))


def fetch(*args, **kwargs):
    return begin(*args, **kwargs).result(50)


def refused(outcome, reason: PollFailure) -> str:
    assert isinstance(outcome, PollFailed), outcome
    assert outcome.reason is reason, outcome
    assert SECRET not in outcome.message
    return outcome.message


def answering(status="200 OK", body=DOCUMENT, **headers):
    async def script(talk):
        await talk.answer(status, body, **headers)

    return script


# --- addresses ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}/",
        "http://[::]:{port}/",
        "http://0.0.0.0:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://169.254.169.254/",
        "http://[64:ff9b::7f00:1]:{port}/",
        "http://[2002:7f00:1::]:{port}/",
        "http://100.64.0.1:{port}/",
        "http://2130706433:{port}/",
        "http://0x7f000001:{port}/",
        "http://0177.0.0.1:{port}/",
        "http://127.1:{port}/",
        "http://[fec0::1]/",
        "http://[::ffff:0:7f00:1]/",
        "http://[5f00::1]/",
        "http://[3fff::1]/",
        "http://①②⑦.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://good@127.0.0.1:{port}/",
        "http://1.1.1.1\\@127.0.0.1:{port}/",
    ],
)
def test_no_spelling_of_a_private_address_is_reached(url, fetcher, serve):
    server = serve(answering())
    outcome = fetch(fetcher, url.format(port=server.port), allow_private=False)
    assert isinstance(outcome, PollFailed)
    assert outcome.reason in {PollFailure.BLOCKED_ADDRESS, PollFailure.DNS, PollFailure.BAD_REDIRECT}
    assert server.asked == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://x.example/", "ftp://x.example/", "http://", "http://["]
)
def test_what_is_no_web_address_leads_nowhere(url, fetcher):
    assert isinstance(fetch(fetcher, url), PollFailed)


class Rebinding(AbstractResolver):
    """Names that lead to loopback, whatever was said of them before."""

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": socket.AF_INET, "proto": 0, "flags": 0}]

    async def close(self):
        pass


def test_a_name_that_leads_inside_is_seen_at_the_moment_of_connecting(serve):
    server = serve(answering())
    rebound = HttpLoop(Rebinding())
    fetcher = HttpFetcher(rebound, turns=Turns(time.monotonic, pause=timedelta(0)))
    outcome = fetch(fetcher, f"http://good.example:{server.port}/", allow_private=False)
    rebound.close()
    refused(outcome, PollFailure.BLOCKED_ADDRESS)
    assert server.asked == []


def test_a_name_that_does_not_exist(fetcher):
    outcome = fetch(fetcher, "http://nothing.invalid/feed")
    assert isinstance(outcome, PollFailed)
    assert outcome.reason in {PollFailure.DNS, PollFailure.UNREACHABLE}


def test_nobody_listens(fetcher):
    refused(fetch(fetcher, "http://127.0.0.1:1/"), PollFailure.UNREACHABLE)


# --- redirects ---------------------------------------------------------------------------------------------


def redirecting(*statuses: str, to="/{n}"):
    """`/0` leads to `/1` and so on, by these statuses."""

    async def script(talk):
        n = int(talk.path[1:]) if talk.path[1:].isdigit() else 0
        if n < len(statuses):
            await talk.answer(statuses[n], Location=to.format(n=n + 1))
        else:
            await talk.answer(body=DOCUMENT)

    return script


MOVED, FOUND = "301 Moved Permanently", "302 Found"


@pytest.mark.parametrize(
    ("statuses", "moved_to"),
    [
        ([MOVED], "/1"),
        ([MOVED, "308 Permanent Redirect"], "/2"),
        ([FOUND], ""),
        ([MOVED, FOUND], "/1"),
        ([FOUND, MOVED], ""),
        (["307 Temporary Redirect"], ""),
    ],
)
def test_permanent_redirects_tell_the_new_address_and_others_do_not(statuses, moved_to, fetcher, serve):
    server = serve(redirecting(*statuses))
    outcome = fetch(fetcher, server.url)
    assert isinstance(outcome, Fetched)
    assert outcome.moved_to == (server.url.replace("/feed", moved_to) if moved_to else "")
    assert outcome.url.endswith(f"/{len(statuses)}"), "relative links are resolved against where the document was"


@pytest.mark.parametrize(("hops", "is_followed"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_no_more(hops, is_followed, fetcher, serve):
    outcome = fetch(fetcher, serve(redirecting(*[FOUND] * hops)).url)
    assert isinstance(outcome, Fetched) is is_followed
    assert is_followed or outcome.reason is PollFailure.BAD_REDIRECT


@pytest.mark.parametrize("target", ["file:///etc/passwd", "javascript:alert(1)", "http://[", "gopher://x.example/"])
def test_redirects_lead_only_to_the_web(target, fetcher, serve):
    refused(fetch(fetcher, serve(redirecting(FOUND, to=target)).url), PollFailure.BAD_REDIRECT)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("https://x.example/", "http://x.example/", "from https to http"),
        ("https://x.example/", "https://y.example:8443/", ""),
        ("http://x.example/", "https://x.example/", ""),
        ("http://x.example/", "http://x.example:22/", "port 22"),
        ("http://x.example/", "http://x.example:6379/", "port 6379"),
        ("http://x.example/", "http://x.example:99999/", "no address"),
    ],
)
def test_redirects_do_not_leave_https_nor_knock_at_other_ports(source, target, words):
    refusal = refuse_hop(PollRequest(feed()), source, target)
    assert words in refusal
    assert bool(words) is bool(refusal)


PAGE = "http://wire.example/story"


@pytest.mark.parametrize(
    ("rights", "target", "words"),
    [
        ({}, "http://other.example:8443/", ""),
        ({}, "http://other.example:22/", "port 22"),
        ({}, "http://wire.example:8000/", ""),
        ({}, "http://other.example:8000/", "port 8000"),
        ({"allow_private": True}, "http://wire.example:8000/b", ""),
        ({"allow_private": True}, "http://wire.example:6379/", "own host and port"),
        ({"allow_private": True}, "http://169.254.169.254/", "own host and port"),
        ({"access": Access(proxy="http://proxy:3128")}, "http://wire.example/b", ""),
        ({"access": Access(proxy="http://proxy:3128")}, "http://inside.example/", "own host"),
    ],
)
def test_a_pages_redirect_goes_no_further_than_its_own_rights(rights, target, words):
    source = replace(feed(**rights), url="http://wire.example:8000/rss")
    refusal = refuse_hop(PollRequest(source, url=PAGE, is_page=True), PAGE, target)
    assert words in refusal
    assert bool(words) is bool(refusal)


@pytest.mark.parametrize("port", [22, 25, 6379])
def test_a_page_is_asked_for_at_ports_of_the_web_only(port, fetcher):
    request = PollRequest(feed(), url=f"http://127.0.0.1:{port}/", is_page=True)
    message = refused(fetcher.fetch(request).result(9), PollFailure.BLOCKED_ADDRESS)
    assert f"port {port}, where no page" in message


def test_a_page_at_the_feeds_own_port_is_asked_for(fetcher, serve):
    server = serve(answering())
    source = replace(feed(allow_private=True), url=server.url)
    request = PollRequest(source, url=server.url + "/page", is_page=True)
    assert isinstance(fetcher.fetch(request).result(9), Fetched)


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f.1", "127.1", "0177.0.0.1", "localhost", "a.localhost.", "metadata.google.internal", "nas.local",
     "[::1]", "169.254.169.254."],
)  # fmt: skip
def test_no_private_host_is_named_to_a_proxy_in_any_spelling(host, fetcher, serve):
    proxy = serve(answering())
    access = Access(proxy=proxy.url.replace("/feed", ""))
    refused(fetch(fetcher, f"http://{host}/", access=access, allow_private=False), PollFailure.BLOCKED_ADDRESS)
    assert proxy.asked == []


def test_a_redirect_from_outside_to_inside_is_blocked(fetcher, serve):
    """The first hop goes through a proxy, so that it may be outside; the second names a private address."""
    proxy = serve(redirecting(FOUND, to="http://169.254.169.254/"))
    access = Access(proxy=proxy.url.replace("/feed", ""))
    outcome = fetch(fetcher, "http://public.example/feed", access=access, allow_private=False)
    refused(outcome, PollFailure.BLOCKED_ADDRESS)
    assert len(proxy.asked) == 1


def test_credentials_and_own_headers_stay_at_their_origin(fetcher, serve):
    other = serve(answering())
    server = serve(redirecting(FOUND, FOUND, to="/1"))
    access = Access(headers=(("X-Key", SECRET),), user="user", password=SECRET)
    assert isinstance(fetch(fetcher, server.url, access=access), PollFailed | Fetched)
    assert all(talk.headers["x-key"] == SECRET and "authorization" in talk.headers for talk in server.asked)
    leading_away = serve(redirecting(FOUND, to=other.url))
    assert isinstance(fetch(fetcher, leading_away.url, access=access), Fetched)
    assert "authorization" in leading_away.asked[0].headers
    assert {"authorization", "x-key"} & set(other.asked[0].headers) == set()


def test_a_proxy_is_asked_instead_and_no_private_target_is_named_to_it(fetcher, serve):
    proxy = serve(answering())
    access = Access(proxy=proxy.url.replace("/feed", ""))
    assert isinstance(fetch(fetcher, "http://public.example/feed", access=access, allow_private=False), Fetched)
    assert proxy.asked[0].path == "http://public.example/feed"
    outcome = fetch(fetcher, "http://169.254.169.254/", access=access, allow_private=False)
    refused(outcome, PollFailure.BLOCKED_ADDRESS)


# --- time and size -----------------------------------------------------------------------------------------


async def drip(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await talk.send(b"x")
        await asyncio.sleep(0.5)


async def silence(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")
    await asyncio.sleep(60)


async def endless(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\n\r\n")
    for _ in range(200):
        await talk.send(b"<rss>" * 20_000)


async def many_headers(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 2_000_000 + b"\r\n<rss/>")


async def long_header(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 1_000_000 + b"\r\n\r\n<rss/>")


async def reset(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<rss>")
    await asyncio.sleep(0.05)
    talk.reset()


async def too_little(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n<rss>")


async def broken_chunks(talk):
    await talk.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n<rss>\r\nzz\r\n")


@pytest.mark.parametrize(
    ("script", "timeout"),
    [
        (drip, ClientTimeout(total=1.2, sock_read=1)),
        (silence, ClientTimeout(total=9, sock_read=0.5)),
        (redirecting(FOUND, to="/0"), ClientTimeout(total=9, sock_read=1)),
    ],
    ids=["a byte each half second", "silence", "a loop"],
)
def test_slowness_ends(script, timeout, own_loop, serve):
    server = serve(script)
    clock = Clock(own_loop.loop, server.loop)
    asked = begin(HttpFetcher(own_loop, timeout=timeout), server.url)
    assert clock.until(asked) < 3
    outcome = asked.result()
    assert isinstance(outcome, PollFailed)
    assert outcome.reason in {PollFailure.TIMEOUT, PollFailure.BAD_REDIRECT}


def test_each_request_of_a_connection_has_the_whole_patience_and_no_more(own_loop, serve):
    document = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<rss/>"

    async def twice(talk):
        await talk.send(document)
        await asyncio.sleep(1.3)
        await talk.send(document)
        await asyncio.sleep(60)

    server, fetcher = serve(twice), HttpFetcher(own_loop, timeout=ClientTimeout(total=9, sock_read=0.6))
    clock = Clock(own_loop.loop, server.loop)
    outcomes = [fetch(fetcher, server.url)]
    clock.move(1)  # longer than its patience, which nobody is asked for
    second = begin(fetcher, server.url)
    clock.until(second)
    outcomes.append(second.result())
    assert [type(outcome) for outcome in outcomes] == [Fetched, Fetched]
    third = begin(fetcher, server.url)
    assert 0.5 < clock.until(third) < 2
    refused(third.result(), PollFailure.TIMEOUT)
    assert len(server.asked) == 1, "the connection was not kept"


@pytest.fixture(params=[aiohttp.__version__, "3.99.0"])
def either(request, monkeypatch):
    """A loop whose connections are timed by ours, and one whose are timed by an aiohttp that nobody looked into."""
    monkeypatch.setattr(aiohttp, "__version__", request.param)
    http, seen = HttpLoop(), set()
    made = ResponseHandler.connection_made

    def note(connection, transport):
        seen.add(type(connection))
        made(connection, transport)

    monkeypatch.setattr(ResponseHandler, "connection_made", note)
    yield http
    http.close()
    assert seen == {ResponseHandler if request.param == "3.99.0" else Patient}


async def mute(talk):
    await asyncio.sleep(60)


@pytest.mark.parametrize("script", [mute, silence], ids=["from the start", "after the head"])
def test_a_silent_server_is_given_up_whichever_aiohttp_is_installed(script, either, serve):
    server = serve(script)
    clock = Clock(either.loop, server.loop)
    asked = begin(HttpFetcher(either, timeout=ClientTimeout(total=9, sock_read=0.5)), server.url)
    assert 0.4 < clock.until(asked) < 3
    refused(asked.result(), PollFailure.TIMEOUT)


def test_a_server_that_sends_now_and_then_is_listened_to(own_loop, serve):
    async def now_and_then(talk):
        await talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        for byte in b"<rss/>":
            await asyncio.sleep(0.3)
            await talk.send(bytes([byte]))

    server = serve(now_and_then)
    clock = Clock(own_loop.loop, server.loop)
    asked = begin(HttpFetcher(own_loop, timeout=ClientTimeout(total=9, sock_read=0.8)), server.url)
    assert clock.until(asked) > 0.8, "longer than it may be silent"
    assert isinstance(asked.result(), Fetched)


def test_nobody_is_waited_for_longer_than_half_a_minute():
    assert (TIMEOUT.total, TIMEOUT.connect, TIMEOUT.sock_read) == (30, 10, 10)


@pytest.mark.parametrize(
    ("script", "reasons"),
    [
        (endless, {PollFailure.TOO_LARGE}),
        (many_headers, {PollFailure.UNREACHABLE}),
        (long_header, {PollFailure.UNREACHABLE}),
        (reset, {PollFailure.UNREACHABLE, PollFailure.BAD_ENCODING}),
        (too_little, {PollFailure.BAD_ENCODING}),
        (broken_chunks, {PollFailure.UNREACHABLE, PollFailure.BAD_ENCODING}),
        (answering(Content_Length="99999999999"), {PollFailure.UNREACHABLE, PollFailure.TOO_LARGE}),
    ],
)
def test_a_broken_answer_is_a_failure_like_any_other(script, reasons, fetcher, serve):
    outcome = fetch(fetcher, serve(script).url)
    assert isinstance(outcome, PollFailed)
    assert outcome.reason in reasons


def zstd(raw: bytes) -> bytes:
    return decompress._ZSTD.compress(raw)


CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": lambda raw: zlib.compress(raw)[2:-4],
    "br": brotli.compress,
    "two gzip members": lambda raw: gzip.compress(raw[:50]) + gzip.compress(raw[50:]),
    "zstd": zstd,
}


def coding_of(name: str) -> str:
    if name == "zstd" and decompress._ZSTD is None:
        pytest.skip("no zstd here: Python 3.14 or backports.zstd")
    return {"raw deflate": "deflate", "two gzip members": "gzip"}.get(name, name)


@pytest.mark.parametrize("name", CODINGS)
def test_every_coding_gives_the_same_bytes(name, fetcher, serve):
    coding = coding_of(name)
    server = serve(answering(body=CODINGS[name](DOCUMENT), Content_Encoding=coding))
    assert fetch(fetcher, server.url).body == DOCUMENT
    assert coding in server.asked[0].headers["accept-encoding"]


@pytest.mark.parametrize("name", [name for name in CODINGS if "two" not in name])
def test_a_bomb_costs_little(name, fetcher, serve):
    coding = coding_of(name)
    bomb = CODINGS[name](bytes(100_000_000))
    server = serve(answering(body=bomb, Content_Encoding=coding))
    tracemalloc.start()
    message = refused(fetch(fetcher, server.url), PollFailure.TOO_LARGE)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 45_000_000
    assert "bytes" in message


@pytest.mark.parametrize("name", ["gzip", "br", "zstd", "deflate"])
def test_a_coding_that_breaks_off_is_no_document(name, fetcher, serve):
    coding = coding_of(name)
    body = CODINGS[name](DOCUMENT)
    server = serve(answering(body=body[: len(body) // 2], Content_Encoding=coding))
    refused(fetch(fetcher, server.url), PollFailure.BAD_ENCODING)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip, gzip", gzip.compress(gzip.compress(DOCUMENT))),
        ("lzma", b"x"),
        ("gzip", b"rubbish"),
        ("br", b"rubbish!!"),
    ],
)
def test_a_coding_that_cannot_be_undone_is_refused(coding, body, fetcher, serve):
    refused(fetch(fetcher, serve(answering(body=body, Content_Encoding=coding)).url), PollFailure.BAD_ENCODING)


def test_plain_text_that_claims_to_be_compressed_is_read(fetcher, serve):
    assert fetch(fetcher, serve(answering(Content_Encoding="gzip")).url).body == DOCUMENT


# --- what the answer says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason"),
    [(f"{code} X", PollFailure.HTTP_STATUS) for code in (201, 204, 400, 401, 403, 404, 418, 500, 502, 504, 520)]
    + [("429 X", PollFailure.THROTTLED), ("503 X", PollFailure.THROTTLED), ("410 X", PollFailure.GONE)],
)
def test_every_other_status_is_a_failure_with_its_reason(status, reason, fetcher, serve):
    outcome = fetch(fetcher, serve(answering(status, b"")).url)
    refused(outcome, reason)
    assert outcome.status == int(status.split()[0])


def test_a_304_counts_only_where_validators_were_sent(fetcher, serve):
    server = serve(answering("304 Not Modified", b"", ETag='"v2"'))
    assert fetch(fetcher, server.url, etag='"v1"', last_modified="then") == NotModified(etag='"v2"')
    assert server.asked[0].headers["if-none-match"] == '"v1"'
    assert server.asked[0].headers["if-modified-since"] == "then"
    refused(fetch(fetcher, server.url), PollFailure.HTTP_STATUS)


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        ("120", timedelta(minutes=2)),
        ("-1", None),
        ("99999999", timedelta(seconds=99_999_999)),
        ("9" * 50, timedelta(seconds=10**9)),
        ("soon", None),
        ("Thu, 01 Jan 2004 00:00:00 GMT", None),
    ],
)
def test_retry_after_in_all_its_forms(header, wait, fetcher, serve):
    assert fetch(fetcher, serve(answering("429 X", b"", Retry_After=header)).url).retry_after == wait


@pytest.mark.parametrize(
    ("headers", "fresh"),
    [
        ({"Cache-Control": "public, max-age=600"}, 600),
        ({"Cache-Control": "max-age=600", "Age": "200"}, 400),
        ({"Cache-Control": "s-maxage=9, max-age=600"}, 600),
        ({"Cache-Control": "no-cache, max-age=600"}, None),
        ({"Expires": "Sun, 01 Mar 2026 13:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}, 3600),
        ({"Expires": "0"}, None),
        ({"Cache-Control": "max-age=60", "Expires": "Sun, 01 Mar 2026 13:00:00 GMT"}, 60),
    ],
)
def test_freshness_is_what_cache_control_and_expires_say(headers, fresh, fetcher, serve):
    outcome = fetch(fetcher, serve(answering(**{k.replace("-", "_"): v for k, v in headers.items()})).url)
    assert outcome.fresh_for == (timedelta(seconds=fresh) if fresh else None)


@pytest.mark.parametrize(("who", "markup"), pages.CHALLENGES.items(), ids=pages.CHALLENGES)
@pytest.mark.parametrize("status", ["403 Forbidden", "200 OK", "503 Unavailable"])
def test_a_riddle_for_browsers_is_named(status, who, markup, fetcher, serve):
    for body, headers in ((markup.encode(), {}), (gzip.compress(markup.encode()), {"Content_Encoding": "gzip"})):
        server = serve(answering(status, body, **headers))
        assert who in refused(fetch(fetcher, server.url), PollFailure.CDN_CHALLENGE)


def test_a_packed_riddle_of_which_only_the_start_has_come_is_named(fetcher, serve):
    markup = pages.CHALLENGES["Cloudflare"].encode() + bytes(random.Random(1).choices(range(97, 123), k=20_000))
    packed = gzip.compress(markup)

    async def in_two(talk):
        head = f"HTTP/1.1 403 Forbidden\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n"
        await talk.send(head.encode() + packed[:8_000])
        await asyncio.sleep(1)
        await talk.send(packed[8_000:])

    assert "Cloudflare" in refused(fetch(fetcher, serve(in_two).url), PollFailure.CDN_CHALLENGE)


def test_a_riddle_is_named_by_its_header_alone(fetcher, serve):
    server = serve(answering("403 Forbidden", b"", cf_mitigated="challenge"))
    assert "Cloudflare" in refused(fetch(fetcher, server.url), PollFailure.CDN_CHALLENGE)


def test_it_says_who_it_is_and_keeps_no_cookies(fetcher, serve):
    server = serve(answering(Set_Cookie="a=b"))
    fetch(fetcher, server.url)
    fetch(fetcher, server.url)
    assert server.asked[0].headers["user-agent"].startswith("Tocsin/")
    assert "https://contact.example" in server.asked[0].headers["user-agent"]
    assert "cookie" not in server.asked[1].headers


def test_no_message_names_a_query(fetcher, serve):
    server = serve(answering("500 X", b""))
    refused(fetch(fetcher, f"{server.url}?key={SECRET}"), PollFailure.HTTP_STATUS)
    refused(fetch(fetcher, f"http://nothing.invalid/?key={SECRET}"), PollFailure.DNS)


# --- TLS ---------------------------------------------------------------------------------------------------


def test_a_certificate_that_nobody_vouches_for_is_refused(fetcher, serve, tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=127.0.0.1",
         "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    message = refused(fetch(fetcher, serve(answering(), context).url), PollFailure.TLS)
    assert "certificate" in message


_AUTHORITY = """[ca]
default_ca=own
[own]
database=index.txt
new_certs_dir=.
serial=serial
default_md=sha256
policy=any
x509_extensions=names
[any]
commonName=supplied
[names]
subjectAltName={kind}:{name}
"""


def certificate(folder, until, name="127.0.0.1"):
    """A server's TLS context with a certificate that ends at `until`, and a client's that trusts it alone."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not here")
    (folder / "own.cnf").write_text(_AUTHORITY.format(kind="IP" if name[0].isdigit() else "DNS", name=name))
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("01")
    for command in (
        ["req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}", "-keyout", "key.pem", "-out", "request.pem"],
        ["ca", "-batch", "-selfsign", "-notext", "-config", "own.cnf", "-keyfile", "key.pem", "-in", "request.pem",
         "-startdate", "20200101000000Z", "-enddate", f"{until:%Y%m%d%H%M%SZ}", "-out", "chain.pem"],
    ):  # fmt: skip
        subprocess.run(["openssl", *command], check=True, capture_output=True, cwd=folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return context, ssl.create_default_context(cafile=str(folder / "chain.pem"))


@pytest.fixture
def trusting():
    """A fetcher that trusts what a test made."""
    made = HttpLoop()

    def trust(client):
        async def set_up():
            made.session(allow_private=True, auto_decompress=False).connector._ssl = client

        made.submit(set_up()).result(5)
        return HttpFetcher(made, turns=Turns(time.monotonic, pause=timedelta(0)))

    yield trust
    made.close()


def test_how_long_a_certificate_is_good_for_is_seen_before_it_ends(trusting, serve, tmp_path):
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    context, client = certificate(tmp_path, until)
    fetcher, server = trusting(client), serve(answering(ETag='"1"'), context)
    for etag in ("", '"1"'):
        outcome = fetch(fetcher, server.url, etag=etag)
        assert isinstance(outcome, Fetched)
        assert outcome.certificate_until == until
    assert fetch(fetcher, serve(answering()).url).certificate_until is None


def test_certificates_are_remembered_of_the_newest_hosts(trusting, serve, tmp_path, monkeypatch):
    monkeypatch.setattr(http, "_MOST_CERTIFICATES", 2)
    context, client = certificate(tmp_path, datetime.now(UTC) + timedelta(days=30))
    fetcher, servers = trusting(client), [serve(answering(), context) for _ in range(3)]
    for server in (*servers[:2], servers[0], servers[2]):
        assert fetch(fetcher, server.url).certificate_until
    kept = [fetcher._loop.certificate_until(server.url) is not None for server in servers]
    assert kept == [True, False, True]


@pytest.mark.parametrize(
    ("days", "name", "reason", "words"),
    [
        (-1, "127.0.0.1", PollFailure.CERTIFICATE_EXPIRED, "out of date"),
        (30, "other.example", PollFailure.TLS, "another host"),
    ],
)
def test_a_certificate_that_ended_or_is_anothers_is_refused_and_named(
    days, name, reason, words, trusting, serve, tmp_path
):
    context, client = certificate(tmp_path, datetime.now(UTC) + timedelta(days=days), name)
    assert words in refused(fetch(trusting(client), serve(answering(), context).url), reason)


def test_plain_text_where_tls_should_be_is_refused(loop, serve):
    url = serve(answering()).url.replace("http:", "https:")
    assert isinstance(fetch(HttpFetcher(loop, timeout=ClientTimeout(total=1)), url), PollFailed)


@pytest.mark.parametrize(
    ("code", "reason", "word"),
    [
        (10, PollFailure.CERTIFICATE_EXPIRED, "out of date"),
        (18, PollFailure.TLS, "self-signed"),
        (62, PollFailure.TLS, "another host"),
        (20, PollFailure.TLS, "cannot be trusted"),
    ],
)
def test_a_bad_certificate_is_named(code, reason, word):
    error = ssl.SSLCertVerificationError("x")
    error.verify_code = code
    assert word in refused(explain(error, "https://x.example/", TIMEOUT), reason)


# --- politeness --------------------------------------------------------------------------------------------


class Ticks:
    """A clock that tests move."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_host_is_asked_in_turns_and_who_would_wait_long_comes_back_later(serve, loop):
    """Ten feeds of one public host: the pause between starts holds, and nobody waits beyond the patience."""
    turns = Turns(Ticks(), pause=timedelta(seconds=4), patience=timedelta(seconds=5))
    fetcher = HttpFetcher(loop, turns=turns)
    outcomes = [fetcher.fetch(PollRequest(feed("one", allow_private=False))) for _ in range(6)]
    postponed = [outcome.result(50) for outcome in outcomes[2:]]
    for outcome in outcomes[:2]:
        outcome.cancel()
    assert {type(outcome) for outcome in postponed} == {Postponed}
    assert all(timedelta(seconds=5) < outcome.wait <= timedelta(seconds=8) for outcome in postponed)


def test_turns_at_one_host_do_not_hold_up_another():
    async def both() -> list[float]:
        clock = asyncio.get_running_loop().time
        turns = Turns(clock, pause=timedelta(seconds=0.2))
        waits = []
        for host in ("a", "a", "b"):
            async with turns.turn(host):
                waits.append(clock())
        return waits

    first, second, other = leap(both())
    assert first < 0.1 < second
    assert other - second < 0.1


def test_no_more_than_two_are_at_a_host_at_once():
    async def crowd() -> int:
        turns = Turns(time.monotonic, pause=timedelta(0))
        inside = most = 0

        async def visit() -> None:
            nonlocal inside, most
            async with turns.turn("a"):
                inside += 1
                most = max(most, inside)
                await asyncio.sleep(0.01)
                inside -= 1

        await asyncio.gather(*(visit() for _ in range(8)))
        return most

    assert asyncio.run(crowd()) == 2


def test_of_hosts_at_which_nobody_is_no_place_is_kept():
    async def visits() -> list[int]:
        turns = Turns(time.monotonic, patience=timedelta(seconds=0.2), reserve=lambda hosts, *_: [0.0] * len(hosts))

        is_enough = asyncio.Event()

        async def visit(host: str, *, is_staying: bool) -> None:
            async with turns.turn(host):
                if is_staying:
                    await is_enough.wait()

        passing = [asyncio.create_task(visit(f"host-{i}", is_staying=False)) for i in range(50)]
        *crowd, cut = (asyncio.create_task(visit(host, is_staying=True)) for host in (*["full"] * 4, "cut"))
        async with asyncio.timeout(60):
            await asyncio.wait([*passing, *crowd[2:]])  # for the latter two the others' stay is out of all patience
        kept = [len(turns._places)]
        cut.cancel()
        is_enough.set()
        outcomes = await asyncio.gather(*passing, *crowd, cut, return_exceptions=True)
        assert [type(one) for one in outcomes if one] == [HostBusyError, HostBusyError, asyncio.CancelledError]
        return [*kept, len(turns._places), len(turns._present)]

    assert asyncio.run(visits()) == [2, 0, 0]


def test_turns_are_shared_by_processes_over_redis(redis_store):
    """Two processes with a store between them: the pauses add up, and patience holds."""
    first, second = RedisTurns(redis_store), RedisTurns(redis_store)
    waits = [wait for turns in (first, second, first, second) for wait in turns.reserve(["host.example"], 4, 10)]
    assert [round(wait) for wait in waits] == [0, 4, 8, 12]
    busy, free, again = first.reserve(["host.example", "other.example", "other.example"], 4, 10)
    assert round(busy) == 12, "what is out of patience reserves nothing"
    assert (free, again) == (0, 4)


def test_politeness_goes_on_without_redis(loop, serve):
    turns = Turns(time.monotonic, pause=timedelta(seconds=4), patience=timedelta(seconds=1), reserve=lambda *_: None)
    fetcher = HttpFetcher(loop, turns=turns)
    asked = [fetcher.fetch(PollRequest(feed("one", allow_private=False))) for _ in range(2)]
    assert isinstance(asked[1].result(20), Postponed)
    asked[0].cancel()


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ECONNREFUSED, "x"), "nothing listens"),
        (OSError(errno.EHOSTUNREACH, "x"), "no route"),
        (OSError(errno.ENETUNREACH, "x"), "no route"),
        (ConnectionResetError(errno.ECONNRESET, "x"), "cut the connection"),
        (ServerDisconnectedError(), "without an answer"),
        (RuntimeError("x"), "cannot be reached"),
    ],
)
def test_why_no_answer_came_is_said_in_words(error, words):
    message = refused(explain(error, "https://x.example/", TIMEOUT), PollFailure.UNREACHABLE)
    assert words in message
    assert "Error" not in message


def test_a_refused_connection_says_so(fetcher):
    assert "nothing listens" in refused(fetch(fetcher, "http://127.0.0.1:1/"), PollFailure.UNREACHABLE)


def test_who_asks_for_a_turn_while_others_are_asked_for_is_asked_for_with_the_next():
    calls = []

    def reserve(hosts, _pause, _patience):
        calls.append(list(hosts))
        time.sleep(0.05)
        return [0.0 for _ in hosts]

    turns = Turns(time.monotonic, reserve=reserve)

    async def ask(host):
        async with turns.turn(host):
            return host

    async def ask_all():
        first = asyncio.create_task(ask("first.example"))
        await asyncio.sleep(0.01)
        hosts = [f"h{i}.example" for i in range(50)]
        assert await asyncio.gather(*map(ask, hosts)) == hosts
        assert await first == "first.example"
        assert await ask("last.example") == "last.example"

    asyncio.run(ask_all())
    assert [len(hosts) for hosts in calls] == [1, 50, 1]


def test_a_turn_that_cannot_be_asked_for_fails_who_asked_and_none_after():
    answers = iter([KeyError("odd"), [0.0]])

    def reserve(_hosts, _pause, _patience):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def ask_twice():
        turns = Turns(time.monotonic, reserve=reserve)
        with pytest.raises(KeyError):
            async with turns.turn("a.example"):
                pass
        async with turns.turn("a.example"):
            return True

    assert asyncio.run(ask_twice())


def test_work_whose_answer_nobody_waits_for_any_more_disturbs_no_other(loop):
    go_on = asyncio.Event()

    async def after(what):
        await go_on.wait()
        return what

    given_up, kept = loop.submit(after("given up")), loop.submit(after("kept"))
    assert given_up.cancel()
    loop.loop.call_soon_threadsafe(go_on.set)
    assert kept.result(30) == "kept"
    assert given_up.cancelled()


def test_the_reader_of_documents_keeps_the_interpreter_from_the_fetches_for_no_long_time(loop):
    assert sys.getswitchinterval() <= 0.001
