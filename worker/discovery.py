"""Which feeds a web page names. Reads bytes; fetches nothing."""

import codecs
import re
from dataclasses import dataclass
from urllib.parse import urljoin

from lxml import etree

_TYPES = {"application/rss+xml", "application/atom+xml", "application/feed+json", "application/rdf+xml"}
_LOOKS = re.compile(r"(?:^|[/._-])(?:rss|atom|feeds?|rdf)(?:$|[/._?-])|\.(?:rss|atom|rdf)$", re.IGNORECASE)
USUAL_PATHS = ("/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/feeds")
"""Where publishers keep a feed that their pages do not name, the commonest first."""


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed's address and what the page calls it."""

    url: str
    title: str


def find_feeds(page: bytes, base: str) -> tuple[FoundFeed, ...]:
    """The feeds that a page's `<link rel="alternate">` names, in its order; else the links that look like feeds."""
    root = etree.fromstring(page, etree.HTMLParser(no_network=True, huge_tree=False, encoding=_charset(page)))
    if root is None:
        return ()
    stated = next((tag.get("href") for tag in root.iter("base") if tag.get("href")), "")
    base = _join(base, stated) or base
    named = [
        FoundFeed(_join(base, tag.get("href", "")), " ".join((tag.get("title") or "").split()))
        for tag in root.iter("link")
        if "alternate" in (tag.get("rel") or "").lower().split() and _is_feed_type(tag.get("type"))
    ]
    linked = [
        FoundFeed(_join(base, tag.get("href", "")), " ".join("".join(tag.itertext()).split())[:200])
        for tag in root.iter("a")
        if _LOOKS.search(tag.get("href", "").partition("#")[0])
    ]
    found = [feed for feed in named or linked if feed.url]
    return tuple({feed.url: feed for feed in reversed(found)}.values())[::-1]


def usual_places(base: str) -> tuple[str, ...]:
    """Addresses worth trying at a site that names no feed."""
    return tuple(urljoin(base, path) for path in USUAL_PATHS)


def _is_feed_type(kind: str | None) -> bool:
    return (kind or "").partition(";")[0].strip().lower() in _TYPES


def _charset(page: bytes) -> str:
    found = re.search(rb"<meta[^>]+charset=[\"']?([\w-]+)", page[:2_048], re.IGNORECASE)
    try:
        return codecs.lookup(found[1].decode()).name if found else "utf-8"
    except LookupError:
        return "utf-8"


def _join(base: str, href: str) -> str:
    """The absolute address, or "" where it is none on the web."""
    try:
        url = urljoin(base, href.strip())
    except ValueError:
        return ""
    return url if url.lower().startswith(("http://", "https://")) else ""
