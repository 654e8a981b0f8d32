"""Feeds that a command adds to the configuration: in a file of their own, so that no hand-written one is touched."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

FILE = "added-feeds.yaml"
_HEAD = "# Written by `tocsin feeds add` and `tocsin feeds import`; edit it as you like.\nfeeds:\n"


@dataclass(frozen=True, slots=True)
class NewFeed:
    """What is written of a feed; everything else keeps its default."""

    url: str
    name: str
    tags: tuple[str, ...] = ()
    allow_private: bool = False


def add_feeds(directory: Path, feeds: Iterable[NewFeed]) -> Path:
    """Append feeds to the directory's `added-feeds.yaml`; the file's path. The file changes whole or not at all."""
    file = directory / FILE
    text = file.read_text("utf-8") if file.exists() else _HEAD
    if not text.endswith("\n"):
        text += "\n"
    text += "".join(_section(feed) for feed in feeds)
    draft = file.with_suffix(".yaml.draft")
    draft.write_text(text, "utf-8")
    draft.replace(file)
    return file


def _section(feed: NewFeed) -> str:
    lines = [f"  - url: {_quoted(feed.url)}", f"    name: {_quoted(feed.name)}"]
    if feed.tags:
        lines.append(f"    tags: [{', '.join(map(_quoted, feed.tags))}]")
    if feed.allow_private:
        lines.append("    allow_private: true")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """A JSON string, which is a YAML string too."""
    return json.dumps(text, ensure_ascii=False)
