"""The gate of the names network: where in a text it need look for names at all.

What each word adds for itself and those around it depends on the word alone and is kept with it (`ner.KnownWords`). What fits the
gate is `training/entity_gate.py`.
"""

from pathlib import Path
from typing import Final, NamedTuple, Self, cast

import numpy as np

from worker.enrich.ner_decode import Floats
from worker.enrich.ner_pass import Mask, spread

# How far to each side the gate looks.
REACH: Final = 2
_FILE: Final = "gate.npz"


class Gate(NamedTuple):
    """Where names are looked for: at and beside each word for which `bias` and what `weights` make of the vectors around it exceed 0.

    `weights` has shape (width, 2 * `REACH` + 1), its columns for the words from two before to two behind.
    """

    weights: Floats
    bias: float

    @classmethod
    def open(cls, width: int) -> Self:
        """Names are looked for everywhere; `width` is that of the vectors."""
        return cls(np.zeros((width, 2 * REACH + 1), np.float32), 1.0)

    @classmethod
    def read(cls, folder: Path, width: int) -> Self | None:
        """What `write` wrote there; None where no gate was fitted to the network, ValueError where it fits no vectors of that width."""
        if not (folder / _FILE).is_file():
            return None
        with np.load(folder / _FILE, allow_pickle=False) as stored:
            gate = cls(stored["weights"], float(stored["bias"]))
        if gate.weights.shape != (expected := cls.open(width).weights.shape):
            raise ValueError(
                f"{_FILE} has weights of shape {gate.weights.shape}, not {expected}; run training.entity_gate anew"
            )
        return gate

    def write(self, folder: Path) -> None:
        """Write it, 2 KB, beside the network's weights."""
        np.savez(folder / _FILE, weights=self.weights, bias=self.bias)

    def hints(self, vectors: Floats) -> Floats:
        """Return what each word, by its vector, adds for itself and those around it, (words, places)."""
        return cast("Floats", vectors @ self.weights)

    def evidence(self, hints: Floats) -> Floats:
        """Return how much speaks for a name at each word of a row, given the hints of each; beyond its ends stands nothing."""
        evidence = np.full(len(hints), self.bias, np.float32)
        for place, distance in enumerate(range(-REACH, REACH + 1)):
            start, end = max(0, -distance), len(hints) - max(0, distance)
            if start < end:
                evidence[start:end] += hints[start + distance : end + distance, place]
        return evidence

    def admitted(self, hints: Floats, is_word: Mask) -> Mask:
        """Return which words of a row are looked at, given the hints of each, and where in the row a word stands at all."""
        return spread((self.evidence(hints) > 0) & is_word) & is_word
