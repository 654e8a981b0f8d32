"""The whole enrichment against bare `nlp.pipe` of the same model, in turn, on one core. Prints JSON.

    python -m bench.enrichment            400 articles of 200 words or more, five rounds

Seconds are of processor time, so that other work on the machine counts less; the first round warms both sides up.
"""

import argparse
import gc
import json
import os
import time
from collections.abc import Callable

from bench.figures import spread
from bench.week import shared
from worker.model import Article
from worker.zones import split_zones

LEAST_WORDS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    print(json.dumps(measure(read_texts(options.articles), options.rounds), indent=2))


def read_texts(wanted: int) -> list[str]:
    with (shared() / "topics" / "unlabelled.jsonl").open(encoding="utf-8") as lines:
        texts = (json.loads(line)["text"] for line in lines)
        return [text for text in texts if len(text.split()) > LEAST_WORDS][:wanted]


def measure(texts: list[str], rounds: int) -> dict[str, object]:
    from worker.enrich import enricher, pipeline

    whole = enricher.load()
    bare = pipeline.load()
    bare.remove_pipe("tocsin_gazetteer")
    articles = [as_article(text) for text in texts]
    batches = [articles[i : i + 32] for i in range(0, len(articles), 32)]
    sides: dict[str, Callable[[], object]] = {
        "whole": lambda: [whole.enrich(batch) for batch in batches],
        "glance": lambda: [whole.glance(batch) for batch in batches],
        "bare": lambda: list(bare.pipe(texts)),
    }
    for run in sides.values():
        run()
    gc.collect()
    gc.freeze()
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            started = time.process_time()
            run()
            spent[name].append(time.process_time() - started)
    words = sum(len(text.split()) for text in texts)
    pairs = list(zip(spent["bare"], spent["whole"], spent["glance"], strict=True))
    return {
        "articles": len(texts),
        "words": words,
        "words_per_s": {name: spread([words / s for s in seconds]) for name, seconds in spent.items()},
        "ms_per_article": {name: spread([s / len(texts) * 1000 for s in seconds]) for name, seconds in spent.items()},
        "whole_to_bare": spread([b / w for b, w, _ in pairs]),
        "glance_to_bare": spread([b / g for b, _, g in pairs]),
    }


def as_article(text: str) -> Article:
    title, _, body = text.partition("\n")
    return Article("", "", "", title, f"{title}\n{body}", split_zones(title, body), declared_language="en")


if __name__ == "__main__":
    main()
