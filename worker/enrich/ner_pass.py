"""The names network as it is run: the layers of `ner.build_network` after the words' embedding, as few passes over few arrays.

Owns the arithmetic from the vectors of words to scores of tags, the same as the network's own but for rounding (tested).
Does not own the network, which is trained as it stands there, nor the embedding of words.

thinc makes a new array at each step and keeps what training would need. Here the arrays are made once for all slices; the
pieces of a maxout lie side by side, so that they are compared in long runs; and a bias is one more row of its weights.
"""

from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view
from thinc.api import Model, NumpyOps

Floats: TypeAlias = npt.NDArray[np.float32]
Rows: TypeAlias = npt.NDArray[np.int64]

_SLICE = 512
"""Rows computed at once: their activations (rows * 6 * width floats) stay in the second-level cache."""
_EPSILON = 1e-8
"""thinc's, beside a variance."""


class _Layer(NamedTuple):
    """`weights` (window and bias, pieces side by side), and what stretches and shifts the normalised maximum."""

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

    def scores(self, vectors: Floats, index: Rows) -> Floats:
        """Return the scores, (words, tags), of a row of words given by their rows in `vectors`.

        Each slice sees as many neighbours on both sides as there are layers, as the whole would.
        """
        scores = np.empty((len(index), len(self._bias)), np.float32)
        depth, width = len(self._layers), self._width
        most = min(len(index), _SLICE + 2 * depth)
        # a row of nothing stands before the first word, and one behind the last
        hidden = np.zeros((most + 2, width), np.float32)
        windows = np.ones((most, 3 * width + 1), np.float32)
        pieces = np.empty((most, self._pieces * width), np.float32)
        best = np.empty((most, width), np.float32)
        for start in range(0, len(index), _SLICE):
            first = max(0, start - depth)
            part = index[first : start + _SLICE + depth]
            count = len(part)
            inner = hidden[1 : count + 1]
            np.take(vectors, part, axis=0, out=inner)
            hidden[count + 1] = 0
            beside = sliding_window_view(hidden[: count + 2].reshape(-1), 3 * width)[::width]
            for layer in self._layers:
                windows[:count, : 3 * width] = beside
                inner += self._apply(layer, windows[:count], pieces[:count], best[:count])
            scores[start : start + _SLICE] = inner[start - first : start - first + _SLICE] @ self._output
        scores += self._bias
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


def _normalise(rows: Floats) -> None:
    """Give each row the mean 0 and the variance 1, in place."""
    width = rows.shape[1]
    rows -= (rows @ np.full(width, 1 / width, np.float32))[:, None]
    deviation = np.sqrt(np.einsum("ij,ij->i", rows, rows) / np.float32(width) + np.float32(_EPSILON))
    rows /= deviation[:, None]


def _side_by_side(maxout: Model[Any, Any]) -> Floats:
    """The weights of a maxout, (inputs + 1, pieces * outputs), its bias in the last row."""
    weights, bias = _copy(maxout, "W"), _copy(maxout, "b")
    columns = weights.transpose(2, 1, 0).reshape(weights.shape[2], -1)
    return np.ascontiguousarray(np.vstack([columns, bias.T.reshape(1, -1)]))


def _copy(node: Model[Any, Any], parameter: str) -> Floats:
    return np.array(node.get_param(parameter), np.float32)
