"""However many words go by, what enrichment keeps of them is bounded: strings, words, objects and bytes."""

import gc
import re
import tracemalloc

import pytest

from tests.chaos.fixture import make
from tests.fakes import article
from worker.enrich import enricher as enriching
from worker.enrich import ner, phrase_topics, runs, word_table
from worker.enrich.enricher import load

WINDOW, BATCH, WORDS = 96, 32, 48
"""Articles of a window, of a call, and words of an article, none of which was ever seen before."""
LEARNT, MOST, KEPT = 2_000, 3_500, 2_000


@pytest.fixture
def bounded(monkeypatch):
    """The shipped enricher with bounds that a few hundred articles reach."""
    monkeypatch.setattr(enriching, "LEARNT_STRINGS", LEARNT)
    monkeypatch.setattr(enriching, "MOST_WORDS", MOST)
    monkeypatch.setattr(ner, "_KEPT_WORDS", KEPT)
    monkeypatch.setattr(runs, "_KEPT_RUNS", KEPT)
    monkeypatch.setattr(word_table, "_MAX_ROWS", KEPT)
    monkeypatch.setattr(phrase_topics, "_REMEMBERED_WORDS", KEPT)
    return load()


@pytest.fixture(scope="module")
def windows():
    """Four windows of articles in words of their own; a sign stands behind each long one, so that the tokeniser is asked."""
    made = [
        article(one.title, re.sub(r"(\w{6,})", r"\1]", one.text), declared_language="en")
        for one in make(4 * WINDOW, 1).articles
    ]
    return [made[at : at + WINDOW] for at in range(0, len(made), WINDOW)]


def read(enricher, articles) -> None:
    for at in range(0, len(articles), BATCH):
        enricher.enrich(articles[at : at + BATCH])


def test_strings_and_words_stay_within_their_bounds_and_what_is_said_stays_the_same(bounded, windows):
    said, first = bounded.enrich(windows[0][:BATCH]), bounded._nlp
    for window in windows[:3]:
        read(bounded, window)
        nlp, batch = bounded._nlp, BATCH * WORDS
        # a word of a batch brings up to five strings: itself, in small letters, its outline, its ends
        assert len(nlp.vocab.strings) <= LEARNT + 5 * batch
        assert len(nlp.vocab) <= MOST + 3 * batch, "the pipeline is loaded anew once its vocabulary is full"
        assert len(nlp.get_pipe("tocsin_bio").words) <= KEPT + batch
        assert len(bounded._runs) <= KEPT + batch
        assert len(bounded._read._runs) <= KEPT + batch
        assert len(bounded._topics.extractor.table.rows) <= KEPT + batch
    assert nlp is not first
    assert bounded.enrich(windows[0][:BATCH]) == said


def test_no_objects_and_no_bytes_are_left_behind_once_all_bounds_are_reached(bounded, windows):
    """Peaks, since a cache that is full is emptied at once and fills again; each window fills and empties all of them."""
    for window in windows[:2]:
        read(bounded, window)
    tracemalloc.start()
    try:
        peaks, objects = [], []
        for window in windows[1:]:
            gc.collect()
            tracemalloc.reset_peak()
            read(bounded, window)
            gc.collect()
            peaks.append(tracemalloc.get_traced_memory()[1])
            objects.append(len(gc.get_objects()))
    finally:
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 250_000, peaks
    assert objects[2] - objects[1] < WINDOW, objects
