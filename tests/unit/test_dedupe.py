"""One article has one id, whoever brings it, however its address is dressed."""

import tracemalloc
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW, feed, rss
from worker.dedupe import canonical_address, identify, is_plausible, learn, mark_of_address, with_zones
from worker.model import Document, Entry, FeedState, Fetched
from worker.parse import parse

TEXT = "<p>The harbour of Eastport was closed for three hours on Monday after a crane toppled into the basin.</p>"
ENTRY = Entry("guid-1", "https://x.example/a?utm_source=rss", "Crane topples", TEXT, published=NOW - timedelta(hours=1))
POLLED = FeedState(is_baselined=True)


def drafts(*entries: Entry, of="wire", state=POLLED):
    return identify(feed(of), state, Document("", entries), NOW)


def id_of(entry: Entry, **kwargs) -> str:
    return drafts(entry, **kwargs)[0].article.id


def test_the_same_words_from_another_feed_are_the_same_article():
    for published in (
        ENTRY.published,
        None,
        ENTRY.published + timedelta(hours=11),
        ENTRY.published - timedelta(hours=11),
    ):
        other = replace(ENTRY, guid="9", link="https://y.example/z", published=published)
        assert shared(ENTRY, other), published


def test_links_written_to_be_huge_are_not_kept_in_memory():
    tracemalloc.start()
    try:
        for number in range(600):
            mark_of_address(f"https://x.example/{number}/" + "a" * 20_000)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10_000_000  # urllib and w3lib keep a hundred and some


@given(
    st.from_regex(
        r"https?://(www\.)?[a-z0-9-]{1,5}(\.[a-z0-9]{1,4}){0,2}\.[a-z]{2,4}(/[\w.~-]{0,5}){0,3}", fullmatch=True
    )
)
def test_the_address_of_a_plain_link_is_as_the_library_makes_it(link):
    # an empty fragment changes nothing, and has it go the long way
    assert canonical_address(link) == canonical_address(link + "#")


@pytest.mark.parametrize("days", [1, 2, 7, 89])
def test_the_same_words_on_another_day_under_another_name_are_another_article(days):
    """Sirens and bulletins repeat to the letter."""
    again = replace(ENTRY, guid="9", link="https://x.example/b", published=ENTRY.published - timedelta(days=days))
    assert not shared(ENTRY, again)
    assert id_of(ENTRY) != id_of(again)


@pytest.mark.parametrize("name", [{"guid": ""}, {"link": ""}])
def test_an_entry_with_a_name_of_its_own_is_known_by_it_whenever_it_is_read_again(name):
    entry = replace(ENTRY, published=None, **name)
    [before] = drafts(entry)
    [after] = identify(feed("wire"), POLLED, Document("", (entry,)), NOW + timedelta(days=30))
    assert before.article.id == after.article.id
    assert set(before.aliases) & set(after.aliases)


def test_an_entry_with_nothing_but_words_is_known_by_them_whenever_it_is_read_again():
    entry = replace(ENTRY, guid="", link="", published=None)
    [before] = drafts(entry)
    [after] = identify(feed("wire"), POLLED, Document("", (entry,)), NOW + timedelta(days=30))
    assert before.aliases == after.aliases


def shared(one: Entry, other: Entry) -> bool:
    [mine], [theirs] = drafts(one), drafts(other, of="herald")
    return bool(set(mine.aliases) & set(theirs.aliases))


@pytest.mark.parametrize("change", [{"guid": "new"}, {"link": "https://x.example/b"}, {"guid": "", "link": ""}])
def test_a_feed_that_renames_its_entries_keeps_their_ids(change):
    assert id_of(ENTRY) == id_of(replace(ENTRY, **change))


def test_an_edit_shares_an_alias_with_what_it_edits():
    [before], [after] = drafts(ENTRY), drafts(replace(ENTRY, html=TEXT + "<p>Update: it was raised again.</p>"))
    assert set(before.aliases) & set(after.aliases)
    assert before.content != after.content


def test_a_guid_that_two_entries_share_names_neither():
    one, two = drafts(replace(ENTRY, title="One", link="", html=""), replace(ENTRY, title="Two", link="", html=""))
    assert not set(one.aliases) & set(two.aliases)


def test_a_link_that_many_entries_share_names_none():
    one, two = drafts(replace(ENTRY, guid="1", html="a"), replace(ENTRY, guid="2", html="b"))
    assert not set(one.aliases) & set(two.aliases)


def test_neither_guid_nor_link_still_has_one_name():
    bare = replace(ENTRY, guid="", link="", html="short")
    assert id_of(bare) == id_of(bare)
    assert id_of(bare) != id_of(replace(bare, title="Other"))


@pytest.mark.parametrize(
    "dressed",
    [
        "http://www.x.example/a",
        "https://x.example/a/?utm_source=rss&utm_medium=feed",
        "https://x.example/a#top",
        "https://X.example/a?fbclid=123",
        "https://x.example:443/a",
    ],
)
def test_addresses_are_compared_undressed(dressed):
    assert canonical_address(dressed).replace(":443", "") == "x.example/a"


@pytest.mark.parametrize(
    "link", ["", "javascript:alert(1)", "https://x.example/", "https://x.example", "ftp://x.example/a"]
)
def test_what_names_no_page_is_no_address(link):
    assert canonical_address(link) == ""


def test_the_first_poll_remembers_old_entries_and_passes_new_and_undated_ones():
    old = replace(ENTRY, guid="old", html="a", published=NOW - timedelta(hours=25))
    undated = replace(ENTRY, guid="undated", html="b", published=None)
    fates = [draft.remembered_as for draft in drafts(ENTRY, old, undated, state=FeedState())]
    assert fates == ["", "baseline", ""]


