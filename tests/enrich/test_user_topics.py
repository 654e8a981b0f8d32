"""A watchlist's own topic: phrases, a handful of examples, evidence and leave-one-out figures."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.enrich.phrase_topics import PatternError
from worker.enrich.sentences import split_sentences
from worker.enrich.user_topics import UserTopic, compile_topic

POSITIVE = [
    "Cable under the Baltic Sea cut, Finland opens investigation\nThe operator said a ship dragged its anchor.",
    "Sweden suspects sabotage after undersea internet cable is severed",
    "Estonia says power cable to Finland was damaged by a tanker",
    "Two subsea telecoms cables near Taiwan broken, coast guard detains freighter",
    "NATO sends ships to guard undersea cables and pipelines in the Baltic",
    "Repair vessel reaches damaged data cable in the Red Sea",
]
NEGATIVE = [
    "Cable television firm raises prices for broadband customers",
    "Cable car accident in the Alps injures four skiers",
    "Finland wins ice hockey final against Sweden",
    "Tanker aground off Greece, crew rescued",
    "Baltic states leave Russian power grid after decades",
    "Cable news host leaves network after ratings slump",
]


@pytest.fixture(scope="module")
def cables() -> UserTopic:
    return compile_topic(
        "subsea-cables",
        "Damage to, sabotage of or protection of undersea cables and pipelines",
        {"undersea|subsea ~2 cable*": 0.8, "cable car": -0.9},
        POSITIVE,
        NEGATIVE,
    )


def probability(topic: UserTopic, text: str) -> float:
    result = topic.score(text, split_sentences(text))
    return result.probability if result else 0.0


@given(st.text(max_size=300))
@settings(deadline=None, max_examples=50)
def test_a_score_always_has_evidence_within_the_text(text: str) -> None:
    topic = compile_topic("t", "", {"embargo*": 0.7}, [], [])
    sentences = split_sentences(text + "\nAn embargoed ship")
    result = topic.score(text + "\nAn embargoed ship", sentences)
    assert result is not None
    assert {evidence[:2] for evidence in result.evidence} <= set(sentences)
    assert 1 <= len(result.evidence) <= 4


def test_examples_carry_to_unseen_wording(cables: UserTopic) -> None:
    assert probability(cables, "Latvia finds fibre-optic cable to Gotland damaged, boards ship") >= cables.threshold
    assert probability(cables, "Chancellor to present budget on Wednesday") < cables.threshold
    assert probability(cables, "Skiers stuck for hours in cable car above Zermatt") < cables.threshold


def test_the_evidence_is_the_sentence_that_shows_it(cables: UserTopic) -> None:
    text = "Markets closed higher.\nAn undersea cable off Estonia was cut.\nThe weather will be fine."
    result = cables.score(text, split_sentences(text))
    assert result is not None
    start, end, _ = result.evidence[0]
    assert text[start:end] == "An undersea cable off Estonia was cut."


def test_leave_one_out_figures(cables: UserTopic) -> None:
    figures = cables.evaluate()
    assert (figures["positives"], figures["negatives"]) == (len(POSITIVE), len(NEGATIVE))
    assert figures["average_precision"] >= 0.8
    assert figures["recall"] >= 0.6
    assert all(0 <= value <= 1 for name, value in figures.items() if name not in {"positives", "negatives"})


def test_phrases_alone_make_a_topic_and_a_guard_lowers_it() -> None:
    topic = compile_topic("grain", "", {"grain deal": 0.8, "film": -0.9}, [], [])
    assert probability(topic, "Russia quits grain deal") == pytest.approx(0.8)
    assert probability(topic, "The Grain Deal, a film about farming") == pytest.approx(0.08)
    assert topic.score("Nothing of the kind", [(0, 19)]) is None


def test_no_sentences_no_topic(cables: UserTopic) -> None:
    assert cables.score("", []) is None


@pytest.mark.parametrize(
    ("phrases", "positive", "error"),
    [
        ({}, [], ValueError),
        ({"film": -0.5}, [], ValueError),
        ({"ab*": 0.5}, [], PatternError),
        ({"embargo": 1.5}, [], PatternError),
        ({}, ["  "], ValueError),
    ],
)
def test_a_topic_that_cannot_work_is_refused(
    phrases: dict[str, float], positive: list[str], error: type[Exception]
) -> None:
    with pytest.raises(error):
        compile_topic("t", "", phrases, positive, [])
