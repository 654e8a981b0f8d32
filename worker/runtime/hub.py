"""Forms to hubs over HTTP: public addresses only, bounded in time, redirects that keep the method looked at one by one."""

import asyncio
from concurrent.futures import Future

import aiohttp

from worker import __version__
from worker.model import Feed
from worker.runtime import http
from worker.runtime.explain import explain
from worker.runtime.fetcher import PORTS

_TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)
_REDIRECTS, _MOST_REDIRECTS = (307, 308), 3


class HttpHubs:
    """See `subscriber.HubClient`."""

    def __init__(self, loop: http.HttpLoop, contact: str = "") -> None:
        self._loop = loop
        self._agent = f"Tocsin/{__version__}" + (f" (+{contact})" if contact else "")

    def post(self, url: str, form: dict[str, str], feed: Feed | None) -> Future[str]:
        return self._loop.submit(self._post(url, form, feed))

    async def _post(self, url: str, form: dict[str, str], feed: Feed | None) -> str:
        where = http.short_url(url)
        try:
            async with asyncio.timeout(_TIMEOUT.total):
                for _ in range(_MOST_REDIRECTS + 1):
                    place, is_own = http.origin(url), _is_own(url, feed)
                    if place[2] not in PORTS and not is_own:
                        return f"{where} leads to port {place[2]}, where no hub is expected"
                    session = self._loop.session(allow_private=is_own and bool(feed and feed.allow_private))
                    async with session.post(
                        url, data=form, headers={"User-Agent": self._agent}, timeout=_TIMEOUT, allow_redirects=False
                    ) as answer:
                        target = answer.headers.get("Location", "")
                        if answer.status not in _REDIRECTS or not target:
                            is_taken = 200 <= answer.status < 300  # noqa: PLR2004
                            return "" if is_taken else f"{where} answered {answer.status} {answer.reason}"
                        if url.startswith("https:") and not target.startswith("https:"):
                            return f"{where} redirects away from https"
                        url = target
        except Exception as error:  # noqa: BLE001 - whatever a hub provokes is this request's outcome alone
            return explain(error, where, _TIMEOUT).message
        return f"{where} redirects more than {_MOST_REDIRECTS} times"


def _is_own(url: str, feed: Feed | None) -> bool:
    """Whether a hub is at its feed's own host and port: a document names its hub, so it opens nothing else."""
    return feed is not None and http.origin(url)[1:] == http.origin(feed.url)[1:]
