"""What a poll costs that brings 2 new entries of 35, against reading the whole document. Prints JSON.

    python bench/parse_known.py FOLDER_OF_FEEDS

Each document of the folder with at least 35 entries is cut to 35; times are the processor's, the best of three.
"""

import json
import statistics
import sys
import time
from pathlib import Path

import feedparser

from worker import slices
from worker.model import Document, Fetched
from worker.parse import parse

ENTRIES, NEW = 35, 2


def plain_cost(body: bytes) -> float:
    started = time.process_time()
    feedparser.parse(body)
    return time.process_time() - started


def cost(body: bytes, known: set[str]) -> float:
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        parse(Fetched(body, "https://x.example/feed"), known)
        best = min(best, time.process_time() - started)
    return best


def main() -> None:
    rows = []
    for file in sorted(Path(sys.argv[1]).iterdir()):
        body = file.read_bytes()
        found = slices.find_slices(body) or ()
        if len(found) < ENTRIES or not isinstance(parse(Fetched(body, "https://x.example/")), Document):
            continue
        body = slices.without(body, found[ENTRIES:])
        shortened = parse(Fetched(body, "https://x.example/"))
        marks = shortened.fingerprints if isinstance(shortened, Document) else ()
        if len(set(marks)) == ENTRIES:
            rows.append((cost(body, set()), cost(body, set(marks[NEW:])), plain_cost(body), len(body)))
    print(json.dumps(summary(rows), indent=2))


def summary(rows: list[tuple[float, float, float, int]]) -> dict[str, object]:
    whole, known, plain, sizes = zip(*rows, strict=True)
    return {
        "documents": len(rows),
        "median_bytes": statistics.median(sizes),
        "feedparser_alone_ms": ms(plain),
        "whole_ms": ms(whole),
        "two_new_ms": ms(known),
        "times_cheaper_than_feedparser_alone": times(plain, known),
        "times_cheaper_than_whole": times(whole, known),
    }


def ms(seconds: tuple[float, ...]) -> float:
    return round(1000 * statistics.median(seconds), 2)


def times(dear: tuple[float, ...], cheap: tuple[float, ...]) -> dict[str, float]:
    ratios = [one / other for one, other in zip(dear, cheap, strict=True)]
    return {
        "least": round(min(ratios), 1),
        "median": round(statistics.median(ratios), 1),
        "all_together": round(sum(dear) / sum(cheap), 1),
    }


if __name__ == "__main__":
    main()
