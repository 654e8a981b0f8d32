"""The names network as it is run: the layers of `ner.build_network` after the words' embedding, as few passes over few arrays.

Owns the arithmetic from the vectors of words to scores of tags, the same as the network's own but for rounding (tested).
Does not own the network, which is trained as it stands there, nor the embedding of words.

thinc makes a new array at each step and keeps what training would need. Here the arrays are made once for all slices; the
pieces of a maxout lie side by side, so that they are compared in long runs; a bias is one more row of its weights; and words
that no needed word's score depends on are left out.
"""

from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from thinc.api import Model, NumpyOps

from worker.enrich.ner_decode import IMPOSSIBLE, Floats

Rows: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]

_SLICE = 768
"""Rows computed at once: their activations (rows * 6 * width floats) stay in the second-level cache."""
_EPSILON = 1e-8
"""thinc's, beside a variance."""
_WINDOW = np.arange(3)


class _Layer(NamedTuple):
    """`weights` (a window of rows, each with its one; pieces side by side), and what stretches and shifts the normalised maximum."""

    weights: Floats
    gain: Floats
    shift: Floats


class NamesPass:
    """Runs the layers `encode` and `output` of a network of `ner.build_network`'s shape over a row of words."""

    def __init__(self, encode: Model[Any, Any], output: Model[Any, Any], ops: NumpyOps) -> None:
        """Copy the weights; what the network learns afterwards is not seen."""
        maxouts = [node for node in encode.walk() if node.name == "maxout"]
        norms = [node for node in encode.walk() if node.name == "layernorm"]
        self._ops = ops
        self._layers = [
            _Layer(_side_by_side(maxout), _copy(norm, "G"), _copy(norm, "b"))
            for maxout, norm in zip(maxouts, norms, strict=True)
        ]
        self._width, self._pieces = maxouts[0].get_dim("nO"), maxouts[0].get_dim("nP")
        self._output, self._bias = np.ascontiguousarray(_copy(output, "W").T), _copy(output, "b")

    def scores(self, vectors: Floats, index: Rows, needed: Mask) -> Floats:
        """Return the scores, (words, tags), of a row of words given by their rows in `vectors`; all but the needed ones are surely O.

        A layer is computed where the next one looks: its words, and one beside them on each side.
        """
        scores = np.full((len(index), len(self._bias)), IMPOSSIBLE, np.float32)
        scores[:, 0] = 0
        depth, width = len(self._layers), self._width
        steps = _steps(needed, depth)
        kept = np.flatnonzero(steps <= depth)
        most = min(len(kept), _SLICE + 2 * depth)
        # a row of nothing stands before the first word, and one behind the last; the one beside each row carries the bias
        hidden = np.ones((most + 2, width + 1), np.float32)
        hidden[0, :width] = 0
        windows = np.empty((most, len(_WINDOW), width + 1), np.float32)
        pieces = np.empty((most, self._pieces * width), np.float32)
        best = np.empty((most, width), np.float32)
        for start in range(0, len(kept), _SLICE):
            first = max(0, start - depth)
            part = kept[first : start + _SLICE + depth]
            left = np.maximum(steps[part], _outside(len(part), start - first, start - first + _SLICE))
            hidden[1 : len(part) + 1, :width] = vectors[index[part]]
            for ahead, layer in zip(range(depth - 1, -1, -1), self._layers, strict=True):
                hidden[len(part) + 1, :width] = 0
                rows = np.flatnonzero(left <= ahead)
                part, left, count = part[rows], left[rows], len(rows)
                if not count:
                    break
                window = windows[:count]
                np.take(hidden, rows[:, None] + _WINDOW, axis=0, out=window, mode="clip")
                made = self._apply(layer, window.reshape(count, -1), pieces[:count], best[:count])
                np.add(window[:, 1, :width], made, out=hidden[1 : count + 1, :width])
            scores[part] = hidden[1 : len(part) + 1, :width] @ self._output + self._bias
        return scores

    def _apply(self, layer: _Layer, windows: Floats, pieces: Floats, best: Floats) -> Floats:
        """Return `best`, written over with what a layer makes of windows; `pieces` is written over, too."""
        width = self._width
        self._ops.gemm(cast("Any", windows), cast("Any", layer.weights), out=cast("Any", pieces))
        np.maximum(pieces[:, :width], pieces[:, width : 2 * width], out=best)
        for first in range(2 * width, pieces.shape[1], width):
            np.maximum(best, pieces[:, first : first + width], out=best)
        _normalise(best)
        best *= layer.gain
        best += layer.shift
        return best


def spread(places: Mask) -> Mask:
    """Return the places and those beside them."""
    wide = places.copy()
    wide[1:] |= places[:-1]
    wide[:-1] |= places[1:]
    return wide


def _steps(needed: Mask, most: int) -> npt.NDArray[np.int8]:
    """How far each word stands from the next that is needed: 0 to `most`, or one more."""
    steps = np.zeros(len(needed), np.int8)
    for _ in range(most + 1):
        steps += ~needed
        needed = spread(needed)
    return steps


def _outside(count: int, start: int, end: int) -> Rows:
    """How far each of `count` places stands outside of those from `start` to `end`."""
    places = np.arange(count)
    return np.maximum(np.maximum(start - places, places - end + 1), 0)


def _normalise(rows: Floats) -> None:
    """Give each row the mean 0 and the variance 1, in place."""
    width = rows.shape[1]
    rows -= (rows @ np.full(width, 1 / width, np.float32))[:, None]
    deviation = np.sqrt(np.einsum("ij,ij->i", rows, rows) / np.float32(width) + np.float32(_EPSILON))
    rows /= deviation[:, None]


def _side_by_side(maxout: Model[Any, Any]) -> Floats:
    """The weights of a maxout, (window * (inputs + 1), pieces * outputs); the one beside the middle row carries its bias."""
    weights, bias = _copy(maxout, "W"), _copy(maxout, "b")
    columns = weights.transpose(2, 1, 0).reshape(len(_WINDOW), -1, bias.size)
    ones = np.zeros((len(_WINDOW), 1, bias.size), np.float32)
    ones[1, 0] = bias.T.reshape(-1)
    return np.ascontiguousarray(np.concatenate((columns, ones), axis=1).reshape(-1, bias.size))


def _copy(node: Model[Any, Any], parameter: str) -> Floats:
    return np.array(node.get_param(parameter), np.float32)
