"""Copies and follow-ups fall into one story; a watch hears again only of what is new."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, analysis, article, watch
from worker import story
from worker.alert import alert_id, raise_alerts
from worker.deliver import payload
from worker.match import Matcher
from worker.model import EntityCondition, Escalation, Fact, Kin, Severity

BODY = (
    "The government of Norland has delivered forty battle tanks to Sudmark, the defence ministry said on Monday. "
    "A second shipment of artillery shells is expected before the spring, officials added. "
    "Neighbouring states protested and asked for a meeting of the council. "
    "The tanks had been stored for years near the northern border. "
    "Analysts doubt that the crews will be trained in time for the summer."
)
SENTENCES = BODY.split(". ")
OTHER = (
    "A village choir took first place at the regional festival on Sunday evening after a long rehearsal. "
    "The jury praised the sopranos, the conductor and the choice of songs from three centuries of local music. "
    "Next year the festival moves to the coast, where a larger hall was built for it."
)


def sign(title, body, names=None):
    art = article(title, body)
    return story.sign(art, analysis(art, entities=names))


def kin(signature, number=1, seen_at=NOW, story_="art_first"):
    return Kin(number, f"art_{number}", story_, seen_at, signature)


FIRST = sign("Norland ships tanks", BODY)


@pytest.mark.parametrize(
    ("reason", "body", "is_copy"),
    [
        ("the very text under another headline", BODY, True),
        ("two paragraphs cut", ". ".join(SENTENCES[:3]), True),
        ("paragraphs in another order", ". ".join(reversed(SENTENCES)), True),
        ("a text of one's own", OTHER, False),
        ("one quoted sentence in another text", OTHER + " " + SENTENCES[1] + ". " + OTHER.upper()[::-1], False),
    ],
)
def test_a_copy_is_a_text_that_stands_in_the_other(reason, body, is_copy):
    found, said = story.choose(sign("Quite another headline", body), [kin(FIRST)], NOW)
    assert (found is not None, said) == (is_copy, is_copy), reason


def test_a_copy_shares_a_key_with_its_original():
    assert set(FIRST.keys) & set(sign("Other", ". ".join(SENTENCES[:4])).keys)


def test_the_same_words_after_days_are_news_again():
    assert story.choose(FIRST, [kin(FIRST, seen_at=NOW - story.WINDOW)], NOW)[1]
    late = kin(FIRST, seen_at=NOW - story.WINDOW - timedelta(minutes=1))
    assert story.choose(FIRST, [late], NOW) == (None, False)


def test_too_short_a_text_is_nobodys_copy():
    assert sign("Daily briefing", "Read the news of the day here.").keys == ()


TITLES = ("Norland sends forty battle tanks to Sudmark army", "Sudmark army gets forty battle tanks from Norland")
NAMES = {"Norland": ("GPE", "NO"), "Sudmark": ("GPE", "SU")}


def test_another_text_with_the_headlines_words_and_names_is_the_same_story_but_no_copy():
    first = sign(TITLES[0], BODY, NAMES)
    second = sign(TITLES[1], OTHER + " It concerns Norland.", NAMES)
    assert story.choose(second, [kin(first)], NOW) == (kin(first), False)


def test_alike_headlines_on_different_parties_are_different_stories():
    first = sign("Norland sanctions Sudmark bank over missile exports", BODY, NAMES)
    second = sign(
        "Norland sanctions Ostland bank over missile exports",
        OTHER,
        {"Norland": ("GPE", "NO"), "Ostland": ("GPE", "OS")},
    )
    assert story.choose(second, [kin(first)], NOW) == (None, False)


def test_without_recognised_names_only_copies_are_kin():
    assert story.choose(sign(TITLES[1], OTHER), [kin(sign(TITLES[0], BODY))], NOW) == (None, False)


@given(st.text(max_size=300), st.text(max_size=2_000))
def test_a_signature_survives_the_store(title, body):
    signature = sign(title, body)
    assert story.unpack(story.pack(signature)) == replace(signature, keys=())


def test_signatures_are_those_of_the_first_release():
    """Golden: another value would make strangers of all articles remembered before an upgrade."""
    assert (FIRST.keys[0], FIRST.keys[-1], FIRST.sketch[:4].hex()) == GOLDEN


GOLDEN = ("45ff61d10a3", "2538031e449", "94c366fa")


# --- what is told ------------------------------------------------------------------------------------------

WATCH = watch(condition=EntityCondition(labels=("GPE",)), severity=Severity.MEDIUM)


def told(known, id_, names, watch_=WATCH, *, link="", is_copy=False, at=NOW):
    """The alerts that an article raises within a story, and the story then."""
    body = " ".join(f"{name} was named." for name in names)
    art = article("A report", body, id=id_, link=link or f"https://{id_}.example/1", first_seen=at)
    seen = analysis(art, entities={name: ("GPE", name[:2].upper()) for name in names})
    relative = kin(FIRST, story_=known.id) if known else None
    relative = replace(relative, article_id=known.sources[0].article_id) if known else None
    grown = story.grow(known, art, relative, is_copy=is_copy, now=at)
    return raise_alerts(Matcher((watch_,)).evaluate(art, seen), art, seen, grown, config_hash="h", now=at)


def test_a_follow_up_without_a_new_fact_is_quiet():
    (first,), after = told(None, "a", ["Norland"])
    assert (first.fact_revision, first.follows, first.new) == (0, None, ())
    assert told(after, "b", ["Norland"])[0] == ()


def test_a_new_entity_is_told_with_a_reference_to_the_first_alert():
    (first,), after = told(None, "a", ["Norland"])
    (second,), later = told(after, "b", ["Norland", "Sudmark"])
    assert second.id == alert_id(WATCH.id, "a", 1)
    assert (second.follows, second.new) == (first.id, (Fact("entity", "SU"),))
    assert told(later, "c", ["Sudmark", "Norland"])[0] == ()
    data = json.loads(payload.build(second))["data"]
    assert data["story"]["new"] == [{"kind": "entity", "value": "SU"}]
    assert [source["publisher"] for source in data["sources"]] == ["a.example", "b.example"]


def test_a_watch_that_was_told_nothing_yet_hears_the_story_from_a_later_article():
    quiet, after = told(None, "a", [])
    (alert,), _ = told(after, "b", ["Norland"])
    assert quiet == ()
    assert (alert.story, alert.fact_revision) == ("a", 0)


def test_copies_and_a_publishers_second_text_are_not_independent():
    _, known = told(None, "a", ["Norland"])
    for id_, link, is_copy in (
        ("b", "https://www.b.example/1", True),
        ("c", "https://news.a.example/2", False),
        ("d", "https://d.co.uk/1", False),
        ("e", "https://news.d.co.uk/1", False),
    ):
        _, known = told(known, id_, ["Norland"], link=link, is_copy=is_copy)
    assert len(known.sources) == 5
    assert known.independent_sources() == 2


def test_severity_rises_when_enough_independent_sources_report_in_time():
    rising = replace(WATCH, escalate=(Escalation(Severity.CRITICAL, 3, timedelta(hours=2)),))
    _, known = told(None, "a", ["Norland"], rising)
    copies, known = told(known, "b", ["Norland"], rising, is_copy=True, at=NOW + timedelta(minutes=5))
    second, known = told(known, "c", ["Norland"], rising, at=NOW + timedelta(minutes=10))
    (third,), known = told(known, "d", ["Norland"], rising, at=NOW + timedelta(minutes=90))
    assert copies == second == ()
    assert (third.severity, third.new) == (Severity.CRITICAL, (Fact("severity", "critical"),))
    assert told(known, "e", ["Norland"], rising, at=NOW + timedelta(hours=9))[0] == (), (
        "it does not fall and rise again"
    )


def test_sources_that_come_too_slowly_do_not_escalate():
    rising = replace(WATCH, escalate=(Escalation(Severity.CRITICAL, 3, timedelta(hours=2)),))
    _, known = told(None, "a", ["Norland"], rising)
    for hours, id_ in enumerate("bcdef", 1):
        raised, known = told(known, id_, ["Norland"], rising, at=NOW + timedelta(hours=3 * hours))
        assert raised == ()


WARNING = (
    "The office has received a report of a suspicious approach. A skiff with four persons aboard came close to a merchant "
    "vessel and left after the crew had shown its weapons. Vessel and crew are safe. Vessels are advised to transit with "
    "caution and to report any suspicious activity to the office, which investigates together with the authorities."
)


@pytest.mark.parametrize(
    ("reason", "titles", "names", "together"),
    [
        ("a running number", ("Warning incident 041", "Warning incident 042"), ((), ()), False),
        ("a bulletin's number", ("Security bulletin no. 7", "Security bulletin no. 8"), ((), ()), False),
        ("a day", ("Situation report, 6 March", "Situation report, 7 March"), ((), ()), False),
        ("an American day", ("Situation report, March 6", "Situation report, March 7"), ((), ()), False),
        ("a day of the war", ("List of key events, day 376", "List of key events, day 377"), ((), ()), False),
        ("an id", ("CVE-2023-1111 is exploited", "CVE-2023-2222 is exploited"), ((), ()), False),
        ("two places", ("Approach off Aden", "Approach off Mumbai"), (("Aden",), ("Mumbai",)), False),
        ("the same place", ("Approach off Aden", "Ship approached near Aden"), (("Aden",), ("Aden",)), True),
        ("one headline names a place", ("Approach off Aden", "Ship approached"), (("Aden",), ()), True),
        ("the same number", ("Warning incident 041", "Incident 041: a warning"), ((), ()), True),
        ("only one has a number", ("Warning incident 041", "Skiff near a vessel"), ((), ()), True),
        ("an updated count is no copy", ("Four killed: 4", "Six killed: 6"), ((), ()), False),
    ],
)
def test_warnings_of_one_template_are_not_copies(reason, titles, names, together):
    first, second = (
        sign(title, WARNING, dict.fromkeys(named, ("GPE", None))) for title, named in zip(titles, names, strict=True)
    )
    found, is_copy = story.choose(second, [kin(first)], NOW)
    assert (found is not None, is_copy) == (together, together), reason


def test_a_number_that_stands_in_the_other_text_tells_of_nothing_else():
    first = sign("Quake kills 41", "In all 41 people died and 300 were hurt. " + BODY)
    second = sign("Quake leaves 300 hurt", "In all 41 people died and 300 were hurt. " + BODY)
    assert story.choose(second, [kin(first)], NOW)[1]


def test_an_updated_count_stays_in_the_story():
    titles = ("Peru: 4 soldiers drown in a river during protests", "Peru: 6 soldiers drown in a river during protests")
    first, second = (sign(title, BODY, {"Peru": ("GPE", "PE")}) for title in titles)
    found, is_copy = story.choose(second, [kin(first)], NOW)
    assert (found is not None, is_copy) == (True, False)


def test_numbers_of_a_series_are_told_apart_also_with_the_headlines_words_and_names():
    titles = ("Aden gulf office warns of skiff incident 041", "Aden gulf office warns of skiff incident 042")
    first, second = (sign(title, WARNING + " In Aden.", {"Aden": ("GPE", None)}) for title in titles)
    assert story.choose(second, [kin(first)], NOW) == (None, False)


def test_a_caption_under_two_stories_makes_no_copy_of_them():
    caption = (
        "Ukrainian servicemen fire a howitzer towards troops outside the frontline town in the east on March 5, 2023."
    )
    first, second = sign("Ammunition stockpile low", caption), sign("More troops for Bakhmut", caption)
    assert story.choose(second, [kin(first)], NOW) == (None, False)
    assert story.choose(sign("Stockpile of ammunition dangerously low", caption), [kin(first)], NOW)[1]


def test_a_signature_survives_packing_and_one_of_before_is_read():
    one = sign("Warning incident 041 off Aden", WARNING, {"Aden": ("GPE", None)})
    assert story.unpack(story.pack(one)) == replace(one, keys=())
    old = ",".join(story.pack(one).split(",")[:5])
    assert story.unpack(old) == replace(one, keys=(), title_numbers=frozenset(), numbers=frozenset(), marks=frozenset())


_HEADS = ("Ferry sinks off Aden port", "Ferry incident 041 off Aden port", "Ferry incident 042 off Aden port", "12 die as ferry sinks",
          "14 die as ferry sinks", "More troops sent")  # fmt: skip
_BODIES = (
    BODY,
    WARNING,
    WARNING + " 12 people died.",
    OTHER,
    "Two ships met off the port of Aden in the calm early morning of a long day at sea.",
)
_NAMES = st.frozensets(st.integers(1, 4), max_size=3)


@given(*[st.tuples(st.sampled_from(_HEADS), st.sampled_from(_BODIES), _NAMES, _NAMES) for _ in range(2)])
def test_names_change_nothing_between_texts_that_are_decided_without_them(one, other):
    plain = [sign(title, body) for title, body, _, _ in (one, other)]
    glanced = [replace(signature, title_names=frozenset(), names=frozenset()) for signature in plain]
    named = [
        replace(signature, title_names=title_names, names=names | title_names)
        for signature, (_, _, title_names, names) in zip(plain, (one, other), strict=True)
    ]
    if not story.undecided(glanced[1], [kin(glanced[0])], NOW):
        chosen = [story.choose(second, [kin(first)], NOW) for first, second in (glanced, named)]
        assert [(found is not None, is_copy) for found, is_copy in chosen] == [(False, False)] * 2
