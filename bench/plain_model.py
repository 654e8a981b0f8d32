"""spaCy's own design, trained for a moment: the model the plain design runs.

    python -m bench.plain_model FOLDER

The configuration is what `spacy init config --pipeline ner,textcat_multilabel` writes for English on a processor: a
transition parser over 18 labels (those of OntoNotes) on a tok2vec of width 96 and depth 4, and a text categoriser. Some
hundred updates on real sentences make the parser act as a trained one does; how well it finds names is no matter here.
"""

import json
import random
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from bench.corpus import shared

LABELS = (
    "CARDINAL DATE EVENT FAC GPE LANGUAGE LAW LOC MONEY NORP ORDINAL ORG PERCENT PERSON PRODUCT QUANTITY TIME WORK_OF_ART"
).split()
UPDATES, AT_ONCE = 80, 32


def build(folder: Path) -> Path:
    """Train, and keep the pipeline in the folder, which is returned."""
    from spacy.cli.init_config import init_config
    from spacy.training import Example
    from spacy.util import fix_random_seed, load_model_from_config  # type: ignore[attr-defined]

    fix_random_seed(7)
    chance = random.Random(7)
    nlp: Any = load_model_from_config(init_config(lang="en", pipeline=["ner", "textcat_multilabel"]), auto_fill=True)
    rows = list(_rows())
    chance.shuffle(rows)
    examples = [Example.from_dict(nlp.make_doc(text), said) for text, said in rows[: UPDATES * AT_ONCE]]
    for label in LABELS:
        nlp.get_pipe("ner").add_label(label)
    nlp.initialize(lambda: examples[:1_000])
    for i in range(0, len(examples), AT_ONCE):
        nlp.update(examples[i : i + AT_ONCE])
    nlp.to_disk(folder)
    return folder


def _rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Texts with their names, and texts with their topics, in turn."""
    topics: set[str] = set()
    with (shared() / "topics" / "dev.jsonl").open(encoding="utf-8") as lines:
        items = [json.loads(line) for line in islice(lines, UPDATES * AT_ONCE // 4)]
    for item in items:
        topics |= item["topics"].keys()
    for item in items:
        yield item["text"][:1_000], {"cats": {topic: float(topic in item["topics"]) for topic in sorted(topics)}}
    with (shared() / "ner" / "train.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["text"], {"entities": [tuple(span) for span in row["ents"]]}


if __name__ == "__main__":
    print(build(Path(sys.argv[1])))
