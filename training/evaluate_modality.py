"""Scores the modality of events that two readers labelled, each without sight of the other, by publishers nothing was taught from.

`data/modality_held.jsonl` holds a row for each trigger: the article's id, the offsets of sentence and trigger, the type, the
publisher, the draw, and the `readings`, a modality or None for no event; a third reader read those on which the two differ. What two
readers say is the gold. The rules found every one of these events, so that this says nothing of those that they miss.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.evaluate_events import BAR_MODALITY, accuracy, article_of, interval, kappa, modality_at, texts_of
from worker.enrich.enricher import SpacyEnricher, load
from worker.enrich.events.learnt import NONE
from worker.model import Analysis

HELD = Path(__file__).parent / "data" / "modality_held.jsonl"
DROPPED = "dropped"


def evaluate(loaded: SpacyEnricher, data: Path) -> dict[str, Any]:
    """How `loaded` and the rules alone judge the held-out triggers, and how far the readers agree."""
    rows = [json.loads(line) for line in HELD.read_text("utf-8").splitlines()]
    texts = texts_of(data, {row["article"] for row in rows})
    articles = [article_of(text) for text in texts.values()]
    learnt, ruled = (dict(zip(texts, one.enrich(articles), strict=True)) for one in (loaded, load()))
    by_draw = {
        draw: {
            name: judged([row for row in rows if row["draw"] == draw], analysed)["accuracy"]
            for name, analysed in (("learnt", learnt), ("rules", ruled))
        }
        for draw in dict.fromkeys(row["draw"] for row in rows)
    }
    return {**agreement(rows), "learnt": judged(rows, learnt), "rules": judged(rows, ruled), "by draw": by_draw}


def agreement(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """How far the two readers agree: over all triggers, and where both see an event."""
    pairs = [(row["readings"][0] or NONE, row["readings"][1] or NONE) for row in rows]
    told = [pair for pair in pairs if NONE not in pair]
    return {
        "triggers": len(rows),
        "publishers": len({row["publisher"] for row in rows}),
        "agree": {**accuracy(Counter(pairs)), "kappa": kappa(pairs)},
        "agree on modality": {**accuracy(Counter(told)), "kappa": kappa(told)},
        "unsettled": sum(gold_of(row) is None for row in rows),
    }


def gold_of(row: Mapping[str, Any]) -> str | None:
    """What two readers say of a trigger, `none` for no event; None where all differ."""
    ((label, votes),) = Counter(reading or NONE for reading in row["readings"]).most_common(1)
    return label if votes > 1 else None


def judged(rows: Sequence[Mapping[str, Any]], analysed: Mapping[str, Analysis]) -> dict[str, Any]:
    """The accuracy over what is an event, where an event that was dropped is judged wrongly; by modality, and the drops."""
    pairs = [(gold, modality_at(row, analysed[row["article"]]) or DROPPED) for row in rows if (gold := gold_of(row))]
    told = Counter(pair for pair in pairs if pair[0] != NONE)
    nothing = Counter(got for gold, got in pairs if gold == NONE)
    return {
        **accuracy(told),
        "by modality": {
            gold: accuracy(Counter({pair: n for pair, n in told.items() if pair[0] == gold}))
            for gold, _ in Counter(gold for gold, _ in told.elements()).most_common()
        },
        "dropped": sum(n for (_, got), n in told.items() if got == DROPPED),
        "no event": {"dropped": nothing[DROPPED], "of": nothing.total()},
    }


def markdown(report: Mapping[str, Any]) -> str:
    """The section on the third held-out part."""
    learnt, ruled, every, told = report["learnt"], report["rules"], report["agree"], report["agree on modality"]
    met = "reached" if learnt["accuracy"] >= BAR_MODALITY else "**missed**"
    unsettled = f"{report['unsettled']} of which no two readings agree are left out. " if report["unsettled"] else ""
    draws = "; ".join(f"{draw} {one['learnt']} (rules {one['rules']})" for draw, one in report["by draw"].items())
    lines = [
        "## Modality on a third held-out part",
        "",
        f"{report['triggers']} events that the rules find, drawn by chance from {report['publishers']} publishers by whom no trigger was taught (`training/EVENTS_GUIDE.md`).",
        "Two readers labelled them, each alone, without sight of what a program says; a third read those on which they differ.",
        f"{unsettled}The two agree on {every['accuracy']} of all (kappa {every['kappa']}), and on {told['accuracy']}",
        f"of {told['of']} modalities (kappa {told['kappa']}). What two readers say is the gold; an event that is dropped counts as judged wrongly.",
        f"The bar of {BAR_MODALITY} is {met}.",
        "",
        "| | accuracy | 95 % interval | of | events dropped | no event, dropped |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {one['accuracy']} | {interval(one)} | {one['of']} | {one['dropped']} | {one['no event']['dropped']} of {one['no event']['of']} |"
            for name, one in (("learnt and rules", learnt), ("rules alone", ruled))
        ),
        "",
        "By modality: " + "; ".join(f"{name} {one['accuracy']} of {one['of']}" for name, one in learnt["by modality"].items()) + ".",
        f"By draw: {draws}.",
        "",
    ]  # fmt: skip
    return "\n".join(lines)
