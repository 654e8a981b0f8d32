"""What the learnt judgement of modality costs: milliseconds an event, and its share of reading whole articles. Prints JSON.

    python -m bench.judgement             400 articles that tell an event, 3 rounds

The two sides, with the learnt judgement and by the rules alone, read the same articles in turn, each for the first time in its process's
memory of words. Seconds are of processor time, one thread.
"""

import argparse
import json
import os
import time
from pathlib import Path
from statistics import median
from typing import Any

from bench.corpus import shared
from worker.model import LanguageModel


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    print(json.dumps(measure(shared(), options.articles, options.rounds), indent=2))


def measure(data: Path, articles: int, rounds: int) -> dict[str, Any]:
    from training.evaluate_events import TRIGGERS, article_of, texts_of
    from worker.enrich.enricher import load

    named = (json.loads(line)["article"] for line in TRIGGERS.read_text("utf-8").splitlines())
    chosen = [article_of(text) for text in texts_of(data, set(list(dict.fromkeys(named))[:articles])).values()]
    learnt, ruled = load(LanguageModel(judges_events=True)), load()
    spent: dict[str, list[float]] = {"learnt": [], "ruled": []}
    for part in (chosen[i::rounds] for i in range(rounds)):
        for name, side in (("learnt", learnt), ("ruled", ruled)):
            started = time.process_time()
            analyses = side.enrich(part)
            spent[name].append((time.process_time() - started) / len(part) * 1e3)
        told = sum(len(analysis.events) for analysis in analyses)
    with_judge, without = median(spent["learnt"]), median(spent["ruled"])
    return {
        "articles": len(chosen),
        "events_an_article": round(told / len(part), 2),
        "ms_an_article": {"learnt": round(with_judge, 2), "by_rules": round(without, 2)},
        "ms_an_event": round((with_judge - without) * len(part) / max(told, 1), 2),
    }


if __name__ == "__main__":
    main()
