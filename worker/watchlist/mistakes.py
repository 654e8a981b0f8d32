"""What pydantic finds wrong with a section, in words that say how to mend it."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel

from worker.model import ROLES
from worker.watchlist import yaml
from worker.watchlist.nearest import for_role, meant, nearest
from worker.watchlist.schema import FileSections


def report(tree: yaml.Tree, mistake: Any) -> None:
    """Report one of pydantic's errors where it stands."""
    path = tuple(part for part in mistake["loc"] if part != "[key]")
    last = next((part for part in reversed(tree.written(path)) if isinstance(part, str)), "")
    match mistake["type"]:
        case "extra_forbidden":
            hint = "merge keys are not supported: write it out" if last == "<<" else nearest(last, _keys_at(path[:-1]))
            tree.report(path, f"unknown key `{last}`", hint, of_key=True)
        case "missing":
            tree.report(path[:-1], f"`{path[-1]}` is missing")
        case "value_error":
            tree.report(path, f"`{last}`: {mistake['ctx']['error']}")
        case "string_pattern_mismatch" if "event" in path and last in _ROLES:
            tree.report(
                path, f"`{last}`: “{mistake['input']}” is no name of a list", for_role(last, str(mistake["input"]))
            )
        case "string_pattern_mismatch":
            tree.report(path, f"`{last}`: “{mistake['input']}” {_PATTERNS.get(last, 'has the wrong form')}")
        case "literal_error" | "enum":
            expected = mistake["ctx"]["expected"].replace("'", "")
            near = nearest(str(mistake["input"]), tuple(expected.replace(" or ", ", ").split(", ")))
            hint = "" if near.startswith("known") else near  # they stand before it already
            tree.report(path, f"`{last}` is “{mistake['input']}”; it can be {expected}", hint)
        case _:
            tree.report(path, f"`{last}` {_say(mistake)}")


def meant_key(tree: yaml.Tree, mistake: Any) -> tuple[yaml.Path, str] | None:
    """Where a key is misspelt, and what it is surely meant to be; None where that stands beside it already."""
    path = tree.written(tuple(part for part in mistake["loc"] if part != "[key]"))
    if mistake["type"] != "extra_forbidden" or not path or path[-1] != mistake["loc"][-1]:
        return None
    name = meant(str(path[-1]), _keys_at(path[:-1]))
    return (path, name) if name and (*path[:-1], name) not in tree.keys else None


def _say(mistake: Any) -> str:
    """What is wrong with a value, and what it should be."""
    kind, given, limits = str(mistake["type"]), mistake["input"], mistake.get("ctx", {})
    if kind in _WANTED:
        return f"{_shown(given)}; it should be {_WANTED[kind]}"
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        size = f"; it has {len(given):,}" if isinstance(given, list | str) and kind.endswith("too_long") else ""
        before = "" if kind.endswith("too_long") else f"{_shown(given)}; it "
        return f"{before}{words.format(limits[limit])}{size}"
    message = str(mistake["msg"])
    return f"cannot be used: {message[:1].lower()}{message[1:]}"


def _shown(given: Any) -> str:
    if not given:
        return "is empty"
    return "is a list" if isinstance(given, list) else "is a mapping" if isinstance(given, dict) else f"is “{given}”"


_WANTED = {
    "list_type": "a list: [a, b], or a line with - for each",
    "dict_type": "a mapping: lines of `key: value`",
    "model_type": "a mapping: lines of `key: value`",
    "model_attributes_type": "a mapping: lines of `key: value`",
    "string_type": "a text",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_type": "a whole number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
}
_ROLES = frozenset(role for roles in ROLES.values() for role in roles)
_LIMITS = {
    "greater_than": ("gt", "must be more than {:g}"),
    "greater_than_equal": ("ge", "must be at least {}"),
    "less_than": ("lt", "must be less than {}"),
    "less_than_equal": ("le", "can be at most {}"),
    "too_short": ("min_length", "needs at least {}"),
    "too_long": ("max_length", "takes at most {:,}"),
    "string_too_short": ("min_length", "needs at least {} character"),
    "string_too_long": ("max_length", "takes at most {:,} characters"),
}


_PATTERNS = {
    "url": "is not an http or https address",
    "id": "is not an id: lower-case letters, digits, - and _, at most 64",
    "languages": "is not a language: two small letters of ISO 639-1, such as en, de or no",
    "language": "is not a language: two small letters of ISO 639-1, such as en, de or no",
}


def _keys_at(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that the schema knows at `path`."""
    model: type[BaseModel] = FileSections
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner_model(model.model_fields[part].annotation) or model
    return tuple(model.model_fields)


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _inner_model(part))), None)
