"""Asks a larger model for a second opinion on labelled triggers, and writes it beside their labels.

    python -m training.modality_teacher --model FOLDER --data ../shared/data

FOLDER holds all-mpnet-base-v2 (Apache-2.0). Its upper five layers are fitted on what was labelled before the fourth draw, without
the publishers in `LEFT_OUT`, and it judges every trigger: those of the fourth draw and of these publishers without having been
taught them. Hundredths of the classes go to the field `teacher` of `data/modality.jsonl`. Needs torch, transformers and
a quarter of an hour of one core: it runs only when the labels change.
"""

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModel, AutoTokenizer

from training.evaluate_events import TRIGGERS
from training.modality import LEFT_OUT, Labelled, Reader, labelled, padded, target
from worker.enrich import enricher
from worker.enrich.events.learnt import CLASSES

FROZEN, WIDTH, EPOCHS, LEFT, RIGHT = 7, 768, 2, 42, 24
RATE, HEAD_RATE, DECAY, DROPPED = 1e-4, 1e-3, 0.9, 0.1
AT_ONCE = 32
"""Rows that are judged in one pass."""


def main() -> None:
    """Fit both, and write what they say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    rows = labelled(options.data, enricher.load())
    teacher = Teacher(options.model)
    teacher.fit([row for row in rows if row.part not in ("fourth", "marked") and row.publisher not in LEFT_OUT])
    lines = [json.loads(line) for line in TRIGGERS.read_text("utf-8").splitlines()]
    for line, row in zip(lines, rows, strict=False):  # the triggers come first
        if (line["part"], line["type"]) != (row.part, row.type):
            raise ValueError("the triggers of an article that is held out are among those to be taught")
    for line, shares in zip(lines, teacher.judge(rows[: len(lines)]), strict=True):
        line["teacher"] = [round(100 * share) for share in shares.tolist()]
    kept = (json.dumps(line, ensure_ascii=False, separators=(",", ":")) for line in lines)
    TRIGGERS.write_text("".join(f"{line}\n" for line in kept), "utf-8")


class Teacher(Reader):
    """The larger model."""

    def __init__(self, model: Path) -> None:
        super().__init__()
        self.cutter = AutoTokenizer.from_pretrained(model, local_files_only=True)
        self.nothing = self.cutter.pad_token_id
        self.body = AutoModel.from_pretrained(
            model, local_files_only=True, add_pooling_layer=False, attn_implementation="eager"
        )
        self.hidden, self.last = nn.Linear(2 * WIDTH, WIDTH), nn.Linear(WIDTH, len(CLASSES))
        self.dropout = nn.Dropout(DROPPED)
        for name, parameter in self.named_parameters():
            layer = re.search(r"\.layer\.(\d+)\.", name)
            if name.startswith("body") and (layer is None or int(layer[1]) < FROZEN):
                parameter.requires_grad_(requires_grad=False)
        for layer in self.body.encoder.layer:
            layer.attention.attn.dropout.p = 0.0

    def fit(self, rows: Sequence[Labelled]) -> None:
        """Teach it the labels of the rows."""
        lessons = [(self._cut(row), target(row, trust=0.0)) for row in rows]
        self.descend(self._groups(), lessons, EPOCHS, random.Random(0))

    def judge(self, rows: Sequence[Labelled]) -> list[torch.Tensor]:
        """The probabilities of the classes for each row."""
        self.eval()
        cuts = [self._cut(row) for row in rows]
        order = sorted(range(len(cuts)), key=lambda i: len(cuts[i][0]))
        found: dict[int, torch.Tensor] = {}
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            for start in range(0, len(order), AT_ONCE):
                near = order[start : start + AT_ONCE]
                shares = self(*padded([cuts[i] for i in near], self.nothing)).float().softmax(-1)
                found |= dict(zip(near, shares, strict=True))
        return [found[i] for i in range(len(cuts))]

    def _cut(self, row: Labelled) -> tuple[list[int], int, int]:
        cutter = self.cutter
        left, trigger, right, kind, mark = (
            cutter(text, add_special_tokens=False)["input_ids"]
            for text in (
                row.sentence[: row.start],
                row.sentence[row.start : row.stop],
                row.sentence[row.stop :],
                row.type,
                "*",
            )
        )
        lead = [cutter.cls_token_id, *kind, cutter.sep_token_id, *left[-LEFT:], *mark]
        read = [*lead, *trigger, *mark, *right[:RIGHT], cutter.sep_token_id]
        return read, len(lead), len(lead) + len(trigger)

    def _groups(self) -> list[dict[str, Any]]:
        layers, found = len(self.body.encoder.layer), []
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                depth = int(name.split(".")[3]) if name.startswith("body") else 0
                rate = RATE * DECAY ** (layers - depth) if name.startswith("body") else HEAD_RATE
                found.append({"params": [parameter], "lr": rate, "weight_decay": 0.01 if parameter.ndim > 1 else 0.0})
        return found


if __name__ == "__main__":
    main()
