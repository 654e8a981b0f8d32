"""A watch fires exactly when its tree is true, and says why or what is missing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import analysis, article, watch
from worker.match import Matcher
from worker.model import Analysis, EntityCondition, Group, Match, Miss, PhraseCondition, SourceCondition, TopicCondition

ART = article(
    "Norland ships tanks", "Norland delivered forty tanks to Sudmark. The minister denied it.", tags=("wire",)
)
SEEN = analysis(ART, {"arms-transfer": 0.9}, {"Norland": ("GPE", "NO"), "Sudmark": ("GPE", "SD")})


def judge(condition, art=ART, seen=SEEN, **kwargs):
    [verdict] = Matcher((watch(condition=condition, **kwargs),)).evaluate(art, seen)
    return verdict


TRUE, FALSE = PhraseCondition(("tanks",)), PhraseCondition(("bicycles",))


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        (TopicCondition("arms-transfer"), True),
        (TopicCondition("arms-transfer", 0.95), False),
        (TopicCondition("terrorism"), False),
        (EntityCondition(ids=("NO",)), True),
        (EntityCondition(ids=("KP",)), False),
        (EntityCondition(labels=("GPE",)), True),
        (EntityCondition(labels=("PERSON",)), False),
        (EntityCondition(ids=("NO",), labels=("PERSON",)), False),
        (EntityCondition(terms=("norm*",)), False),
        (EntityCondition(terms=("sudmar*",)), True),
        (TRUE, True),
        (FALSE, False),
        (SourceCondition(tags=("wire",)), True),
        (SourceCondition(names=("wire",)), True),
        (SourceCondition(tags=("blog",)), False),
        (Group("all", (TRUE, TRUE)), True),
        (Group("all", (TRUE, FALSE)), False),
        (Group("any", (FALSE, TRUE)), True),
        (Group("any", (FALSE, FALSE)), False),
        (Group("none", (FALSE, FALSE)), True),
        (Group("none", (FALSE, TRUE)), False),
    ],
)
def test_conditions(condition, fires):
    assert isinstance(judge(condition), Match) is fires


def test_evidence_is_the_articles_own_words_and_zone():
    verdict = judge(Group("all", (TopicCondition("arms-transfer"), TRUE)))
    for finding in verdict.finding.children:
        for evidence in finding.evidence:
            assert ART.text[evidence.start : evidence.end] == evidence.text
            assert evidence.zone == ART.zone_at(evidence.start)
    assert {e.zone for e in verdict.finding.children[1].evidence} == {"title", "lead"}


def test_zones_bound_what_a_watch_reads():
    assert isinstance(judge(PhraseCondition(("minister",)), zones=("title",)), Miss)


@pytest.mark.parametrize(
    ("condition", "missing", "near"),
    [
        (Group("all", (TRUE, TopicCondition("terrorism"))), "topic terrorism", True),
        (Group("all", (TRUE, Group("none", (TRUE,)))), "not the phrase “tanks”", True),
        (FALSE, "the phrase “bicycles”", False),
        (
            TopicCondition("arms-transfer", 0.95),
            "topic arms-transfer with a score of at least 0.95 (scored 0.90)",
            False,
        ),
        (Group("any", (FALSE, TopicCondition("terrorism"))), "the phrase “bicycles” or topic terrorism", False),
    ],
)
def test_a_miss_names_what_is_missing(condition, missing, near):
    verdict = judge(condition)
    assert (verdict.missing, verdict.is_near) == (missing, near)


def test_unknown_never_fires_and_is_told_from_false():
    foreign = Analysis((), (), (), "de", "fake", is_language_known=False)
    verdict = judge(TopicCondition("arms-transfer"), seen=foreign)
    assert verdict.finding.truth == "unknown"
    assert "no model for this language" in verdict.missing
    assert isinstance(judge(Group("any", (TopicCondition("x"), TRUE)), seen=foreign), Match)


def test_a_watch_of_other_languages_does_not_fire():
    assert isinstance(judge(TRUE, languages=("de",)), Miss)


CONDITIONS = st.recursive(
    st.sampled_from(
        [TRUE, FALSE, TopicCondition("arms-transfer"), TopicCondition("x"), SourceCondition(tags=("wire",))]
    ),
    lambda inner: st.builds(
        Group, st.sampled_from(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


def plainly(condition) -> bool:
    """The same logic, written the obvious way."""
    if isinstance(condition, Group):
        truths = [plainly(child) for child in condition.children]
        return {"all": all, "any": any, "none": lambda t: not any(t)}[condition.kind](truths)
    return condition in (TRUE, TopicCondition("arms-transfer"), SourceCondition(tags=("wire",)))


@given(CONDITIONS)
def test_any_tree_agrees_with_plain_logic(condition):
    verdict = judge(condition)
    assert isinstance(verdict, Match) is plainly(condition)
    assert isinstance(verdict, Match) or verdict.missing


def test_what_was_found_at_a_glance_is_not_taken_for_another_text_of_the_article():
    matcher = Matcher((watch("tanks", condition=PhraseCondition(("tanks",))),))
    first, edited = article("Tanks", "The tanks were moved."), article("Ships", "The ships were moved.")
    assert matcher.may_fire(first, analysis(first))
    assert not any(isinstance(verdict, Match) for verdict in matcher.sift(edited, analysis(edited))[0])
    matcher.may_fire(edited, analysis(edited))
    assert any(isinstance(verdict, Match) for verdict in matcher.sift(first, analysis(first))[0])