def test_later_polls_pass_what_is_up_to_thirty_days_old():
    late = replace(ENTRY, html="a", published=NOW - timedelta(days=29))
    ancient = replace(ENTRY, html="b", published=NOW - timedelta(days=400))
    assert [drafts(entry)[0].remembered_as for entry in (late, ancient)] == ["", "stale"]


def test_a_date_in_the_far_future_is_no_date():
    [draft] = drafts(replace(ENTRY, published=NOW.replace(year=2099)))
    assert draft.article.published is None
    assert draft.remembered_as == ""
    assert not is_plausible(NOW.replace(year=1970), NOW)


@given(
    st.builds(
        Entry,
        guid=st.text(max_size=9),
        link=st.text(max_size=30),
        title=st.text(max_size=30),
        html=st.text(max_size=200),
    )
)
def test_identity_depends_on_the_entry_alone(entry):
    [once], [twice] = drafts(entry), drafts(entry)
    assert (once.article.id, once.aliases, once.content) == (twice.article.id, twice.aliases, twice.content)
    assert once.aliases


# --- what is remembered of the last document ---------------------------------------------------------------


def polled(*items: dict[str, str], state=POLLED):
    """A poll: what is unknown is read; the drafts, and the state that follows."""
    known = {mark.raw for mark in state.marks if mark.raw}
    document = parse(Fetched(rss(*items).encode(), "https://wire.example/rss"), known)
    reading = learn(feed(), state, document, NOW)
    return identify(feed(), state, document, NOW), replace(state, marks=reading.marks), reading


def items(*numbers: int, guid="guid", **changes: str) -> list[dict[str, str]]:
    return [
        {"guid": f"{guid}-{n}", "title": f"Title {n}", "link": f"https://wire.example/{n}", "description": f"Text {n}"}
        | changes
        for n in numbers
    ]


def test_what_stood_in_the_last_document_is_not_read_again():
    first, state, _ = polled(*items(1, 2, 3))
    second, state, _ = polled(*items(4, 1, 2, 3), state=state)
    assert [len(first), len(second), len(state.marks)] == [3, 1, 4]
    third, state, _ = polled(*items(4, 1), state=state)
    assert [len(third), len(state.marks)] == [0, 2]


@pytest.mark.parametrize("shared", [{"guid": "same", "link": ""}, {"guid": "", "link": "https://wire.example/x"}])
def test_a_name_that_a_known_entry_has_too_is_not_unique(shared):
    one, two = {"title": "One"} | shared, {"title": "Two"} | shared
    both, _, _ = polled(one, two)
    _, state, _ = polled(one)
    [late], _, _ = polled(one, two, state=state)
    assert late.aliases == both[1].aliases


def test_an_edit_of_a_known_entry_keeps_its_guid_as_name():
    _, state, _ = polled(*items(1, 2))
    [edited], _, _ = polled(*items(1), *items(2, description="Other text"), state=state)
    assert any(alias.startswith("g:") for alias in edited.aliases)


def test_a_feed_that_renames_all_its_entries_is_recognised():
    _, state, _ = polled(*items(*range(9)))
    old, _, _ = polled(*items(*range(9)))
    renamed, after, reading = polled(*items(*range(9), guid="new", link="https://moved.example/x"), state=state)
    assert reading.is_rekeyed
    assert {draft.remembered_as for draft in renamed} == {"rekeyed"}
    for before, now in zip(old, renamed, strict=True):
        assert set(before.aliases) & set(now.aliases)
    assert not polled(*items(*range(9), guid="new", link="https://moved.example/x"), state=after)[2].is_rekeyed


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("a busy feed", items(*range(20, 29))),
        ("few entries", items(*range(4), guid="new")),
        ("less than seven in ten", [*items(*range(5), guid="new"), *items(*range(20, 25))]),
        ("edits", items(*range(9), description="Edited")),
    ],
)
def test_what_is_no_change_of_guids_stays_news(name, later):
    _, state, _ = polled(*items(*range(9)))
    drafts_, _, reading = polled(*later, state=state)
    assert not reading.is_rekeyed
    assert {draft.remembered_as for draft in drafts_} == {""}


def test_an_entry_of_the_renamed_feed_that_is_really_new_is_news():
    _, state, _ = polled(*items(*range(9)))
    renamed, _, reading = polled(*items(50), *items(*range(9), guid="new"), state=state)
    assert reading.is_rekeyed
    assert [draft.remembered_as for draft in renamed].count("") == 1


@given(st.lists(st.lists(st.integers(0, 8), max_size=8, unique=True), max_size=6))
def test_each_poll_reads_just_what_the_last_one_did_not_hold(polls):
    state, before = POLLED, set()
    for numbers in polls:
        fresh, state, _ = polled(*items(*numbers), state=state)
        assert len(fresh) == len(set(numbers) - before)
        before = set(numbers)


def test_an_entry_whose_whole_body_repeats_keeps_it():
    """An alarm in set words is news each time."""
    alarm = Entry("1", "https://x.example/1", "Sderot", "<p>Rocket and missile fire.</p>", published=NOW)
    [draft] = drafts(alarm)
    assert with_zones(draft.article, ["Rocket and missile fire."]).zones == draft.article.zones
    longer = replace(alarm, html=alarm.html + "<p>Two people were hurt in the port.</p>")
    [draft] = drafts(longer)
    assert "teaser" in {zone.name for zone in with_zones(draft.article, ["Rocket and missile fire."]).zones}
