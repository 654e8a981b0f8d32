"""A strict reading of YAML: mappings, lists and strings, each with its place in the file.

Every scalar keeps its spelling (`NO` is Norway, `017` is not 15); the schema turns it into what is wanted. Anchors,
aliases, tags, merge keys, duplicate keys, several documents and deep nesting are refused: none helps an analyst, and
each has surprised somebody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from worker.errors import Problem

SIZE_LIMIT_BYTES = 1_000_000
DEPTH_LIMIT = 20

Value = str | list["Value"] | dict[str, "Value"]
Path = tuple[str | int, ...]
Place = tuple[int, int]


@dataclass(slots=True)
class Tree:
    """The values of one file, and the line and column (from 1) of every value and, under `keys`, of every key."""

    file: str
    value: dict[str, Any] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, of_key: bool = False) -> Place:
        """Where `path` stands, or its nearest ancestor that stands somewhere.

        Parts that were left out in writing (`phrase: [a]` for `phrase: {terms: [a]}`) are passed over.
        """
        path = self.written(path)
        first, second = (self.keys, self.values) if of_key else (self.values, self.keys)
        for length in range(len(path), -1, -1):
            part = path[:length]
            if place := first.get(part) or second.get(part):
                return place
        return (1, 1)

    def written(self, path: Path) -> Path:
        """`path` without the parts that the file leaves to be understood."""
        written: Path = ()
        for part in path:
            if (*written, part) in self.keys or (*written, part) in self.values:
                written = (*written, part)
        return written

    def respell(self, meant: Mapping[Path, str]) -> None:
        """Have keys be called what they are meant to be called; what stands under them keeps its place."""
        for path, name in meant.items():
            mapping: Any = self.value
            for part in path[:-1]:
                mapping = mapping[part]
            mapping[name] = mapping.pop(path[-1])
        for places in (self.keys, self.values):
            places |= {
                (*path[: length - 1], meant[path[:length]], *path[length:]): place
                for path, place in places.items()
                for length in range(1, len(path) + 1)
                if path[:length] in meant
            }

    def report(self, path: Path, message: str, hint: str = "", *, of_key: bool = False) -> None:
        """Add a problem at `path`."""
        line, column = self.place(path, of_key=of_key)
        self.problems.append(Problem(self.file, line, column, message, hint))


def read(file: str, raw: bytes) -> Tree:
    """The tree of a YAML file; what is wrong with it stands in `problems`."""
    tree = Tree(file)
    if len(raw) > SIZE_LIMIT_BYTES:
        tree.problems.append(
            Problem(
                file,
                0,
                0,
                f"is larger than {SIZE_LIMIT_BYTES:,} bytes",
                "split it, or put long lists of names into a text file: lists: {NAME: {file: names.txt}}",
            )
        )
        return tree
    try:
        text = raw.decode("utf-8-sig")
        _Builder(tree).build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        tree.problems.append(Problem(file, line, 1, "is not UTF-8", "save the file as UTF-8"))
    except yaml.MarkedYAMLError as error:
        tree.problems.append(_explain(file, error, raw))
    except yaml.reader.ReaderError as error:
        tree.problems.append(Problem(file, 1, 1, f"has a character YAML does not allow: {error.reason}"))
    except _TooDeepError as error:
        tree.problems.append(Problem(file, *error.place, f"is nested more than {DEPTH_LIMIT} deep"))
    return tree


class _TooDeepError(Exception):
    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.place = place


class _Builder:
    """Builds values from parser events, so that nothing is built before it was found harmless."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def build(self, events: Iterator[Any]) -> None:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    self._report(event, "holds a second document", "keep one document a file; remove the ---")
                    return
            elif isinstance(event, yaml.NodeEvent):
                value = self._node(event, events, ())
                if isinstance(value, dict):
                    self._tree.value = value
                elif value != "":
                    self._report(event, "should be a mapping of sections", "such as `watches:` or `feeds:`")

    def _node(self, event: Any, events: Iterator[Any], path: Path) -> Value:
        if len(path) > DEPTH_LIMIT:
            raise _TooDeepError(_place(event))
        self._tree.values.setdefault(path, _place(event))
        if isinstance(event, yaml.AliasEvent):
            self._report(event, f"uses the alias *{event.anchor}", "aliases are not supported: write it out")
            return ""
        if event.anchor:
            self._report(event, f"sets the anchor &{event.anchor}", "anchors are not supported: write it out")
        if event.tag not in (None, "!"):
            self._report(event, f"uses the tag {event.tag}", "tags are not supported: quote the text instead")
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        return str(event.value)

    def _sequence(self, events: Iterator[Any], path: Path) -> list[Value]:
        items: list[Value] = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                break
            items.append(self._node(event, events, (*path, len(items))))
        return items

    def _mapping(self, events: Iterator[Any], path: Path) -> dict[str, Value]:
        mapping: dict[str, Value] = {}
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event, events, path)
            if key in mapping:
                first = self._tree.keys[(*path, key)][0]
                self._report(event, f"repeats the key `{key}` of line {first}", "keep one of the two")
            self._tree.keys.setdefault((*path, key), _place(event))
            mapping[key] = self._node(next(events), events, (*path, key))
        return mapping

    def _key(self, event: Any, events: Iterator[Any], path: Path) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            self._report(event, "has a key that is not plain text")
            self._node(event, events, path)
            return ""
        if event.value == "<<" and event.style is None:
            self._report(event, "uses the merge key <<", "merge keys are not supported: write it out")
        return str(self._node(event, events, (*path, f"key {event.value}")))

    def _report(self, event: Any, message: str, hint: str = "") -> None:
        self._tree.problems.append(Problem(self._tree.file, *_place(event), message, hint))


def _place(event: Any) -> Place:
    return (event.start_mark.line + 1, event.start_mark.column + 1)


def _explain(file: str, error: yaml.MarkedYAMLError, raw: bytes) -> Problem:
    mark: Any = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    what = " ".join(part for part in (error.problem, error.context) if part)
    [blamed] = raw.splitlines()[mark.line : mark.line + 1] or [b""] if mark else [b""]
    is_tab = b"\t" in blamed[: len(blamed) - len(blamed.lstrip())]
    hint = "indent with spaces, never tabs" if is_tab else "check indentation, colons, quotes"
    return Problem(file, line, column, f"is not YAML: {what}", hint)


__all__ = ["Path", "Tree", "Value", "read"]
