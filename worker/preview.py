"""What a first poll of a feed would store and which watches would fire: read, identified, analysed, not kept."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from worker import dedupe, fulltext
from worker.enrich.enricher import load
from worker.errors import InputError
from worker.match import Matcher
from worker.model import Article, Configuration, Draft, Feed, FeedState, Fetched, Match, PollFailed, Verdict
from worker.parse import parse

_FATES = {"": "new", "baseline": "remembered: older than backfill", "stale": "remembered: very old"}


def preview(  # noqa: PLR0913, PLR0917 - what a row depends on
    feed: Feed,
    fetched: Fetched,
    configuration: Configuration,
    limit: int,
    now: datetime,
    read_pages: Callable[[Sequence[Article]], Sequence[Article]] = tuple,
) -> list[dict[str, Any]]:
    """A row for each of the first `limit` entries. Raises InputError where the document is no feed.

    `read_pages` gives the articles of summaries back with the text that is to be analysed.
    """
    document = parse(fetched)
    if isinstance(document, PollFailed):
        raise InputError(document.message)
    drafts = [fulltext.marked(feed, draft) for draft in dedupe.identify(feed, FeedState(), document, now)[:limit]]
    read = iter(read_pages([draft.article for draft in drafts if draft.wants_page]))
    drafts = [replace(draft, article=next(read)) if draft.wants_page else draft for draft in drafts]
    articles = [draft.article for draft in drafts]
    matcher = Matcher(configuration.watches)
    analyses = load(configuration.nlp, configuration.topics).enrich(articles) if articles else []
    return [
        _row(draft, matcher.evaluate(draft.article, analysis)) for draft, analysis in zip(drafts, analyses, strict=True)
    ]


def _row(draft: Draft, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    article = draft.article
    return {
        "id": article.id,
        "title": article.title,
        "link": article.link,
        "published": article.published.isoformat() if article.published else None,
        "fate": _FATES.get(draft.remembered_as, draft.remembered_as),
        "characters": len(article.text),
        "text_from": article.text_from,
        "text_reason": article.text_reason,
        "fires": [verdict.watch.id for verdict in verdicts if isinstance(verdict, Match)],
        "nearly": [verdict.watch.id for verdict in verdicts if not isinstance(verdict, Match) and verdict.is_near],
    }
