"""Which article an entry is: the names it may be known by, and an id that does not depend on who brought it first.

An entry is known when any of its aliases is. Aliases, from the widest to the narrowest:

    content   the text's hash, when it has at least 12 words, and the half-day: the same words from any feed within
              12 to 24 h are the same article; a siren or bulletin that comes again the next day is another
    address   the canonical link and the title, when the link names a page and only one entry carries it
    guid      the feed's own id, unless two entries of one document share it
    entry     feed, title and text, when there is nothing else

The id is derived from the first alias an entry has, so a second poll, another feed or a store that lost its last
second makes the same article of it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache, partial, wraps
from typing import Literal

from w3lib.url import canonicalize_url, url_query_cleaner

from worker import plaintext, zones
from worker.identity import derive_id, spell
from worker.model import Article, Document, Draft, Entry, EntryMark, Feed, FeedState, Reading

CONTENT_WORDS = 12
HALF_DAY = timedelta(hours=12)
OLDEST = timedelta(days=30)
"""An unseen entry that is older than this slid back into the feed's window: remembered, not alerted."""
FUTURE_TOLERANCE = timedelta(hours=24)
REKEYED_LEAST, REKEYED_SHARE = 5, 0.7
TEXT_LIMIT = 1_000_000
_TITLE_LIMIT, _AUTHOR_LIMIT, _LINK_LIMIT = 1_000, 512, 2_048
_TRACKING = re.compile(
    r"^(utm_\w+|mtm_\w+|pk_\w+|at_\w+|ns_\w+|fbclid|gclid|dclid|msclkid|yclid|igshid|mc_[ce]id|cmpid?|ocid|ito|"
    r"s?cid|ref(_src)?|rss|xtor|wt_mc|_hs\w+|vero_id|spm|ftag|smid|sh"
    r"|phpsessid|jsessionid|aspsessionid\w*|session_?id)$",
    re.IGNORECASE,
)

