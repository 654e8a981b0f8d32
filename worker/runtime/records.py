"""What is kept, as the scripts take it and give it back: values to JSON and hashes, and the reverse."""

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json

from worker.decision import digest_text
from worker.dedupe import mark_of_address
from worker.deliver.breaker import Circuit, EndpointState
from worker.model import (
    JSON_TYPE,
    Analysis,
    Article,
    Attempt,
    Decision,
    Delivery,
    Draft,
    FeedState,
    Kin,
    Story,
)
from worker.ports import ArticleClaim, ConfigurationState, StoryStep, Told
from worker.runtime import kin_index
from worker.runtime.alert_work import alert_work
from worker.runtime.redis_client import milliseconds, moment_of, ms_of
from worker.story import WINDOW, pack, unpack
from worker.trend import counted

REMEMBER = timedelta(days=90)
"""An alias is remembered this long after the entry was last in its feed."""
KEEP = timedelta(days=30)
"""Articles and finished deliveries are kept this long."""
KEEP_TRENDS = timedelta(days=9)
"""A week and what the week before the hour of asking needs."""

STATE, ARTICLE, ANALYSIS = TypeAdapter(FeedState), TypeAdapter(Article), TypeAdapter(Analysis)
ATTEMPT, STORY, DECISION = TypeAdapter(Attempt), TypeAdapter(Story), TypeAdapter(Decision)
CONFIGURATION = TypeAdapter(ConfigurationState)
MOST_KIN, KIN_PER_KEY = 24, 8
"""So many kin are compared with an article, and so many are remembered under one key: the newest."""


def dump(adapter: TypeAdapter[Any], value: Any) -> str:
    """A value as JSON."""
    return adapter.dump_json(value).decode()


def draft_work(draft: Draft) -> dict[str, Any]:
    """What a poll found, for `finish_poll.lua`; the article itself is handed over beside it."""
    return {
        "id": draft.article.id,
        "aliases": draft.aliases,
        "address": mark_of_address(draft.article.link),
        "content": draft.content,
        "sha256": digest_text(draft.article.text),
        "remembered": draft.remembered_as,
        "is_fresh": draft.is_fresh,
        "wants_page": draft.wants_page,
        "trace": draft.trace,
    }


def restore_article(id_: str, item: dict[str, str]) -> Article:
    """The stored article under the id and first sight of its first revision, whichever poll brought this text."""
    return replace(ARTICLE.validate_json(item["record"]), id=id_, first_seen=moment_of(item["first_seen"]))


def title_of(record: str) -> str:
    """The title of a stored article, empty where it cannot be read."""
    try:
        return ARTICLE.validate_json(record).title
    except ValueError:
        return ""


ARTICLES_COMMON = json.dumps(
    {
        "keep_ms": milliseconds(KEEP),
        "trend_keep_ms": milliseconds(KEEP_TRENDS),
        "window_ms": milliseconds(WINDOW),
        "per_key": KIN_PER_KEY,
    }
)
"""What is the same for all articles that `finish_articles.lua` is told of."""


_Key = TypeVar("_Key", bound=Hashable)


class Places(dict[_Key, int]):
    """The places of names in a list, from 1: each goes to a script once, however many articles or polls count under it."""

    def __missing__(self, name: _Key) -> int:
        self[name] = len(self) + 1
        return self[name]


def article_parts(told: Told, places: Places[str]) -> tuple[str | int | bytes, ...]:
    """What `finish_articles.lua` is told of an article; what is only kept goes as it is, so that nobody reads it on the way."""
    seen = ANALYSIS.dump_json(told.analysis)
    decision = told.step.decision
    work = {
        "trace": told.claim.trace,
        "counts": [part for name, amount in told.counts for part in (places[name], amount)],
        "trend": [places[name] for name in counted(told.claim.article, told.analysis)],
        "story": {"id": told.step.story.id, "version": told.step.version, "seen": told.step.seen},
        "model": told.analysis.model,
        "alerts": [alert_work(alert, steps) for alert, steps in told.alerts],
    }
    return (
        told.claim.article.id,
        told.claim.fence,
        to_json(work),
        kin_index.places(told.step.signature.keys),
        seen,
        STORY.dump_json(told.step.story),
        _kin_record(told.claim, told.step),
        DECISION.dump_json(decision) if decision else "",
        _said_of(decision, told, seen) if decision else "",
    )


def _said_of(decision: Decision, told: Told, analysis: bytes) -> str:
    """What the audit record says of a decision, with the analysis it rests on, as `audit` in `prelude.lua` takes it."""
    facts = {
        "sha256": decision.text_sha256,
        "analysis_sha256": hashlib.sha256(analysis).hexdigest(),
        "config": decision.config_hash,
        "model": told.analysis.model,
        "story": told.step.story.id,
        "unknown": decision.unknown,
        "fired": [
            {"watch": one.watch_id} | ({"alert": one.alert_id} if one.alert_id else {"why_not": one.why_not})
            for one in decision.fired
        ],
    }
    return "".join(f',"{name}":{json.dumps(fact)}' for name, fact in facts.items() if fact not in (None, "", []))


def _kin_record(claim: ArticleClaim, step: StoryStep) -> str:
    """What later articles are compared with."""
    seen_at = claim.article.first_seen or datetime.now(UTC)
    return f"{claim.article.id} {step.story.id} {ms_of(seen_at)} {pack(step.signature)}"


def restore_kin(number: int, record: str) -> Kin:
    """What an article is compared with, from the record `_kin_record` made."""
    article_id, story, seen_at, packed = record.split(" ")
    return Kin(number, article_id, story, moment_of(seen_at), unpack(packed))


def restore_delivery(id_: str, item: Mapping[str, str]) -> Delivery:
    """A delivery from its hash."""
    return Delivery(id_, item["alert"], item["endpoint"], item["body"], item.get("content_type") or JSON_TYPE)


def endpoint_state(name: str, fields: Mapping[str, str], waiting: int, dead: int) -> EndpointState:
    """An endpoint's circuit from its hash, with the lengths of its queues."""

    def at(field: str) -> datetime | None:
        return moment_of(fields[field]) if field in fields else None

    return EndpointState(
        name,
        Circuit(fields.get("circuit", "closed")),
        at("since"),
        fields.get("reason", ""),
        at("succeeded_at"),
        at("failed_at"),
        waiting,
        dead,
        at("held_until"),
    )
