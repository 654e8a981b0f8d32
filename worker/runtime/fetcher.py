"""Fetching feeds over HTTP: conditional, bounded in time and size, public addresses only. Every failure is a value.

Redirects are followed here and not by the client, so that every hop is looked at: its scheme, its port, whether it
leaves https, and whether credentials may go along (never to another origin).
"""

import time
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp

from worker import __version__
from worker.challenge import LOOKED_AT_BYTES, name_challenger
from worker.model import Feed, Fetched, NotModified, PollFailed, PollFailure, PollOutcome, Postponed
from worker.poll import PollRequest
from worker.runtime import decompress, http
from worker.runtime.explain import explain
from worker.runtime.politeness import HostBusyError, Turns
from worker.runtime.robots import RobotsRules

MOST_REDIRECTS = 5
PORTS = frozenset({80, 443, 8080, 8443})
"""Where a redirect may lead; a port that the configuration names is meant."""
TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10, sock_connect=10, sock_read=10)
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_PAGE_ACCEPT = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
_OK, _NOT_MODIFIED, _GONE = 200, 304, 410
_PERMANENT, _REDIRECTS = (301, 308), (301, 302, 303, 307, 308)
_THROTTLED = (429, 503)


@dataclass(frozen=True, slots=True)
class _Hop:
    """Where to ask now, and where permanent redirects alone have led so far."""

    url: str
    moved_to: str = ""
    is_permanent: bool = True


