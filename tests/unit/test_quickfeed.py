"""What feedparser makes of a document is what comes out of the quick way, to the letter."""

import gc
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from xml.sax.saxutils import escape, quoteattr

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.model import Document, Fetched, PollFailed
from worker.parse import parse
from worker.quickfeed import QuickParser

URL = "https://wire.example/feeds/all.xml"
LARGEST = 40_000


@contextmanager
def feedparsers_own_way() -> Iterator[None]:
    drivers = list(feedparser.api.PREFERRED_XML_PARSERS)
    feedparser.api.StrictFeedParser = QuickParser.__base__
    feedparser.api.PREFERRED_XML_PARSERS.clear()
    try:
        yield
    finally:
        feedparser.api.StrictFeedParser = QuickParser
        feedparser.api.PREFERRED_XML_PARSERS[:] = drivers


def both_ways(body: bytes, url: str = URL) -> tuple[str, str]:
    with feedparsers_own_way():
        own = parse(Fetched(body, url))
    return told(own), told(parse(Fetched(body, url)))


def told(outcome: Document | PollFailed) -> str:
    # what brings a handler to fall does so on both ways, at another line
    return re.sub(r" in \w+\.py:\d+ \(\w+\)", "", repr(outcome))


@pytest.mark.parametrize("collection", ["feedparser", "feed-rs", "gofeed", "real"])
def test_documents_of_other_parsers_and_of_publishers_are_read_alike(shared, collection):
    files = [file for file in sorted((shared / "feeds" / collection).rglob("*")) if file.is_file()]
    bodies = {file.name: file.read_bytes() for file in files if file.stat().st_size <= LARGEST}
    differing = [name for name, body in bodies.items() if len(set(both_ways(body))) > 1]
    assert bodies
    assert differing == []


@pytest.mark.parametrize(
    "url",
    [URL, "http://wire.example:8080/feeds/all.xml", "http://wire.example:99999/", "http://[::1]:81/", "http://wire.example",
     "http://wire.example/a//b/c?d=1#e", "http://wire.example/a/../b/./", "http://wire.example/a/..", "http://wire.example?a/b"],
)  # fmt: skip
@pytest.mark.parametrize(
    "link",
    ["https://x.example:8443/a?b=1#c", "http://x.example:/a", "http://x.example:99999/a", "http://x.example:81", "/a",
     "//x.example:80/a", "a:1/b", "http://x.example:8o/a", "http://wire.example:8080/./a/../b",
     "17-3", "a~b", "..", "a.b", "a/b", "?a"],
)  # fmt: skip
def test_addresses_are_joined_alike_whatever_their_port(url, link):
    document = f"<rss version='2.0'><channel><item><title>A</title><link>{link}</link></item></channel></rss>"
    own, quick = both_ways(document.encode(), url)
    assert "title='A'" in own
    assert quick == own


@pytest.mark.parametrize("name", ["date", "told", "document", "element", "unknown", "text"])
def test_an_element_that_feedparser_has_no_handler_for_is_none_of_ours(name):
    document = f"<rss><channel><item><title>A</title><{name}>2026-03-01</{name}></item></channel></rss>"
    own, quick = both_ways(document.encode())
    assert "title='A'" in own
    assert quick == own


def test_a_root_within_a_root_tells_the_language_of_what_it_stands_in():
    item = "<item><title>A</title></item>"
    own, quick = both_ways(f"<rss><channel xml:lang='de_AT'><rss/>{item}</channel></rss>".encode())
    assert "language='de-AT'" in own
    assert quick == own


