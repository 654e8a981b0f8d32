"""Each kind of condition is true exactly when its words say so."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, analysis, article, watch
from worker.match import Matcher
from worker.match.inflect import forms
from worker.model import (
    AgeCondition,
    Analysis,
    EntityCondition,
    FieldCondition,
    Group,
    LanguageCondition,
    ListedName,
    ListEntry,
    Match,
    Miss,
    NameList,
    NearCondition,
    PhraseCondition,
    RegexCondition,
    SourceCondition,
    SourceFilter,
    TopicCondition,
)

ART = article(
    "Norland ships tanks to Sudmark",
    "Norland delivered forty tanks and shells to Sudmark on Monday. The minister of Norland denied it.\n\n"
    "In Westland, WHO warned of a virus. Sudmark was silent.",
    tags=("wire", "public"), author="Jane Doe", categories=("World", "Arms trade"), link="https://wire.example/world/1",
    published=NOW - timedelta(days=2), first_seen=NOW,
)  # fmt: skip
SEEN = analysis(ART, {"arms-transfer": 0.9}, {"Norland": ("GPE", "NO"), "Westland": ("GPE", "WE")})


def judge(condition, art=ART, seen=SEEN, **kwargs):
    [verdict] = Matcher((watch(condition=condition, **kwargs),)).evaluate(art, seen)
    return verdict


def near(*sides, within, ordered=False):
    return NearCondition(tuple((side,) for side in sides), within, ordered)


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        (PhraseCondition(("WHO",), is_cased=True), True),
        (PhraseCondition(("Who",), is_cased=True), False),
        (PhraseCondition(("Deliver*",), is_cased=True), False),
        (PhraseCondition(("deliver*",), is_cased=True), True),
        (PhraseCondition(("warn",)), False),
        (PhraseCondition(("warn",), is_lemma=True), True),
        (PhraseCondition(("ship tank",), is_lemma=True), True),
        (near("tanks", "Sudmark", within=1), True),
        (near("forty", "Sudmark", within=4), True),
        (near("forty", "Sudmark", within=3), False),
        (near("Sudmark", "forty", within=4), True),
        (near("Sudmark", "forty", within=4, ordered=True), False),
        (near("forty", "shells", "Sudmark", within=4, ordered=True), True),
        (near("minister", "Westland", within=15), False),
        (near("Sudmark", "Sudmark", within=15), False),
        (NearCondition((("bikes", "tanks"), ("shel*",)), 1), True),
        (RegexCondition(r"fort[a-z]+\s+tank"), True),
        (RegexCondition(r"FORTY"), True),
        (RegexCondition(r"FORTY", is_cased=True), False),
        (FieldCondition("title", ("ships",)), True),
        (FieldCondition("title", ("minister",)), False),
        (FieldCondition("author", ("jane",)), True),
        (FieldCondition("category", ("arms trade",)), True),
        (FieldCondition("category", ("world arms",)), False),
        (FieldCondition("link", ("/world/",)), True),
        (FieldCondition("link", ("/sport/",)), False),
        (LanguageCondition(("de", "en")), True),
        (LanguageCondition(("de",)), False),
        (AgeCondition(at_most=timedelta(days=2)), True),
        (AgeCondition(at_most=timedelta(days=1)), False),
        (AgeCondition(at_least=timedelta(days=3)), False),
        (SourceCondition(filters=(SourceFilter(("wire",), name="w"),)), True),
        (SourceCondition(filters=(SourceFilter(("wire",), exclude=(SourceFilter(("public",)),), name="w"),)), False),
        (SourceCondition(filters=(SourceFilter(languages=("de",), name="w"),)), False),
        (TopicCondition("arms-transfer", salience="main"), True),
        (EntityCondition(ids=("NO",), salience="main"), True),
        (EntityCondition(ids=("WE",), salience="main"), False),
        (EntityCondition(labels=("GPE", "ORG")), True),
    ],
)
def test_a_condition(condition, fires):
    verdict = judge(condition)
    assert isinstance(verdict, Match) is fires, verdict.finding
    for evidence in verdict.finding.evidence:
        assert ART.text[evidence.start : evidence.end] == evidence.text


@pytest.mark.parametrize(
    ("entity", "within", "other", "fires"),
    [
        ("WE", "sentence", "virus", True),
        ("WE", "sentence", "silent", False),
        ("WE", "paragraph", "silent", True),
        ("WE", "paragraph", "shells", False),
    ],
)
def test_within_asks_for_a_neighbour_in_the_same_stretch(entity, within, other, fires):
    verdict = judge(Group("all", (EntityCondition(ids=(entity,), within=within), PhraseCondition((other,)))))
    assert isinstance(verdict, Match) is fires
    if not fires:
        assert f"in the same {within} as another condition" in verdict.missing


def test_an_article_without_a_date_has_no_age():
    verdict = judge(AgeCondition(at_most=timedelta(days=9)), replace(ART, published=None))
    assert verdict.finding.truth == "unknown"
    assert "has no date" in verdict.missing


@pytest.mark.parametrize(
    ("threshold", "fires", "missing"),
    [
        (5, True, ""),
        (5.5, False, "a score of at least 5.5 (reached 5, the phrase “bicycles” would add to it)"),
    ],
)
def test_weights_add_up_to_the_threshold(threshold, fires, missing):
    tree = Group(
        "any", (PhraseCondition(("tanks",)), PhraseCondition(("shells",), weight=2), PhraseCondition(("bicycles",)))
    )
    verdict = judge(tree, threshold=threshold, weights=(("phrase", 3.0),))
    assert isinstance(verdict, Match) is fires
    assert verdict.finding.score == 5
    assert [leaf.contribution for leaf in verdict.finding.children[0].children] == [3, 2, 0]
    assert fires or verdict.missing == missing


def test_a_score_never_fires_a_false_tree():
    tree = Group("all", (PhraseCondition(("tanks",)), PhraseCondition(("bicycles",))))
    verdict = judge(tree, threshold=1, weights=(("phrase", 3.0),))
    assert verdict.missing == "the phrase “bicycles”"


def test_a_watch_reads_only_its_sources():
    assert isinstance(
        judge(PhraseCondition(("tanks",)), sources=SourceFilter(include=(SourceFilter(("wire",)),))), Match
    )
    verdict = judge(PhraseCondition(("tanks",)), sources=SourceFilter(exclude=(SourceFilter(("wire",)),)))
    assert isinstance(verdict, Miss)
    assert "other sources" in verdict.missing


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("ship", {"ship", "ships", "shipped", "shipping"}),
        ("supply", {"supply", "supplies", "supplied", "supplying"}),
        ("trade", {"trade", "trades", "traded", "trading"}),
        ("sell", {"sell", "sells", "sold", "selling"}),
        ("clash", {"clash", "clashes", "clashed", "clashing"}),
        ("arms deal", {"arms deal", "arms deals", "arms dealt"}),
        ("Überfall", {"Überfall"}),
    ],
)
def test_inflections(word, expected):
    assert expected <= set(forms(word))


LIST = NameList("l", (ListedName("Acme Trading", ListEntry("l", "1", "Acme Trading")),))
ATOMS = [
    PhraseCondition(("tanks",)), PhraseCondition(("bicycles",)), PhraseCondition(("ship",), is_lemma=True),
    TopicCondition("arms-transfer"), TopicCondition("terrorism"), EntityCondition(ids=("NO",)),
    EntityCondition(terms=("sudmar*",)), EntityCondition(labels=("PERSON",)), EntityCondition(lists=(LIST,)),
    near("tanks", "Sudmark", within=9), near("bikes", "Sudmark", within=9), RegexCondition("forty"), RegexCondition("xyz"),
    FieldCondition("author", ("jane",)), FieldCondition("author", ("john",)), LanguageCondition(("en",)),
    LanguageCondition(("de",)), AgeCondition(at_most=timedelta(days=1)), SourceCondition(tags=("wire",)),
    SourceCondition(names=("other",)), SourceCondition(filters=(SourceFilter(("wire",)),)),
]  # fmt: skip
TREES = st.recursive(
    st.sampled_from(ATOMS),
    lambda inner: st.builds(
        Group, st.sampled_from(["all", "any", "none"]), st.lists(inner, min_size=1, max_size=3).map(tuple)
    ),
    max_leaves=8,
)
FOREIGN = Analysis((), (), SEEN.sentences, "de", "fake", is_language_known=False)


@given(st.lists(TREES, min_size=1, max_size=5), st.sampled_from([SEEN, FOREIGN]))
def test_screening_loses_no_match_and_no_unknown(trees, seen):
    matcher = Matcher(tuple(watch(id=f"w{number}", condition=tree) for number, tree in enumerate(trees)))
    verdicts = matcher.evaluate(ART, seen)
    screened, unknown = matcher.sift(ART, seen)
    assert [v for v in screened if isinstance(v, Match)] == [v for v in verdicts if isinstance(v, Match)]
    unknown += sum(verdict.finding.truth == "unknown" for verdict in screened)
    assert unknown >= sum(verdict.finding.truth == "unknown" for verdict in verdicts)
    if seen is SEEN:
        assert unknown == sum(verdict.finding.truth == "unknown" for verdict in verdicts)


def test_in_a_language_without_a_model_what_asks_for_topics_only_is_counted_and_not_looked_at():
    topics = [watch(id=f"w{n}", languages=("en",) if n % 2 else ()) for n in range(100)]
    phrase = watch(id="p", condition=Group("all", (TopicCondition("terrorism"), PhraseCondition(("tanks",)))))
    either = watch(id="e", condition=Group("any", (TopicCondition("terrorism"), PhraseCondition(("tanks",)))))
    verdicts, unknown = Matcher((*topics, phrase, either)).sift(ART, FOREIGN)
    assert [(verdict.watch.id, verdict.finding.truth) for verdict in verdicts] == [("p", "unknown"), ("e", "true")]
    assert unknown == 50, "a watch of English articles only does not miss a model for others"


def test_screening_leaves_out_what_cannot_fire():
    matcher = Matcher(tuple(watch(id=f"w{n}", condition=PhraseCondition((f"word{n}",))) for n in range(100)))
    assert matcher.screen(ART, SEEN) == ()
