"""Finished polls go into the store together, and none waits long for another."""

from datetime import timedelta

import pytest

from tests.fakes import NOW
from worker.batch import LONGEST_OPEN, MOST_DRAFTS, MOST_POLLS, Batch

MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("polls", "drafts_each", "age", "is_due"),
    [
        (0, 0, timedelta(hours=1), False),  # nothing waits
        (1, 0, timedelta(0), False),
        (1, 0, LONGEST_OPEN - MOMENT, False),
        (1, 0, LONGEST_OPEN, True),
        (MOST_POLLS - 1, 0, timedelta(0), False),
        (MOST_POLLS, 0, timedelta(0), True),
        (2, MOST_DRAFTS // 2, timedelta(0), True),  # documents full of news are handed in one or two at a time
        (1, MOST_DRAFTS - 1, timedelta(0), False),
    ],
)
def test_a_batch_is_handed_in_when_it_is_full_or_was_open_for_a_moment(polls, drafts_each, age, is_due):
    batch = Batch()
    for number in range(polls):
        batch.add(number, drafts_each, NOW)
    assert batch.is_due(NOW + age) is is_due


def test_the_moment_counts_from_the_first_poll_and_a_taken_batch_begins_anew():
    batch = Batch()
    batch.add("first", 1, NOW)
    batch.add("second", 1, NOW + LONGEST_OPEN - MOMENT)
    assert batch.is_due(NOW + LONGEST_OPEN)
    assert batch.take() == ["first", "second"]
    assert not batch.is_due(NOW + timedelta(hours=1))
    batch.add("third", MOST_DRAFTS - 1, NOW)
    assert not batch.is_due(NOW)
    assert batch.take() == ["third"]
