"""Finds everything that the store knows of an article, for `worker.why`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from worker.dedupe import mark_of_address
from worker.deliver.breaker import Circuit
from worker.errors import InputError
from worker.match import Matcher
from worker.model import Analysis, Article, Configuration, Feed, Watch
from worker.runtime.configuration_store import ConfigurationStore
from worker.runtime.feed_record import FIELDS, restore_state
from worker.runtime.past import find_alert, read_decided
from worker.runtime.records import restore_article
from worker.runtime.redis_client import K, moment_of, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import list_feeds, read_alerts, show_alert
from worker.why import Case, FeedSeen, Raised, Sent

_MATCHERS = 2
"""So many stay compiled (large name lists take memory): that of the configuration in force, and of the one before."""
_ARTICLE_FIELDS = ("record", "first_seen", "state", "revision", "claims", "story", "analysis", "quarantined_for")


def find_case(store: RedisStore, configuration: Configuration, asked: str) -> Case:
    """What is known of an address, an article or an alert. Raises InputError where nothing of that name is kept."""
    if asked.startswith(("http://", "https://")):
        return _find_by_address(store, configuration, asked)
    article = asked
    if asked.startswith("alrt_"):
        if (known := find_alert(store, asked)) is None:
            msg = f"there is no alert {asked}; `tocsin alerts list` names those there are"
            raise InputError(msg)
        article = known[0]
    case = _find_article(store, configuration, article)
    if case is None:
        msg = f"nothing is kept of an article {article}: there was none, or it is older than 30 days; an address can be asked for too"
        raise InputError(msg)
    return replace(case, asked=asked)


def _find_by_address(store: RedisStore, configuration: Configuration, address: str) -> Case:
    mark = mark_of_address(address)
    with translated():
        found = store.client.get(K + f"address:{mark}") if mark else None
    article, _, known_by = (found or "").partition(" ")
    case = _find_article(store, configuration, article) if article else None
    if case is None:
        return Case(address, feeds=tuple(_feeds_of(store, configuration.feeds, address, mark)))
    return replace(case, asked=address, known_by=known_by)


def _feeds_of(store: RedisStore, feeds: Sequence[Feed], address: str, mark: str) -> list[FeedSeen]:
    """Feeds that have the address among their entries, and those of the same site."""
    with translated():
        pipeline = store.client.pipeline(transaction=False)
        for feed in feeds:
            pipeline.hmget(K + f"feed:{feed.id}", FIELDS)
        states = [restore_state(*kept) for kept in pipeline.execute()] if feeds else []
    found = []
    for feed, state in zip(feeds, states, strict=True):
        holds_it = bool(mark) and any(entry.address == mark for entry in state.marks)
        if holds_it or _site(feed.url) == _site(address):
            [row] = list_feeds(store, [feed])
            found.append(FeedSeen(feed.name, row["health"], holds_it, state.succeeded_at, state.last_message))
    return found


def _find_article(store: RedisStore, configuration: Configuration, article_id: str) -> Case | None:
    key = K + f"article:{article_id}"
    with translated():
        values = store.client.hmget(key, _ARTICLE_FIELDS)
        feeds = store.client.smembers(key + ":feeds")
        due = store.client.zscore(K + "articles:due", article_id)
        wanted = store.client.exists(K + f"page:{article_id}")
    item: dict[str, Any] = dict(zip(_ARTICLE_FIELDS, values, strict=True))
    if not item["record"] or not item["first_seen"]:
        return None
    article = restore_article(article_id, item)
    names = {feed.id: feed.name for feed in configuration.feeds}
    case = Case(
        article_id,
        article=article,
        brought_by=tuple(sorted(names.get(feed, feed) for feed in feeds)),
        state=item["state"] or "",
        revision=int(item["revision"] or 0),
        due=None if due is None else moment_of(due),
        claims=int(item["claims"] or 0),
        awaits_page=bool(wanted),
        quarantined_for=item["quarantined_for"] or "",
        story=store.read_stories([item["story"]])[0][0] if item["story"] else None,
    )
    return _with_decision(store, configuration, case, article)


def _with_decision(store: RedisStore, configuration: Configuration, case: Case, article: Article) -> Case:
    decisions = read_decided(store, article.id)
    if not decisions:
        return case
    newest = decisions[0]
    decision = newest.decision
    judged = replace(newest.article, zones=decision.zones) if decision.zones else newest.article
    kept = _kept(store, decision.config_hash)
    under = (kept or configuration).watches
    ids = [one.alert_id for decided in decisions for one in decided.decision.fired if one.alert_id]
    return replace(
        case,
        decision=decision,
        verdicts=_matcher(_Watches(decision.config_hash if kept else configuration.hash, under)).evaluate(
            judged, newest.analysis
        ),
        is_current=kept is None and decision.config_hash != configuration.hash,
        alerts=tuple(_alerts(store, list(dict.fromkeys(ids)))),
        **_reading(newest.analysis),
    )


@dataclass(frozen=True, slots=True)
class _Watches:
    """Found by their configuration's hash, and compared then."""

    config_hash: str
    watches: tuple[Watch, ...] = field(hash=False)


@lru_cache(maxsize=_MATCHERS)
def _matcher(of: _Watches) -> Matcher:
    return Matcher(of.watches)


def _kept(store: RedisStore, config_hash: str) -> Configuration | None:
    try:
        return ConfigurationStore(store).read(config_hash)
    except InputError:  # replaying says what is wrong with it; here the present one has to do
        return None


def _reading(analysis: Analysis) -> dict[str, Any]:
    return {
        "is_language_known": analysis.is_language_known,
        "language": analysis.language,
        "truncated_at": analysis.truncated_at,
        "is_partial": analysis.pending is not None,
    }


def _alerts(store: RedisStore, ids: Sequence[str]) -> list[Raised]:
    found = []
    for row in read_alerts(store, ids):
        shown = show_alert(store, row["alert_id"])
        attempts = shown["attempts"] if shown else {}
        deliveries = shown["alert"]["deliveries"] if shown else ()
        with translated():
            silence = store.client.hget(K + f"alert:{row['alert_id']}", "silence")
            groups = store.client.smembers(K + f"alert:{row['alert_id']}:groups")
        held: tuple[str, ...] = (f"the silence {silence} keeps it back",) if silence else ()
        held += tuple(f"it waits in the group {group} to be told with others" for group in sorted(groups))
        sent = tuple(_sent(store, one, attempts.get(one["id"], ())) for one in deliveries)
        found.append(Raised(row["alert_id"], row["watch"]["id"], row["severity"], row["is_shadow"], sent, held))
    return found


def _sent(store: RedisStore, delivery: dict[str, Any], attempts: Sequence[dict[str, Any]]) -> Sent:
    [endpoint] = store.endpoint_states([delivery["endpoint"]])
    with translated():
        is_quarantined = store.client.zscore(K + "quarantine:deliver", delivery["id"]) is not None
    due = delivery.get("due")
    return Sent(
        delivery["id"],
        delivery["endpoint"],
        delivery["state"],
        delivery["attempts"],
        datetime.fromisoformat(due) if due else None,
        Circuit(endpoint.circuit).value,
        attempts[-1]["reason"] if attempts else "",
        is_quarantined,
    )


def _site(address: str) -> str:
    parts = (urlsplit(address).hostname or "").split(".")
    return ".".join(parts[-2:])
