"""Whatever bytes a server sends become entries or one named reason, quickly."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import rss
from worker.model import Document, Fetched, PollFailed, PollFailure
from worker.parse import ENTRY_LIMIT, parse


def read(body: bytes | str, content_type: str = "") -> Document | PollFailed:
    return parse(Fetched(body.encode() if isinstance(body, str) else body, "https://x.example/feed", content_type))


ATOM = """<feed xmlns='http://www.w3.org/2005/Atom'><title>A</title><entry><id>1</id><title>One</title>
<link href='https://x.example/1'/><updated>2026-03-01T10:00:00Z</updated><content type='html'>&lt;p>Text&lt;/p></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'>
<channel rdf:about='x'><title>R</title></channel><item rdf:about='1'><title>One</title><link>https://x.example/1</link></item></rdf:RDF>"""
JSON = json.dumps(
    {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "J",
        "items": [
            {
                "id": "1",
                "title": "One",
                "url": "https://x.example/1",
                "content_text": "a < b",
                "date_published": "2026-03-01T11:00:00+01:00",
            }
        ],
    }
)
RSS = rss({"guid": "1", "title": "One", "link": "https://x.example/1", "pubDate": "Sun, 01 Mar 2026 10:00:00 GMT"})


@pytest.mark.parametrize("body", [ATOM, RDF, JSON, RSS], ids=["atom", "rdf", "json", "rss"])
def test_every_format_gives_its_entry(body):
    document = read(body)
    assert isinstance(document, Document)
    assert [(e.title, e.link) for e in document.entries] == [("One", "https://x.example/1")]


@pytest.mark.parametrize("body", [ATOM, JSON, RSS], ids=["atom", "json", "rss"])
def test_dates_are_utc(body):
    [entry] = read(body).entries
    assert entry.published.isoformat() == "2026-03-01T10:00:00+00:00"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", PollFailure.EMPTY_BODY),
        ("  \n\x00", PollFailure.EMPTY_BODY),
        ("<!doctype html><html><body>Log in</body></html>", PollFailure.NOT_A_FEED),
        ("<html><head><title>x</title></head></html>", PollFailure.NOT_A_FEED),
        ('{"a": 1}', PollFailure.NOT_A_FEED),
        ("[1, 2]", PollFailure.NOT_A_FEED),
        ('{"items": [', PollFailure.MALFORMED),
        ("{" * 100_000, PollFailure.MALFORMED),
        ("just words", PollFailure.MALFORMED),
        ("<a><b></a>", PollFailure.MALFORMED),
        (b"\x89PNG\r\n\x1a\n\x00\x00", PollFailure.MALFORMED),
    ],
)
def test_what_is_no_feed_has_one_clear_reason(body, reason):
    outcome = read(body)
    assert isinstance(outcome, PollFailed)
    assert outcome.reason is reason
    assert "https://x.example/feed" in outcome.message


HOSTILE = {
    "attributes": "<rss><item " + " ".join(f'a{i}="1"' for i in range(50_000)) + "/></rss>",
    "author": rss({"author": "a@a" + ".a" * 20_000 + "!"}),
    "comments": "<rss>" + "<!-- x -->" * 50_000 + "</rss>",
    "depth": "<rss>" + "<a>" * 100_000,
    "laughs": "<!DOCTYPE r [<!ENTITY a0 'lol'>"
    + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10))
    + "]><rss><channel><title>&a9;</title></channel></rss>",
    "quadratic": "<!DOCTYPE r [<!ENTITY a '" + "x" * 100_000 + "'>]><rss><channel>" + "&a;" * 100 + "</channel></rss>",
    "external": "<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss><channel><title>&x;</title></channel></rss>",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_documents_cost_little_and_leak_nothing(name):
    started = time.process_time()
    outcome = read(HOSTILE[name])
    assert time.process_time() - started < 2
    assert "root:" not in repr(outcome)
    assert len(repr(outcome)) < 1_000


def test_entries_beyond_the_limit_are_counted():
    document = read(rss(*({"guid": str(i), "title": "t"} for i in range(ENTRY_LIMIT + 7))))
    assert (len(document.entries), document.cut) == (ENTRY_LIMIT, 7)


def test_a_truncated_document_keeps_what_can_be_read():
    document = read(rss({"guid": "1", "title": "One"}, {"guid": "2", "title": "Two"})[:-60])
    assert document.entries[0].title == "One"
    assert document.repaired


@pytest.mark.parametrize(
    ("raw", "content_type"),
    [
        (
            b'<?xml version="1.0" encoding="windows-1251"?>'
            + RSS.split("?>", 1)[1].replace("One", "Привет").encode("cp1251"),
            "",
        ),
        (RSS.replace("One", "Привет").encode("utf-16"), ""),
        (RSS.replace("One", "Привет").encode("koi8-r"), "application/xml; charset=koi8-r"),
        (b"\xef\xbb\xbf" + RSS.replace("One", "Привет").encode(), ""),
    ],
    ids=["declared", "utf-16", "header", "bom"],
)
def test_encodings_are_understood(raw, content_type):
    assert read(raw, content_type).entries[0].title == "Привет"


def test_links_lead_only_to_the_web():
    document = read(rss({"guid": "1", "link": "javascript:alert(1)"}, {"guid": "2", "link": "data:text/html,x"}))
    assert [entry.link for entry in document.entries] == ["", ""]


@given(st.binary(max_size=2_000))
def test_no_bytes_make_it_fail(raw):
    assert isinstance(read(raw), Document | PollFailed)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda x: (
            st.lists(x)
            | st.dictionaries(
                st.sampled_from(["items", "id", "url", "title", "authors", "tags", "content_html", "date_published"]), x
            )
        ),
        max_leaves=20,
    )
)
def test_no_json_makes_it_fail(value):
    assert isinstance(read(json.dumps({"items": [value]})), Document | PollFailed)
