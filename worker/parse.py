"""A feed document's bytes become entries. feedparser reads XML and is given only entries that are not known yet.

Limits: 500 entries a document, two seconds of the processor (where the caller brings a clock that can interrupt), and
nothing that `excess` finds out of proportion.
"""

import calendar
import codecs
import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import feedparser

from worker import slices
from worker.errors import describe_failure
from worker.excess import DEPTH_LIMIT, find_excess, is_too_deep
from worker.jsonfeed import parse_json
from worker.model import Document, Entry, Fetched, Pace, PollFailed, PollFailure
from worker.moment import read_moment
from worker.sitemap import parse_sitemap

_QUICKENED = "6.0.14"
"""The feedparser that `quickfeed` was compared with; another one goes its own way."""


def _quicken() -> None:
    if feedparser.__version__ != _QUICKENED:
        return
    from worker import quickfeed

    feedparser.api.PREFERRED_XML_PARSERS[:] = [quickfeed.__name__]
    feedparser.api.StrictFeedParser = quickfeed.QuickParser
    feedparser.mixin.make_safe_absolute_uri = quickfeed.safe_address


_quicken()

ENTRY_LIMIT = 500
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FALSE_WIDE = re.compile(rb"^(\s*<\?xml[^>]*?)\s+encoding=[\"'](?:utf-?16|ucs-?2|utf-?32)[a-z]*[\"']", re.IGNORECASE)
_IMPOSSIBLE = re.compile(
    rb"&#(?:x0*d[89a-f][0-9a-f]{2}|0*(?:552(?:9[6-9])|55[3-9]\d\d|56\d{3}|57[0-2]\d\d|573[0-3]\d|5734[0-3]));",
    re.IGNORECASE,
)
"""References to lone surrogates, which no text can hold."""
_BLANK = b"\x00 \t\r\n\xef\xbb\xbf"
_HTML = re.compile(rb"^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SITEMAP = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]", re.IGNORECASE)
_LINK_TEXT = re.compile(rb"<link\b[^>]*>\s*(?:<!\[CDATA\[)?\s*(https?://[^\s<\]]+)", re.IGNORECASE)
_SKIPS = re.compile(rb"<skip(?:days|hours)>", re.IGNORECASE)
_PERIODS = {"hourly": 1, "daily": 24, "weekly": 168, "monthly": 720, "yearly": 8_760}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LAST_RESORTS = ("enclosure", "replies", "edit", "license", "hub", "search", "next", "prev")


def parse(
    fetched: Fetched,
    known: Collection[str] = (),
    limit: Callable[[], AbstractContextManager[None]] = nullcontext,
) -> Document | PollFailed:
    """The entries of a feed document (RSS, Atom, RDF, JSON Feed, news sitemap), or the reason why there are none.

    Entries whose fingerprint is `known` are left out. A document that is not well-formed still gives the entries that
    can be read; `repaired` then says what was wrong. `limit` raises TimeoutError in whoever stays in it too long.
    """
    try:
        with limit():
            return read(fetched, known)
    except TimeoutError:
        return endless(fetched)


def read(fetched: Fetched, known: Collection[str] = ()) -> Document | PollFailed:
    """`parse` without a limit of its own; a TimeoutError that the caller's clock raises passes through."""
    outcome = _parse(fetched, frozenset(known))
    return replace(outcome, message=_place(fetched) + outcome.message) if isinstance(outcome, PollFailed) else outcome


def endless(fetched: Fetched) -> PollFailed:
    """What becomes of a document that is not read in time."""
    message = f"{_place(fetched)} takes too long to read; the document was given up"
    return PollFailed(PollFailure.HOSTILE, message)


def _place(fetched: Fetched) -> str:
    return re.split(r"[?#]", fetched.url)[0]  # the query may hold a key


def _parse(fetched: Fetched, known: frozenset[str]) -> Document | PollFailed:
    fetched = _narrowed(fetched)
    start = fetched.body.lstrip(_BLANK)
    if not start:
        return PollFailed(PollFailure.EMPTY_BODY, " answered with an empty document")
    if start[:1] in (b"{", b"["):
        return _webbed(parse_json(fetched.body, fetched.url, known, ENTRY_LIMIT))
    if excess := find_excess(fetched.body):
        return PollFailed(PollFailure.HOSTILE, f": {excess}; it was not parsed")
    if _SITEMAP.search(start[:2_000]):
        return _webbed(parse_sitemap(start, ENTRY_LIMIT))
    # white space before the declaration is no reason to doubt the rest
    fetched = replace(fetched, body=start) if start.startswith(b"<?xml") else fetched
    try:
        return _parse_xml(fetched, known)
    except TimeoutError:
        raise
    except Exception as error:  # noqa: BLE001 - what a document does to its parser is this document's failure alone
        return PollFailed(PollFailure.MALFORMED, f" brings its parser to fall: {describe_failure(error)}")


