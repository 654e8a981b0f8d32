"""How articles, verdicts and tables look on a terminal; `--json` output is plain `json` and lives in `cli`."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

_COLOURS = {"PERSON": "cyan", "ORG": "green", "GPE": "yellow", "NORP": "yellow", "LOC": "yellow", "WEAPON": "red"}


def show_article(console: Console, shown: dict[str, Any]) -> None:
    """What `tocsin try` found in one article: the text with its entities, topics, events, watches that fire and nearly fire."""
    console.print(_highlighted(shown))
    console.print()
    console.print(Text("Topics", "bold"))
    for topic in shown["topics"]:
        console.print(f"  {topic['score']:.2f}  {topic['topic']}", highlight=False)
        for evidence in topic["evidence"][:2]:
            console.print(Text(f"        “{evidence['text']}”", "dim"))
    if shown["events"]:
        console.print(Text("Events", "bold"))
    for event in shown["events"]:
        console.print(Text(f"  {event['line']}"))
    console.print(Text("Fires", "bold") if shown["matches"] else Text("No watch fires", "bold"))
    for match in shown["matches"]:
        console.print(Text(f"  {match['watch']['id']} ({match['severity']})", "red bold"))
        _show_finding(console, match["explanation"], 4, shown["article"]["text"])
    near = [miss for miss in shown["misses"] if miss["is_near"]]
    if near:
        console.print(Text("Nearly fires", "bold"))
    for miss in near:
        console.print(Text(f"  {miss['watch']['id']}: would fire if there were {miss['missing']}"))


def show_rows(console: Console, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows as a table; what a row has not stays blank."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column.endswith("_id"))
    for row in rows:
        table.add_row(*(Text(str(row.get(column) or "")) for column in columns))
    console.print(table)


def _highlighted(shown: dict[str, Any]) -> Text:
    text = Text(shown["article"]["text"])
    for entity in shown["entities"]:
        text.stylize(f"bold {_COLOURS.get(entity['label'], 'magenta')}", entity["start"], entity["end"])
    for zone in shown["article"]["zones"]:
        if zone["name"] == "teaser":
            text.stylize("strike dim", zone["start"], zone["end"])
    for match in shown["matches"]:
        for start, end in _spans(match["explanation"]):
            text.stylize("underline", start, end)
    return text


def _spans(finding: dict[str, Any]) -> list[tuple[int, int]]:
    own = [(start, end) for start, end in finding.get("spans", ())]
    return own + [span for child in finding.get("children", ()) for span in _spans(child)]


def _show_finding(console: Console, finding: dict[str, Any], indent: int, text: str) -> None:
    mark = {"true": "✓", "false": "✗", "unknown": "?"}[finding["truth"]]
    score = f" ({finding['score']:.2f})" if "score" in finding else ""
    added = f"  adds {finding['contribution']:g}" if finding.get("contribution") and finding["kind"] != "score" else ""
    console.print(Text(" " * indent + f"{mark} {finding['asks']}{score}{added}"))
    for start, end in finding.get("spans", ())[:2]:
        console.print(Text(" " * (indent + 4) + f"“{text[start:end]}”", "dim"))
    for entry in finding.get("entries", ()):
        under = f", {entry['programme']}" if entry["programme"] else ""
        console.print(
            Text(" " * (indent + 4) + f"on {entry['list']}: {entry['name']} (id {entry['id']}{under})", "dim")
        )
    for child in finding.get("children", ()):
        _show_finding(console, child, indent + 2, text)
