"""Posting deliveries to endpoints: signed at the moment of each attempt, no redirects, answers read up to 4 kB."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta

import aiohttp

from worker import __version__
from worker.deliver import breaker
from worker.deliver.sign import sign
from worker.model import JSON_TYPE, Attempt, Delivery, Endpoint, Format
from worker.runtime import http
from worker.runtime.log import redact

RESPONSE_LIMIT_BYTES = 4_096
_ACCEPTED = 200
"""Stands for the answer of a service that Apprise says took the message; Apprise does not tell its status."""


class WebhookSender:
    """See `ports.Sender`."""

    def __init__(self, loop: http.HttpLoop) -> None:
        self._loop = loop
        self._threads: dict[str, ThreadPoolExecutor] = {}

    def send(self, delivery: Delivery, endpoint: Endpoint) -> Future[Attempt]:
        """Start one attempt; up to the endpoint's time-out."""
        return self._loop.submit(self._send(delivery, endpoint))

    async def _send(self, delivery: Delivery, endpoint: Endpoint) -> Attempt:
        started = asyncio.get_running_loop().time()

        def elapsed() -> timedelta:
            return timedelta(seconds=asyncio.get_running_loop().time() - started)

        try:
            if endpoint.format is Format.APPRISE:
                return await self._hand_over(delivery, endpoint, elapsed)
            return await self._post(delivery, endpoint, elapsed)
        except TimeoutError:
            return Attempt(0, elapsed(), f"no answer within {endpoint.timeout.total_seconds():.0f} s")
        except Exception as error:  # noqa: BLE001 - whatever a receiver provokes is this attempt's outcome alone
            return Attempt(0, elapsed(), redact(f"{type(error).__name__}: {_short_reason(error)}")[:300])

    async def _post(self, delivery: Delivery, endpoint: Endpoint, elapsed: Callable[[], timedelta]) -> Attempt:
        session = self._loop.session(allow_private=endpoint.allow_private)
        async with session.post(
            endpoint.url,
            data=delivery.body.encode(),
            headers=request_headers(delivery, endpoint, http.now()),
            timeout=aiohttp.ClientTimeout(total=endpoint.timeout.total_seconds()),
            allow_redirects=False,
        ) as answer:
            reason = "" if 200 <= answer.status < 300 else f"answered {answer.status} {answer.reason}"  # noqa: PLR2004
            wait = http.retry_after(answer.headers.get("Retry-After"), http.now())
            return Attempt(answer.status, elapsed(), redact(reason)[:300], await _read(answer, endpoint), wait)

    async def _hand_over(self, delivery: Delivery, endpoint: Endpoint, elapsed: Callable[[], timedelta]) -> Attempt:
        """To Apprise, in a thread of the endpoint's: one that outlives the time-out may still deliver, hence at least once."""
        from worker.runtime.apprise_service import notify

        threads = self._threads.setdefault(endpoint.name, ThreadPoolExecutor(breaker.AT_ONCE, "apprise"))
        loop, limit = asyncio.get_running_loop(), endpoint.timeout.total_seconds()
        reason = await asyncio.wait_for(loop.run_in_executor(threads, notify, endpoint.url, delivery.body), limit)
        return Attempt(0 if reason else _ACCEPTED, elapsed(), redact(reason)[:300])


def request_headers(delivery: Delivery, endpoint: Endpoint, at: datetime) -> Mapping[str, str]:
    """What one attempt at time `at` says beside the body; signed where the endpoint has a secret."""
    signature: Mapping[str, str] = {}
    if endpoint.format is Format.APPRISE:
        return {}
    if endpoint.format is Format.PAGERDUTY:
        signature = {"X-Routing-Key": endpoint.secrets[0]}
    elif endpoint.format is Format.MISP:
        signature = {"Authorization": endpoint.secrets[0], "Accept": JSON_TYPE}
    elif endpoint.secrets:
        signature = sign(delivery.id, delivery.body, endpoint.secrets, at)
    return {
        "Content-Type": delivery.content_type,
        "User-Agent": f"Tocsin/{__version__}",
        "Idempotency-Key": delivery.alert_id,
        **signature,
    }


async def _read(answer: aiohttp.ClientResponse, endpoint: Endpoint) -> str:
    """The start of the answer without secrets. What breaks off after the status changes nothing: the status counts."""
    body = bytearray()
    try:
        while len(body) < RESPONSE_LIMIT_BYTES and (chunk := await answer.content.readany()):
            body += chunk
    except (aiohttp.ClientError, TimeoutError, ConnectionError):
        pass
    text = body[:RESPONSE_LIMIT_BYTES].decode("utf-8", "replace")
    for secret in (endpoint.url, *endpoint.secrets):
        text = text.replace(secret, "…")
    return redact(text)


def _short_reason(error: Exception) -> str:
    cause = getattr(error, "os_error", None) or error.__cause__
    return str(cause) if isinstance(cause, http.BlockedAddressError) else type(cause or error).__name__
