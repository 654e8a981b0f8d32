"""What fetching and sending share: one event loop in a thread, and a guard that looks at every address it connects to.

The loop has a thread of its own, so that parsing a large feed does not run the other fetches into their time-outs.
"""

import asyncio
import ipaddress
import re
import socket
import ssl
import sys
import threading
from collections import deque
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future, InvalidStateError
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from worker.runtime.patience import Limits, Patient, Within, is_aiohttp_known

T = TypeVar("T")
Address = tuple[socket.AddressFamily | int, socket.SocketKind | int, int, str, tuple[Any, ...]]
"""What `socket.getaddrinfo` returns for one address."""
Origin = tuple[str, str, int | None]
"""Scheme, host and port."""

_EXTRA_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "64:ff9b::/96",  # NAT64
            "64:ff9b:1::/48",
            "2002::/16",  # 6to4
            "2001::/32",  # Teredo
            "::/96",  # IPv4-compatible
            "100.64.0.0/10",  # carrier-grade NAT
            "192.0.0.0/24",
            "192.88.99.0/24",
            "fec0::/10",  # site-local
            "::ffff:0:0:0/96",  # IPv4-translated
            "5f00::/16",  # segment routing
            "3fff::/20",  # documentation
        ),
    )
)
"""Ranges that `is_global` of Python 3.11 lets through."""
_SWITCH_S = 0.0005
_MOST_CERTIFICATES = 10_000
"""Those of the newest connections: pages lead to ever new hosts."""
_PRIVATE_NAMES = frozenset({"localhost", "internal", "local"})


class BlockedAddressError(OSError):
    """A name led to an address that is not on the public internet."""


