"""The JSON Schema for editors and the reference page, both made from the models that read the configuration.

`python -m worker.watchlist.reference` writes them; a test tells when that was forgotten.
"""

import json
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from worker.model import TOPICS
from worker.watchlist import condition_schema as conditions
from worker.watchlist import event_schema as events
from worker.watchlist import list_schema as lists
from worker.watchlist import test_schema as tests
from worker.watchlist.schema import FileSections, WatchSection

SCHEMA_FILE = Path(__file__).with_name("watchlist.schema.json")
PAGE_FILE = Path(__file__).parents[2] / "docs" / "watchlists.md"

_CHAPTERS: tuple[tuple[str, str, tuple[type[BaseModel], ...]], ...] = (
    ("Watches", "`watches:` is a list of these.", (WatchSection,)),
    (
        "Conditions",
        (
            "`match` is a condition, or a tree of them under `all`, `any` and `none`. What is unknown (no model for the "
            "language, no date) never fires a watch and is counted."
        ),
        (
            conditions.ConditionSection,
            conditions.TopicSection,
            conditions.EntitySection,
            events.EventSection,
            events.RoleSection,
            conditions.PhraseSection,
            conditions.NearSection,
            conditions.RegexSection,
            conditions.FieldSection,
            conditions.SourceSection,
            conditions.AgeSection,
            conditions.ScoreSection,
        ),
    ),
    ("Lists", "`lists:` gives names to sets of names.", (lists.ListSection, lists.ColumnsSection)),
    ("Sources", "`sources:` gives names to sets of feeds.", (lists.SourceGroupSection, lists.WatchSourcesSection)),
    ("Own topics", "`topics:` adds topics to the built-in ones.", (lists.OwnTopicSection, lists.ExamplesSection)),
    (
        "Tests",
        (
            "A watch's `tests:` are articles with what must come of them. `tocsin test` runs them, and a reload whose tests "
            "fail is refused."
        ),
        (tests.TestSection, tests.ExpectSection, tests.EvidenceSection),
    ),
)


def json_schema() -> str:
    """The JSON Schema of a configuration file (2020-12), for editors."""
    schema = FileSections.model_json_schema(by_alias=True)
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tocsin configuration",
        **{key: value for key, value in schema.items() if key != "title"},
    }
    return json.dumps(schema, ensure_ascii=False, indent=2) + "\n"


def page() -> str:
    """The reference page in Markdown."""
    text = [(files("worker.watchlist") / "reference_intro.md").read_text("utf-8").rstrip()]
    for title, lead, models in _CHAPTERS:
        text.append(f"## {title}\n\n{lead}")
        text += [part for model in models for part in _section(model)]
    text.append("## Built-in topics\n\n" + ", ".join(f"`{topic}`" for topic in TOPICS) + ".")
    return "\n\n".join(text) + "\n"


def examples() -> Iterator[tuple[str, str]]:
    """Every example of the page as (section, YAML)."""
    for _, _, models in _CHAPTERS:
        for model in models:
            if example := getattr(model, "example", ""):
                yield model.__name__, example


def _section(model: type[BaseModel]) -> Iterator[str]:
    yield f"### {_title(model)}\n\n{(model.__doc__ or '').strip()}"
    rows = ["| key | value | default | |", "|---|---|---|---|"]
    rows += [_row(name, field) for name, field in model.model_fields.items()]
    yield "\n".join(rows)
    if example := getattr(model, "example", ""):
        yield f"```yaml\n{example.strip()}\n```"


def _row(name: str, field: FieldInfo) -> str:
    default = "required" if field.is_required() else _shown_default(field.get_default(call_default_factory=True))
    description = (field.description or "").replace("|", "\\|")
    return f"| `{name}` | {_kind(field.annotation)} | {default} | {description} |"


def _shown_default(value: Any) -> str:
    if value in (None, PydanticUndefined, [], {}) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, list):
        return ", ".join(f"`{item}`" for item in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _kind(annotation: Any) -> str:  # noqa: PLR0911 - one for each kind
    """What a key takes, in words."""
    args = [arg for arg in get_args(annotation) if arg is not type(None)]
    name = getattr(annotation, "__name__", "")
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"[{_title(annotation)}](#{_title(annotation).replace(' ', '-')})"
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return ", ".join(f"`{value}`" for value in annotation)
    simple = {str: "text", bool: "`true` or `false`", int: "whole number", float: "number", timedelta: "duration"}
    if annotation in simple:
        return simple[annotation]
    if name == "list":
        return f"one or more: {_kind(args[0])}"
    if name == "dict":
        return f"mapping of {_kind(args[0])} to {_kind(args[1])}"
    if args and all(isinstance(arg, str) for arg in args):
        return ", ".join(f"`{arg}`" for arg in args)
    return _kind(args[0]) if args else "text"


def _title(model: type[BaseModel]) -> str:
    name = model.__name__.removesuffix("Section")
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()


if __name__ == "__main__":
    SCHEMA_FILE.write_text(json_schema(), "utf-8")
    PAGE_FILE.parent.mkdir(exist_ok=True)
    PAGE_FILE.write_text(page(), "utf-8")