def _narrowed(fetched: Fetched) -> Fetched:
    """UTF-16 and UTF-32 as UTF-8: feedparser sees them only where the XML declaration names them."""
    for mark, encoding in _WIDE:
        if fetched.body.startswith(mark):
            text = fetched.body.decode(encoding, "replace").lstrip("\ufeff")
            plain = re.sub(r"^(<\?xml[^>]*?)\s+encoding=[\"'][^\"']*[\"']", r"\1", text)
            return replace(fetched, body=plain.encode("utf-8", "replace"), content_type="")
    fetched = (
        replace(fetched, body=body) if (body := _IMPOSSIBLE.sub(b"&#xFFFD;", fetched.body)) != fetched.body else fetched
    )
    # a declaration that can be read byte by byte does not tell the truth when it says UTF-16
    honest = _FALSE_WIDE.sub(rb"\1", fetched.body, count=1)
    return fetched if honest == fetched.body else replace(fetched, body=honest)


def _webbed(document: Document | PollFailed) -> Document | PollFailed:
    """The document with links that lead to the web, or nowhere."""
    if isinstance(document, PollFailed):
        return document
    return replace(document, entries=tuple(replace(e, link=_web_link(e.link)) for e in document.entries))


# --- XML ---------------------------------------------------------------------------------------------------


def _parse_xml(fetched: Fetched, known: frozenset[str]) -> Document | PollFailed:
    found = slices.find_slices(fetched.body, DEPTH_LIMIT)
    if found is None:
        if is_too_deep(fetched.body):
            return PollFailed(PollFailure.HOSTILE, f": tags nested more than {DEPTH_LIMIT} deep; it was not parsed")
        return _parse_whole(*slices.cut_after(fetched.body, ENTRY_LIMIT), fetched)
    kept, beyond = found[:ENTRY_LIMIT], found[ENTRY_LIMIT:]
    unknown = [piece for piece in kept if piece.fingerprint not in known]
    dropped = [*(piece for piece in kept if piece.fingerprint in known), *beyond]
    parsed = _feedparse(slices.without(fetched.body, dropped), fetched)
    if not found or len(parsed.entries) != len(unknown):
        # what feedparser takes for entries is not what stands in the slices: no telling which is which
        return _parse_whole(fetched.body, 0, fetched)
    raws = [fetched.body[piece.start : piece.end] for piece in unknown]
    document = _document(parsed, raws, cut=len(beyond))
    return replace(document, fingerprints=tuple(piece.fingerprint for piece in kept), pace=_pace(parsed, fetched.body))


def _parse_whole(body: bytes, cut: int, fetched: Fetched) -> Document | PollFailed:
    parsed = _feedparse(body, fetched)
    if not parsed.entries and not parsed.get("version"):
        return _refusal(body, parsed.get("bozo_exception"))
    document = _document(parsed, [b""] * len(parsed.entries), cut=cut)
    return replace(document, pace=_pace(parsed, body))


