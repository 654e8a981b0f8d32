"""What fires nothing waits its turn: not too long, not too many, and goes before what is of its story."""

from dataclasses import replace
from datetime import timedelta

from tests.fakes import NOW, analysis, article
from worker import story
from worker.ports import ArticleClaim
from worker.triage import Backlog, Read, longest_wait

LONGEST = longest_wait("always", timedelta(seconds=70))
NOTHING = timedelta(0)
BODY = "The column of forty vehicles left the barracks at dawn, crossed two bridges and stopped beside the old grain silos, "
BODY += "where officers of the garrison counted crates, signed papers and sent the drivers home before the rain set in."


def read(title: str, *, since=NOW, body=BODY) -> Read:
    told = article(title, f"{title}. {body}")
    return Read(ArticleClaim(told, 1), analysis(told), story.sign(told, analysis(told)), NOTHING, since)


def with_keys(*keys: str) -> Read:
    plain = read(f"Report {keys}", body="")
    return replace(plain, signature=replace(plain.signature, keys=keys))


def test_what_waits_longest_is_taken_first_and_once():
    backlog = Backlog()
    waiting = [read(title, body="") for title in ("Rain in the north", "Banks merge again", "A mayor resigns over tax")]
    for one in waiting:
        backlog.add(one)
    assert backlog.take(2) == waiting[:2]
    assert backlog.take(2) == waiting[2:]
    assert backlog.take(2) == []


def test_what_was_taken_is_not_found_again_as_kin():
    backlog, twin = Backlog(), read("Tanks reach the harbour of the north")
    backlog.add(twin)
    assert backlog.take_kin(twin) == [twin]
    backlog.add(twin)
    backlog.take(1)
    assert backlog.take_kin(twin) == []


def test_all_that_stands_under_one_key_is_kin_also_where_the_first_of_it_was_taken():
    backlog, copies = (
        Backlog(),
        [read("Tanks reach the harbour of the north", since=NOW + n * LONGEST) for n in range(4)],
    )
    for one in copies:
        backlog.add(one)
    assert backlog.take(1) == copies[:1]
    assert backlog.take_kin(copies[0]) == copies[1:]


def test_kin_of_kin_are_taken_in_the_order_in_which_they_came():
    backlog, chain = Backlog(), [with_keys("b", "c"), with_keys("d"), with_keys("a", "b"), with_keys("c")]
    for one in chain:
        backlog.add(one)
    assert backlog.take_kin(with_keys("a")) == [chain[0], chain[2], chain[3]]
    assert backlog.take(4) == [chain[1]]


def test_what_was_taken_ties_no_others_together():
    backlog, waiting = Backlog(), [with_keys("a", "b"), with_keys("b")]
    for one in waiting:
        backlog.add(one)
    backlog.take(1)
    assert backlog.take_kin(with_keys("a")) == []
    assert backlog.take_kin(with_keys("b")) == waiting[1:]


def test_nothing_waits_longer_than_a_share_of_its_lease():
    backlog = Backlog()
    assert not backlog.is_pressing(NOW, LONGEST)
    backlog.add(read("Tanks reach the harbour"))
    assert not backlog.is_pressing(NOW + timedelta(seconds=9), LONGEST)
    assert backlog.is_pressing(NOW + timedelta(seconds=10), LONGEST)
    backlog.take(1)
    assert not backlog.is_pressing(NOW + timedelta(seconds=10), LONGEST)


def test_no_more_waits_than_the_memory_is_for():
    backlog, texts = Backlog(), 0
    for number in range(2_500):
        assert not backlog.is_pressing(NOW, LONGEST)
        backlog.add(read(f"Report {number}"))
    assert backlog.is_pressing(NOW, LONGEST)
    backlog.take(1)
    assert not backlog.is_pressing(NOW, LONGEST)
    long = read("A long report", body=BODY * 1_000)
    while not backlog.is_pressing(NOW, LONGEST):
        backlog.add(long)
        texts += len(long.claim.article.text)
    assert texts < 4_000_000
    while backlog.take(64):
        pass
    assert not backlog.is_pressing(NOW, LONGEST)
    backlog.add(long)
    assert not backlog.is_pressing(NOW, LONGEST), "what was taken takes no room"
