"""What publishers really send, whole through the spine: the cases that no stage's own tests show."""

import time
import unicodedata
from datetime import timedelta

import pytest

from tests.fakes import (
    ARMS,
    HARMLESS,
    FakeClock,
    rss,
)
from tests.spine import FEED, Spine
from worker.dedupe import identify
from worker.model import Document, FeedState, Fetched, NotModified, PollFailed, PollFailure
from worker.parse import parse
from worker.runtime.deadline import within_cpu_limit


class Polled(Spine):
    def poll(self, outcome) -> FeedState:
        self.fetcher.documents[FEED.url] = outcome
        if self.fetcher.asked:
            self.clock.advance(days=1, minutes=1)
        self.run()
        return self.store.feeds[FEED.id].record

    def polls(self, outcome: str) -> float:
        return self.store.counted[f'tocsin_polls_total{{outcome="{outcome}"}}']


@pytest.fixture
def spine():
    return Polled(read_limit=within_cpu_limit)


def fetched(*items, etag='"1"', **kwargs) -> Fetched:
    return Fetched(rss(*items).encode(), FEED.url, "application/xml", etag=etag, **kwargs)


def read(body: str | bytes, content_type: str = "") -> Document | PollFailed:
    raw = body if isinstance(body, bytes) else body.encode()
    return parse(Fetched(raw, FEED.url, content_type), limit=within_cpu_limit)


# --- answers that lie --------------------------------------------------------------------------------------


def test_an_etag_that_stays_while_the_document_changes_hides_nothing(spine):
    spine.poll(fetched(HARMLESS))
    spine.poll(fetched(ARMS, HARMLESS))
    assert len(spine.sender.sent) == 1


def test_an_etag_that_changes_while_the_document_stays_costs_no_reading(spine):
    spine.poll(fetched(ARMS, etag='"1"'))
    state = spine.poll(fetched(ARMS, etag='"2"'))
    assert (spine.polls("fetched"), spine.polls("not_modified")) == (1, 1)
    assert state.etag == '"2"'
    assert len(spine.sender.sent) == 1


def test_a_server_that_says_304_for_ever_is_asked_without_validators_once_a_day(spine):
    spine.poll(fetched(HARMLESS))
    for _ in range(3):
        spine.poll(NotModified('"1"'))
    assert [bool(request.etag) for request in spine.fetcher.asked].count(False) >= 3


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", PollFailure.EMPTY_BODY),
        (b"<!doctype html><html><body><form>Log in</form></body></html>", PollFailure.NOT_A_FEED),
    ],
    ids=["empty", "a login page"],
)
def test_a_200_without_a_feed_is_a_failure_that_forgets_nothing(body, reason, spine):
    before = spine.poll(fetched(ARMS))
    state = spine.poll(Fetched(body, FEED.url))
    assert (state.last_failure, state.marks) == (reason, before.marks)
    assert spine.poll(fetched(ARMS)).failures == 0
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 1


# --- documents ---------------------------------------------------------------------------------------------


def test_five_levels_of_entities_make_no_title_of_300_kilobytes():
    levels = "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 6))
    body = f"<!DOCTYPE r [<!ENTITY a0 'lol'>{levels}]><rss><channel><item><title>&a5;</title></item></channel></rss>"
    started = time.process_time()
    document = read(body)
    assert time.process_time() - started < 2
    if isinstance(document, Document):
        drafts = identify(FEED, FeedState(), document, FakeClock().now())
        assert all(len(draft.article.title) <= 1_000 for draft in drafts)


@pytest.mark.parametrize(
    ("raw", "content_type", "title"),
    [
        (rss({"guid": "1", "title": "Привет, мир"}).encode("koi8-r"), "text/xml; charset=utf-8", None),
        (rss({"guid": "1", "title": "One"}).encode().replace(b"One", b"O\x00n\x00e"), "", "One"),
        (rss({"guid": "1", "title": "One"}).encode().replace(b"One", b"One\xed\xa0\x80"), "", "One"),
        (rss({"guid": "1", "title": "Grün"}).encode("latin-1"), "text/xml; charset=utf-8", "Grün"),
        (rss({"guid": "1", "title": "One &#xD800; &#0;"}).encode(), "", "One"),
        (rss({"guid": "1", "title": "One &#57343; &#55296;"}).encode(), "", "One"),
    ],
    ids=[
        "koi8-r labelled utf-8",
        "nul bytes",
        "a lone surrogate",
        "latin-1 labelled utf-8",
        "impossible references",
        "in decimal",
    ],
)
def test_contradicting_encodings_give_an_entry_without_odd_characters(raw, content_type, title):
    document = read(raw, content_type)
    assert isinstance(document, Document)
    [draft] = identify(FEED, FeedState(), document, FakeClock().now())
    draft.article.text.encode("utf-8")
    assert "\x00" not in draft.article.text
    assert title is None or draft.article.title.startswith(title)