_ID_LENGTH = 26
_digest = partial(derive_id, length=_ID_LENGTH)
_PLAIN_LINK = re.compile(r"https?://([a-z0-9][a-z0-9.-]*\.[a-z]{2,})((?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*/?)")
_LABEL_LIMIT = 63
_SESSION_PATH = re.compile(r";(?:jsessionid|phpsessid)=[^/?#;]*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Marked:
    """A document's marks: of its new entries, of those it left out as known; the old guids where the feed was re-keyed."""

    new: list[EntryMark]
    standing: list[EntryMark]
    former: dict[str, str]
    is_rekeyed: bool


def study(feed: Feed, state: FeedState, document: Document, now: datetime) -> tuple[Reading, tuple[Draft, ...]]:
    """What `learn` and `identify` say of a document, which is gone through once."""
    marked = _mark(feed, state, document)
    return _learn(marked, document, now), _identify(marked, feed, state, document, now)


def identify(feed: Feed, state: FeedState, document: Document, now: datetime) -> tuple[Draft, ...]:
    """The document's new entries as articles with their aliases; the store decides which of them are really new.

    On a feed's first poll, entries older than `feed.backfill` are remembered only. Entries without a date, or dated
    in the future, pass: their age is not known, and an alert too many is the smaller harm. Where the feed was re-keyed,
    an entry under a new guid also has the alias of the old one, and raises nothing.
    """
    return _identify(_mark(feed, state, document), feed, state, document, now)


def _identify(marked: _Marked, feed: Feed, state: FeedState, document: Document, now: datetime) -> tuple[Draft, ...]:
    guids = Counter(mark.guid for mark in (*marked.new, *marked.standing))
    addresses = Counter(mark.address for mark in (*marked.new, *marked.standing))
    former = marked.former if marked.is_rekeyed else {}
    drafts = []
    for entry, mark in zip(document.entries, marked.new, strict=True):
        article = to_article(feed, entry, document.language, now)
        guid = mark.guid if guids[mark.guid] == 1 else ""
        aliases = _aliases(feed, entry, article, guid, is_page=addresses[mark.address] == 1)
        # nobody has seen it yet, and a copy of so many fields costs as much as its zones
        object.__setattr__(article, "id", "art_" + _digest(aliases[0]))
        fate = _remembered_as(feed, state, article.published, now)
        if old := former.get(mark.guid):
            aliases, fate = (f"g:{old}", *aliases), "rekeyed"
        is_fresh = article.published is not None and now - article.published <= feed.backfill
        drafts.append(Draft(article, aliases, _digest(article.text), fate, is_fresh))
    return tuple(drafts)


def learn(feed: Feed, state: FeedState, document: Document, now: datetime) -> Reading:
    """What the document teaches about its feed. An entry came when it was published, or now if it does not say."""
    return _learn(_mark(feed, state, document), document, now)


def _learn(marked: _Marked, document: Document, now: datetime) -> Reading:
    came = {e.published if e.published and is_plausible(e.published, now) else now for e in document.entries}
    return Reading(
        marks=_remember(marked, document),
        arrivals=tuple(sorted(min(moment, now) for moment in came)),
        pace=document.pace,
        is_rekeyed=marked.is_rekeyed,
    )


def _remember(marked: _Marked, document: Document) -> tuple[EntryMark, ...]:
    """The marks of all entries of the document: those it left out as known, and its new ones."""
    if not document.fingerprints:
        return tuple(marked.new)
    fresh = iter(marked.new)
    known = {mark.raw: mark for mark in marked.standing}
    return tuple(known[name] if name in known else _named(next(fresh), name) for name in document.fingerprints)


def _named(mark: EntryMark, raw: str) -> EntryMark:
    return EntryMark(raw, mark.guid, mark.address, mark.title)


def _mark(feed: Feed, state: FeedState, document: Document) -> _Marked:
    """The document's marks, and whether the feed gave new guids to what it had.

    It did where most of its guids are new, and most of those have known titles: five entries with a known title under
    a new guid are the least, and seven tenths of the document.
    """
    marks, standing = _marks(feed, document), _standing(state, document)
    known_guids = {mark.guid for mark in state.marks}
    former = _former_guids(state, [mark for mark in marks if mark.guid and mark.guid not in known_guids])
    share = REKEYED_SHARE * (len(marks) + len(standing))
    return _Marked(marks, standing, former, len(former) >= REKEYED_LEAST and len(former) >= share)


def _former_guids(state: FeedState, marks: Iterable[EntryMark]) -> dict[str, str]:
    """The old guid of each entry that has a new one: that of the one mark of last time with the same title."""
    titles = Counter(mark.title for mark in state.marks if mark.title and mark.guid)
    by_title = {mark.title: mark.guid for mark in state.marks if titles[mark.title] == 1}
    known = {mark.guid for mark in state.marks}
    found = ((mark.guid, by_title.get(mark.title)) for mark in marks if mark.guid and mark.guid not in known)
    return {guid: old for guid, old in found if old}


def _marks(feed: Feed, document: Document) -> list[EntryMark]:
    return [
        EntryMark(
            raw="",
            guid=_digest(feed.id, entry.guid) if entry.guid else "",
            address=mark_of_address(entry.link),
            title=_short(plaintext.one_line(entry.title).casefold()),
        )
        for entry in document.entries
    ]


def _standing(state: FeedState, document: Document) -> list[EntryMark]:
    """The marks of the entries that the document holds and that were left out as known."""
    known = {mark.raw: mark for mark in state.marks if mark.raw}
    left_out = len(document.fingerprints) - len(document.entries)
    return [known[name] for name in document.fingerprints if name in known] if left_out else []


def to_article(feed: Feed, entry: Entry, language: str, now: datetime) -> Article:
    """The entry as plain text in zones, not yet identified. Limits: title 1,000, text 1,000,000 characters."""
    title = plaintext.one_line(entry.title)[:_TITLE_LIMIT]
    body = plaintext.html_to_text(entry.html)[:TEXT_LIMIT]
    if body == title:
        body = ""
    return Article(
        id="",
        feed_id=feed.id,
        source=feed.name,
        title=title,
        text=f"{title}\n{body}",
        zones=zones.split_zones(title, body),
        link=entry.link[:_LINK_LIMIT],
        author=plaintext.one_line(entry.author)[:_AUTHOR_LIMIT],
        tags=feed.tags,
        categories=tuple(plaintext.one_line(category) for category in entry.categories[:50]),
        published=entry.published if is_plausible(entry.published, now) else None,
        first_seen=now,
        declared_language=entry.language or language,
    )


def with_zones(article: Article, repeated: Collection[str]) -> Article:
    """The article with the `repeated` passages of its body as teasers."""
    body = article.text[len(article.title) + 1 :]
    if {paragraph.strip() for paragraph in body.splitlines() if paragraph.strip()} <= set(repeated):
        return article  # an alarm in set words is news each time; nothing else would be left to read
    return replace(article, zones=zones.split_zones(article.title, body, repeated=repeated))


def _remembered(work: Callable[[str], str]) -> Callable[[str], str]:
    """The same for links, some of which are remembered; what was written to be huge stays in nobody's memory."""
    known = lru_cache(2_048)(work)

    @wraps(work)
    def look_up(link: str) -> str:
        return known(link) if len(link) <= _LINK_LIMIT else work(link)

    return look_up


@_remembered
def canonical_address(link: str) -> str:
    """The link without fragment, tracking and session parameters, scheme and `www.`; "" where it names no page of its own."""
    if (plain := _PLAIN_LINK.fullmatch(link)) and _is_plain_host(plain[1]):
        return _page(plain[1] + plain[2])  # most links are so: nothing in them to sort, to decode or to resolve
    if not link.lower().startswith(("http://", "https://")):
        return ""
    link = _SESSION_PATH.sub("", link)
    names = [name for name in re.findall(r"[?&;]([^=&;#]+)", link) if _TRACKING.match(name)]
    try:
        address = canonicalize_url(url_query_cleaner(link, names, remove=True) if names else link)
    except ValueError:
        return ""
    return _page(address.split("://", 1)[-1])


def _is_plain_host(host: str) -> bool:
    return len(host) <= _LABEL_LIMIT and "--" not in host and ".." not in host


def _page(address: str) -> str:
    bare = address.removeprefix("www.").rstrip("/")
    return bare if "/" in bare or "?" in bare else ""


@_remembered
def mark_of_address(link: str) -> str:
    """What is remembered of an address: a hash of its canonical form; "" where it names no page of its own."""
    return _short(canonical_address(link))


def is_plausible(published: datetime | None, now: datetime) -> bool:
    """Whether a publication date can be true: not before 1995, and at most a day ahead of `now`."""
    return published is not None and published.year >= 1995 and published <= now + FUTURE_TOLERANCE  # noqa: PLR2004


def _aliases(feed: Feed, entry: Entry, article: Article, guid: str, *, is_page: bool) -> tuple[str, ...]:
    """The entry's names; `guid` is empty and `is_page` False where other entries share them."""
    words = plaintext.words(article.text)
    address = canonical_address(entry.link)
    aliases = []
    is_told_by_words = len(words) >= CONTENT_WORDS
    if is_told_by_words and article.published:
        aliases += _content_aliases(words, article.published)
    if address and is_page and article.title:
        aliases.append("u:" + _digest(address, article.title.casefold()))
    if guid:
        aliases.append("g:" + guid)
    if is_told_by_words and not article.published:
        # without a date and another name, words are all there is to know it by when it is read again
        seen = article.first_seen
        aliases += (
            _content_aliases(words, seen) if aliases and seen else [_content_name(hashlib.sha256(b" ".join(words)))]
        )
    return tuple(aliases) or ("e:" + _digest(feed.id, entry.guid, entry.link, article.text),)


def _content_aliases(words: Sequence[bytes], moment: datetime) -> list[str]:
    """The names of these words in the half-day of `moment` and in the next: two articles share one within 12 to 24 h."""
    half_day = int(moment.timestamp() // HALF_DAY.total_seconds())
    begun = hashlib.sha256(b" ".join(words))
    return [_content_name(begun, b"\0%d" % at) for at in (half_day, half_day + 1)]


def _content_name(begun: "hashlib._Hash", moment: bytes = b"") -> str:
    hashed = begun.copy()
    hashed.update(moment)
    return "c:" + spell(hashed.digest(), _ID_LENGTH)


def _remembered_as(
    feed: Feed, state: FeedState, published: datetime | None, now: datetime
) -> Literal["", "baseline", "stale", "rekeyed"]:
    if published is None:
        return ""
    age = now - published
    if not state.is_baselined and age > feed.backfill:
        return "baseline"
    return "stale" if age > max(OLDEST, feed.backfill) else ""


def _short(text: str) -> str:
    return derive_id(text, length=16) if text else ""
