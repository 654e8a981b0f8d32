"""JSON Feed 1.0 and 1.1 (jsonfeed.org): bytes become entries."""

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urljoin

from worker.model import Document, Entry, PollFailed, PollFailure
from worker.moment import read_moment


def parse_json(body: bytes, url: str, known: Collection[str], limit: int) -> Document | PollFailed:
    """The items that are not `known` by their fingerprint, or why there are none; the message begins where the name belongs."""
    try:
        feed = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        return PollFailed(PollFailure.MALFORMED, f" is not valid JSON: {error}")
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        return PollFailed(PollFailure.NOT_A_FEED, " is JSON, but has no list of items as a JSON Feed has")
    kept = [item for item in items[:limit] if isinstance(item, dict)]
    prints = tuple(_fingerprint(item) for item in kept)
    return Document(
        title=_text(feed, "title"),
        entries=tuple(_entry(item, url) for item, mark in zip(kept, prints, strict=True) if mark not in known),
        fingerprints=prints,
        language=_text(feed, "language"),
        cut=max(len(items) - limit, 0),
        repaired="" if len(kept) == len(items[:limit]) else "items that are not objects were skipped",
    )


def _fingerprint(item: Mapping[str, Any]) -> str:
    return hashlib.blake2b(json.dumps(item, sort_keys=True).encode(), digest_size=10).hexdigest()


def _entry(item: Mapping[str, Any], url: str) -> Entry:
    plain = _text(item, "content_text") or _text(item, "summary")
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_text(author, "name") for author in authors or () if isinstance(author, dict)]
    tags = item.get("tags")
    published, updated = read_moment(_text(item, "date_published")), read_moment(_text(item, "date_modified"))
    return Entry(
        guid=str(item.get("id") or ""),
        link=_link(_text(item, "url") or _text(item, "external_url"), str(item.get("id") or ""), url),
        title=_text(item, "title"),
        html=_text(item, "content_html") or plain.replace("&", "&amp;").replace("<", "&lt;"),
        author=", ".join(name for name in names if name),
        published=published or updated,
        updated=updated,
        categories=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        language=_text(item, "language"),
    )


def _link(link: str, item_id: str, url: str) -> str:
    """The item's address; where it has none, its id if that is one."""
    try:
        resolved = urljoin(url, link) if link else item_id
    except ValueError:
        return ""
    return resolved


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""
