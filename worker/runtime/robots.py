"""The robots.txt of hosts whose pages are read: asked for when a page is wanted, and kept for a day.

A host that answers 4xx has no rules. Where it gives no answer, or 5xx, its pages are not read (RFC 9309 §2.3.1.4), and the
failure is the page's own: what may pass is asked again.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from worker.model import Fetched, PollFailed, PollFailure, PollOutcome
from worker.poll import PollRequest
from worker.robots import Rules, parse, robots_address
from worker.runtime import http

LIFETIME = timedelta(hours=24)
"""How long rules are kept; a day at most (§2.4)."""
MOST_HOSTS = 2_000
Ask = Callable[[PollRequest], Awaitable[PollOutcome]]
"""Asks for an address under the rights of a feed; a failure is a value."""
_NO_RULES, _THROTTLED = range(400, 500), 429
_Key = tuple[http.Origin, bool, str]


@dataclass(frozen=True, slots=True)
class _Kept:
    rules: Rules
    until: float


class RobotsRules:
    """What the hosts allow. To be used on one event loop; `clock` counts seconds steadily."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._asking: dict[_Key, asyncio.Task[PollOutcome | Rules]] = {}

    async def judge(self, request: PollRequest, url: str, ask: Ask) -> PollOutcome | None:
        """What stands against reading the page at `url`, or None. Who wants pages of one host at once asks together."""
        if not request.is_page or request.feed.robots == "ignore":
            return None
        key = (http.origin(url), request.feed.allow_private, request.feed.access.proxy)
        found: PollOutcome | Rules | None = self._known(key)
        if found is None:
            asked = PollRequest(replace(request.feed, robots="ignore"), url=robots_address(url), is_page=True)
            found = await self._look(key, asked, ask)
        if not isinstance(found, Rules):
            return found
        refusal = found.refusal(url)
        return PollFailed(PollFailure.ROBOTS, f"{http.short_url(url)}: {refusal}") if refusal else None

    def _known(self, key: _Key) -> Rules | None:
        kept = self._kept.get(key)
        return kept.rules if kept and self._clock() < kept.until else None

    async def _look(self, key: _Key, asked: PollRequest, ask: Ask) -> PollOutcome | Rules:
        if key not in self._asking:
            self._asking[key] = asyncio.create_task(self._learn(key, asked, ask))
        return await asyncio.shield(self._asking[key])  # one page that is given up does not end it for the others

    async def _learn(self, key: _Key, asked: PollRequest, ask: Ask) -> PollOutcome | Rules:
        try:
            outcome = await ask(asked)
            rules = _read(outcome)
            if rules is None:
                return outcome
            self._kept[key] = _Kept(rules, self._clock() + LIFETIME.total_seconds())
            self._kept.move_to_end(key)
            if len(self._kept) > MOST_HOSTS:
                self._kept.popitem(last=False)
            return rules
        finally:
            del self._asking[key]


def _read(outcome: PollOutcome) -> Rules | None:
    if isinstance(outcome, Fetched):
        return parse(outcome.body)
    has_none = isinstance(outcome, PollFailed) and outcome.status in _NO_RULES and outcome.status != _THROTTLED
    return Rules() if has_none else None
