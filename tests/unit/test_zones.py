"""Passages of other stories are told from the article."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.zones import passages, split_zones, without_teasers

PROSE = (
    "The harbour of Eastport was closed for three hours on Monday after a crane toppled into the basin. "
    "Nobody was hurt, the harbour master said, and ships were led to the northern quay while divers looked at the crane."
)


def names(title: str, body: str, **kwargs) -> list[str]:
    return [zone.name for zone in split_zones(title, body, **kwargs)]


def test_the_yardstick_teaser_is_a_teaser_and_its_headline_the_title(shared):
    title, _, body = (shared / "seed" / "article.txt").read_text("utf-8").partition("\n")
    zones = split_zones(title, body.strip())
    assert [zone.name for zone in zones[:3]] == ["teaser", "title", "lead"]
    assert {zone.name for zone in zones[3:]} == {"body"}
    whole = f"{title}\n{body.strip()}"
    assert "mobsters" not in without_teasers(whole, zones)
    assert "Russia used North Korean missiles" in without_teasers(whole, zones)


def test_the_yardstick_teaser_inside_the_body_is_a_teaser(shared):
    teaser, _, rest = (shared / "seed" / "article.txt").read_text("utf-8").partition("\n")
    headline, _, body = rest.strip().partition("\n")
    assert names(headline, f"{teaser}\n\n{body.strip()}")[:3] == ["title", "teaser", "lead"]


def test_an_ordinary_article_has_title_lead_and_body():
    assert names("Crane topples in Eastport", f"{PROSE}\n\n{PROSE}") == ["title", "lead", "body"]


def test_a_title_that_shares_no_word_stays_the_title():
    assert names("A bad Monday", PROSE)[0] == "title"


def test_invitations_are_teasers():
    assert names("Crane topples", f"{PROSE}\n\nRead more: Ten dead in quake\n\nSubscribe to our newsletter")[-2:] == [
        "teaser",
        "teaser",
    ]


def test_repeated_passages_are_teasers():
    line = "Mobsters were arrested in ten countries this morning, police said."
    assert names("Crane topples", f"{PROSE}\n\n{line}", repeated=[line])[-1] == "teaser"


def test_short_passages_are_offered_for_counting():
    assert passages("One line.\n\n" + "word " * 100) == ("One line.",)


@given(st.text(max_size=60), st.text(max_size=400))
def test_zones_are_in_order_and_blanking_keeps_every_offset(title, body):
    title = " ".join(title.split())
    text = f"{title}\n{body}"
    zones = split_zones(title, body)
    assert all(a.end <= b.start for a, b in pairwise(zones))
    assert all(0 <= zone.start < zone.end <= len(text) for zone in zones)
    assert len(without_teasers(text, zones)) == len(text)
