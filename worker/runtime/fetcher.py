"""Fetching feeds over HTTP: conditional, bounded in time and size, public addresses only. Every failure is a value."""

from concurrent.futures import Future

import aiohttp

from worker import __version__
from worker.model import Fetched, NotModified, PollFailed, PollFailure, PollOutcome
from worker.poll import PollRequest
from worker.runtime import http

WIRE_LIMIT_BYTES = 5_000_000
BODY_LIMIT_BYTES = 20_000_000
RATIO_LIMIT = 200
"""A body this many times larger than what came over the wire is a bomb, whatever its size beyond 1 MB."""
_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=10, sock_read=10)
_ACCEPT = "application/atom+xml, application/rss+xml, application/feed+json, application/xml;q=0.9, */*;q=0.5"
_OK, _NOT_MODIFIED, _GONE = 200, 304, 410
_THROTTLED = (429, 503)


class HttpFetcher:
    """See `ports.Fetcher`. Says honestly who it is, with a contact where one is configured."""

    def __init__(self, loop: http.HttpLoop, contact: str = "") -> None:
        self._loop = loop
        self._agent = f"Tocsin/{__version__}" + (f" (+{contact})" if contact else "")

    def fetch(self, request: PollRequest) -> Future[PollOutcome]:
        """Start one poll; up to 30 s."""
        return self._loop.submit(self._fetch(request))

    async def _fetch(self, request: PollRequest) -> PollOutcome:
        where = http.short_url(request.feed.url)
        try:
            return await self._ask(request, where)
        except Exception as error:  # noqa: BLE001 - whatever a server provokes is this feed's outcome alone
            return _explain(error, where)

    async def _ask(self, request: PollRequest, where: str) -> PollOutcome:
        headers = {"User-Agent": self._agent, "Accept": _ACCEPT, "Accept-Encoding": "gzip, br"}
        if request.etag:
            headers["If-None-Match"] = request.etag
        if request.last_modified:
            headers["If-Modified-Since"] = request.last_modified
        session = self._loop.session(allow_private=request.feed.allow_private)
        async with session.get(request.feed.url, headers=headers, timeout=_TIMEOUT, max_redirects=5) as response:
            if response.status == _NOT_MODIFIED:
                return NotModified()
            if response.status != _OK:
                return _refused(response, where)
            body = await _read(response, where)
            return body if isinstance(body, PollFailed) else Fetched(
                body=body,
                url=request.feed.url,
                content_type=response.headers.get("Content-Type", ""),
                etag=response.headers.get("ETag", ""),
                last_modified=response.headers.get("Last-Modified", ""),
            )  # fmt: skip


async def _read(response: aiohttp.ClientResponse, where: str) -> bytes | PollFailed:
    wire = response.content_length or 0
    if "," in response.headers.get("Content-Encoding", ""):
        return PollFailed(PollFailure.BAD_ENCODING, f"{where} compresses its answer twice")
    if wire > WIRE_LIMIT_BYTES:
        return PollFailed(PollFailure.TOO_LARGE, f"{where} announces {wire:,} bytes; the limit is {WIRE_LIMIT_BYTES:,}")
    limit = BODY_LIMIT_BYTES if response.headers.get("Content-Encoding") else WIRE_LIMIT_BYTES
    body = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        body += chunk
        if len(body) > limit or (wire and len(body) > max(1_000_000, wire * RATIO_LIMIT)):
            return PollFailed(PollFailure.TOO_LARGE, f"{where} sends more than {min(limit, len(body)):,} bytes")
    return bytes(body)


def _refused(response: aiohttp.ClientResponse, where: str) -> PollFailed:
    wait = http.retry_after(response.headers.get("Retry-After"), http.now())
    if response.status in _THROTTLED:
        return PollFailed(PollFailure.THROTTLED, f"{where} asks to come back later ({response.status})", wait)
    if response.status == _GONE:
        return PollFailed(PollFailure.GONE, f"{where} says that the feed is gone for good (410); remove it")
    return PollFailed(PollFailure.HTTP_STATUS, f"{where} answered {response.status} {response.reason}", wait)


def _explain(error: Exception, where: str) -> PollFailed:
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, http.BlockedAddressError):
            message = f"{where}: {cause}; set allow_private on the feed if it is meant"
            return PollFailed(PollFailure.BLOCKED_ADDRESS, message)
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    for kind, reason, message in _FAILURES:
        if isinstance(error, kind):
            return PollFailed(reason, f"{where} {message}")
    return PollFailed(PollFailure.UNREACHABLE, f"{where} cannot be reached: {type(error).__name__}")


_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], PollFailure, str], ...] = (
    (TimeoutError, PollFailure.TIMEOUT, f"took longer than {_TIMEOUT.total:.0f} s"),
    (aiohttp.ClientConnectorDNSError, PollFailure.DNS, "has a host name that does not exist"),
    (aiohttp.ClientSSLError, PollFailure.TLS, "was refused: its certificate or TLS connection is not right"),
    (
        (aiohttp.TooManyRedirects, aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError),
        PollFailure.BAD_REDIRECT,
        "leads nowhere: too many redirects, or one to no web address",
    ),
    (aiohttp.ClientPayloadError, PollFailure.BAD_ENCODING, "broke off, or cannot be decompressed"),
)
"""In the order of asking: a TLS failure is also a failure to connect."""
