"""The recipe of the entity tagger: labelled corpora and a teacher's labels in, a spaCy pipeline out.

    python -m training.entities --data ../shared/data --out worker/enrich/en_tocsin_news

Learns from the corpora of `ner/` (licences: `MODEL_CARD.entities.md`) and from the unlabelled news of `topics/` as a
larger network read them (`training/entity_teacher.py` writes its reading to `data/entity_labels.npz`: tags, no text).
One thread, no randomness beyond `--seed`. What is written looks for names everywhere; `training/entity_gate.py` then
tells it where it need not.
"""

import argparse
import json
import os
import random
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import spacy
from spacy.language import Language
from thinc.api import Adam, NumpyOps, fix_random_seed, set_current_ops, set_dropout_rate

import worker.enrich.gazetteer  # noqa: F401 (registers its component)
from worker.enrich import ner

HERE = Path(__file__).parent
SHARED_DATA = Path(os.environ.get("TOCSIN_SHARED") or HERE.parents[1] / "shared") / "data"
TEACHER_LABELS = HERE / "data" / "entity_labels.npz"
TAGS = 2 * len(ner.LABELS) + 1
LONGEST_ITEM = 2_500
EPOCHS = 4
BATCH_WORDS = 3_000
LEARN_RATE = 2e-3
WARM_UP_STEPS = 200
DROPOUT = 0.1
WEIGHT_DECAY = 0.005

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Example:
    """The words of a text and what they should be: probabilities of the tags, shape (words, tags).

    A row of zeros teaches nothing: the word's label is unknown.
    """

    words: list[str]
    targets: npt.NDArray[np.float16]


def read_corpus(path: Path) -> list[dict[str, Any]]:
    """Return the texts of a corpus file: id, text and ents as [start, end, label]."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def labelled_example(nlp: Language, text: str, ents: Sequence[tuple[int, int, str]]) -> Example:
    """Return a text as words with one tag each; words that a name cuts through stay unknown."""
    doc = nlp.make_doc(text)
    targets = np.zeros((len(doc), TAGS), np.float16)
    targets[:, 0] = 1
    for start, end, label in ents:
        span = doc.char_span(start, end, alignment_mode="expand")
        if span is None:
            continue
        targets[span.start : span.end] = 0
        if (span.start_char, span.end_char) == (start, end):
            tag = 2 * ner.LABELS.index(label)
            targets[span.start, tag + 1] = 1
            targets[span.start + 1 : span.end, tag + 2] = 1
    return Example([token.text for token in doc], targets)


def news_text(item: dict[str, Any]) -> str:
    """Return title and text of an unlabelled item, the title once, cut to what the teacher read."""
    title, text = item["title"], item["text"]
    return str(text if text.startswith(title) else f"{title}\n{text}")[:LONGEST_ITEM]


def taught_examples(nlp: Language, news: Path, labels: Path) -> Iterator[Example]:
    """Yield the unlabelled texts as the teacher read them; texts that have changed since are left out."""
    with np.load(labels) as stored:
        reading = {name: stored[name] for name in stored.files}
    ends = np.cumsum(reading["words"])
    where = {str(name): row for row, name in enumerate(reading["ids"])}
    targets = _targets(reading)
    for item in read_corpus(news):
        row = where.get(item["id"])
        text = news_text(item)
        if row is None or zlib.crc32(text.encode()) != reading["checksums"][row]:
            continue
        words = [token.text for token in nlp.make_doc(text)]
        if len(words) == reading["words"][row]:
            yield Example(words, targets[ends[row] - len(words) : ends[row]])


def _targets(reading: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float16]:
    """Return probabilities per word: certain tags as 1, the doubtful as stored in steps of 1/255."""
    targets = np.zeros((len(reading["tags"]), TAGS), np.float16)
    targets[np.arange(len(targets)), reading["tags"]] = 1
    doubtful = reading["doubtful"].astype(np.float32)
    targets[reading["doubtful_at"]] = doubtful / doubtful.sum(axis=1, keepdims=True)
    return targets


def recased(words: list[str], chance: float) -> list[str]:
    """Return the words as a headline sets them, for some values of `chance` in [0, 1): capitals, small, title."""
    if chance < 0.04:
        return [word.upper() for word in words]
    if chance < 0.07:
        return [word.lower() for word in words]
    if chance < 0.13:
        return [word[:1].upper() + word[1:] if len(word) > 3 else word for word in words]
    return words


def batches(examples: list[Example], chooser: random.Random) -> Iterator[list[Example]]:
    """Yield every example once, in random order and case, about `BATCH_WORDS` words at a time."""
    batch: list[Example] = []
    size = 0
    for example in chooser.sample(examples, len(examples)):
        batch.append(Example(recased(example.words, chooser.random()), example.targets))
        size += len(example.words)
        if size >= BATCH_WORDS:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


class Featurizer:
    """Turns a batch into what the network reads, each distinct word's features made once."""

    def __init__(self) -> None:
        self._known: dict[str, npt.NDArray[np.uint64]] = {}

    def __call__(self, batch: list[Example]) -> tuple[ner.Words, Floats]:
        """Return the words (features, index per token) and the targets; texts stand apart by empty rows."""
        vocabulary: dict[str, int] = {}
        gap, no_target = [-1] * ner.DEPTH, np.zeros((ner.DEPTH, TAGS), np.float32)
        index, targets = [*gap], [no_target]
        for example in batch:
            index += [vocabulary.setdefault(word, len(vocabulary)) for word in example.words] + gap
            targets += [example.targets.astype(np.float32), no_target]
        features = np.array([self._features(word) for word in vocabulary], dtype=np.uint64)
        return (features, np.array(index)), np.concatenate(targets)

    def _features(self, word: str) -> npt.NDArray[np.uint64]:
        if word not in self._known:
            self._known[word] = np.array(ner.word_features(word), dtype=np.uint64)
        return self._known[word]


