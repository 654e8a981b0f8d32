"""What reading costs: hostile text must cost in proportion to its length, and be kept nowhere."""

import time

import pytest

from worker.enrich import enricher
from worker.enrich.enricher import load
from worker.enrich.events import extract
from worker.enrich.phrase_topics import PatternIndex, compile_pattern
from worker.enrich.sentences import split_sentences
from worker.enrich.topic_features import FeatureExtractor
from worker.enrich.word_table import WordClasses
from worker.model import Article, Entity, Zone

TWICE = 3.0
"""Twice the input may cost three times as much at most: four times would be the square."""
PROSE = "The minister said that they would not give more than this to the others who were with her.\n"


@pytest.fixture(scope="module")
def reader():
    return load()


def article(text):
    return Article("a", "", "", "", text, (Zone("body", 0, len(text)),), declared_language="en")


def least_seconds(work, of=3):
    found = []
    for _ in range(of):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)


def test_telling_sentences_without_parties_cost_in_proportion_to_their_number():
    def read(number):
        text = "Sold. " * number + "Iran."
        extract(text, split_sentences(text), (Entity("Iran", "GPE", len(text) - 5, len(text) - 1),))

    assert least_seconds(lambda: read(16_000)) < TWICE * least_seconds(lambda: read(8_000))


def test_the_parties_of_a_sentence_long_before_are_still_what_a_pronoun_stands_for(reader):
    text = "Iran is isolated. " + "Rain fell. Sold out. " * 30 + "It supplied drones to Russia."
    (event,) = reader.enrich([article(text)])[0].events
    assert [filler.name for filler in event.of("supplier")] == ["Iran"]


@pytest.mark.parametrize("token", ["=", ",", '"', "_", "=_", "😀", "'s", "’s", "US$"])
def test_a_run_without_spaces_costs_in_proportion_to_its_length(reader, token):
    def read(characters):
        reader.enrich([article(PROSE + token * (characters // len(token)))])

    assert least_seconds(lambda: read(40_000), of=2) < max(0.5, TWICE * least_seconds(lambda: read(20_000), of=2))


def test_what_is_blanked_of_a_run_moves_no_name(reader):
    text = PROSE + "Iran " + "=" * 5_000 + " sold drones to Russia. " + "x" * 5_000 + " In Paris it rained."
    (analysis,) = reader.enrich([article(text)])
    assert {"Iran", "Russia", "Paris"} <= {text[one.start : one.end] for one in analysis.entities}
    assert all(text[one.start : one.end] == one.text for one in analysis.entities)


@pytest.mark.parametrize("text", ["=" * 100 + " a", "https://example.org/" + "a" * 900, "戦車" * 5_000, PROSE * 50])
def test_ordinary_text_is_read_as_it_stands(text):
    assert enricher._readable(article(text)) == text


class Counted(dict):
    """A table that counts how often it is asked."""

    asked = 0

    def get(self, key, default=None):
        self.asked += 1
        return super().get(key, default)


def test_a_word_is_looked_up_by_no_more_beginnings_than_the_longest_stem_has_letters():
    classes = WordClasses({"war": "missile* tank"})
    classes._stems = Counted(classes._stems)
    assert classes.bits("missiles" + "s" * 100_000) == 1
    assert classes._stems.asked <= len("missile")


def test_no_table_of_words_keeps_more_than_64_letters_of_one():
    extractor = FeatureExtractor.default()
    text = " ".join(f"missile{'x' * 5_000}{i} {'sanction' * 600}-{i}" for i in range(20))
    extractor.extract(text, [(0, len(text))])
    table = extractor.table
    kept = [*table.rows, *table.words, *table.index._by_word]
    assert kept
    assert max(map(len, kept)) <= 64


def test_a_word_that_is_too_long_to_be_remembered_is_found_all_the_same():
    long = "a" * 80
    assert PatternIndex([compile_pattern(f"{long} tanks")]).find(f"{long} tanks", 0, 90) == {0}
