"""A small encoder of sentences (BERT's architecture, WordPiece), in plain numpy: word pieces in, scores of classes out.

Weights are int8 by row with a scale each: w = q * scale. One layer, for x of shape (pieces, width):

    a = softmax(Q K' / sqrt(width / heads)) V      Q, K, V = x W + b, each head apart
    x = norm(x + a Wo + bo);   x = norm(x + gelu(x Wi + bi) Wd + bd)

Devlin et al. 2019 (arXiv:1810.04805); word pieces by longest match from the left (Wu et al. 2016, arXiv:1609.08144).
Fitted by `training/modality.py`.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Marked = tuple[Sequence[int], int, int]
"""The word pieces of a text, and where among them those that are asked about begin and end."""
_TOKEN: Final = re.compile(r"[^\W_]+|[^\w\s]|_")
_LONGEST_WORD: Final = 60
_EPSILON: Final = 1e-12
_LINEAR: Final = ("query", "key", "value", "out", "widen", "narrow")


@dataclass(frozen=True, slots=True)
class Pieces:
    """The word pieces of a vocabulary; `start`, `end` and `unknown` are the numbers of the marks of a text."""

    number: Mapping[str, int]
    start: int
    end: int
    unknown: int

    @classmethod
    def of(cls, listed: Sequence[str]) -> "Pieces":
        """The vocabulary whose pieces are listed in order of their numbers."""
        number = {piece: i for i, piece in enumerate(listed)}
        return cls(number, number["[CLS]"], number["[SEP]"], number["[UNK]"])

    def cut(self, text: str) -> list[int]:
        """The numbers of the pieces of a text: small letters, no accents, every sign a word of its own."""
        plain = unicodedata.normalize("NFD", text.lower())
        plain = "".join(c for c in plain if unicodedata.category(c) != "Mn")
        return [piece for word in _TOKEN.findall(plain) for piece in self._of_word(word)]

    def _of_word(self, word: str) -> Sequence[int]:
        found = tuple(self._longest(word)) if len(word) <= _LONGEST_WORD else ()
        return found if found and found[-1] >= 0 else (self.unknown,)

    def _longest(self, word: str) -> Iterator[int]:
        """The longest piece that the rest of the word begins with, over and over; -1 where there is none."""
        start = 0
        while start < len(word):
            lead = "##" if start else ""
            ends = range(len(word), start, -1)
            end = next((end for end in ends if lead + word[start:end] in self.number), 0)
            if not end:
                yield -1
                return
            yield self.number[lead + word[start:end]]
            start = end


@dataclass(frozen=True, slots=True)
class _Linear:
    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        found: Floats = x @ self.weight
        found += self.bias
        return found


@dataclass(frozen=True, slots=True)
class _Norm:
    gain: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        centred = x - x.mean(axis=-1, keepdims=True)
        spread = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + _EPSILON)
        found: Floats = centred / spread * self.gain + self.bias
        return found


@dataclass(frozen=True, slots=True)
class _Layer:
    heads: int
    query: _Linear
    key: _Linear
    value: _Linear
    out: _Linear
    after_attention: _Norm
    widen: _Linear
    narrow: _Linear
    after_all: _Norm

    def __call__(self, x: Floats, texts: Sequence[slice], wanted: Sequence[Sequence[int]]) -> Floats:
        """What becomes of the `wanted` rows of each of the `texts`, whose rows of `x` lie one after the other.

        Each looks at all rows of its own text.
        """
        chosen = np.concatenate(wanted)
        query, key, value = self.query(x[chosen]), self.key(x), self.value(x)
        ends = np.cumsum([len(rows) for rows in wanted])
        seen = [
            self._seen(query[end - len(rows) : end], key[text], value[text])
            for end, rows, text in zip(ends, wanted, texts, strict=True)
        ]
        rows = self.after_attention(x[chosen] + self.out(np.concatenate(seen)))
        return self.after_all(rows + self.narrow(_gelu(self.widen(rows))))

    def _seen(self, query: Floats, key: Floats, value: Floats) -> Floats:
        """What the queries see of one text, each head apart."""
        size = query.shape[1] // self.heads
        asked, offered, told = (x.reshape(len(x), self.heads, size).transpose(1, 0, 2) for x in (query, key, value))
        shares = softmax(asked @ offered.transpose(0, 2, 1) / np.float32(size**0.5))
        found: Floats = (shares @ told).transpose(1, 0, 2).reshape(query.shape)
        return found


@dataclass(frozen=True, slots=True)
class Encoder:
    """The whole of it; `pieces` cuts texts into what `score` takes."""

    pieces: Pieces
    classes: tuple[str, ...]
    words: npt.NDArray[np.int8]
    word_scales: Floats
    places: Floats
    first_norm: _Norm
    layers: tuple[_Layer, ...]
    hidden: _Linear
    last: _Linear

    @classmethod
    def load(cls, path: Path) -> "Encoder":
        """Read the weights. Raises OSError, EOFError, BadZipFile, KeyError or ValueError where the file is not what it should be."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        return cls.of(arrays)

    @classmethod
    def of(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> "Encoder":
        """The encoder whose weights are given by name; matrices as `name.q` (outputs, inputs) and `name.scale`.

        Raises KeyError where one is missing, ValueError where sizes do not fit together.
        """
        heads, layers = int(arrays["heads"]), []
        for i in range(int(arrays["layers"])):
            query, key, value, out, widen, narrow = (_linear(arrays, f"{i}.{name}") for name in _LINEAR)
            after_attention, after_all = (_norm(arrays, f"{i}.{name}") for name in ("after_attention", "after_all"))
            layers.append(_Layer(heads, query, key, value, out, after_attention, widen, narrow, after_all))
        encoder = cls(
            Pieces.of(_names(arrays["pieces"])),
            tuple(_names(arrays["classes"])),
            arrays["words.q"],
            arrays["words.scale"].astype(np.float32),
            arrays["places"].astype(np.float32),
            _norm(arrays, "first"),
            tuple(layers),
            _linear(arrays, "hidden"),
            _linear(arrays, "last"),
        )
        if encoder.score([([encoder.pieces.start, encoder.pieces.end], 1, 2)]).shape != (1, len(encoder.classes)):
            raise ValueError("its sizes do not fit together")
        return encoder

    def score(self, texts: Sequence[Marked]) -> Floats:
        """The probabilities of the classes for the marked words of each text, a row each; all in one pass."""
        pieces = [number for text in texts for number in text[0]]
        ends = list(accumulate(len(text[0]) for text in texts))
        own = [slice(end - len(text[0]), end) for end, text in zip(ends, texts, strict=True)]
        x = self.words[pieces] * self.word_scales[pieces, None]
        x = self.first_norm(x + np.concatenate([self.places[: len(text[0])] for text in texts]))
        every = [range(text.start, text.stop) for text in own]
        for layer in self.layers[:-1]:
            x = layer(x, own, every)
        # of the last layer nobody asks for the other pieces
        read = [
            (at.start, *range(at.start + first, at.start + stop))
            for at, (_, first, stop) in zip(own, texts, strict=True)
        ]
        wanted = np.split(self.layers[-1](x, own, read), np.cumsum([len(rows) for rows in read])[:-1])
        both = np.stack([np.concatenate((rows[0], rows[1:].mean(axis=0))) for rows in wanted])
        return softmax(self.last(_gelu(self.hidden(both))))


def softmax(x: Floats) -> Floats:
    """exp(x) / sum exp(x) over the last axis."""
    grown = np.exp(x - x.max(axis=-1, keepdims=True))
    shares: Floats = grown / grown.sum(axis=-1, keepdims=True)
    return shares


def _gelu(x: Floats) -> Floats:
    """Of x, x Phi(x); Phi by the approximation with tanh."""
    inner = x * x
    inner *= np.float32(0.044715 * 0.7978845608)
    inner += np.float32(0.7978845608)
    inner *= x
    np.tanh(inner, out=inner)
    inner += 1
    inner *= x
    inner *= np.float32(0.5)
    return inner


def _linear(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> _Linear:
    weight = arrays[f"{name}.q"].astype(np.float32) * arrays[f"{name}.scale"].astype(np.float32)[:, None]
    return _Linear(np.ascontiguousarray(weight.T), arrays[f"{name}.bias"].astype(np.float32))


def _norm(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> _Norm:
    return _Norm(arrays[f"{name}.gain"].astype(np.float32), arrays[f"{name}.bias"].astype(np.float32))


def _names(array: npt.NDArray[Any]) -> list[str]:
    return bytes(array).decode("utf-8").split("\n")
