"""The whole enrichment against bare `nlp.pipe` of the same model, in turn, on one core. Prints JSON.

    python -m bench.enrichment            five rounds of 150 articles of 200 words or more

*bare* is the tagger as it ships, *full* the same without its gate: tokens, vectors and tags of every word.
*judged* is the whole where a watch asks for events, whose modality is then judged by a network of its own.
Each side first reads 1,000 other articles, since a worker has long seen the common words; then no article comes twice to a
side. The articles are made beforehand: their zones are the parser's work. Seconds are of processor time, so that other work on
the machine counts less.
"""

import argparse
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.bare import bare_tagger
from bench.corpus import shared
from bench.figures import spread
from worker.model import Article, LanguageModel
from worker.runtime.garbage import settle
from worker.zones import split_zones

LEAST_WORDS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm", type=int, default=1_000)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    texts = shared() / "topics" / "unlabelled.jsonl"
    print(json.dumps(run(texts, options.warm, options.articles, options.rounds), indent=2))


def run(texts: Path, warm: int = 1_000, articles: int = 150, rounds: int = 5) -> dict[str, Any]:
    """Words a second, milliseconds an article and the ratios, over texts of a JSON Lines file that no side has read."""
    found = read_texts(texts, warm + articles * rounds)
    return measure(found[:warm], found[warm:], rounds)


def read_texts(file: Path, wanted: int) -> list[str]:
    """So many different texts, always the same ones in the same order. Raises ValueError where there are too few."""
    with file.open(encoding="utf-8") as lines:
        texts = (json.loads(line)["text"] for line in lines)
        found = [text for text in dict.fromkeys(texts) if len(text.split()) > LEAST_WORDS]
    random.Random(7).shuffle(found)
    if len(found) < wanted:
        msg = f"there are {len(found):,} texts of more than {LEAST_WORDS} words; {wanted:,} were asked for"
        raise ValueError(msg)
    return found[:wanted]


def measure(warm: list[str], texts: list[str], rounds: int) -> dict[str, Any]:
    from worker.enrich import enricher  # numpy reads the number of threads when it is loaded

    whole, glancing = enricher.load(), enricher.load()
    judging = enricher.load(LanguageModel(judges_events=True))
    bare, full = bare_tagger(has_gate=True), bare_tagger(has_gate=False)
    sides: dict[str, Callable[[list[str], list[list[Article]]], object]] = {
        "whole": lambda _, articles: [whole.enrich(batch) for batch in articles],
        "judged": lambda _, articles: [judging.enrich(batch) for batch in articles],
        "glance": lambda _, articles: [glancing.glance(batch) for batch in articles],
        "bare": lambda some, _: list(bare.pipe(some)),
        "full": lambda some, _: list(full.pipe(some)),
    }
    for read in sides.values():
        read(warm, batches(warm))
    settle()
    parts = [texts[n::rounds] for n in range(rounds)]
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for part in parts:
        articles = batches(part)
        for name, read in sides.items():
            started = time.process_time()
            read(part, articles)
            spent[name].append(time.process_time() - started)
    words = [sum(len(text.split()) for text in part) for part in parts]
    return {
        "articles": len(texts),
        "words": sum(words),
        "words_per_s": {
            name: spread([n / s for n, s in zip(words, seconds, strict=True)]) for name, seconds in spent.items()
        },
        "ms_per_article": {
            name: spread([s / len(part) * 1000 for part, s in zip(parts, seconds, strict=True)])
            for name, seconds in spent.items()
        },
        **{
            f"{name}_to_{other}": spread([b / s for b, s in zip(spent[other], spent[name], strict=True)])
            for other in ("bare", "full")
            for name in ("whole", "judged", "glance")
        },
    }


def batches(texts: list[str]) -> list[list[Article]]:
    articles = [as_article(text) for text in texts]
    return [articles[i : i + 32] for i in range(0, len(articles), 32)]


def as_article(text: str) -> Article:
    title, _, body = text.partition("\n")
    return Article("", "", "", title, f"{title}\n{body}", split_zones(title, body), declared_language="en")


if __name__ == "__main__":
    main()
