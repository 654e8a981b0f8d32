"""A test that is added to a watch: in the file where the watch stands, with its comments and layout left as they are.

The file's own parser says where the watch's last line ends, and afterwards whether the change is the wanted one and no
other: every value of the file must be what it was, but for the new test. Where it is not, nothing is written.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml as pyyaml
from pydantic import ValidationError

from worker.errors import InputError
from worker.watchlist import yaml
from worker.watchlist.test_schema import TestSection

_BOM = b"\xef\xbb\xbf"
_LONGEST_COMMENT = 300


@dataclass(frozen=True, slots=True)
class NewTest:
    """An article and whether its watch shall fire on it; `comment` is written above it where there is a line for it."""

    title: str
    text: str
    fires: bool
    source: str = ""
    tags: tuple[str, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Insertion:
    """A test's place in a file: `snippet` is what comes to stand at `line` (from 1), `before` and `after` the whole file."""

    file: Path
    line: int
    snippet: str
    before: bytes
    after: bytes


def place_test(directory: Path, watch_id: str, test: NewTest) -> Insertion:
    """Where and how the test would be written; nothing is changed.

    Raises InputError where no file has the watch, or where the test cannot be added without changing anything else.
    """
    refuse_unusable(test)
    value = _value(test)
    for file in sorted((*directory.glob("*.yaml"), *directory.glob("watchlists/*.yaml"))):
        raw = file.read_bytes()
        tree = yaml.read(str(file.relative_to(directory)), raw)
        if (number := _find(tree.value, watch_id)) is None:
            continue
        if tree.problems:
            msg = f"{tree.file} has mistakes of its own; mend them first: {tree.problems[0]}"
            raise InputError(msg)
        if value in (tree.value["watches"][number].get("tests") or ()):
            msg = f"{watch_id} has this very test already, in {tree.file}"
            raise InputError(msg)
        made = _insert(file, raw, number, value, _one_line(test.comment))
        _refuse_other_changes(tree.file, made, tree.value, number, value)
        return made
    msg = f"no file of the configuration has a watch {watch_id}"
    raise InputError(msg)


def write_test(made: Insertion) -> None:
    """Write the file, whole or not at all. Raises InputError where it cannot be written or has changed meanwhile."""
    file = made.file.resolve()  # a link stays a link
    draft = file.with_name(file.name + ".draft")
    try:
        if file.read_bytes() != made.before:
            msg = f"{file.name} was changed meanwhile; look at it and try again"
            raise InputError(msg)
        draft.write_bytes(made.after)
        draft.chmod(file.stat().st_mode & 0o7777)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        msg = f"{file.name} cannot be written: {error.strerror or type(error).__name__}"
        raise InputError(msg) from None


def render_test(test: NewTest, indent: int = 0) -> str:
    """The test as an item of a block list, each line indented by so many spaces and ended by a line feed."""
    return "".join(
        " " * indent + line + "\n" if line else "\n" for line in _block(_value(test), _one_line(test.comment))
    )


def _value(test: NewTest) -> dict[str, Any]:
    texts = {name: words for name, words in (("title", test.title), ("text", test.text)) if words}
    whose: dict[str, Any] = {"source": test.source} if test.source else {}
    whose |= {"tags": list(test.tags)} if test.tags else {}
    return {**texts, **whose, "expect": {"fires": "true" if test.fires else "false"}}


def _one_line(comment: str) -> str:
    """A comment that ends with its line, whatever stands in it."""
    return "".join(char for char in " ".join(comment.split()) if char.isprintable())[:_LONGEST_COMMENT]


def refuse_unusable(test: NewTest) -> None:
    """Raises InputError where the article has no words or too many."""
    try:
        TestSection.model_validate(_value(test))
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"this cannot be a test: {'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(msg) from None


def _find(tree: dict[str, Any], watch_id: str) -> int | None:
    watches = tree.get("watches")
    for number, watch in enumerate(watches if isinstance(watches, list) else ()):
        if isinstance(watch, dict) and watch.get("id") == watch_id:
            return number
    return None


def _refuse_other_changes(name: str, made: Insertion, before: dict[str, Any], number: int, value: Any) -> None:
    wanted = json.loads(json.dumps(before))
    wanted["watches"][number].setdefault("tests", []).append(value)
    after = yaml.read(name, made.after)
    if after.problems or after.value != wanted:
        msg = f"{name} is laid out so that the test cannot be added without changing more; add it by hand"
        raise InputError(msg)


