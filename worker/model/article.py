"""What a feed says, as its entries and as the articles they become."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from worker.model.feed import EntryMark, Pace
from worker.model.terms import ZoneName


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document taught about its feed: its entries, when the new ones came, and its own wishes."""

    marks: tuple[EntryMark, ...] = ()
    arrivals: tuple[datetime, ...] = ()
    pace: Pace = Pace()  # noqa: RUF009  (frozen)
    is_rekeyed: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One item exactly as the feed said it, decoded; `html` is its longest text, markup included.

    `published` is the date of publication, or the last change where no other is given.
    """

    guid: str
    link: str
    title: str
    html: str
    author: str = ""
    published: datetime | None = None
    updated: datetime | None = None
    categories: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed feed document: `entries` holds those that were not known by their fingerprint.

    `fingerprints` names every entry, known or not, in order; it is empty where entries cannot be told apart in the
    bytes. `cut` counts entries beyond the limit, `repaired` says it was not well-formed.
    """

    title: str
    entries: tuple[Entry, ...]
    fingerprints: tuple[str, ...] = ()
    language: str = ""
    cut: int = 0
    repaired: str = ""
    pace: Pace = Pace()  # noqa: RUF009  (frozen)


# --- what it means -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Zone:
    """A stretch of an article's text and the part it plays; `teaser` never feeds analysis or matching."""

    name: ZoneName
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Article:
    """An identified entry as plain text. `text` is title, newline, body; `zones` cover it in order.

    `text_from` says whether the body is the feed's or that of the linked page, `text_reason` why; "" for a whole entry.
    """

    id: str
    feed_id: str
    source: str
    title: str
    text: str
    zones: tuple[Zone, ...]
    link: str = ""
    author: str = ""
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    published: datetime | None = None
    first_seen: datetime | None = None
    declared_language: str = ""
    text_from: Literal["feed", "page"] = "feed"
    text_reason: str = ""

    def zone_at(self, offset: int) -> ZoneName:
        """The zone that holds `offset`; `body` between zones."""
        return next((zone.name for zone in self.zones if zone.start <= offset < zone.end), "body")


@dataclass(frozen=True, slots=True)
class Draft:
    """An article as a poll brought it, before the store says whether it is new.

    `aliases` are the names it may be known by, any of which makes it known; `content` is the hash of its text, by
    which an edit is told. `remembered_as` names the reason why it is only remembered and raises nothing, else "".
    `is_fresh` says that the entry gives a date, and that it is no older than the feed's backfill, `wants_page` that the
    linked page is to be read before the article is analysed. `trace` is the poll's W3C traceparent, "" where nothing is
    traced.
    """

    article: Article
    aliases: tuple[str, ...]
    content: str
    remembered_as: Literal["", "baseline", "stale", "rekeyed"] = ""
    is_fresh: bool = False
    wants_page: bool = False
    trace: str = ""
