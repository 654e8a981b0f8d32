"""Handing in finished polls over Redis: each is one atomic step, and all of a call share a round trip and a flush.

Polls that brought no entry, most of all, go in one script call that counts for all of them once; each of the others has
a call of its own, so that no script holds up the server for longer than one document takes.
"""

from collections.abc import Sequence
from typing import Any

import redis
from pydantic_core import to_json

from worker.fulltext import PATIENCE
from worker.ports import FinishedPoll, Ingested
from worker.runtime.alert_work import alert_work
from worker.runtime.feed_record import changed_fields
from worker.runtime.records import ARTICLE, KEEP, REMEMBER, Places, draft_work
from worker.runtime.redis_client import Call, Scripts, milliseconds

_QuietRow = tuple[tuple[str, str, int, str, str, str], Sequence[tuple[str, float]]]
"""Feed, fence, milliseconds until the next poll, and what changed of its record; and what the poll counts."""


_QUIET: dict[Any, Ingested] = {1: Ingested(), 0: Ingested(is_stale=True)}
"""By the answer to a quiet poll; any other is what it failed with."""


class PollStore:
    """See `ports.Store.finish_polls`."""

    def __init__(self, client: redis.Redis) -> None:
        self._run_all = Scripts(client, "finish_poll", "finish_quiet_polls").run_all

    def finish(self, polls: Sequence[FinishedPoll]) -> list[Ingested | Exception]:
        """What became of each, in order."""
        answers: dict[int, Ingested | Exception] = {}
        busy: list[tuple[int, Call]] = []
        quiet: list[tuple[int, _QuietRow]] = []
        for place, poll in enumerate(polls):
            try:
                if poll.is_quiet:
                    quiet.append((place, _quiet_row(poll)))
                else:
                    busy.append((place, _busy_call(poll)))
            except Exception as error:  # noqa: BLE001 - what cannot be written down costs no other poll
                answers[place] = error
        calls = [call for _, call in busy]
        if quiet:
            calls.append(_quiet_call([row for _, row in quiet]))
        given = self._run_all(calls) if calls else []
        for (place, _), answer in zip(busy, given, strict=False):
            answers[place] = _ingested(answer)
        if quiet:
            answers |= zip((place for place, _ in quiet), _current(given[-1], len(quiet)), strict=True)
        return [answers[place] for place in range(len(polls))]


def _busy_call(poll: FinishedPoll) -> Call:
    work = {
        "next_ms": milliseconds(poll.decision.next_in),
        "remember_ms": milliseconds(REMEMBER),
        "keep_ms": milliseconds(KEEP),
        "patience_ms": milliseconds(PATIENCE),
        "pushes": poll.decision.pushes,
        "counts": list(poll.counts),
        "alerts": [alert_work(alert, steps) | {"article": alert.article.id} for alert, steps in poll.alerts],
        "drafts": [draft_work(draft) for draft in poll.drafts],
    }
    records = [ARTICLE.dump_json(draft.article) for draft in poll.drafts]
    return "finish_poll", (poll.claim.feed_id, poll.claim.fence, to_json(work), *changed_fields(poll), *records)


def _quiet_row(poll: FinishedPoll) -> _QuietRow:
    claim = poll.claim
    return (claim.feed_id, str(claim.fence), milliseconds(poll.decision.next_in), *changed_fields(poll)), poll.counts


def _quiet_call(rows: Sequence[_QuietRow]) -> Call:
    """One call for all of them, in which what they count is named once: nearly all count the same few series."""
    kinds, places = Places[tuple[str, ...]](), Places[str]()
    polls = [
        (*row, kinds[tuple([name for name, _ in counts])], *[amount for _, amount in counts]) for row, counts in rows
    ]
    named = [[places[name] for name in kind] for kind in kinds]
    return "finish_quiet_polls", (to_json({"names": list(places), "kinds": named, "polls": polls}),)


def _ingested(answer: Any) -> Ingested | Exception:
    if isinstance(answer, Exception):
        return answer
    return Ingested(is_stale=True) if answer == [-1] else Ingested(*answer)


def _current(answer: Any, polls: int) -> list[Ingested | Exception]:
    if isinstance(answer, Exception):
        return [answer] * polls
    return [_QUIET.get(one) or redis.ResponseError(one) for one in answer]
