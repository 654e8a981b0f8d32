"""Fits the gate of the entity tagger: where in a text its network need look for names at all.

    python -m training.entity_gate --data ../shared/data --model worker/enrich/en_tocsin_news

The network reads the labelled corpora and a fourth of the unlabelled news; the gate is a logistic regression of where it
found names on the vectors of a word and of two words to each side, names and the rest weighing the same (Newton's method).
Its threshold then lets so many words of names pass unseen as `PASSED_OVER` says. Some minutes on one thread.
"""

import argparse
import random
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from training.entities import (
    SHARED_DATA,
    TEACHER_LABELS,
    Example,
    batches,
    labelled_example,
    read_corpus,
    taught_examples,
)
from worker.enrich import ner, pipeline
from worker.enrich.ner_gate import REACH, Gate

NEWS_SHARE = 4
"""Every so-manieth unlabelled text is read; the others are left to measure what is lost."""
PASSED_OVER = 2e-4
"""Share of the words of names that stand neither at nor beside a word which the gate admits."""
STEPS = 8
RIDGE = 1.0
ROWS_AT_ONCE = 40_000

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Reading:
    """Texts end to end, `ner.DEPTH` empty places around each.

    Per place the row of its word in `vectors` (0: none), and whether the network saw a name there.
    """

    vectors: Floats
    index: Rows
    is_name: Mask


def read(tagger: ner.BioTagger, examples: list[Example], chooser: random.Random) -> Reading:
    """Return what a tagger with an open gate finds in texts, in random order and case."""
    known: dict[str, int] = {}
    vectors = [np.zeros((1, ner.WIDTH), np.float32)]
    gap = np.zeros(ner.DEPTH, np.int64)
    index, is_name = [gap], [gap > 0]
    for batch in batches(examples, chooser):
        tagger.words.make_room()
        texts = [tagger.words.rows_of(example.words) for example in batch]
        new = list(dict.fromkeys(word for example in batch for word in example.words if word not in known))
        known.update(zip(new, range(len(known) + 1, len(known) + 1 + len(new)), strict=True))
        vectors.append(tagger.words.vectors[tagger.words.rows_of(new)])
        for example, names in zip(batch, tagger.names(texts), strict=True):
            inside = np.zeros(len(example.words), bool)
            for start, end, _ in names:
                inside[start:end] = True
            index += [np.array([known[word] for word in example.words], np.int64), gap]
            is_name += [inside, gap > 0]
    return Reading(np.concatenate(vectors), np.concatenate(index), np.concatenate(is_name))


def fit(reading: Reading) -> Gate:
    """Return the gate that tells apart where the network saw names and where it saw none."""
    words = np.flatnonzero(reading.index)
    is_name = reading.is_name[words]
    weight = np.where(is_name, len(words) / max(1, is_name.sum()), 1.0)
    solution: Doubles = np.zeros((2 * REACH + 1) * ner.WIDTH + 1)
    for _ in range(STEPS):
        slope, curve = -RIDGE * solution, RIDGE * np.eye(len(solution))
        for start in range(0, len(words), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            around = _around(reading, words[part])
            chance = 1 / (1 + np.exp(-(around @ solution.astype(np.float32))))
            slope += around.T @ (weight[part] * (is_name[part] - chance))
            curve += (around * (weight[part] * chance * (1 - chance))[:, None].astype(np.float32)).T @ around
        solution += np.linalg.solve(curve, slope)
    weights = np.ascontiguousarray(solution[:-1].reshape(-1, ner.WIDTH).T, np.float32)
    return _with_threshold(weights, reading)


def _around(reading: Reading, places: Rows) -> Floats:
    """The vectors of the words around each place side by side, and a one."""
    windows = reading.index[places[:, None] + np.arange(-REACH, REACH + 1)]
    around = reading.vectors[windows].reshape(len(places), -1)
    return np.hstack([around, np.ones((len(places), 1), np.float32)])


def _with_threshold(weights: Floats, reading: Reading) -> Gate:
    gate = Gate(weights, 0.0)
    evidence = gate.evidence(gate.hints(reading.vectors)[reading.index])
    evidence[reading.index == 0] = -np.inf
    beside = np.maximum(evidence, np.maximum(np.roll(evidence, 1), np.roll(evidence, -1)))
    return gate._replace(bias=-float(np.quantile(beside[reading.is_name], PASSED_OVER)))


def main() -> None:
    """Fit the gate of a written pipeline, and write it beside its network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED_DATA)
    parser.add_argument("--model", type=Path, default=pipeline.SHIPPED)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    nlp = pipeline.load(str(options.model), "numpy")
    tagger = cast("ner.BioTagger", nlp.get_pipe("tocsin_bio"))
    tagger.use(tagger.network)
    texts = [text for part in ("train", "dev") for text in read_corpus(options.data / "ner" / f"{part}.jsonl")]
    news = list(taught_examples(nlp, options.data / "topics" / "unlabelled.jsonl", TEACHER_LABELS))
    examples = [*(labelled_example(nlp, text["text"], text["ents"]) for text in texts), *news[::NEWS_SHARE]]
    reading = read(tagger, examples, random.Random(options.seed))
    gate = fit(reading)
    tagger.use(tagger.network, gate)
    tagger.to_disk(options.model / "tocsin_bio")
    is_word = reading.index > 0
    admitted = gate.admitted(gate.hints(reading.vectors)[reading.index], is_word)[is_word].mean()
    print(f"{len(examples)} texts, {is_word.sum():,} words; the gate admits {admitted:.1%} of them")


if __name__ == "__main__":
    main()
