"""Entity F1 on the test splits, and speed against the bare tagger in the same run.

    python -m training.evaluate_entities --data ../shared/data --json build/entities.json

Scoring: exact spans on raw text, PER / ORG / LOC (= GPE + LOC + FAC) / NORP, a leading "the" and a trailing "'s" set
aside on both sides; re3d untyped. The figures to beat were measured the same way.
"""

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from spacy.language import Language

from training.entities import SHARED_DATA, read_corpus
from worker.enrich import pipeline

TYPES = {"PERSON": "PER", "ORG": "ORG", "GPE": "LOC", "LOC": "LOC", "FAC": "LOC", "NORP": "NORP"}
SPLITS = ("pud", "ewt", "politics", "gumnews", "re3d")
# en_core_web_sm 2.2.5, and a spaCy 3.8 NER trained 42 minutes on the same corpora.
PEER = {"pud": 64.7, "ewt": 60.6, "politics": 66.5, "gumnews": 60.0, "re3d": 58.4}
REFERENCE = {"pud": 69.1, "ewt": 67.7, "politics": 74.2, "gumnews": 63.6, "re3d": 53.7}
SPEED_ROUNDS = 5
SPEED_TEXTS = 400


@dataclass(frozen=True, slots=True)
class Score:
    """Precision, recall and F1 in percent, with the counts they come from."""

    precision: float
    recall: float
    f1: float
    correct: int
    predicted: int
    labelled: int


Name = tuple[int, int, str]


def bare_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the span without "the " before, "'s" behind and white space around."""
    while True:
        before = (start, end)
        if text[start : start + 4].lower() == "the ":
            start += 4
        for possessive in ("'s", "’s"):
            if text[start:end].endswith(possessive):
                end -= len(possessive)
        while start < end and text[start].isspace():
            start += 1
        while end > start and text[end - 1].isspace():
            end -= 1
        if (start, end) == before:
            return before


def comparable(text: str, ents: Iterable[Sequence[Any]], *, typed: bool) -> set[Name]:
    """Return the names as they are compared: bare spans with one of four types, or with none."""
    return {
        (*bare_span(text, start, end), TYPES[label] if typed else "") for start, end, label in ents if label in TYPES
    }


def score(pairs: Iterable[tuple[set[Name], set[Name]]]) -> Score:
    """Return the score over (labelled, predicted) pairs, pooled."""
    correct = predicted = labelled = 0
    for gold, found in pairs:
        correct += len(gold & found)
        predicted += len(found)
        labelled += len(gold)
    return Score(
        round(100 * correct / max(1, predicted), 1),
        round(100 * correct / max(1, labelled), 1),
        round(200 * correct / max(1, predicted + labelled), 1),
        correct,
        predicted,
        labelled,
    )


def score_corpus(nlp: Language, texts: list[dict[str, Any]], *, typed: bool) -> dict[str, Score]:
    """Return the score of all names and, where the corpus has types, per type."""
    pairs = []
    for text, doc in zip(texts, nlp.pipe(text["text"] for text in texts), strict=True):
        found = [(ent.start_char, ent.end_char, ent.label_) for ent in doc.ents]
        pairs.append(
            (comparable(text["text"], text["ents"], typed=typed), comparable(text["text"], found, typed=typed))
        )
    scores = {"all": score(pairs)}
    for kind in sorted(set(TYPES.values())) if typed else ():
        scores[kind] = score(({n for n in a if n[2] == kind}, {n for n in b if n[2] == kind}) for a, b in pairs)
    return scores


def measure_speed(nlp: Language, texts: list[str]) -> dict[str, float]:
    """Return words per CPU second of the whole pipeline and of tokenizer and tagger alone, and their ratio.

    The best of some rounds taken in turn, so that a busy machine slows both; a word is what white space parts.
    """
    words = sum(len(text.split()) for text in texts)
    extra = [name for name in nlp.pipe_names if name not in ("tocsin_bio", "ner", "tok2vec", "transformer")]
    whole_s, bare_s = [], []
    for _ in range(SPEED_ROUNDS):
        whole_s.append(_cpu_s(nlp, texts))
        with nlp.select_pipes(disable=extra):
            bare_s.append(_cpu_s(nlp, texts))
    whole, bare = words / min(whole_s), words / min(bare_s)
    return {"words_per_s": round(whole), "bare_words_per_s": round(bare), "ratio": round(whole / bare, 3)}


def _cpu_s(nlp: Language, texts: list[str]) -> float:
    started = time.process_time()
    with nlp.memory_zone():
        for _doc in nlp.pipe(texts):
            pass
    return time.process_time() - started


def long_texts(news: Path) -> list[str]:
    """Return real articles of some length for the speed measurement."""
    articles = (item["text"] for item in read_corpus(news) if item["part"] == "long")
    return [text for text in articles if len(text.split()) > 200][:SPEED_TEXTS]


def evaluate(nlp: Language, data: Path) -> dict[str, Any]:
    """Return scores per split beside the two references, and the speed."""
    splits = {}
    for split in SPLITS:
        scores = score_corpus(nlp, read_corpus(data / "ner" / f"test_{split}.jsonl"), typed=split != "re3d")
        splits[split] = {
            "peer_f1": PEER[split],
            "reference_f1": REFERENCE[split],
            **{kind: asdict(one) for kind, one in scores.items()},
        }
    return {"splits": splits, "speed": measure_speed(nlp, long_texts(data / "topics" / "unlabelled.jsonl"))}


def main() -> None:
    """Print the figures and write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED_DATA)
    parser.add_argument("--model", default=None, help="a spaCy pipeline by name or folder; default: the one that ships")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args()
    figures = evaluate(pipeline.load(options.model), options.data)
    for split, row in figures["splits"].items():
        kinds = " ".join(f"{kind} {row[kind]['f1']}" for kind in ("PER", "ORG", "LOC", "NORP") if kind in row)
        print(f"{split:9} F1 {row['all']['f1']} (peer {row['peer_f1']}, reference {row['reference_f1']})  {kinds}")
    print(figures["speed"])
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