def train(tagger: ner.BioTagger, examples: list[Example], epochs: int, seed: int) -> None:
    """Fit the tagger's network by cross entropy; it ends with the average of its weights over the steps."""
    chooser = random.Random(seed)
    featurize = Featurizer()
    optimizer = Adam(LEARN_RATE, L2=WEIGHT_DECAY, grad_clip=1.0, use_averages=True)
    steps = epochs * sum(len(example.words) for example in examples) / BATCH_WORDS
    started, step = time.monotonic(), 0
    for epoch in range(epochs):
        losses = []
        for batch in batches(examples, chooser):
            words, targets = featurize(batch)
            losses.append(update(tagger, words, targets))
            optimizer.learn_rate = LEARN_RATE * min(1, (step + 1) / WARM_UP_STEPS) * max(0.01, 1 - step / steps)
            tagger.network.finish_update(optimizer)
            optimizer.step_schedules()
            step += 1
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {time.monotonic() - started:.0f} s", flush=True)
    tagger.network.use_params(optimizer.averages).__enter__()
    set_dropout_rate(tagger.network, 0.0)


def update(tagger: ner.BioTagger, words: ner.Words, targets: Floats) -> float:
    """Accumulate the gradient of one batch; return the mean cross entropy of its taught words."""
    scores, backward = tagger.network.begin_update(words)
    taught = targets.sum(axis=1, keepdims=True)
    exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = exponents / exponents.sum(axis=1, keepdims=True)
    # The scale cancels in Adam but for its epsilon and the clipping.
    backward(((probabilities * taught - targets) * (64 / taught.sum())).astype(np.float32))
    return float(-(targets * np.log(probabilities + 1e-9)).sum() / taught.sum())


def new_pipeline(seed: int) -> Language:
    """Return the pipeline with fresh weights."""
    fix_random_seed(seed)
    nlp = spacy.blank("en")
    nlp.meta |= {
        "name": "tocsin_news",
        "version": "1.0.0",
        "spacy_version": ">=3.8,<3.9",
        "license": "CC BY-SA 4.0",
        "description": "Names in English news: PERSON, ORG, GPE, LOC, NORP, FAC learnt; the rest by rule.",
    }
    tagger = nlp.add_pipe("tocsin_bio")
    nlp.add_pipe("tocsin_gazetteer")
    network = ner.build_network(dropout=DROPOUT)
    network.initialize()
    cast("ner.BioTagger", tagger).use(network)
    return nlp


def main() -> None:
    """Train and write the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED_DATA)
    parser.add_argument("--out", type=Path, default=HERE.parent / "worker" / "enrich" / "en_tocsin_news")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    set_current_ops(NumpyOps(use_blis=False))
    nlp = new_pipeline(options.seed)
    texts = [text for part in ("train", "dev") for text in read_corpus(options.data / "ner" / f"{part}.jsonl")]
    # Another vocabulary reads the texts: their words are not shipped.
    reader = spacy.blank("en")
    examples = [labelled_example(reader, text["text"], text["ents"]) for text in texts]
    examples += taught_examples(reader, options.data / "topics" / "unlabelled.jsonl", TEACHER_LABELS)
    train(cast("ner.BioTagger", nlp.get_pipe("tocsin_bio")), examples, options.epochs, options.seed)
    nlp.to_disk(options.out)
    print(f"{len(examples)} texts, {time.process_time() / 60:.1f} processor minutes", flush=True)


if __name__ == "__main__":
    main()
