"""A feed document's bytes become entries. feedparser reads XML, `json` reads JSON Feed; nothing else is decided here.

Some documents make a parser work for minutes. They are told by cheap counts over the raw bytes and refused before
the parser sees them; the limits lie far above any honest feed.
"""

import calendar
import codecs
import io
import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import feedparser

from worker.model import Document, Entry, Fetched, PollFailed, PollFailure

ENTRY_LIMIT = 500
TAG_LIMIT_BYTES = 64_000
COMMENT_LIMIT = 1_000
DEPTH_LIMIT = 400
_ENTITY_LIMIT = 64
_AUTHOR_LIMIT_BYTES = 2_000
_LONG_TAG = re.compile(rb"<[a-zA-Z][^<>]{%d,}" % TAG_LIMIT_BYTES)
_CROWDED_TAG = re.compile(rb"<[a-zA-Z][^<>=]*(?:=[^<>=]*){257,}>")
_LONG_AUTHOR = re.compile(
    rb"<((?:\w+:)?(?:author|creator|contributor|managingEditor|webMaster|publisher|owner))\b[^>]*>[^<]{%d,}"
    % _AUTHOR_LIMIT_BYTES
)
_TAG = re.compile(rb"<(/?)[a-zA-Z!?][^<>]*?(/?)>")
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HTML = re.compile(rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


def parse(fetched: Fetched) -> Document | PollFailed:
    """The entries of a feed document (RSS, Atom, RDF, JSON Feed), or the reason why there are none.

    A document that is not well-formed still gives the entries that can be read; `repaired` then says what was wrong.
    """
    body = _without_wide_encoding(fetched.body)
    if not body.strip(b"\x00 \t\r\n\xef\xbb\xbf"):
        return PollFailed(PollFailure.EMPTY_BODY, f"{fetched.url} answered with an empty document")
    if body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"["):
        return _parse_json(body, fetched.url)
    if excess := _excess(body):
        return PollFailed(PollFailure.HOSTILE, f"{fetched.url}: {excess}; the document was not parsed")
    return _parse_xml(body, fetched)


def _without_wide_encoding(body: bytes) -> bytes:
    """UTF-16 and UTF-32 as UTF-8: feedparser sees them only where the XML declaration names them."""
    for mark, encoding in _WIDE:
        if body.startswith(mark):
            text = body.decode(encoding, "replace")
            return re.sub(r"^(<\?xml[^>]*?)\s+encoding=[\"'][^\"']*[\"']", r"\1", text.lstrip("\ufeff")).encode()
    return body


def _excess(body: bytes) -> str:
    """What is out of all proportion in the raw bytes, or ""."""
    if body.count(b"<!--") > COMMENT_LIMIT:
        return f"more than {COMMENT_LIMIT} comments"
    if body.count(b"<!ENTITY") > _ENTITY_LIMIT or _expands_entities(body):
        return "entity declarations that expand into one another"
    if _LONG_TAG.search(body) or _CROWDED_TAG.search(body):
        return f"a tag of more than {TAG_LIMIT_BYTES:,} bytes or 256 attributes"
    if _LONG_AUTHOR.search(body):
        return f"an author of more than {_AUTHOR_LIMIT_BYTES:,} bytes"
    if _depth(body) > DEPTH_LIMIT:
        return f"tags nested more than {DEPTH_LIMIT} deep"
    return ""


def _expands_entities(body: bytes) -> bool:
    values = re.findall(rb"<!ENTITY\s+[^\s>]+\s+[\"']([^\"']*)[\"']", body)
    return sum(len(re.findall(rb"&\w+;", value)) for value in values) > _ENTITY_LIMIT or any(
        len(value) > TAG_LIMIT_BYTES for value in values
    )


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for match in _TAG.finditer(re.sub(rb"<!\[CDATA\[.*?\]\]>", b"", body, flags=re.DOTALL)):
        closing, empty = match.groups()
        if match.group()[1:2] in (b"!", b"?"):
            continue
        depth += -1 if closing else (not empty)
        deepest = max(deepest, depth)
        if deepest > DEPTH_LIMIT:
            break
    return deepest


