"""A silence holds for what its matchers match, between its start and its end."""

from datetime import timedelta

import pytest

from tests.fakes import NOW
from worker import silence

HOUR = timedelta(hours=1)


def made(*texts, starts=NOW, ends=NOW + HOUR, author="ann", comment="known", now=NOW):
    return silence.make(texts, starts_at=starts, ends_at=ends, author=author, comment=comment, now=now)


@pytest.mark.parametrize(
    ("after", "labels", "is_silent"),
    [(timedelta(0), {"watch": "a"}, True), (HOUR - timedelta(seconds=1), {"watch": "a"}, True),
     (HOUR, {"watch": "a"}, False), (-timedelta(seconds=1), {"watch": "a"}, False),
     (timedelta(0), {"watch": "b"}, False), (timedelta(0), {}, False)],
)  # fmt: skip
def test_it_holds_from_its_start_to_its_end_for_what_matches(after, labels, is_silent):
    found = silence.find([made('watch="a"')], labels, NOW + after)
    assert (found is not None) is is_silent


def test_all_matchers_must_hold():
    one = made('watch="a"', 'source!="Wire"')
    assert silence.find([one], {"watch": "a", "source": "Blog"}, NOW) == one
    assert silence.find([one], {"watch": "a", "source": "Wire"}, NOW) is None


@pytest.mark.parametrize(
    ("kwargs", "told"),
    [({"texts": ()}, "none would silence everything"), ({"texts": ("watch",)}, "is not a matcher"),
     ({"texts": ('watch=~"(?=x)"',)}, "RE2"), ({"texts": ('watch!="a"',)}, "hence for nearly all"),
     ({"texts": ('watch=~".*"',)}, "hence for nearly all"), ({"ends": NOW}, "in the future"),
     ({"ends": NOW + 367 * 24 * HOUR}, "366 days"), ({"author": " "}, "who made it"), ({"comment": ""}, "why"),
     ({"texts": ('a="b"',) * 51}, "at most 50")],
)  # fmt: skip
def test_a_silence_that_makes_no_sense_is_refused_with_the_reason(kwargs, told):
    texts = kwargs.pop("texts", ('watch="a"',))
    with pytest.raises(ValueError, match=told):
        made(*texts, **kwargs)


def test_a_silence_is_named_after_all_it_is_made_of():
    assert made('watch="a"').id == made('watch="a"').id
    assert made('watch="a"').id != made('watch="a"', comment="x", now=NOW + HOUR / 2).id
