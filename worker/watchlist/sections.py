"""The well-formed sections of a file; what has the wrong shape is reported, and left out or filled in."""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from worker.watchlist import yaml
from worker.watchlist.mistakes import meant_key, report
from worker.watchlist.schema import FileSections

_LISTS = ("feeds", "watches")
_SHOWN_ONLY = ("name", "title")
"""Keys of their items that nothing else refers to."""


@dataclass(slots=True)
class Sections:
    """The well-formed sections of one file, and for its lists the places they had before others were left out."""

    model: FileSections
    kept: Mapping[str, Sequence[int]]

    def listed(self, name: str) -> Iterator[tuple[yaml.Path, Any]]:
        """Each item of a list section with its path in the file."""
        return (((name, i), item) for i, item in zip(self.kept.get(name, ()), getattr(self.model, name), strict=True))


def validate(tree: yaml.Tree) -> Sections:
    """The file's sections. What has the wrong shape is reported and left out, so that the rest is checked too.

    A misspelt key counts as the one that is meant: so what stands under it is checked as well.
    """
    mistakes = _mistakes(tree.value)
    for mistake in mistakes:
        report(tree, mistake)
    _look_beneath(tree, mistakes)
    value = copy.deepcopy(tree.value)
    kept = {name: list(range(len(value[name]))) for name in _LISTS if isinstance(value.get(name), list)}
    is_first = True
    while True:
        try:
            return Sections(FileSections.model_validate(value), kept)
        except ValidationError as error:
            mistakes = error.errors(include_url=False)
        if is_first:
            mistakes = [mistake for mistake in mistakes if not _fill_in(value, mistake)]
        is_first = False
        for path in sorted({_prunable(tree, value, mistake) for mistake in mistakes}, key=str, reverse=True):
            _prune(value, kept, path)


def _mistakes(value: Any) -> list[Any]:
    try:
        FileSections.model_validate(value)
    except ValidationError as error:
        return list(error.errors(include_url=False))
    return []


def _look_beneath(tree: yaml.Tree, mistakes: Sequence[Any]) -> None:
    """Spell keys as they are meant, and report what is wrong under them; again, where that are misspelt keys."""
    while meant := dict(_distinct(found for mistake in mistakes if (found := meant_key(tree, mistake)))):
        tree.respell(meant)
        keys = {(*path[:-1], name) for path, name in meant.items()}
        mistakes = [mistake for mistake in _mistakes(tree.value) if _is_of(mistake, keys)]
        for mistake in mistakes:
            report(tree, mistake)


def _distinct(meant: Iterable[tuple[yaml.Path, str]]) -> Iterator[tuple[yaml.Path, str]]:
    """The first of those that are meant to be the same key of the same mapping."""
    keys = set[yaml.Path]()
    for path, name in meant:
        if (key := (*path[:-1], name)) not in keys:
            keys.add(key)
            yield path, name


def _is_of(mistake: Any, keys: Collection[yaml.Path]) -> bool:
    """Whether a mistake is of what stands under one of the keys. Where even the type is wrong, another key was meant."""
    path = mistake["loc"]
    is_type = mistake["type"] == "extra_forbidden" or mistake["type"].endswith("_type")
    return any(path[:length] in keys for length in range(1, len(path) + (not is_type)))


def _fill_in(value: Any, mistake: Any) -> bool:
    """Name a feed or watch whose name is missing, or misspelt, so that all else in it is checked too."""
    path = mistake["loc"]
    if mistake["type"] != "missing" or not _is_item(path[:-1]) or path[-1] not in _SHOWN_ONLY:
        return False
    value[path[0]][path[1]][path[2]] = "?"
    return True


def _prunable(tree: yaml.Tree, value: Any, mistake: Any) -> yaml.Path:
    """The smallest part around a mistake that can be left out: a key, or a whole feed or watch.

    Items of inner lists stay, so that the places of their neighbours do; the list's key goes instead.
    """
    path = tree.written(tuple(part for part in mistake["loc"] if part != "[key]"))
    while len(path) > 1 and not (_is_there(value, path) and (isinstance(path[-1], str) or _is_item(path))):
        path = path[:-1]
    return path


def _is_item(path: yaml.Path) -> bool:
    return len(path) == 2 and path[0] in _LISTS  # noqa: PLR2004 - a section and a number


def _is_there(value: Any, path: yaml.Path) -> bool:
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[str(part)]
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return False
    return True


def _prune(value: Any, kept: dict[str, list[int]], path: yaml.Path) -> None:
    if not _is_there(value, path):
        return
    inner: Any = value
    for part in path[:-1]:
        inner = inner[part]
    del inner[path[-1]]
    if _is_item(path):
        del kept[str(path[0])][int(path[1])]
