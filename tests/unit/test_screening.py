"""Stored articles under a list that has grown: what is told, once, and of what it is silent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOW, FakeClock, PhraseEnricher, SilentObserver, analyse, analysis, article, configuration
from tests.memory_screening import MemoryScreeningStore
from worker.deliver.payload import describe
from worker.match import Matcher
from worker.model import (
    EntityCondition,
    Event,
    EventCondition,
    Filler,
    Group,
    ListedName,
    ListEntry,
    NameList,
    PhraseCondition,
    RoleCondition,
    Severity,
    Span,
    Story,
    Told,
    Watch,
)
from worker.screener import Screener, StoredArticle

IVAN = ListEntry("sdn", "7", "PETROVICH, Ivan", "CYBER2")
OLD = ListEntry("sdn", "1", "OLDMAN, Gregor")


def names(*listed, **kwargs):
    return NameList("sdn", tuple(listed), **kwargs)


def listed(entry, text="", **kwargs):
    return ListedName(text or entry.name, entry, is_person=True, **kwargs)


def watching(condition, **kwargs):
    return Watch("listed", "A listed party", Severity.MEDIUM, condition, **kwargs)


def of_file(*parties, **kwargs):
    return watching(EntityCondition(lists=(names(*parties),), name="of the list sdn"), **kwargs)


def of_terms(*terms, ids=(), list_="rebels", others=()):
    entries = tuple(ListEntry(list_, text, text) for text in (*ids, *terms))
    return watching(EntityCondition(ids=tuple(ids), terms=(*terms, *others), entries=entries, name=f"of {list_}"))


def stored(number, title="Report", body="A man named Ivan Petrovich opened a firm.", story="", **kwargs):
    one = article(f"{title} {number}", body, id=f"art_{number:03}", first_seen=NOW - timedelta(hours=number))
    return StoredArticle(one, kwargs.get("seen", analyse(one)), story)


class Room:
    """A store of articles, and screeners over it under one configuration after another."""

    def __init__(self, *articles, stories=()) -> None:
        self.clock, self.observer = FakeClock(), SilentObserver()
        self.store = MemoryScreeningStore(self.clock, articles, stories)

    def screener(self, *watches):
        config = configuration(watches=watches)
        return Screener(
            self.store, config, Matcher(config.watches), PhraseEnricher(), lambda raised: [raised.id], self.clock, self.observer
        )  # fmt: skip

    def screen(self, *watches):
        """Steps until nothing is left to do; the alerts."""
        screener = self.screener(*watches)
        for _ in range(50):
            screener.step()
            if not self.store.progress().phase:
                break
        return self.alerts

    @property
    def alerts(self):
        return [raised for raised, _ in self.store.alerts.values()]


def test_a_party_that_comes_onto_a_list_is_found_in_an_article_of_before():
    room = Room(stored(1), stored(2, body="Nobody is named here."))
    assert room.screen(of_file(listed(OLD))) == []
    [raised] = room.screen(of_file(listed(OLD), listed(IVAN)))
    assert (raised.article.id, raised.listing.entry, raised.listing.articles) == ("art_001", IVAN, 1)
    data = describe(raised)
    assert data["type"] == "news.alert.newly_listed.v1"
    assert data["data"]["kind"] == "newly_listed"
    assert data["data"]["listing"]["name"] == "PETROVICH, Ivan"
    assert data["data"]["listing"]["programme"] == "CYBER2"


def test_the_first_sight_of_a_list_tells_nothing():
    assert Room(stored(1)).screen(of_file(listed(IVAN))) == []


def test_a_list_that_stays_the_same_or_only_shrinks_is_not_screened():
    room = Room(stored(1))
    room.screen(of_file(listed(OLD), listed(IVAN)))
    room.screen(of_file(listed(IVAN)))
    assert room.store.progress().started_at is None


def test_taken_off_and_put_on_again_a_party_is_told_once():
    room = Room(stored(1))
    for parties in ([OLD], [OLD, IVAN], [OLD], [OLD, IVAN], [IVAN, OLD]):
        room.screen(of_file(*map(listed, parties)))
    assert len(room.alerts) == 1


def test_many_articles_of_one_story_are_one_alert_on_the_newest():
    room = Room(*(stored(number, story="art_049") for number in range(50)))
    room.screen(of_file(listed(OLD)))
    [raised] = room.screen(of_file(listed(OLD), listed(IVAN)))
    assert (raised.article.id, raised.story, raised.listing.articles) == ("art_000", "art_049", 50)


def test_of_very_many_stories_the_newest_are_told_and_the_number_of_all_is_said():
    room = Room(*(stored(number) for number in range(50)))
    room.screen(of_file(listed(OLD)))
    raised = room.screen(of_file(listed(OLD), listed(IVAN)))
    assert [one.article.id for one in raised] == [f"art_{n:03}" for n in range(20)]
    assert {(one.listing.stories, one.listing.told) for one in raised} == {(50, 20)}


def test_a_further_spelling_of_a_party_that_was_named_as_listed_before_is_no_news():
    room = Room(
        stored(1, body="Ivan Petrovich, known as Igor Kowalenko, left."), stored(2, body="Igor Kowalenko left.")
    )
    alias = listed(IVAN, "KOWALENKO, Igor")
    room.screen(of_file(listed(IVAN)))
    assert [one.article.id for one in room.screen(of_file(listed(IVAN), alias))] == ["art_002"]


def test_a_weak_alias_alone_raises_nothing():
    room = Room(stored(1, body="The Red Panther was seen."))
    room.screen(of_file(listed(OLD)))
    assert (
        room.screen(of_file(listed(OLD), listed(IVAN, is_weak=True), listed(IVAN, "Red Panther", is_weak=True))) == []
    )


def test_the_whole_watch_must_fire_not_only_the_list():
    party = EntityCondition(lists=(names(listed(OLD)),), name="sdn")
    grown = EntityCondition(lists=(names(listed(OLD), listed(IVAN)),), name="sdn")
    fraud = PhraseCondition(("fraud",))
    room = Room(stored(1), stored(2, body="Ivan Petrovich was charged with fraud."))
    room.screen(watching(Group("all", (party, fraud))))
    assert [one.article.id for one in room.screen(watching(Group("all", (grown, fraud))))] == ["art_002"]


def test_an_entry_that_only_excludes_raises_nothing():
    def excluding(*parties):
        return watching(
            Group("all", (PhraseCondition(("firm",)), Group("none", (EntityCondition(lists=(names(*parties),)),))))
        )

    room = Room(stored(1))
    room.screen(excluding(listed(OLD)))
    assert room.screen(excluding(listed(OLD), listed(IVAN))) == []


@pytest.mark.parametrize(
    ("before", "after", "body", "seen", "expected"),
    [
        (("Ansar",), ("Ansar", "Katiba Nour"), "Fighters of Katiba Nour came.", {}, ["Katiba Nour"]),
        (("Ansar",), ("Ansar", "Katiba*"), "Fighters of Katibas came.", {}, ["Katiba*"]),
        (("Ansar",), ("Ansar",), "Fighters of Katiba Nour came.", {}, []),
    ],
)
def test_terms_added_to_an_inline_list_count_as_parties(before, after, body, seen, expected):
    one = article("Report", body, id="art_1", first_seen=NOW)
    room = Room(StoredArticle(one, analysis(one, entities={"Katiba": ("ORG", "")} if "Nour" in body else seen)))
    room.screen(of_terms(*before))
    assert [raised.listing.entry.name for raised in room.screen(of_terms(*after))] == expected


def test_a_country_added_to_an_inline_list_is_found_by_its_id():
    one = article("Report", "Pyongyang answered.", id="art_1", first_seen=NOW)
    room = Room(StoredArticle(one, analysis(one, entities={"Pyongyang": ("GPE", "KP")})))
    room.screen(of_terms(ids=("IR",)))
    [raised] = room.screen(of_terms(ids=("IR", "KP")))
    assert raised.listing.entry == ListEntry("rebels", "KP", "KP")


def supplying(number, supplier, recipient):
    """A stored article that tells of one delivery."""
    body = f"{supplier} sold rifles to {recipient}."
    one = article(f"Report {number}", body, id=f"art_{number:03}", first_seen=NOW)
    at = one.text.index(body)
    words = {role: one.text.index(text, at) for role, text in (("supplier", supplier), ("recipient", recipient))}
    fillers = (
        Filler("supplier", supplier, words["supplier"], words["supplier"] + len(supplier), "PERSON"),
        Filler("recipient", recipient, words["recipient"], words["recipient"] + len(recipient), "PERSON"),
    )
    trigger = one.text.index("sold", at)
    event = Event("transfer", "asserted", Span(trigger, trigger + 4, "sold"), fillers)
    return StoredArticle(one, replace(analysis(one), events=(event,)), "")


def from_file(*parties):
    return watching(EventCondition("transfer", (RoleCondition("supplier", lists=(names(*parties),)),)))


def from_terms(*terms):
    entries = tuple(ListEntry("rebels", text, text) for text in terms)
    return watching(EventCondition("transfer", (RoleCondition("supplier", terms=terms, entries=entries),)))


@pytest.mark.parametrize(
    ("before", "after", "entry"),
    [
        (from_file(listed(OLD)), from_file(listed(OLD), listed(IVAN)), IVAN),
        (from_terms("Bandar"), from_terms("Bandar", "Ivan Petrovich"), ListEntry("rebels", "Ivan Petrovich", "Ivan Petrovich")),
    ],
)  # fmt: skip
def test_a_party_that_comes_onto_the_list_of_a_role_is_told_where_it_plays_that_role(before, after, entry):
    room = Room(supplying(1, "Ivan Petrovich", "Someone Else"), supplying(2, "Someone Else", "Ivan Petrovich"))
    assert room.screen(before) == []
    [raised] = room.screen(after)
    assert (raised.article.id, raised.listing.entry, raised.listing.articles) == ("art_001", entry, 1)


def test_an_added_party_in_another_role_of_a_delivery_that_was_asked_for_before_is_no_news():
    room = Room(supplying(1, "Gregor Oldman", "Ivan Petrovich"))
    room.screen(from_file(listed(OLD)))
    assert room.screen(from_file(listed(OLD), listed(IVAN))) == []


def test_what_the_watch_has_told_of_the_story_is_not_told_again():
    told = Story("s", told=(Told("listed", "alrt_1", 0, Severity.MEDIUM, ("ivan petrovich",)),))
    other = Story("t", told=(Told("listed", "alrt_2", 0, Severity.MEDIUM, ("someone else",)),))
    room = Room(stored(1, story="s"), stored(2, story="t"), stories=(told, other))
    room.screen(of_file(listed(OLD)))
    [raised] = room.screen(of_file(listed(OLD), listed(IVAN)))
    assert (raised.article.id, raised.follows) == ("art_002", "alrt_2")


def test_an_article_that_was_only_remembered_is_read_then():
    room = Room(StoredArticle(stored(1).article, None))
    room.screen(of_file(listed(OLD)))
    assert len(room.screen(of_file(listed(OLD), listed(IVAN)))) == 1


def test_with_live_work_due_a_step_does_one_page_and_makes_way(monkeypatch):
    monkeypatch.setattr("worker.screener.PAGE", 10)
    room = Room(*(stored(number) for number in range(40)))
    room.screen(of_file(listed(OLD)))
    room.store.is_busy = True
    screener = room.screener(of_file(listed(OLD), listed(IVAN)))
    looked = []
    for _ in range(4):
        screener.step()
        looked.append(room.store.progress().looked)
    assert looked == [10, 20, 30, 40]


def test_where_a_worker_dies_another_goes_on_after_the_lease_and_tells_nothing_twice(monkeypatch):
    monkeypatch.setattr("worker.screener.PAGE", 10)
    room = Room(*(stored(number) for number in range(15)))
    room.screen(of_file(listed(OLD)))
    grown = of_file(listed(OLD), listed(IVAN))
    dying = room.screener(grown)
    raise_alert = room.store.raise_alert

    def die(*args):
        if len(room.alerts) == 7:
            raise KeyboardInterrupt
        return raise_alert(*args)

    monkeypatch.setattr(room.store, "raise_alert", die)
    dying.step()
    with pytest.raises(KeyboardInterrupt):
        dying.step()
    monkeypatch.setattr(room.store, "raise_alert", raise_alert)
    assert room.screener(grown).step() == 0, "the lease still holds"
    room.clock.advance(seconds=91)
    assert room.screener(grown).step() == 8
    assert len(room.alerts) == 15
    assert room.store.progress().phase == ""


def test_a_list_that_was_corrected_meanwhile_does_not_keep_the_next_step_at_the_same_place(monkeypatch):
    """What is no longer listed raises nothing, and yet the step ends in time and says how far it came."""
    room = Room(*(stored(number) for number in range(15)))
    room.screen(of_file(listed(OLD)))
    room.screener(of_file(listed(OLD), listed(IVAN))).step()
    assert room.store.progress().phase == "raise"
    corrected = room.screener(of_file(listed(OLD)))
    looked = []
    word = Screener._word

    def slowly(self, notice, additions):
        looked.append(notice.newest.article)
        room.clock.advance(seconds=1)
        return word(self, notice, additions)

    monkeypatch.setattr(Screener, "_word", slowly)
    while room.store.progress().phase:
        before = len(looked)
        corrected.step()
        assert len(looked) - before <= corrected.budget.total_seconds() + 1
        room.clock.advance(seconds=91)
    assert len(set(looked)) == len(looked) == 15, "nothing is looked at twice"
    assert room.alerts == []


def test_a_shadow_watch_is_stored_as_one():
    room = Room(stored(1))
    room.screen(of_file(listed(OLD), is_shadow=True))
    [raised] = room.screen(of_file(listed(OLD), listed(IVAN), is_shadow=True))
    assert raised.is_shadow
