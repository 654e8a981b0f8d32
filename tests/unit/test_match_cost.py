"""What judging an article costs goes with the terms that stand in it, not with those that a watch has."""

import pytest

from tests.fakes import article
from worker.match import Matcher
from worker.match.reading import Reading
from worker.model import (
    Analysis,
    EntityCondition,
    Event,
    EventCondition,
    FieldCondition,
    Filler,
    NearCondition,
    PhraseCondition,
    RoleCondition,
    Severity,
    Span,
    Watch,
)

TEXT = article("Norland ships tanks", "Sudmark bought tanks and shells.")
EVENT = Event("transfer", "asserted", Span(0, 19, "Norland ships tanks"), (Filler("item", "tanks", 14, 19, "WEAPON"),))
SEEN = Analysis((), (), ((0, 19), (20, 52)), "en", "fake", events=(EVENT,))


class Row(tuple):
    """A row of terms that nobody may go through once the watches are compiled."""

    __slots__ = ()
    is_compiled = False

    def __iter__(self):
        assert not Row.is_compiled, "a row of terms was gone through"
        return super().__iter__()


class Set(frozenset):
    """The same."""

    __slots__ = ()

    def __iter__(self):
        raise AssertionError("a set of terms was gone through")


@pytest.fixture(autouse=True)
def open_rows():
    yield
    Row.is_compiled = False


TERMS = Row(["tanks", *(f"term{number}" for number in range(500))])
OTHERS = Row(["shells", *(f"other{number}" for number in range(500))])
CONDITIONS = {
    "phrase": PhraseCondition(TERMS),
    "entity": EntityCondition(terms=TERMS),
    "near": NearCondition((TERMS, OTHERS), within=5),
    "field": FieldCondition("title", TERMS),
    "event": EventCondition("transfer", (RoleCondition("item", terms=TERMS),)),
}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_terms_that_are_not_there_cost_nothing(kind):
    matcher = Matcher((Watch("w", "t", Severity.LOW, CONDITIONS[kind]),))
    matcher._forms = {key: Set(terms) for key, terms in matcher._forms.items()}
    Row.is_compiled = True
    [verdict] = matcher.evaluate(TEXT, SEEN)
    assert verdict.finding.truth == "true"


def test_the_smaller_of_the_two_is_gone_through():
    few, many = ("tanks", "ships"), tuple(f"term{number}" for number in range(9))
    reading = Reading(TEXT, SEEN, {"tanks": ((14, 19),)}, {}, (), {}, {id(few): frozenset(few), id(many): Set(many)})
    assert reading.standing(few) == ["tanks"]
    assert reading.standing(many) == []
