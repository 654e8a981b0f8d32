"""What is counted reads as people say it."""

import pytest

from worker.plural import counted


@pytest.mark.parametrize(
    ("number", "noun", "said"),
    [
        (0, "alert", "0 alerts"),
        (1, "endpoint", "1 endpoint"),
        (2, "watch", "2 watches"),
        (3, "delivery", "3 deliveries"),
        (1, "delivery", "1 delivery"),
        (2, "day", "2 days"),
        (1_234, "article", "1,234 articles"),
    ],
)
def test_a_noun_agrees_with_its_number(number, noun, said):
    assert counted(number, noun) == said
