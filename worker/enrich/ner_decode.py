"""From scores of tags to names: the best tag of each word, made legal where need be, and the runs of a name's tags.

Tags: 0 is O, 2k + 1 is B and 2k + 2 is I of label k. Does not own the scores (`ner_pass`), nor what the labels mean (`ner`).
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Tags: TypeAlias = npt.NDArray[np.int64]

IMPOSSIBLE: Final = -1e4
"""What is added to, or stands for, the score of a tag that cannot be."""
# A token outside any name with this probability parts the stretches that are decoded again.
_SURE: Final = 0.9


def decode(scores: Floats) -> Tags:
    """Return the best tag sequence in which no name starts with I; scores (tokens, tags) are logarithmic.

    Tags: 0 is O, 2k + 1 is B and 2k + 2 is I of label k. Where the best tag per token already makes a legal
    sequence it is the answer; else the stretch between two sure O's is decoded again (Viterbi).
    """
    tags: Tags = scores.argmax(axis=1)
    broken = np.flatnonzero(_is_illegal(tags))
    if not len(broken):
        return tags
    top = scores.max(axis=1)
    others = np.exp(scores - top[:, None]).sum(axis=1)
    sure = np.flatnonzero((tags == 0) & (1 / others > _SURE))
    for position in broken:
        at = int(np.searchsorted(sure, position))
        start = int(sure[at - 1]) + 1 if at else 0
        end = int(sure[at]) if at < len(sure) else len(tags)
        if _is_illegal(tags[start:end]).any():
            tags[start:end] = _viterbi(scores[start:end])
    return tags


def decode_all(scores: Floats, bounds: Sequence[tuple[int, int]]) -> Tags:
    """Do as `decode` for documents in one matrix, each within its bounds; all between them is O."""
    tags: Tags = scores.argmax(axis=1)
    for (_, end), start in zip([(0, 0), *bounds], [*(start for start, _ in bounds), len(tags)], strict=True):
        tags[end:start] = 0
    broken = np.flatnonzero(_is_illegal(tags))
    for start, end in bounds:
        first = int(np.searchsorted(broken, start))
        if first < len(broken) and broken[first] < end:
            tags[start:end] = decode(scores[start:end])
    return tags


def _is_illegal(tags: Tags) -> npt.NDArray[np.bool_]:
    before = np.concatenate(([0], tags[:-1]))
    illegal: npt.NDArray[np.bool_] = (tags > 0) & (tags % 2 == 0) & (before != tags) & (before != tags - 1)
    return illegal


def _transitions(tags: int) -> Floats:
    allowed = np.zeros((tags, tags), dtype=np.float32)
    for inside in range(2, tags, 2):
        allowed[:, inside] = IMPOSSIBLE
        allowed[inside - 1 : inside + 1, inside] = 0
    return allowed


def _viterbi(scores: Floats) -> Tags:
    transitions = _transitions(scores.shape[1])
    best = scores[0] + transitions[0]
    back = np.zeros(scores.shape, dtype=np.int64)
    for position in range(1, len(scores)):
        paths = best[:, None] + transitions
        back[position] = paths.argmax(axis=0)
        best = paths.max(axis=0) + scores[position]
    tags = np.empty(len(scores), dtype=np.int64)
    tags[-1] = best.argmax()
    for position in range(len(scores) - 1, 0, -1):
        tags[position - 1] = back[position, tags[position]]
    return tags


def runs(tags: Tags) -> Iterator[tuple[int, int, int]]:
    """Yield (start, end, label index) of each name in a legal tag sequence, end exclusive."""
    starts = np.flatnonzero(tags % 2 == 1)
    following = np.append(tags[1:], 0)
    continues = (following > 0) & (following % 2 == 0)
    ends = np.flatnonzero((tags > 0) & ~continues) + 1
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield start, end, int(tags[start] - 1) // 2
