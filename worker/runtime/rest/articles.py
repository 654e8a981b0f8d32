"""Articles and stories, as they were filed."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from worker.api.answers import Article, ArticlePage, ArticleSummary, Story, StoryPage
from worker.deliver.payload import describe_topics
from worker.model import Source
from worker.model import Story as Tale
from worker.runtime.records import ANALYSIS
from worker.runtime.redis_client import K, translated
from worker.runtime.rest.call import Call, Desk
from worker.runtime.rest.paging import page
from worker.runtime.rest.problem import only
from worker.runtime.views import iso_ms

_FIELDS = ("record", "state", "story", "first_seen", "analysis")
_TALE = TypeAdapter(Tale)


def list_(desk: Desk, call: Call) -> ArticlePage:
    query = call.query

    def read(ids: Sequence[str]) -> list[tuple[str, ArticleSummary]]:
        rows = {id_: _summary(id_, fields) for id_, fields in _read(desk, ids)}
        return [
            (id_, ArticleSummary.model_validate(row))
            for id_, row in rows.items()
            if (not query.source or row["source"] == query.source)
            and (not query.language or row["language"] == query.language)
            and (not query.story or row["story"] == query.story)
        ]

    articles, cursor = page(desk.store.client, "articles", query, read)
    return ArticlePage(articles=articles, next_cursor=cursor)


def get(desk: Desk, call: Call) -> Article:
    id_ = call.names["article"]
    _, fields = only(_read(desk, [id_]), "article", id_)
    record = json.loads(fields["record"])
    analysis = ANALYSIS.validate_json(fields["analysis"]) if fields.get("analysis") else None
    entities = json.loads(fields["analysis"])["entities"] if analysis else []
    whole = {
        "text": record["text"],
        "author": record["author"],
        "tags": record["tags"],
        "zones": record["zones"],
        "entities": entities,
        "topics": describe_topics(analysis) if analysis else [],
        "model": analysis.model if analysis else None,
    }
    return Article.model_validate(_summary(id_, fields) | whole)


def list_stories(desk: Desk, call: Call) -> StoryPage:
    query = call.query

    def read(ids: Sequence[str]) -> list[tuple[str, Story]]:
        return [
            (id_, story)
            for id_, story in _stories(desk, ids)
            if story.independent_sources >= query.independent_sources and (story.told or not query.is_told)
        ]

    stories, cursor = page(desk.store.client, "stories", query, read)
    return StoryPage(stories=stories, next_cursor=cursor)


def get_story(desk: Desk, call: Call) -> Story:
    id_ = call.names["story"]
    return only(_stories(desk, [id_]), "story", id_)[1]


def _read(desk: Desk, ids: Sequence[str]) -> list[tuple[str, dict[str, str]]]:
    with translated():
        pipeline = desk.store.client.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hmget(K + f"article:{id_}", list(_FIELDS))
        answers = pipeline.execute()
    rows = [dict(zip(_FIELDS, answer, strict=True)) for answer in answers]
    return [(id_, row) for id_, row in zip(ids, rows, strict=True) if row["record"]]


def _summary(id_: str, fields: Mapping[str, str]) -> dict[str, Any]:
    record = json.loads(fields["record"])
    language = json.loads(fields["analysis"])["language"] if fields.get("analysis") else None
    return {
        "id": id_,
        "title": record["title"],
        "link": record["link"],
        "source": record["source"],
        "feed_id": record["feed_id"],
        "story": fields["story"],
        "state": fields["state"],
        "published": record["published"],
        "first_seen": iso_ms(fields["first_seen"]),
        "language": language,
    }


def _stories(desk: Desk, ids: Sequence[str]) -> list[tuple[str, Story]]:
    with translated():
        pipeline = desk.store.client.pipeline(transaction=False)
        for id_ in ids:
            pipeline.hget(K + f"story:{id_}", "state")
            pipeline.hget(K + f"article:{id_}", "record")
        answers = pipeline.execute()
    found = zip(ids, answers[::2], answers[1::2], strict=True)
    return [(id_, _story(_TALE.validate_json(state), record)) for id_, state, record in found if state]


def _story(tale: Tale, record: str | None) -> Story:
    described = {
        "id": tale.id,
        "title": json.loads(record)["title"] if record else None,
        "first_seen": tale.sources[0].seen_at if tale.sources else None,
        "independent_sources": tale.independent_sources(),
        "sources": [_source(source) for source in tale.sources],
        "told": [
            {"watch_id": told.watch_id, "alert_id": told.alert_id, "revision": told.revision, "severity": told.severity}
            for told in tale.told
        ],
    }
    return Story.model_validate(described)


def _source(source: Source) -> dict[str, Any]:
    names = ("article_id", "name", "publisher", "link", "seen_at", "is_copy")
    return {name: getattr(source, name) for name in names}
