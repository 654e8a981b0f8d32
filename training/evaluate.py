"""`make eval`: every figure of the shipped models, to docs/quality.json and docs/quality.md.

Topics by cross-validation over publishers, beside the phrase baseline and a plain TF-IDF reference; entities on the
test splits; events on labelled sentences; the speed of the whole enrichment beside the bare tagger in the same run.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from training import evaluate_entities, evaluate_events, evaluate_topics
from worker.enrich import enricher, pipeline
from worker.enrich.topics import PACKAGED_MODEL
from worker.model import Article
from worker.zones import split_zones

ROOT = Path(__file__).parents[1]
ROUNDS = 5


def measure_enrichment(texts: list[str]) -> dict[str, float]:
    """Words/s of the whole enrichment and of the bare names pipeline, medians of rounds taken in turn, one core."""
    loaded = enricher.load()
    bare = pipeline.load()
    bare.remove_pipe("tocsin_gazetteer")
    articles = [_article(text) for text in texts]
    words = sum(len(text.split()) for text in texts)
    ratios, whole_s, bare_s = [], [], []
    loaded.enrich(articles[:8])
    for _ in range(ROUNDS):
        whole_s.append(_seconds(lambda: loaded.enrich(articles)))
        bare_s.append(_seconds(lambda: list(bare.pipe(texts))))
        ratios.append(bare_s[-1] / whole_s[-1])
    return {
        "whole_words_per_s": round(words / median(whole_s)),
        "bare_words_per_s": round(words / median(bare_s)),
        "ratio": round(median(ratios), 3),
        "ratio_least": round(min(ratios), 3),
        "ratio_most": round(max(ratios), 3),
    }


def entities_markdown(report: dict[str, Any], enrichment: dict[str, float]) -> str:
    """The section on names and speed."""
    lines = [
        "## Entities",
        "",
        "F1 of exact spans on raw text. *Peer* is `en_core_web_sm` 2.2.5, *reference* a spaCy NER trained 42 minutes on",
        "the same corpora. re3d is scored untyped.",
        "",
        "| split | peer | reference | ours | precision | recall |",
        "|---|---|---|---|---|---|",
    ]
    for split, row in report["splits"].items():
        ours = row["all"]
        lines.append(
            f"| {split} | {row['peer_f1']} | {row['reference_f1']} | **{ours['f1']}** | {ours['precision']} | {ours['recall']} |"
        )
    return "\n".join(
        [
            *lines,
            "",
            "## Speed",
            "",
            (
                f"The whole enrichment (language, sentences, names, gazetteers, topics) reads "
                f"{enrichment['whole_words_per_s']:,} words/s on one core, the bare names pipeline "
                f"{enrichment['bare_words_per_s']:,} in the same run: a ratio of {enrichment['ratio']} "
                f"({enrichment['ratio_least']}–{enrichment['ratio_most']} over {ROUNDS} rounds)."
            ),
            "",
        ]
    )


def main() -> None:
    """Evaluate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where quality.json and quality.md go")
    options = parser.parse_args()
    topics = evaluate_topics.evaluate(options.data, PACKAGED_MODEL)
    entities = evaluate_entities.evaluate(pipeline.load(), options.data)
    texts = evaluate_entities.long_texts(options.data / "topics" / "unlabelled.jsonl")
    enrichment = measure_enrichment(texts)
    events = evaluate_events.evaluate(enricher.load(), options.data)
    report = {"topics": topics, "entities": entities, "events": events, "enrichment": enrichment}
    text = "\n".join(
        (
            "# Quality of the shipped models",
            "",
            "Written by `make eval`; the figures as JSON stand in `quality.json`.",
            "",
            evaluate_topics.markdown(topics),
            evaluate_events.markdown(events),
            entities_markdown(entities, enrichment),
        )
    )
    (options.out / "quality.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (options.out / "quality.md").write_text(text, "utf-8")
    print(text)


def _article(text: str) -> Article:
    title, _, body = text.partition("\n")
    return Article("", "", "", title, f"{title}\n{body}", split_zones(title, body), declared_language="en")


def _seconds(run: Callable[[], object]) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