def is_public(address: str) -> bool:
    """Whether an IP address is on the public internet; mapped IPv4 counts as what it maps to."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    is_extra = any(ip.version == network.version and ip in network for network in _EXTRA_PRIVATE)
    return ip.is_global and not ip.is_multicast and not is_extra


def may_be_public(host: str) -> bool:
    """Whether a host may be on the public internet, without asking anybody: for what a proxy will resolve.

    Addresses in every spelling that resolvers read (`2130706433`, `0x7f.1`), and names that never are public
    (RFC 6761, RFC 6762, and `internal`).
    """
    name = host.lower().rstrip(".")
    try:
        return is_public(name if ":" in name else socket.inet_ntoa(socket.inet_aton(name)))
    except (OSError, ValueError):
        return name.rpartition(".")[2] not in _PRIVATE_NAMES


def guarded_socket(info: Address) -> socket.socket:
    """A socket for a resolved address, made only if that address is public: sees every hop of every redirect."""
    family, kind, protocol, _, address = info
    if not is_public(str(address[0])):
        msg = f"the address {address[0]} is not public"
        raise BlockedAddressError(msg)
    return socket.socket(family, kind, protocol)


class _Connector(aiohttp.TCPConnector):
    """Remembers until when the certificates are good of those it connected to, by host and port."""

    def __init__(self, certificates: dict[tuple[str, int | None], datetime], **options: Any) -> None:
        super().__init__(**options)
        self._certificates = certificates
        if is_aiohttp_known():
            make: Any = partial(Patient, loop=self._loop)
            self._factory = make

    async def _create_connection(self, req: Any, *args: Any, **options: Any) -> ResponseHandler:
        made = await super()._create_connection(req, *args, **options)
        transport = made.transport if req.url.scheme == "https" else None
        if transport and (tls := transport.get_extra_info("ssl_object")):
            until = (tls.getpeercert() or {}).get("notAfter")
            if until:
                place = (req.url.host or "", req.url.port)
                self._certificates.pop(place, None)
                self._certificates[place] = datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC)
                if len(self._certificates) > _MOST_CERTIFICATES:
                    del self._certificates[next(iter(self._certificates))]
        return made


class HttpLoop:
    """An event loop in a thread with its sessions, guarded ones and such as may reach private addresses."""

    def __init__(self, resolver: AbstractResolver | None = None) -> None:
        # each system call of the loop gives the interpreter away, and a thread that reads documents would keep it for 5 ms
        sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_S))
        self.loop = asyncio.new_event_loop()
        self._resolver = resolver
        self._limits = Limits(self.loop)
        self._sessions: dict[tuple[bool, bool], aiohttp.ClientSession] = {}
        self._certificates: dict[tuple[str, int | None], datetime] = {}
        self._submitted: deque[tuple[Coroutine[Any, Any, Any], Future[Any]]] = deque()
        self._is_woken = False
        self._tasks: set[asyncio.Task[Any]] = set()
        """The loop itself holds them weakly."""
        self._thread = threading.Thread(target=self.loop.run_forever, name="http", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine on the loop. The future is only to be waited for: cancelling it stops nothing."""
        future: Future[T] = Future()
        self._submitted.append((work, future))
        if not self._is_woken:  # waking the loop costs more than all else here, and once is enough for many
            try:
                self._is_woken = True
                self.loop.call_soon_threadsafe(self._begin)
            except BaseException:  # a turn that ends between the two would leave the loop asleep for ever
                self._is_woken = False
                raise
        return future

    def _begin(self) -> None:
        self._is_woken = False
        while self._submitted:
            work, future = self._submitted.popleft()
            task = self.loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(partial(self._settle, future))

    def _settle(self, future: Future[Any], task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            future.cancel()
            future.set_running_or_notify_cancel()
            return
        with suppress(InvalidStateError):  # nobody waits for it any more
            if error := task.exception():
                future.set_exception(error)
            else:
                future.set_result(task.result())

    def close(self) -> None:
        """Give up what is in flight, close the sessions and end the thread."""

        async def close_sessions() -> None:
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for session in self._sessions.values():
                await session.close()
            await self.loop.shutdown_default_executor()

        self.submit(close_sessions()).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()

    def within(self, seconds: float | None) -> AbstractContextManager[None]:
        """A limit for what a coroutine of this loop does in it: TimeoutError after so many seconds."""
        return Within(self._limits, self.loop.time() + seconds) if seconds else nullcontext()

    def certificate_until(self, url: str) -> datetime | None:
        """When the TLS certificate ends that the host of `url` showed last; None for plain HTTP."""
        scheme, host, port = origin(url)
        return self._certificates.get((host, port)) if scheme == "https" else None

    def session(self, *, allow_private: bool, auto_decompress: bool = True) -> aiohttp.ClientSession:
        """The session to use; call it on the loop only."""
        key = (allow_private, auto_decompress)
        if key not in self._sessions:
            connector = _Connector(
                self._certificates,
                limit=200,
                limit_per_host=8,
                ttl_dns_cache=60,
                resolver=self._resolver,
                socket_factory=None if allow_private else guarded_socket,
            )
            self._sessions[key] = aiohttp.ClientSession(
                connector=connector,
                auto_decompress=auto_decompress,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                max_line_size=16_384,
                max_field_size=16_384,
            )
        return self._sessions[key]


def retry_after(header: str | None, now: datetime) -> timedelta | None:
    """Retry-After in either form (RFC 9110 §10.2.3); None where absent, unreadable or in the past."""
    if not header:
        return None
    seconds = header.strip()
    if seconds.isascii() and seconds.isdigit():
        wait = timedelta(seconds=min(int(seconds[:12]), 10**9))
    elif moment := _http_date(header):
        wait = moment - now
    else:
        return None
    return wait if wait > timedelta(0) else None


def fresh_for(headers: Mapping[str, str]) -> timedelta | None:
    """How long an answer may be kept (RFC 9111 §4.2): max-age less Age, else Expires less Date; None where unsaid."""
    may_keep, longest = _control(headers.get("Cache-Control", ""))
    if not may_keep:
        return None
    if longest is not None:
        age = headers.get("Age", "").strip()
        fresh = timedelta(seconds=longest - (int(age) if age.isdigit() and len(age) < 10 else 0))  # noqa: PLR2004
    elif expires := _http_date(headers.get("Expires")):
        fresh = expires - (_http_date(headers.get("Date")) or now())
    else:
        return None
    return fresh if fresh > timedelta(0) else None


@lru_cache(1_024)
def _control(header: str) -> tuple[bool, int | None]:
    """Whether a Cache-Control lets an answer be kept, and its max-age in seconds."""
    control = header.lower()
    found = re.search(r"(?<![\w-])max-age\s*=\s*\"?(\d{1,10})", control)
    return not re.search(r"no-(?:cache|store)", control), int(found[1]) if found else None


@lru_cache(8_192)
def parsed(url: str) -> URL | str:
    """An address as the client takes it, most are asked again and again; as it is where the client shall refuse it."""
    try:
        return URL(url)
    except ValueError:
        return url


@lru_cache(4_096)
def origin(url: str) -> Origin:
    """Scheme, host and port: what credentials never leave (RFC 6454)."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    return parts.scheme.lower(), (parts.hostname or "").lower(), port


def _http_date(header: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(header) if header else None
    except (ValueError, TypeError, OverflowError):
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC) if moment else None


def short_url(url: str) -> str:
    """The address as it may stand in a message: no user, no query, no fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that cannot be read"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def now() -> datetime:
    """The time by which Retry-After dates are judged."""
    return datetime.now(UTC)