@pytest.mark.parametrize(
    "body",
    [
        '<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>A</title><entry><title>One</title><id>1</id>'
        '<link rel="alternate" type="text/html" href="https://x.example/1"/><issued>2026-03-01T10:00:00Z</issued></entry></feed>',
        '<rss version="2.0" xmlns:a="http://www.w3.org/2005/Atom"><channel><a:link rel="self" href="https://x.example/"/>'
        "<item><title>One</title><a:link href='https://x.example/1'/><guid isPermaLink='false'>1</guid></item></channel></rss>",
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://my.netscape.com/rdf/simple/0.9/">'
        "<item><title>One</title><link>https://x.example/1</link></item></rdf:RDF>",
        '{"version": "https://jsonfeed.org/version/1", "items": [{"id": 1, "title": "One", "url": "https://x.example/1"}]}',
    ],
    ids=["atom 0.3", "rss with atom links", "rss 0.90", "json feed 1.0 with a number as id"],
)
def test_old_and_mixed_dialects_give_their_entry(body):
    document = read(body)
    assert isinstance(document, Document)
    assert [(entry.title, entry.link) for entry in document.entries] == [("One", "https://x.example/1")]


# --- entries -----------------------------------------------------------------------------------------------


def test_a_feed_that_gives_new_guids_at_every_poll_alerts_once(spine):
    for turn in range(4):
        spine.poll(fetched(ARMS | {"guid": f"turn-{turn}"}, HARMLESS | {"guid": f"other-{turn}"}))
    assert len(spine.sender.sent) == 1
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 2


@pytest.mark.parametrize(
    "link",
    [
        "https://x.example/a;jsessionid={n}",
        "https://x.example/a?PHPSESSID={n}",
        "https://x.example/a?session_id={n}&utm_source=rss",
    ],
)
def test_a_link_with_a_session_token_names_the_same_page_each_time(link, spine):
    entry = {key: value for key, value in ARMS.items() if key != "guid"}
    for turn in range(3):
        spine.poll(fetched(entry | {"link": link.format(n=f"AB{turn}").replace("&", "&amp;")}))
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 1


def test_composed_and_decomposed_letters_are_the_same_words(spine):
    name = "Sergej Szymański, Müller und Łódź"
    composed, decomposed = unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)
    assert composed != decomposed
    for turn, form in enumerate((composed, decomposed)):
        spine.poll(fetched(ARMS | {"guid": str(turn), "title": form, "description": f"{ARMS['description']} {form}"}))
    assert spine.store.counted['tocsin_articles_total{outcome="new"}'] == 1


def test_a_title_of_a_megabyte_is_cut_and_the_rest_of_the_feed_read(spine):
    spine.poll(fetched({"guid": "1", "title": "word " * 200_000}, ARMS))
    assert len(spine.sender.sent) == 1
    assert max(len(item.record.title) for item in spine.store.articles.values()) <= 1_000


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("&lt;img src=x onerror=alert(1)&gt;Tanks", "Tanks"),
        ("Tanks\u202e shipped\u200b", "Tanks shipped"),
        ("A \U0001f469\u200d\U0001f680 rises", "A \U0001f469\U0001f680 rises"),
        ("&amp;lt;!channel&amp;gt;", "<!channel>"),
    ],
    ids=["markup", "override and zero width", "joined emoji", "a messenger's command"],
)
def test_titles_are_plain_text(title, shown):
    document = read(rss({"guid": "1", "title": title}))
    [draft] = identify(FEED, FeedState(), document, FakeClock().now())
    assert draft.article.title == shown


def test_a_siren_that_sounds_each_day_in_the_same_words_is_news_each_day(spine):
    told = []
    for day in range(3):
        moment = spine.clock.now() + timedelta(days=bool(day))
        siren = ARMS | {
            "guid": f"siren-{day}", "link": f"https://wire.example/siren-{day}",
            "pubDate": moment.strftime("%a, %d %b %Y %H:%M:%S GMT"),
        }  # fmt: skip
        spine.poll(fetched(siren))
        told.append(spine.store.counted['tocsin_articles_total{outcome="new"}'])
    assert told == [1, 2, 3]


def test_a_document_that_brings_its_parser_to_fall_is_this_documents_failure_alone(monkeypatch, spine):
    def fall(*_args, **_kwargs):
        raise IndexError("list index out of range")

    monkeypatch.setattr("worker.parse.feedparser.parse", fall)
    for _ in range(7):
        state = spine.poll(fetched(ARMS))
    assert state.last_failure is PollFailure.MALFORMED
    assert "IndexError" in state.last_message
    assert spine.store.quarantine["poll"] == {}
