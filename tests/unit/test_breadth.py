"""Watches that ask for nothing in particular are told of."""

from datetime import timedelta

import pytest

from tests.fakes import analysis, article, configuration, watch
from worker.breadth import find_broad, is_open
from worker.model import (
    AgeCondition,
    EntityCondition,
    FieldCondition,
    Group,
    LanguageCondition,
    NearCondition,
    PhraseCondition,
    RegexCondition,
    SourceCondition,
    TopicCondition,
)

TANK = PhraseCondition(("tank",))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (TANK, False),
        (PhraseCondition(("tank", "the")), True),
        (PhraseCondition(("the tank",)), False),
        (TopicCondition("terrorism"), False),
        (EntityCondition(labels=("PERSON",)), False),
        (LanguageCondition(("en",)), True),
        (SourceCondition(tags=("wire",)), True),
        (AgeCondition(at_most=timedelta(days=2)), True),
        (RegexCondition("."), True),
        (RegexCondition(r"\w+"), True),
        (RegexCondition(r"[aeiou].*"), True),
        (RegexCondition(r"IMO\s?\d{7}"), False),
        (FieldCondition("link", ("https",)), True),
        (FieldCondition("title", ("tank",)), False),
        (NearCondition((("a",), ("tank",)), 5), False),
        (Group("none", (TANK,)), True),
        (Group("all", (TANK, LanguageCondition(("en",)))), False),
        (Group("all", (AgeCondition(), Group("none", (TANK,)))), True),
        (Group("any", (TANK, LanguageCondition(("en",)))), True),
    ],
)
def test_what_matches_everything_is_told_from_the_conditions(condition, expected):
    assert is_open(condition) is expected
    found = list(find_broad(configuration(watches=(watch(condition=condition),))))
    assert bool(found) is expected


def test_a_watch_that_fires_on_much_of_what_is_stored_is_told_with_the_share():
    rows = [article("Report", "A tank came." if n % 2 else "A ship came.", id=f"art_{n}") for n in range(100)]
    seen = [(row, analysis(row)) for row in rows]
    watches = (watch(id="tanks", condition=TANK), watch(id="planes", condition=PhraseCondition(("plane",))))
    [broad] = find_broad(configuration(watches=watches), seen)
    assert (broad.watch, broad.share, broad.is_static) == ("tanks", 0.5, False)
    assert "50% of 100" in broad.message


def test_few_stored_articles_prove_nothing():
    rows = [article("Report", "A tank came.", id=f"art_{n}") for n in range(10)]
    assert not list(find_broad(configuration(watches=(watch(condition=TANK),)), [(r, analysis(r)) for r in rows]))
