"""The bare language model, and bare enrichment, over the texts of the end-to-end bench: no feeds, no store, no webhooks.

    python -m bench.bare full --articles 400          `nlp.pipe` of the pipeline that ships, rules and gate taken out: every word is read
    python -m bench.bare tagger --articles 400        the same with its gate, as it ships
    python -m bench.bare enrichment --articles 400    all that an article is read for, in batches of 32
    python -m bench.bare pipe --articles 400          one `nlp.pipe(n_process=cores)` of the pipeline that ships: names and rules

As many processes as the machine has cores each read their share of the texts, divided beforehand; `pipe` alone is one call, and
spaCy divides the texts among its processes and brings the documents together. Prints JSON.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.load import Load, warm_texts

if TYPE_CHECKING:
    from spacy.language import Language

SIDES = ("pipe", "full", "tagger", "enrichment")
BATCH, PIPE_BATCH = 32, 256
"""Texts read at once; `nlp.pipe` with processes of its own is faster with more (a tenth, than with 64)."""


def bare_tagger(*, has_gate: bool) -> "Language":
    """The pipeline that ships, its rules taken out; without its gate it reads every word."""
    from worker.enrich import pipeline

    nlp = pipeline.load()
    nlp.remove_pipe("tocsin_gazetteer")
    tagger: Any = nlp.get_pipe("tocsin_bio")
    if not has_gate:
        tagger.use(tagger.network)
    return nlp


def reader(side: str) -> Callable[[Sequence[str]], Iterator[object]]:
    """What reads texts, one after the other."""
    if side in ("full", "tagger"):
        nlp = bare_tagger(has_gate=side == "tagger")
        return lambda texts: chain.from_iterable(nlp.pipe(batch) for batch in _batches(texts))
    if side == "pipe":
        from worker.enrich import pipeline

        whole = pipeline.load()
        _drop(whole.pipe(warm_texts()))  # here, since its processes know what this one knew when they began
        return lambda texts: whole.pipe(texts, n_process=os.cpu_count() or 1, batch_size=PIPE_BATCH)
    from bench.enrichment import as_article
    from worker.enrich.enricher import load

    enricher = load()
    return lambda texts: chain.from_iterable(enricher.enrich([*map(as_article, batch)]) for batch in _batches(texts))


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    return (texts[i : i + BATCH] for i in range(0, len(texts), BATCH))


def read_share(side: str, texts: Sequence[str]) -> None:
    """Load, say so, wait for a line, read the texts, print the seconds."""
    read = reader(side)
    _drop(read(warm_texts()))
    print("ready", flush=True)
    sys.stdin.readline()
    wall, cpu = time.perf_counter(), _processor_s()
    _drop(read(texts))
    print(json.dumps({"wall_s": time.perf_counter() - wall, "cpu_s": _processor_s() - cpu}), flush=True)


def _drop(found: Iterator[object]) -> None:
    """Go through what is read and keep none of it."""
    deque(found, maxlen=0)


def _processor_s() -> float:
    """Seconds that this process and those it has started and seen end have been at work."""
    spent = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in spent)


def run(side: str, articles: int, feeds: int) -> dict[str, Any]:
    """One process for each core, started together; of `pipe` one, which starts the others itself."""
    cores = 1 if side == "pipe" else os.cpu_count() or 1
    command = [sys.executable, "-W", "ignore", "-m", "bench.bare", side, "--articles", str(articles)]
    processes = [
        subprocess.Popen(
            [*command, "--feeds", str(feeds), "--share", f"{n}/{cores}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for n in range(cores)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    found = [json.loads(process.communicate()[0]) for process in processes]
    return {
        "articles_per_s": round(articles / max(one["wall_s"] for one in found), 2),
        "cpu_ms_per_article": round(sum(one["cpu_s"] for one in found) / articles * 1000, 2),
        "processes": cores,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument("--feeds", type=int, default=12)
    parser.add_argument("--share", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if options.share:
        number, of = map(int, options.share.split("/"))
        read_share(options.side, Load(options.articles, options.feeds).texts[number::of])
    else:
        print(json.dumps(run(options.side, options.articles, options.feeds), indent=2))


if __name__ == "__main__":
    main()
