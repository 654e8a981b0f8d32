"""News sitemaps (Google's news module over sitemaps.org): addresses with title and date become entries."""

from lxml import etree

from worker.model import Document, Entry, PollFailed, PollFailure
from worker.moment import read_moment


def parse_sitemap(body: bytes, limit: int) -> Document | PollFailed:
    """The newest `limit` addresses, or why there are none. An index of sitemaps is none.

    The message begins where the name belongs.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    root = etree.fromstring(body, parser)
    if root is None or _name(root) != "urlset":
        hint = "add one of the sitemaps it lists"
        return PollFailed(PollFailure.NOT_A_FEED, f" is an index of sitemaps, which holds no news; {hint}")
    entries = [_entry(place) for place in root if _name(place) == "url"]
    # sitemaps need not be in any order, so the limit keeps the newest
    by_age = sorted(entries, key=lambda entry: entry.published.timestamp() if entry.published else 0, reverse=True)
    kept = set(map(id, by_age[:limit]))
    return Document(title="", entries=tuple(e for e in entries if id(e) in kept), cut=max(len(entries) - limit, 0))


def _entry(place: etree._Element) -> Entry:
    texts: dict[str, str] = {}
    for element in place.iter():
        texts.setdefault(_name(element), " ".join("".join(element.itertext()).split()))
    updated = read_moment(texts.get("lastmod", ""))
    keywords = texts.get("keywords", "").split(",")
    return Entry(
        guid=texts.get("loc", ""),
        link=texts.get("loc", ""),
        title=texts.get("title", ""),
        html="",
        published=read_moment(texts.get("publication_date", "")) or updated,
        updated=updated,
        categories=tuple(word.strip() for word in keywords if word.strip()),
        language=texts.get("language", ""),
    )


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname if isinstance(element.tag, str) else ""