def _parse_xml(body: bytes, fetched: Fetched) -> Document | PollFailed:
    headers = {"content-location": fetched.url}
    if fetched.content_type and body is fetched.body:
        headers["content-type"] = fetched.content_type
    parsed = feedparser.parse(io.BytesIO(body), response_headers=headers, sanitize_html=False)
    if not parsed.entries and not parsed.get("version"):
        return _refusal(body, fetched.url, parsed.get("bozo_exception"))
    entries = tuple(_entry(entry) for entry in parsed.entries[:ENTRY_LIMIT])
    return Document(
        title=parsed.feed.get("title", ""),
        entries=entries,
        language=parsed.feed.get("language", "") or "",
        cut=max(len(parsed.entries) - ENTRY_LIMIT, 0),
        repaired=_repair(parsed),
    )


def _refusal(body: bytes, url: str, error: object) -> PollFailed:
    if _HTML.match(body) or b"<html" in body[:2_000].lower():
        return PollFailed(PollFailure.NOT_A_FEED, f"{url} answered with a web page, not a feed; look for its RSS link")
    if error:
        return PollFailed(PollFailure.MALFORMED, f"{url} is not well-formed and has no entry that can be read: {error}")
    return PollFailed(PollFailure.NOT_A_FEED, f"{url} is neither RSS, Atom, RDF nor JSON Feed")


def _repair(parsed: Any) -> str:
    """Why feedparser had to guess, or ""; an encoding that differs from the declared one is no repair of content."""
    error = parsed.get("bozo_exception")
    if not parsed.get("bozo") or isinstance(error, feedparser.exceptions.NonXMLContentType):
        return ""
    return f"{type(error).__name__}: {error}"[:200]


def _entry(raw: Mapping[str, Any]) -> Entry:
    contents = [part.get("value", "") for part in raw.get("content", ())]
    texts = [text for text in (*contents, raw.get("summary", "")) if text]
    return Entry(
        guid=raw.get("id", "") or "",
        link=_web_link(raw.get("link", "")),
        title=raw.get("title", "") or "",
        html=max(texts, key=len, default=""),
        author=raw.get("author", "") or "",
        published=_moment(raw.get("published_parsed") or raw.get("updated_parsed")),
        categories=tuple(term for tag in raw.get("tags", ()) if (term := tag.get("term"))),
        language=raw.get("language", "") or "",
    )


def _web_link(link: object) -> str:
    text = re.sub(r"[\x00-\x20\x7f\ud800-\udfff]", "", str(link or ""))
    return text if text.lower().startswith(("http://", "https://")) else ""


def _moment(parsed: time.struct_time | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, OSError):
        return None


# --- JSON Feed 1.0 and 1.1 (jsonfeed.org) ------------------------------------------------------------------


def _parse_json(body: bytes, url: str) -> Document | PollFailed:
    try:
        feed = json.loads(body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError) as error:
        return PollFailed(PollFailure.MALFORMED, f"{url} is not valid JSON: {error}")
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        return PollFailed(PollFailure.NOT_A_FEED, f"{url} is JSON, but has no list of items as a JSON Feed has")
    kept = [item for item in items[:ENTRY_LIMIT] if isinstance(item, dict)]
    language = _text(feed, "language")
    return Document(
        title=_text(feed, "title"),
        entries=tuple(_json_entry(item) for item in kept),
        language=language,
        cut=max(len(items) - ENTRY_LIMIT, 0),
        repaired="" if len(kept) == len(items[:ENTRY_LIMIT]) else "items that are not objects were skipped",
    )


def _json_entry(item: Mapping[str, Any]) -> Entry:
    plain = _text(item, "content_text") or _text(item, "summary")
    authors = item.get("authors") if isinstance(item.get("authors"), list) else [item.get("author")]
    names = [_text(author, "name") for author in authors or () if isinstance(author, dict)]
    tags = item.get("tags")
    return Entry(
        guid=str(item.get("id") or ""),
        link=_web_link(item.get("url") or item.get("external_url")),
        title=_text(item, "title"),
        html=_text(item, "content_html") or plain.replace("&", "&amp;").replace("<", "&lt;"),
        author=", ".join(name for name in names if name),
        published=_iso_moment(_text(item, "date_published") or _text(item, "date_modified")),
        categories=tuple(str(tag) for tag in tags) if isinstance(tags, list) else (),
        language=_text(item, "language"),
    )


def _text(mapping: Mapping[str, Any], key: str) -> str:
    value = mapping.get(key)
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def _iso_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
