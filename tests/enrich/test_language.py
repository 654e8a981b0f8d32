"""The language of a text: what words alone decide, the classifier says too; mixed texts and wrong declarations."""

import json
from itertools import islice

import pytest

from worker.enrich import language

ENGLISH = (
    "The ministry said that its officers have seized weapons from a ship which was bound for the port, and that they "
    "were not going to give more details about what was found when the crew left. "
)
OTHERS = {
    "de": "Das Ministerium teilte mit, dass seine Beamten Waffen von einem Schiff beschlagnahmt haben, das auf dem Weg "
    "in den Hafen war, und dass sie keine weiteren Einzelheiten zu dem Fund nennen wollen. ",
    "nl": "Het ministerie zei dat zijn ambtenaren wapens in beslag hebben genomen van een schip dat op weg was naar de "
    "haven, en dat het of de bemanning niet meer over de vondst wil zeggen dan wat er is gezegd. ",
    "uk": "Міністерство повідомило, що його співробітники вилучили зброю із судна, яке прямувало до порту, і що вони не "
    "розкриватимуть подробиць про знахідку, поки триває розслідування. ",
    "da": "Ministeriet sagde, at dets folk har beslaglagt våben fra et skib, der var på vej til havnen, og at de ikke "
    "vil give flere oplysninger om fundet, for det er under efterforskning. ",
}


@pytest.mark.parametrize("declared", ["", "en", "de", "uk"])
def test_english_is_told_by_its_words_whatever_the_feed_declares(declared: str) -> None:
    assert language._is_surely_english(ENGLISH * 5)
    assert language.detect(ENGLISH * 5, declared) == "en"


@pytest.mark.parametrize("code", OTHERS)
def test_no_other_language_is_taken_for_english_by_its_words(code: str) -> None:
    assert not language._is_surely_english(OTHERS[code] * 5)
    assert language.detect(OTHERS[code] * 5, "en") == code


@pytest.mark.parametrize("code", OTHERS)
def test_a_text_half_in_english_is_left_to_the_classifier(code: str) -> None:
    for text in (ENGLISH * 3 + OTHERS[code] * 3, OTHERS[code] * 3 + ENGLISH * 3, ENGLISH * 4 + OTHERS[code] * 2):
        assert not language._is_surely_english(text)


def test_names_and_titles_in_english_do_not_make_a_text_english() -> None:
    text = (
        "Die Serie „The Last of Us“ und der Film „Out of the Past“ laufen, sagt The Guardian, und The Economist auch. "
    )
    assert not language._is_surely_english(text * 6)


@pytest.mark.parametrize("text", ["", "the", "the and that with", "\x00" * 500, " " * 900, "the\n" * 3])
def test_text_that_says_little_is_english_where_nothing_is_declared(text: str) -> None:
    assert language.detect(text) == "en"


def test_on_real_texts_the_words_say_what_the_classifier_says(shared, monkeypatch) -> None:
    with (shared / "topics" / "unlabelled.jsonl").open(encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in islice(lines, 0, None, 40)]
    sure = [text for text in texts if language._is_surely_english(text[:2_000])]
    assert len(sure) > len(texts) / 4
    monkeypatch.setattr(language, "_is_surely_english", lambda _: False)
    assert [language.detect(text, "de") for text in sure] == ["en"] * len(sure)
