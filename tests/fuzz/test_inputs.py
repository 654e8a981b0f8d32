"""Whatever bytes come in from outside, a value or a named error comes out, and soon: never a crash, never a hang.

TOCSIN_FUZZ sets how many inputs each target gets (`make fuzz`: 100,000 in all); the default is a small form.
"""

import os
import time
from datetime import UTC, datetime

from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.fakes import ARMS, HARMLESS, analyse, rss
from worker import trial
from worker.dedupe import identify
from worker.errors import ConfigError, InputError
from worker.model import Document, Feed, FeedState, Fetched, PollFailed
from worker.parse import parse
from worker.plaintext import html_to_text, one_line
from worker.watchlist import load_configuration

NUMBER = int(os.environ.get("TOCSIN_FUZZ", "60"))
LONGEST_S = 5.0
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FEED = Feed("feed_f", "https://f.example/", "f")
fuzzed = settings(
    max_examples=NUMBER,
    deadline=None,
    derandomize=NUMBER < 1_000,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)

SEEDS = (
    rss(ARMS, HARMLESS).encode(),
    (
        b"<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><title>t</title><updated>2026-03-01T00:00:00Z</updated>"
        b"<content type='html'>&lt;p&gt;x&lt;/p&gt;</content></entry></feed>"
    ),
    b'{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "t", "content_html": "<p>x</p>"}]}',
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><item><title>t</title></item></rdf:RDF>',
)
YAML_SEEDS = (
    b"watches:\n  - {id: a, title: A, match: {phrase: battle tanks}}\n",
    b"feeds:\n  - {url: 'https://f.example/', name: f, interval: 15m}\n",
    b"lists:\n  x: {ids: [KP], aliases: ['North Korea*'], phrases: []}\n",
)
ODD = st.sampled_from(
    [b"<", b">", b"&", b"&#0;", b"&#x110000;", b"]]>", b"<![CDATA[", b"<!--", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<?xml",
     b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"{", b"[", b'"', b"\\ud800", b"9" * 400, b"a@" * 200, b"- " * 50, b"*a",
     b"&a", b"!!python/object:os.system", b": ", b"\t", b"\r", "\u202e\u200b\u0301".encode()]
)  # fmt: skip


def bent(seeds):
    """A valid input with pieces cut out, doubled, replaced and put in."""

    @st.composite
    def draw_one(draw):
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(1, 8))):
            place = draw(st.integers(0, len(data)))
            end = min(len(data), place + draw(st.integers(0, 30)))
            piece = draw(ODD | st.binary(max_size=12))
            kind = draw(st.sampled_from(["cut", "double", "replace", "insert", "many"]))
            middle = {
                "cut": b"",
                "double": data[place:end] * 2,
                "replace": piece,
                "insert": piece + data[place:end],
                "many": piece * draw(st.integers(1, 300)),
            }[kind]
            data = data[:place] + middle + data[end:]
        return data

    return draw_one()


class Soon:
    """Fails where one input takes longer than it may."""

    def __enter__(self):
        self.started = time.monotonic()

    def __exit__(self, *_):
        taken = time.monotonic() - self.started
        assert taken < LONGEST_S, f"one input took {taken:.1f} s"


@fuzzed
@given(bent(SEEDS) | st.binary(max_size=400), st.sampled_from(["", "application/xml", "text/html", "application/json"]))
@example(b"", "")
def test_feed_documents(body, content_type):
    with Soon():
        document = parse(Fetched(body, FEED.url, content_type))
        assert isinstance(document, Document | PollFailed)
        if isinstance(document, Document):
            for draft in identify(FEED, FeedState(), document, NOW):
                article = draft.article
                assert article.text.startswith(article.title + "\n")
                assert all(0 <= zone.start <= zone.end <= len(article.text) for zone in article.zones)


@fuzzed
@given(st.text(max_size=600) | bent(SEEDS).map(lambda raw: raw.decode("utf-8", "replace")))
def test_articles(text):
    with Soon():
        plain = html_to_text(text)
        assert "\x00" not in plain
        assert "\n" not in one_line(text)
        article = trial.read_article(b"A title\n" + plain.encode("utf-8", "replace"), "text/plain", "-", NOW)
        for topic in analyse(article).topics:
            assert all(article.text[span.start : span.end] for span in topic.evidence)


@fuzzed
@given(bent(SEEDS) | st.binary(max_size=300), st.sampled_from(["", "text/html", "application/json", "text/plain"]))
def test_what_try_reads(raw, content_type):
    with Soon():
        try:
            trial.read_article(raw, content_type, "-", NOW)
        except InputError as error:
            assert str(error)


@fuzzed
@given(raw=bent(YAML_SEEDS) | st.binary(max_size=200))
def test_configurations(raw, tmp_path_factory):
    directory = tmp_path_factory.getbasetemp() / "fuzzed"
    directory.mkdir(exist_ok=True)
    (directory / "config.yaml").write_bytes(raw)
    with Soon():
        try:
            assert load_configuration(directory, {}).hash
        except ConfigError as error:
            assert error.problems
            assert all(problem.message for problem in error.problems)
