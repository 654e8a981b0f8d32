"""`make eval`: every figure of the shipped models, to docs/quality.json and docs/quality.md.

Topics by cross-validation over publishers, beside the phrase baseline and a plain TF-IDF reference; entities on the
test splits; events on labelled sentences; the speed of the whole enrichment beside the bare tagger in the same run.

Runs unattended: a part whose corpus or model is not there is named as not measured and the others go on; a part that
breaks does the same, prints its traceback and ends the run with exit code 1.
"""

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import enrichment
from training import evaluate_entities, evaluate_events, evaluate_modality, evaluate_topics
from worker.enrich import enricher, pipeline
from worker.enrich.topics import PACKAGED_MODEL
from worker.model import LanguageModel

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the report: what measures it and what writes it down."""

    name: str
    heading: str
    measure: Callable[[], Any]
    describe: Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A measured part: its figures (None where there are none), its Markdown and processor seconds."""

    report: Any
    section: str
    seconds: float
    is_broken: bool


def run_part(part: Part) -> Outcome:
    """Measure one part; what is not installed leaves a line that says so, what breaks a traceback beside it."""
    started = time.process_time()
    try:
        report = part.measure()
        return Outcome(report, part.describe(report), time.process_time() - started, is_broken=False)
    except OSError as error:
        missing = Path(error.filename).name if error.filename else type(error).__name__
        section = _unmeasured(part, f"{missing} cannot be read")
        return Outcome(None, section, time.process_time() - started, is_broken=False)
    except Exception as error:  # noqa: BLE001 (an unattended run keeps what the other parts measured)
        traceback.print_exc(file=sys.stderr)
        section = _unmeasured(part, f"it ended with {type(error).__name__}")
        return Outcome(None, section, time.process_time() - started, is_broken=True)


def _unmeasured(part: Part, reason: str) -> str:
    return f"## {part.heading}\n\nNot measured in this run: {reason}.\n"


def write_report(parts: Sequence[Part], folder: Path, only: Collection[str] = ()) -> bool:
    """Measure every part, write quality.json and quality.md; returns whether none broke.

    Where `only` names some, the others stay as they were measured last.
    """
    outcomes = {}
    known = json.loads((folder / "quality.json").read_text("utf-8")) if only else {}
    for part in parts:
        if only and part.name not in only:
            outcomes[part.name] = _kept(part, known.get(part.name))
            continue
        outcomes[part.name] = run_part(part)
        print(f"{part.name}: {outcomes[part.name].seconds / 60:.1f} processor minutes", file=sys.stderr, flush=True)
    report = {name: outcome.report for name, outcome in outcomes.items()}
    text = "\n".join(
        (
            "# Quality of the shipped models",
            "",
            "Written by `make eval`; the figures as JSON stand in `quality.json`.",
            "",
            *(outcome.section for outcome in outcomes.values()),
        )
    )
    (folder / "quality.json").write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    (folder / "quality.md").write_text(text, "utf-8")
    print(text)
    return not any(outcome.is_broken for outcome in outcomes.values())


def _kept(part: Part, report: Any) -> Outcome:
    section = part.describe(report) if report else _unmeasured(part, "it was not asked for")
    return Outcome(report, section, 0.0, is_broken=False)


def entities_markdown(report: dict[str, Any]) -> str:
    """The section on names."""
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
    return "\n".join([*lines, ""])


def speed_markdown(measured: dict[str, Any]) -> str:
    """The section on speed."""
    whole, bare, full = (measured["words_per_s"][side]["median"] for side in ("whole", "bare", "full"))
    to_bare, to_full, judged = (_ratio(measured[name]) for name in ("whole_to_bare", "whole_to_full", "judged_to_bare"))
    figures = (
        f"The whole enrichment (language, sentences, names, gazetteers, topics, events) reads {whole:,.0f} words/s on one core, "
        f"over texts new to all. In the same run the bare names pipeline, whose network reads every word, reads {full:,.0f}: a ratio of "
        f"{to_full}; and with the gate that ships with it {bare:,.0f}: a ratio of {to_bare}. Where a watch asks for events, the learnt "
        f"judgement of them makes the latter {judged}: these texts tell about one event each, a general stream three in 800 items."
    )
    return f"## Speed\n\n{figures}\n"


def _ratio(found: dict[str, float]) -> str:
    return f"{found['median']} ({found['least']}–{found['most']})"


def with_judgement() -> enricher.SpacyEnricher:
    """The shipped enricher as where a watch asks for events."""
    return enricher.load(LanguageModel(judges_events=True))


def parts_of(data: Path) -> tuple[Part, ...]:
    """The report's parts in order, each to be measured on the corpora in ``data``."""
    texts = data / "topics" / "unlabelled.jsonl"
    return (
        Part("topics", "Topics", lambda: evaluate_topics.evaluate(data, PACKAGED_MODEL), evaluate_topics.markdown),
        Part(
            "events",
            "Events",
            lambda: evaluate_events.evaluate(with_judgement(), data),
            evaluate_events.markdown,
        ),
        Part(
            "modality",
            "Modality on a third held-out part",
            lambda: evaluate_modality.evaluate(with_judgement(), data),
            evaluate_modality.markdown,
        ),
        Part("entities", "Entities", lambda: evaluate_entities.evaluate(pipeline.load(), data), entities_markdown),
        Part("enrichment", "Speed", lambda: enrichment.run(texts), speed_markdown),
    )


def main() -> None:
    """Evaluate, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="where quality.json and quality.md go")
    names = [part.name for part in parts_of(Path())]
    parser.add_argument("--only", nargs="+", default=(), choices=names, help="the other parts stay as measured last")
    options = parser.parse_args()
    if not write_report(parts_of(options.data), options.out, options.only):
        sys.exit(1)


if __name__ == "__main__":
    main()
