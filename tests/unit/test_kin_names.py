"""The names of kin that nobody looked for: whose they are when the article was edited, or cannot be read."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOW, FakeClock, analysis, article
from tests.memory_store import Item, MemoryStore
from worker import story
from worker.match import Matcher
from worker.model import Kin, Pending
from worker.ports import SUSPECT
from worker.triage import Compared, Triage

WORDS = "ministers agreed on tanks for the harbour of the northern town after a long night of talks in the capital"
TITLE = "Ministers agree tanks harbour town"


class Names:
    """Finds the last word of a text, and nothing by a glance at another text."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def enrich(self, articles):
        return [self._whole(one) for one in articles]

    def complete(self, articles, glances):
        for one, glance in zip(articles, glances, strict=True):
            assert glance.sentences[-1][1] == len(one.text), "a glance at another text"
        return [self._whole(one) for one in articles]

    def _whole(self, one):
        self.read.append(one.text)
        name = one.text.rpartition(" ")[2]
        return analysis(one, entities={name: ("GPE", name)})


def told(title, name, id_="art_old"):
    made = article(title, f"{WORDS} {name}", id=id_, first_seen=NOW)
    seen = replace(analysis(made), sentences=((0, len(made.text)),), pending=Pending())
    return made, seen


@pytest.fixture
def world():
    store, names = MemoryStore(FakeClock()), Names()
    return store, names, Triage(names, Matcher(()), store)


def keep(store, made, seen, **facts):
    store.articles[made.id] = Item(record=made, analysis=seen, story="art_old", **facts)


def names_of_kin(triage, kept):
    """The names that a newcomer's kin has once the two were compared."""
    made, seen = told(TITLE, "Norden", id_="art_new")
    kin = Kin(1, "art_old", "art_old", NOW, kept)
    [settled] = triage.settle(
        triage.open([Compared(made, seen, story.sign(made, seen), (kin,))], NOW + timedelta(hours=1))
    )
    [found] = settled.kin
    return found.signature.names if found.signature.is_named else None


def just(name):
    return story.named(
        story.sign(*told(TITLE, name)), told(TITLE, name)[0], Names().enrich([told(TITLE, name)[0]])[0]
    ).names


def test_what_was_edited_and_not_told_again_is_read_anew_and_not_by_the_glance_at_its_old_text(world):
    store, _, triage = world
    old, edited = told(TITLE, "Westhafen"), told(TITLE, "Ost")
    keep(store, edited[0], None, state="due")
    assert names_of_kin(triage, story.sign(*old)) == just("Ost")


def test_names_found_before_an_edit_are_those_of_the_text_the_signature_is_of(world):
    store, names, triage = world
    old, edited = told(TITLE, "Westhafen"), told(TITLE, "Ost")
    keep(store, *old)
    assert names_of_kin(triage, story.sign(*old)) == just("Westhafen")
    keep(store, *edited)
    assert names_of_kin(triage, story.sign(*old)) == just("Westhafen"), "as if names had been looked for at once"
    assert sum("Westhafen" in text for text in names.read) == 1, "they are remembered"


def test_what_a_store_kept_anew_under_the_same_id_is_looked_up_anew(world):
    store, _, triage = world
    old, other = told(TITLE, "Westhafen"), told(TITLE + " again", "Ost")
    keep(store, *old)
    assert names_of_kin(triage, story.sign(*old)) == just("Westhafen")
    keep(store, *other)
    assert names_of_kin(triage, story.sign(*other)) == just("Ost")


def test_what_could_not_be_read_is_asked_for_again(world):
    store, _, triage = world
    old = told(TITLE, "Westhafen")
    assert names_of_kin(triage, story.sign(*old)) is None
    keep(store, *old)
    assert names_of_kin(triage, story.sign(*old)) == just("Westhafen")


def test_what_never_came_back_from_its_readers_is_read_for_no_other(world):
    store, names, triage = world
    old = told(TITLE, "Westhafen")
    keep(store, old[0], None, state="due", claims=SUSPECT)
    assert names_of_kin(triage, story.sign(*old)) is None
    assert all("Westhafen" not in text for text in names.read)
