"""Terms near one another."""

import bisect
from collections.abc import Iterator, Sequence
from itertools import permutations

from worker.match.reading import Reading

Span = tuple[int, int]


def find_windows(sides: Sequence[Sequence[Span]], within: int, reading: Reading, *, is_ordered: bool) -> set[Span]:
    """The spans that take part where one of each side stands with at most `within` words from first to last.

    Counted are the words after the end of the first and before the start of the last, all in one paragraph; the same
    words never serve two sides. Unordered is any order, so there are few sides (the schema allows five).
    """
    ranked = [sorted(side) for side in sides]
    orders = [tuple(range(len(sides)))] if is_ordered else permutations(range(len(sides)))
    return {
        span
        for order in orders
        for window in _windows([ranked[i] for i in order])
        if _is_near(window, within, reading)
        for span in window
    }


def _windows(sides: Sequence[Sequence[Span]]) -> Iterator[list[Span]]:
    """For each span of the first side the shortest row of spans that follow one another."""
    for first in sides[0]:
        window = [first]
        for side in sides[1:]:
            following = bisect.bisect_left(side, (window[-1][1], 0))
            if following == len(side):
                return
            window.append(side[following])
        yield window


def _is_near(window: Sequence[Span], within: int, reading: Reading) -> bool:
    first, last = window[0], window[-1]
    is_together = reading.paragraph(first[0]) == reading.paragraph(last[0])
    return is_together and reading.words_between(first[1], last[0]) <= within
