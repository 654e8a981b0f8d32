"""Handing in finished polls over Redis: each is one atomic step, and all of a call share a round trip and a flush.

Polls that brought no entry, most of all, go in one script call that counts for all of them once; each of the others has
a call of its own, so that no script holds up the server for longer than one document takes.
"""

import json
from collections.abc import Sequence
from typing import Any

import redis

from worker.fulltext import PATIENCE
from worker.ports import FinishedPoll, Ingested
from worker.runtime.alert_work import alert_work
from worker.runtime.records import KEEP, REMEMBER, STATE, draft_work, dump
from worker.runtime.redis_client import Call, Scripts, milliseconds


class PollStore:
    """See `ports.Store.finish_polls`."""

    def __init__(self, client: redis.Redis) -> None:
        self._run_all = Scripts(client, "finish_poll", "finish_quiet_polls").run_all

    def finish(self, polls: Sequence[FinishedPoll]) -> list[Ingested | Exception]:
        """What became of each, in order."""
        quiet = [place for place, poll in enumerate(polls) if poll.is_quiet]
        others = [place for place, poll in enumerate(polls) if not poll.is_quiet]
        calls = [_busy_call(polls[place]) for place in others]
        if quiet:
            calls.append(_quiet_call([polls[place] for place in quiet]))
        given = self._run_all(calls)
        answers = dict(zip(others, map(_ingested, given), strict=False))
        if quiet:
            answers |= zip(quiet, _current(given[-1], len(quiet)), strict=True)
        return [answers[place] for place in range(len(polls))]


def _busy_call(poll: FinishedPoll) -> Call:
    work = {
        "state": dump(STATE, poll.decision.state),
        "next_ms": milliseconds(poll.decision.next_in),
        "remember_ms": milliseconds(REMEMBER),
        "keep_ms": milliseconds(KEEP),
        "patience_ms": milliseconds(PATIENCE),
        "pushes": poll.decision.pushes,
        "counts": list(poll.counts),
        "alerts": [alert_work(alert, steps) | {"article": alert.article.id} for alert, steps in poll.alerts],
        "drafts": [draft_work(draft) for draft in poll.drafts],
    }
    return "finish_poll", (poll.claim.feed_id, poll.claim.fence, json.dumps(work))


def _quiet_call(polls: Sequence[FinishedPoll]) -> Call:
    """One call for all of them, in which each metric series is named once."""
    places: dict[str, int] = {}
    args: list[str | float] = []
    for poll in polls:
        counts = [part for name, amount in poll.counts for part in (places.setdefault(name, len(places) + 1), amount)]
        next_ms = milliseconds(poll.decision.next_in)
        args += [poll.claim.feed_id, poll.claim.fence, next_ms, dump(STATE, poll.decision.state), json.dumps(counts)]
    return "finish_quiet_polls", (json.dumps(list(places)), *args)


def _ingested(answer: Any) -> Ingested | Exception:
    if isinstance(answer, Exception):
        return answer
    return Ingested(is_stale=True) if answer == [-1] else Ingested(*answer)


def _current(answer: Any, polls: int) -> list[Ingested | Exception]:
    if isinstance(answer, Exception):
        return [answer] * polls
    return [Ingested(is_stale=not is_current) for is_current in answer]
