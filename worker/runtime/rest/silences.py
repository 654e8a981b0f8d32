"""Silences, made by whoever the token names."""

from datetime import UTC, datetime, timedelta

from worker import silence
from worker.api.answers import FieldProblem, Matcher, Silence, SilenceList
from worker.api.questions import SilenceBody
from worker.model import Silence as Kept
from worker.runtime.rest.call import Call, Desk
from worker.runtime.rest.problem import Refusal, missing
from worker.runtime.silence_store import RedisSilences

MOST_HELD = 1_000
"""Every alert is held against each of them; a script that ran away shall not slow all alerts."""


def list_(desk: Desk, call: Call) -> SilenceList:
    now = datetime.now(UTC)
    rows = [_row(one, now) for one in RedisSilences(desk.store.client).silences(ended=call.query.all)]
    return SilenceList(silences=[row for row in rows if call.query.all or row.state != "ended"])


def get(desk: Desk, call: Call) -> Silence:
    return _find(desk, call.names["silence"])


def add(desk: Desk, call: Call) -> Silence:
    now, silences = datetime.now(UTC), RedisSilences(desk.store.client)
    made = _make(call.body, call.caller.name, now)
    if silences.held(now) >= MOST_HELD:
        raise Refusal(409, f"{MOST_HELD:,} silences hold or will; end some first")
    silences.add_silence(made)
    return _row(made, made.created_at)


def end(desk: Desk, call: Call) -> Silence:
    """One that has ended already is as it should be."""
    RedisSilences(desk.store.client).end_silence(call.names["silence"], call.caller.name)
    return _find(desk, call.names["silence"])


def _make(body: SilenceBody, author: str, now: datetime) -> Kept:
    texts = [f'{one.label}{one.operator}"{one.value}"' for one in body.matchers]
    try:
        starts_at = body.starts_at.astimezone(UTC) if body.starts_at else now
        ends_at = starts_at + timedelta(seconds=body.seconds)
        return silence.make(texts, starts_at=starts_at, ends_at=ends_at, author=author, comment=body.comment, now=now)
    except OverflowError:
        error = FieldProblem(where=["body", "starts_at"], message="is too far away")
        raise Refusal(422, "body.starts_at: is too far away", [error]) from None
    except ValueError as error:
        raise Refusal(422, str(error)) from None


def _find(desk: Desk, id_: str) -> Silence:
    found = RedisSilences(desk.store.client).silence(id_)
    if found is None:
        raise missing("silence", id_)
    return _row(found, datetime.now(UTC))


def _row(kept: Kept, now: datetime) -> Silence:
    matchers = [Matcher(label=one.label, operator=one.operator, value=one.value) for one in kept.matchers]
    return Silence.model_validate(silence.describe(kept, now) | {"matchers": matchers})