def _feedparse(body: bytes, fetched: Fetched) -> Any:
    headers = {"content-location": fetched.url}
    if fetched.content_type:
        headers["content-type"] = fetched.content_type
    return feedparser.parse(
        io.BytesIO(body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
    )


def _document(parsed: Any, raws: Sequence[bytes], *, cut: int) -> Document:
    is_atom = str(parsed.get("version", "")).startswith("atom")
    pairs = list(zip(parsed.entries, raws, strict=True))
    return Document(
        title=parsed.feed.get("title", ""),
        entries=tuple(_entry(entry, raw, is_atom=is_atom) for entry, raw in pairs[:ENTRY_LIMIT]),
        language=parsed.feed.get("language", "") or "",
        cut=cut + max(len(pairs) - ENTRY_LIMIT, 0),
        repaired=_repair(parsed),
    )


def _refusal(body: bytes, error: object) -> PollFailed:
    if _HTML.match(body) or b"<html" in body[:2_000].lower():
        return PollFailed(PollFailure.NOT_A_FEED, " answered with a web page, not a feed; look for its RSS link")
    if error:
        return PollFailed(PollFailure.MALFORMED, f" is not well-formed and has no entry that can be read: {error}")
    return PollFailed(PollFailure.NOT_A_FEED, " is neither RSS, Atom, RDF, JSON Feed nor a news sitemap")


def _repair(parsed: Any) -> str:
    """Why feedparser had to guess, or ""; an encoding that differs from the declared one is no repair of content."""
    error = parsed.get("bozo_exception")
    if not parsed.get("bozo") or isinstance(error, feedparser.exceptions.NonXMLContentType):
        return ""
    return f"{type(error).__name__}: {error}"[:200]


def _entry(parsed: dict[str, Any], source: bytes, *, is_atom: bool) -> Entry:
    raw = dict(parsed)  # feedparser's own answers to older names for what it holds too, at ten times the cost
    contents = [dict.get(part, "value", "") for part in raw.get("content", ())]
    texts = [text for text in (*contents, raw.get("summary", "")) if text]
    updated = _moment(raw, "updated")
    return Entry(
        guid=raw.get("id", "") or "",
        link=_entry_link(raw, source, is_atom=is_atom),
        title=_entry_title(raw, is_atom=is_atom),
        html=max(texts, key=len, default=""),
        author=raw.get("author", "") or "",
        published=_moment(raw, "published") or _moment(raw, "created") or updated,
        updated=updated,
        categories=tuple(term for tag in raw.get("tags", ()) if (term := dict.get(tag, "term"))),
        language=raw.get("language", "") or "",
    )


def _entry_title(raw: Mapping[str, Any], *, is_atom: bool) -> str:
    """The title as markup. In Atom's plain text a word in brackets is a word (RFC 4287 §3.1.1.1).

    Whole elements and tags with attributes are markup that its author mislabelled.
    """
    title = raw.get("title", "") or ""
    if not is_atom or "<" not in title or raw.get("title_detail", {}).get("type") != "text/plain":
        return title
    return re.sub(r"<(\w+)>", lambda tag: tag[0] if f"</{tag[1]}>" in title else f"&lt;{tag[1]}&gt;", title)


def _entry_link(raw: Mapping[str, Any], source: bytes, *, is_atom: bool) -> str:
    """The entry's page: Atom's first HTML alternate, feedparser's choice, any other link, the guid, an enclosure."""
    # a guid such as `17` is no address, whatever base it was resolved against
    made_up = raw.get("id", "") if source and not _is_written(raw.get("id", ""), source) else None
    candidates = _candidates(raw, source, is_atom=is_atom)
    return next((link for candidate in candidates if candidate != made_up and (link := _web_link(candidate))), "")


def _candidates(raw: Mapping[str, Any], source: bytes, *, is_atom: bool) -> Iterator[str]:
    links = [link for link in map(dict, raw.get("links", ())) if link.get("href")]
    if is_atom:
        alternates = (link for link in links if link.get("rel") == "alternate" and "html" in link.get("type", ""))
        yield next(alternates, {}).get("href", "")
    yield raw.get("link", "")
    yield from (link["href"] for link in links if link.get("rel") not in _LAST_RESORTS)
    written = _LINK_TEXT.search(source)
    yield unescape(written[1].decode("utf-8", "replace")) if written else ""
    yield raw.get("id", "") if raw.get("guidislink", is_atom) else ""
    yield from (link["href"] for link in links if link.get("rel") == "enclosure")


def _is_written(text: str, source: bytes) -> bool:
    if "&" not in text:
        return text.encode("utf-8", "replace") in source
    forms = (text, text.replace("&", "&amp;"), text.replace("&", "&#38;"))
    return any(form.encode("utf-8", "replace") in source for form in forms)


def _web_link(link: object) -> str:
    """The address without white space and controls; "" where it is of another kind. Without a base it is relative."""
    text = str(link or "")
    if not (text.isascii() and text.isprintable() and " " not in text):
        text = re.sub(r"[\x00-\x20\x7f\ud800-\udfff]", "", text)
    is_web = text.lower().startswith(("http://", "https://"))
    return text if is_web or not re.match(r"[\w+.-]*:", text) else ""


def _moment(raw: Mapping[str, Any], name: str) -> datetime | None:
    """The date `name`; feedparser's reading only of what `moment` cannot read and ISO 8601 does not rule out."""
    written = raw.get(name) if name in raw else ""
    if not isinstance(written, str) or not written:
        return None
    parsed = raw.get(f"{name}_parsed")
    if (moment := read_moment(written)) or not parsed or re.match(r"\d{4}-\d\d-\d\d|\d+$", written.strip()):
        return moment
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError):
        return None


# --- how often ---------------------------------------------------------------------------------------------


def _pace(parsed: Any, body: bytes) -> Pace:
    """What the document says of its own rhythm: ttl (minutes), the syndication module, skipHours and skipDays."""
    feed = dict(parsed["feed"])
    every = max(filter(None, (_minutes(feed.get("ttl")), _period(feed))), default=None)
    if not _SKIPS.search(body):
        return Pace(every)
    days = {day.strip().lower() for day in _listed(body, b"skipDays", b"day")}
    hours = {int(hour) % 24 for hour in _listed(body, b"skipHours", b"hour") if hour.strip().isdigit()}
    return Pace(
        every=every,
        skip_hours=frozenset(hours),
        skip_days=frozenset(_DAYS.index(day) for day in days if day in _DAYS),
    )


def _minutes(text: object) -> timedelta | None:
    digits = str(text or "").strip()
    return timedelta(minutes=int(digits)) if digits.isdigit() and len(digits) < 7 else None  # noqa: PLR2004


def _period(feed: Mapping[str, Any]) -> timedelta | None:
    hours = _PERIODS.get(str(feed.get("sy_updateperiod", "")).strip().lower())
    times = str(feed.get("sy_updatefrequency", "1")).strip()
    if hours is None or not times.isdigit() or not 0 < int(times) < 10_000:  # noqa: PLR2004
        return None
    return timedelta(hours=hours) / int(times)


def _listed(body: bytes, block: bytes, name: bytes) -> list[str]:
    """The texts of `<name>` in the first `<block>`; feedparser does not read these."""
    found = re.search(b"<%b>(.{0,2000}?)</%b>" % (block, block), body, re.DOTALL | re.IGNORECASE)
    texts = re.findall(b"<%b>([^<]*)</%b>" % (name, name), found[1], re.IGNORECASE) if found else []
    return [text.decode("ascii", "replace") for text in texts]
