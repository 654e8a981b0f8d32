"""How articles, verdicts and tables look on a terminal; `--json` output is plain `json` and lives in `cli`."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

_COLOURS = {"PERSON": "cyan", "ORG": "green", "GPE": "yellow", "NORP": "yellow", "LOC": "yellow", "WEAPON": "red"}
SHADOW = "shadow: nothing is sent"
_GAP = "  "
_SHORTENED = frozenset({"title", "message", "last_message", "reason", "text_reason", "comment", "subject"})
_LEAST_WIDTH = 16
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d):\d\d(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


def show_article(console: Console, shown: dict[str, Any]) -> None:
    """What `tocsin try` found in one article: its text, names, topics, events, watches that fire and nearly fire."""
    console.print(_highlighted(shown))
    console.print()
    if shown["entities"]:
        console.print(Text("Names", "bold"))
    for (text, label, known), number in _counted(shown["entities"]).items():
        times = f"  {number} times" if number > 1 else ""
        console.print(Text("  " + "  ".join(filter(None, (text, label, known))) + times))
    console.print(Text("Topics", "bold"))
    for topic in shown["topics"]:
        console.print(f"  {topic['score']:.2f}  {topic['topic']}", highlight=False)
        for evidence in topic["evidence"][:2]:
            console.print(Text(f"        “{evidence['text']}”", "dim"))
    if shown["events"]:
        console.print(Text("Events", "bold"))
    for event in shown["events"]:
        console.print(Text(f"  {event['line']}"), _judged(event))
    console.print(Text("Fires", "bold") if shown["matches"] else Text("No watch fires", "bold"))
    for match in shown["matches"]:
        quiet = f"; {SHADOW}" if match["watch"]["is_shadow"] else ""
        console.print(Text(f"  {match['watch']['id']} ({match['severity']}{quiet})", "red bold"))
        _show_finding(console, match["explanation"], 4, shown["article"]["text"])
    near = [miss for miss in shown["misses"] if miss["is_near"]]
    if near:
        console.print(Text("Nearly fires", "bold"))
    for miss in near:
        console.print(Text(f"  {miss['watch']['id']}: would fire if there were {miss['missing']}"))


def _judged(event: dict[str, Any]) -> Text:
    """Where no word that leads the event decided how sure it is."""
    learnt = event["learnt"]
    return Text("" if learnt is None else f"({event['modality']}: learnt, p = {learnt:.2f})", "dim")


def show_rows(console: Console, rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Rows as a table, one line a row; columns that are empty in every row are left out.

    In a pipe nothing is cut. On a terminal titles and messages are shortened to its width, and ids and times never.
    """
    if not rows:
        console.print("none")
        return
    cells = {column: [column, *(_cell(row.get(column)) for row in rows)] for column in columns}
    cells = {column: texts for column, texts in cells.items() if any(texts[1:])}
    widths = {column: max(map(cell_len, texts)) for column, texts in cells.items()}
    if console.is_terminal:
        _fit(widths, console.width)
    for number, line in enumerate(zip(*cells.values(), strict=True)):
        sized = (_sized(text, width) for text, width in zip(line, widths.values(), strict=True))
        console.print(Text(_GAP.join(sized).rstrip(), "" if number else "bold"), soft_wrap=True)


def _fit(widths: dict[str, int], limit: int) -> None:
    """Shorten the widest of the columns that may be, as far as they may be, until a line fits."""
    while sum(widths.values()) + len(_GAP) * (len(widths) - 1) > limit:
        column = max(_SHORTENED & widths.keys(), key=lambda name: (widths[name], name), default="")
        if not column or widths[column] <= _LEAST_WIDTH:
            return
        widths[column] -= 1


def _cell(value: object) -> str:
    """A value on one line: lists with commas, moments to the minute, and nothing where there is nothing."""
    if value is None or value is False:
        return ""
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    if value is True:
        return "yes"
    text = " ".join(str(value).split())
    return f"{moment[1]}{moment[2].replace('+00:00', 'Z')}" if (moment := _MOMENT.fullmatch(text)) else text


def _sized(text: str, width: int) -> str:
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1) + "…"
    return text + " " * (width - cell_len(text))


def _counted(entities: Sequence[dict[str, Any]]) -> Counter[tuple[str, str, str]]:
    """How often each name stands in the text, as text, label and id, in the order of the text."""
    return Counter((" ".join(e["text"].split()), e["label"], e["id"] or "") for e in entities)


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