class HttpFetcher:
    """See `ports.Fetcher`. Says honestly who it is, with a contact where one is configured."""

    def __init__(
        self,
        loop: http.HttpLoop,
        contact: str = "",
        turns: Turns | None = None,
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:
        self._loop, self._timeout = loop, timeout
        # the whole is limited here, redirects included
        self._each = aiohttp.ClientTimeout(
            connect=timeout.connect, sock_connect=timeout.sock_connect, sock_read=timeout.sock_read
        )
        self._agent = f"Tocsin/{__version__}" + (f" (+{contact})" if contact else "")
        self._turns = turns or Turns(time.monotonic)
        self._robots = RobotsRules(time.monotonic)

    def fetch(self, request: PollRequest) -> Future[PollOutcome]:
        """Start one poll; up to 30 s, and 10 s for its turn at the host."""
        is_at_once = request.feed.allow_private and not request.is_page
        work = self._follow(request) if is_at_once else self._fetch_allowed(request)
        return self._loop.submit(self._as_value(request, work))

    async def _as_value(self, request: PollRequest, work: Coroutine[Any, Any, PollOutcome]) -> PollOutcome:
        try:
            return await work
        except HostBusyError as busy:
            return Postponed(busy.wait)
        except decompress.BodyRefusedError as refused:
            return PollFailed(refused.reason, f"{http.short_url(request.address)} {refused}")
        except Exception as error:  # noqa: BLE001 - whatever a server provokes is this feed's outcome alone
            return explain(error, http.short_url(request.address), self._timeout)

    async def _fetch_allowed(self, request: PollRequest) -> PollOutcome:
        if not request.is_page:
            return await self._fetch_in_turn(request)
        if refusal := refuse_page(request):
            return PollFailed(PollFailure.BLOCKED_ADDRESS, f"{http.short_url(request.address)} {refusal}")
        refused = await self._robots.judge(request, request.address, self._ask_rules)
        return refused or await self._fetch_in_turn(request)

    async def _fetch_in_turn(self, request: PollRequest) -> PollOutcome:
        if request.feed.allow_private:
            return await self._follow(request)
        async with self._turns.turn(http.origin(request.address)[1]):
            return await self._follow(request)

    async def _ask_rules(self, request: PollRequest) -> PollOutcome:
        return await self._as_value(request, self._fetch_in_turn(request))

    async def _ask_rules_at_once(self, request: PollRequest) -> PollOutcome:
        """In the turn of the page that led there: a host whose pages hold all its turns would be waited for in vain."""
        return await self._as_value(request, self._follow(request))

    async def _follow(self, request: PollRequest) -> PollOutcome:
        """The answer to a request, and to those that redirects lead to, in the time that one has."""
        with self._loop.within(self._timeout.total):
            hop = _Hop(request.address)
            outcome = await self._ask(request, hop)
            for _ in range(MOST_REDIRECTS):
                if not isinstance(outcome, _Hop):
                    return outcome
                if refused := await self._refuse(request, hop, outcome):
                    return refused
                hop = outcome
                outcome = await self._ask(request, hop)
        if not isinstance(outcome, _Hop):
            return outcome
        message = f"{http.short_url(request.address)} redirects more than {MOST_REDIRECTS} times"
        return PollFailed(PollFailure.BAD_REDIRECT, message)

    async def _refuse(self, request: PollRequest, hop: _Hop, target: _Hop) -> PollOutcome | None:
        """What stands against following a redirect."""
        if refusal := refuse_hop(request, hop.url, target.url):
            return PollFailed(PollFailure.BAD_REDIRECT, f"{http.short_url(request.address)} {refusal}")
        return await self._robots.judge(request, target.url, self._ask_rules_at_once)

    async def _ask(self, request: PollRequest, hop: _Hop) -> PollOutcome | _Hop:
        feed = request.feed
        proxy = feed.access.proxy or None
        if proxy and not feed.allow_private:
            _refuse_private_host(hop.url)
        # the guard looks at whom we connect to: behind a proxy that is the proxy, which the operator chose
        session = self._loop.session(allow_private=feed.allow_private or bool(proxy), auto_decompress=False)
        headers = self._headers(request, hop.url)
        async with session.get(
            http.parsed(hop.url), headers=headers, timeout=self._each, allow_redirects=False, proxy=proxy
        ) as response:
            if response.status in _REDIRECTS and (target := response.headers.get("Location")):
                is_permanent = hop.is_permanent and response.status in _PERMANENT
                url = _join(hop.url, target)
                return _Hop(url, url if is_permanent else hop.moved_to, is_permanent)
            # what a 200 and a 304 both say of the document
            heads = response.headers
            known = NotModified(
                heads.get("ETag", ""),
                heads.get("Last-Modified", ""),
                http.fresh_for(heads),
                hop.moved_to,
                self._loop.certificate_until(hop.url),
            )
            if response.status == _NOT_MODIFIED and (request.etag or request.last_modified):
                return known
            if response.status != _OK:
                return _refused(response, http.short_url(hop.url), await _read_start(response))
            body = await _read(response)
            if who := name_challenger(_OK, heads, body):
                return _challenged(who, http.short_url(hop.url), response)
            return Fetched(
                body=body,
                url=hop.url,
                content_type=heads.get("Content-Type", ""),
                etag=known.etag,
                last_modified=known.last_modified,
                fresh_for=known.fresh_for,
                moved_to=known.moved_to,
                certificate_until=known.certificate_until,
                links=", ".join(heads.getall("Link", []))[:8_000],
            )

    def _headers(self, request: PollRequest, url: str) -> dict[str, str]:
        headers = {
            "User-Agent": self._agent,
            "Accept": _PAGE_ACCEPT if request.is_page else _ACCEPT,
            "Accept-Encoding": decompress.ACCEPTED,
        }
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        if http.origin(url) == http.origin(request.feed.url):
            headers |= _own_headers(request.feed)
        return headers


def _own_headers(feed: Feed) -> dict[str, str]:
    """What the configuration has us send to the feed's own origin, and to no other."""
    headers = dict(feed.access.headers)
    if feed.access.user or feed.access.password:
        headers["Authorization"] = aiohttp.encode_basic_auth(feed.access.user, feed.access.password, "utf-8")
    return headers


def refuse_hop(request: PollRequest, source: str, target: str) -> str:
    """Why a redirect is not followed, or ""."""
    try:
        scheme, _, port = http.origin(target)
    except ValueError:
        return "redirects to something that is no address"
    if scheme not in ("http", "https"):
        return f"redirects to {scheme or 'no'}: addresses, which are not followed"
    if urlsplit(source).scheme == "https" and scheme == "http":
        return "redirects from https to http; name the http address itself if it is meant"
    own = http.origin(request.feed.url)
    if request.is_page:
        return _refuse_page_hop(request.feed, http.origin(target), own)
    if not request.feed.allow_private and port not in PORTS and port != own[2]:
        return f"redirects to port {port}, where no feed is expected"
    return ""


def refuse_page(request: PollRequest) -> str:
    """Why the page that an entry links to is not asked for, or "": a publisher chooses the link, hence not the port."""
    place, own = http.origin(request.address), http.origin(request.feed.url)
    if request.is_page and place[2] not in PORTS and place[1:] != own[1:]:
        return f"is at port {place[2]}, where no page is expected"
    return ""


def _refuse_page_hop(feed: Feed, place: http.Origin, own: http.Origin) -> str:
    """Why a page's redirect is not followed, or "". What the feed alone may reach, its pages reach at its own place."""
    if feed.allow_private and place[1:] != own[1:]:
        return "redirects away from the feed's own host and port, to which private addresses are opened"
    if feed.access.proxy and place[1] != own[1]:
        return "redirects away from the feed's own host, behind a proxy"
    if place[2] not in PORTS and place[1:] != own[1:]:
        return f"redirects to port {place[2]}, where no page is expected"
    return ""


def _join(base: str, target: str) -> str:
    try:
        return urljoin(base, target.strip())
    except ValueError:
        return "unreadable:"


def _refuse_private_host(url: str) -> None:
    host = http.origin(url)[1]
    if not http.may_be_public(host):
        msg = f"the address {host} is not public"
        raise http.BlockedAddressError(msg)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    coding = response.headers.get("Content-Encoding", "")
    if "," in coding:
        raise decompress.BodyRefusedError(PollFailure.BAD_ENCODING, "compresses its answer twice")
    if (response.content_length or 0) > decompress.WIRE_LIMIT_BYTES:
        message = f"announces {response.content_length:,} bytes; the limit is {decompress.WIRE_LIMIT_BYTES:,}"
        raise decompress.BodyRefusedError(PollFailure.TOO_LARGE, message)
    body = decompress.Body(coding)
    async for chunk in response.content.iter_chunked(65_536):
        body.add(chunk)
    return body.finish()


async def _read_start(response: aiohttp.ClientResponse) -> bytes:
    """The start of a refusal, by which riddles for browsers are known; what cannot be read is no matter."""
    try:
        body = decompress.Body(response.headers.get("Content-Encoding", ""))
        body.add(await response.content.read(LOOKED_AT_BYTES))
        return body.so_far()
    except (decompress.BodyRefusedError, aiohttp.ClientError, TimeoutError):
        return b""


def _challenged(who: str, where: str, response: aiohttp.ClientResponse) -> PollFailed:
    message = f"{where} is guarded by {who}, which asks for a browser; the publisher can let feed readers in"
    wait = http.retry_after(response.headers.get("Retry-After"), http.now())
    return PollFailed(PollFailure.CDN_CHALLENGE, message, wait, response.status)


def _refused(response: aiohttp.ClientResponse, where: str, body: bytes) -> PollFailed:
    wait, status = http.retry_after(response.headers.get("Retry-After"), http.now()), response.status
    if who := name_challenger(status, response.headers, body):
        return _challenged(who, where, response)
    if status in _THROTTLED:
        return PollFailed(PollFailure.THROTTLED, f"{where} asks to come back later ({status})", wait, status)
    if status == _GONE:
        return PollFailed(
            PollFailure.GONE, f"{where} says that the feed is gone for good (410); remove it", None, status
        )
    if status == _NOT_MODIFIED:
        message = f"{where} answered 304 although nothing was named to compare with"
        return PollFailed(PollFailure.HTTP_STATUS, message, wait, status)
    return PollFailed(PollFailure.HTTP_STATUS, f"{where} answered {status} {response.reason}", wait, status)