def _insert(file: Path, raw: bytes, number: int, value: dict[str, Any], comment: str) -> Insertion:
    bom = _BOM if raw.startswith(_BOM) else b""
    text = raw[len(bom) :].decode("utf-8")
    watch = _child(pyyaml.compose(text, Loader=pyyaml.CSafeLoader), "watches").value[number]
    tests = _child(watch, "tests")
    ending = "\r\n" if "\r\n" in text else "\n"
    if watch.flow_style or (tests is not None and tests.flow_style):
        at, snippet = _in_flow(text, watch, tests, value)
    else:
        at, snippet = _in_block(text, watch, tests, list(_block(value, comment)), ending)
    after = text[:at] + snippet + text[at:]
    shown = snippet.replace("\r\n", "\n").strip("\n") + "\n"
    place = at + len(snippet) - len(snippet.lstrip("\r\n"))
    return Insertion(file, after.count("\n", 0, place) + 1, shown, raw, bom + after.encode())


def _in_block(text: str, watch: Any, tests: Any, block: list[str], ending: str) -> tuple[int, str]:
    """After the line where the watch, or the last of its tests, ends; trailing comments stay with what they follow."""
    at = _line_end(text, _last_mark(tests or watch))
    if tests is not None:
        lines = [" " * tests.start_mark.column + line if line else "" for line in block]
    else:
        indent = " " * watch.start_mark.column
        lines = [indent + "tests:", *(indent + "  " + line if line else "" for line in block)]
    start = "" if at == 0 or text[at - 1] == "\n" else ending
    return at, start + "".join(line + ending for line in lines)


def _in_flow(text: str, watch: Any, tests: Any, value: dict[str, Any]) -> tuple[int, str]:
    """Before the bracket that ends the tests, or the brace that ends the watch."""
    item = _flow(value)
    node, added = (tests, item) if tests is not None else (watch, f"tests: [{item}]")
    at = node.end_mark.index - 1
    while text[at - 1].isspace():
        at -= 1
    is_first = not node.value or text[at - 1] == ","
    return at, ("" if is_first else ", ") + added


def _child(node: Any, key: str) -> Any:
    return next((value for name, value in node.value if name.value == key), None)


def _last_mark(node: Any) -> Any:
    """Where the last value of a node really ends; the node's own mark is behind comments and blank lines."""
    if isinstance(node, pyyaml.ScalarNode) or node.flow_style or not node.value:
        return node.end_mark
    last = node.value[-1]
    return _last_mark(last[1] if isinstance(last, tuple) else last)


def _line_end(text: str, mark: Any) -> int:
    """The start of the line after the mark; a block of text ends at the start of a line, blank lines may precede it."""
    if mark.column == 0 and mark.index:
        kept = text[: mark.index].rstrip("\r\n \t")
        return _next_line(text, len(kept))
    return _next_line(text, mark.index)


def _next_line(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found + 1


def _block(value: dict[str, Any], comment: str) -> Iterator[str]:
    if comment:
        yield f"# {comment}"
    lead = "- "
    for name in ("title", "text"):
        words = value.get(name, "")
        if not words:
            continue
        if name == "text" and _is_plain(words):
            yield f"{lead}text: |-"
            yield from ("    " + line if line else "" for line in words.split("\n"))
        else:
            yield f"{lead}{name}: {_quoted(words)}"
        lead = "  "
    if "source" in value:
        yield f"{lead}source: {_quoted(value['source'])}"
    if "tags" in value:
        yield f"{lead}tags: [{', '.join(map(_quoted, value['tags']))}]"
    yield f"{lead}expect: {{fires: {value['expect']['fires']}}}"


def _is_plain(text: str) -> bool:
    """Whether a literal block can hold the text and give it back to the letter."""
    lines = text.split("\n")
    return (
        bool(lines[0].strip())
        and not lines[0][0].isspace()
        and bool(lines[-1])
        and all(line.isprintable() and line.strip() == line for line in lines)
    )


def _flow(value: dict[str, Any]) -> str:
    texts = "".join(f"{name}: {_quoted(value[name])}, " for name in ("title", "text", "source") if name in value)
    texts += f"tags: [{', '.join(map(_quoted, value['tags']))}], " if "tags" in value else ""
    return f"{{{texts}expect: {{fires: {value['expect']['fires']}}}}}"


def _quoted(text: str) -> str:
    """A double-quoted YAML scalar on one line."""
    escaped = "".join(_escape(char) for char in text)
    return f'"{escaped}"'


def _escape(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char == "\n":
        return "\\n"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
