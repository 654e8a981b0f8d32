"""One article by hand, outside the stream: what `tocsin try` and `tocsin analyze` read and write."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from worker import dedupe, plaintext, zones
from worker.backtest import PastArticle
from worker.deliver.payload import describe_event, describe_finding
from worker.errors import InputError
from worker.model import Analysis, Article, Entry, Feed, Match, TopicScore, Verdict

_FEED = Feed(id="feed_trial", url="", name="trial")


def read_article(raw: bytes, content_type: str, name: str, now: datetime) -> Article:
    """An article from plain text (first line the title), HTML, or JSON `{"title", "text", "link", ...}`.

    Raises InputError where the bytes are none of these.
    """
    text = raw.decode("utf-8-sig", "replace")
    start = text.lstrip()[:200].lower()
    if not start:
        msg = f"{name} is empty; give an article: its title on the first line, then its text"
        raise InputError(msg)
    if "\x00" in text[:1_000] and "�" in text[:1_000]:
        msg = f"{name} is binary; give plain text, HTML or JSON"
        raise InputError(msg)
    if start.startswith("{"):
        entry = _from_json(text, name)
    elif "html" in content_type or start.startswith(("<!doctype html", "<html")) or "<body" in start:
        entry = _from_html(text, name)
    else:
        title, _, body = text.strip().partition("\n")
        entry = Entry("", "", _plain(title), _plain(body))
    return dedupe.to_article(_FEED, entry, "", now)


def describe(article: Article, analysis: Analysis, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """What `tocsin try --json` prints: article, entities, topics, events, matches, misses."""
    matches, misses = [], []
    for verdict in verdicts:
        row = {
            "watch": {"id": verdict.watch.id, "title": verdict.watch.title, "is_shadow": verdict.watch.is_shadow},
            "severity": verdict.watch.severity.value,
            "explanation": describe_finding(verdict.finding),
        }
        if isinstance(verdict, Match):
            matches.append(row)
        else:
            misses.append(row | {"missing": verdict.missing, "is_near": verdict.is_near})
    return {
        "article": {
            "title": article.title,
            "text": article.text,
            "link": article.link,
            "language": analysis.language,
            "zones": [{"name": zone.name, "start": zone.start, "end": zone.end} for zone in article.zones],
        },
        **_describe_analysis(analysis, [topic for topic in analysis.topics if topic.is_reported]),
        "matches": matches,
        "misses": misses,
        "model": analysis.model,
    }


def read_line(number: int, line: bytes) -> tuple[object, Article] | dict[str, Any]:
    """The id and article of one line, or the error object that stands in its place. Its text is kept to the letter."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return {"line": number, "error": f"is not JSON: {error}"}
    if not isinstance(row, dict):
        return {"line": number, "error": "is not an object with id, title and text"}
    title, body = row.get("title") or "", row.get("text") or ""
    if not isinstance(title, str) or not isinstance(body, str):
        return {"line": number, "id": row.get("id"), "error": "title and text must be strings"}
    article = Article("", "", "", title, f"{title}\n{body}", zones.split_zones(title, body))
    return row.get("id"), article


def read_past(position: str, line: bytes, place: str) -> PastArticle:
    """One line of a file of past articles: title, text, and where known id, source, tags, link and published.

    Raises InputError that names `place` where the line is not such an article.
    """
    try:
        row = json.loads(line)
        title, body = row.get("title") or "", row.get("text") or ""
        published = datetime.fromisoformat(row["published"]) if row.get("published") else None
        tags = tuple(map(str, row.get("tags") or ()))
        zoned = zones.split_zones(title, body)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        msg = f"{place} is not an article (JSON with title and text as strings, published in ISO 8601)"
        raise InputError(msg) from error
    if published is not None and published.tzinfo is None:
        published = published.replace(tzinfo=UTC)
    article = Article(
        str(row.get("id") or position), "", str(row.get("source") or ""), title, f"{title}\n{body}", zoned,
        link=str(row.get("link") or ""), tags=tags, published=published, first_seen=published,
    )  # fmt: skip
    return PastArticle(position, article)


def describe_line(row_id: object, analysis: Analysis, is_every_topic: bool) -> dict[str, Any]:
    """What `tocsin analyze` writes for one line."""
    topics = [topic for topic in analysis.topics if is_every_topic or topic.is_reported]
    return {"id": row_id, **_describe_analysis(analysis, topics), "language": analysis.language}


def _describe_analysis(analysis: Analysis, topics: Iterable[TopicScore]) -> dict[str, Any]:
    return {
        "entities": [
            {"text": e.text, "label": e.label, "start": e.start, "end": e.end, "id": e.id} for e in analysis.entities
        ],
        "topics": [
            {
                "topic": topic.topic,
                "score": round(topic.score, 4),
                "evidence": [{"start": s.start, "end": s.end, "text": s.text} for s in topic.evidence],
            }
            for topic in topics
        ],
        "events": [describe_event(event) for event in analysis.events],
    }


def _from_json(text: str, name: str) -> Entry:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{name} begins like JSON, but is not: {error}"
        raise InputError(msg) from error
    title, body = row.get("title", ""), row.get("text", row.get("body", ""))
    if not isinstance(title, str) or not isinstance(body, str) or not (title or body):
        msg = f"{name} should be an object with title and text as strings"
        raise InputError(msg)
    return Entry("", str(row.get("link", "")), _plain(title), _plain(body))


def _from_html(text: str, name: str) -> Entry:
    import trafilatura

    extracted: Any = trafilatura.bare_extraction(text, favor_precision=True, include_comments=False)
    title = (extracted and extracted.title) or ""
    body = (extracted and extracted.text) or plaintext.html_to_text(text)
    if not body:
        msg = f"{name} is a web page with no article text"
        raise InputError(msg)
    return Entry("", "", _plain(title), _plain(body))


def _plain(text: str) -> str:
    """Plain text as the markup an entry carries."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