def test_nothing_of_a_document_outlives_its_reading():
    def parsers() -> int:
        return sum(type(one) is QuickParser for one in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        before = parsers()
        parse(Fetched(b"<rss><channel><item><title>A</title></item></channel></rss>", URL))
        assert parsers() == before
    finally:
        gc.enable()


@pytest.mark.parametrize(("version", "is_quick"), [(feedparser.__version__, True), ("6.0.99", False)])
def test_a_feedparser_that_nobody_compared_with_goes_its_own_way(version, is_quick):
    lines = (
        f"import feedparser, sys; feedparser.__version__ = {version!r}",
        "from worker.model import Fetched; from worker.parse import parse",
        f"outcome = parse(Fetched(b'<rss><channel><item><title>A</title></item></channel></rss>', {URL!r}))",
        "print([entry.title for entry in outcome.entries], 'worker.quickfeed' in sys.modules)",
    )
    ran = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == f"['A'] {is_quick}"


NAMESPACES = {
    "dc": "http://purl.org/dc/elements/1.1/", "content": "http://purl.org/rss/1.0/modules/content/",
    "media": "http://search.yahoo.com/mrss/", "itunes": "http://www.itunes.com/DTDs/PodCast-1.0.dtd",
    "atom": "http://www.w3.org/2005/Atom", "xhtml": "http://www.w3.org/1999/xhtml", "own": "urn:own",
    "bl": "http://backend.userland.com/rss2", "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "svg": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink", "again": "urn:own",
}  # fmt: skip
TAGS = (
    "title link description guid id pubDate published updated created dc:date dc:creator author name email url "
    "content content:encoded summary body category keywords source image textInput enclosure comments dc:title "
    "media:title media:content itunes:author itunes:keywords atom:link atom:title xhtml:div div svg:svg own:note "
    "again:note bl:title date language info rights tagline width expirationDate abstract item entry item item rss feed"
).split()
ATTRIBUTES = {
    "isPermaLink": ["true", "false"], "type": ["text", "html", "XHTML", "text/xml", "image/png"], "mode": ["base64"],
    "xml:base": ["/sub/", "https://other.example/"], "xml:lang": ["de_AT", ""], "lang": ["fr"], "base": ["/x/"],
    "href": ["/a?b=1&c=2", "https://x.example/"], "rel": ["self", "Alternate", "enclosure"], "term": ["tag"],
    "url": ["u.mp3"], "xlink:href": ["z"], "xmlns:late": ["urn:own"], "Label": ["l"], "src": ["s"],
}  # fmt: skip
TEXTS = [
    "", " ", "plain", "https://x.example/a?b=1&amp;c;=2", "Sun, 01 Mar 2026 12:00:00 GMT", "2026-13-41", "März 3, 2026",
    "a@b.example (Ann)", "<b>bold</b> &eacute;", "cafÃ©", "caf\xe9", "smart \x93quotes\x94", "日本", "1 < 2", "SGVsbG8=",
]  # fmt: skip

attributes = st.dictionaries(st.sampled_from(sorted(ATTRIBUTES)), st.integers(0, 9), max_size=2)
elements = st.recursive(
    st.tuples(st.sampled_from(TAGS), attributes, st.sampled_from(TEXTS)),
    lambda inner: st.tuples(st.sampled_from(TAGS), attributes, st.sampled_from(TEXTS), st.lists(inner, max_size=4)),
    max_leaves=12,
)
ROOTS = [
    ("<rss version='2.0' {}><channel>", "</channel></rss>"),
    ("<rss version='0.91' xml:base='https://base.example/./a/../' {}><channel>", "</channel></rss>"),
    ("<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='en_GB' {}>", "</feed>"),
    ("<rdf:RDF xmlns='http://purl.org/rss/1.0/' {}>", "</rdf:RDF>"),
    ("<odd {}>", "</odd>"),
]


def written(element) -> str:
    tag, told, text, *inner = element
    attrs = "".join(f" {name}={quoteattr(ATTRIBUTES[name][i % len(ATTRIBUTES[name])])}" for name, i in told.items())
    return f"<{tag}{attrs}>{escape(text)}{''.join(map(written, inner[0] if inner else ()))}</{tag}>"


@given(st.sampled_from(ROOTS), st.lists(elements, max_size=3), st.lists(st.lists(elements, max_size=6), max_size=3))
def test_documents_that_nobody_would_write_are_read_alike(root, outside, entries):
    declared = " ".join(f"xmlns:{prefix}='{uri}'" for prefix, uri in NAMESPACES.items())
    opening, closing = root[0].format(declared), root[1]
    name = "entry" if "feed" in closing else "item"
    inside = "".join(f"<{name}>{''.join(map(written, entry))}</{name}>" for entry in entries)
    own, quick = both_ways((opening + "".join(map(written, outside)) + inside + closing).encode())
    assert quick == own
