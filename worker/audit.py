"""The audit record: what its lines look like in a file, and whether a run of them is whole. Reads and writes no store.

A line is a JSON object with `seq` (from 1, without a gap), `at_ms`, `kind` and facts; `link` comes last:

    link(n) = SHA-1( link(n-1) + line feed + the line without its link )

made by the server in the step that changes the state, where SHA-1 is the only hash there is. Every minute a line of kind
`seal` covers what came since the last one, so that nothing rests on SHA-1 for longer:

    sha256 = SHA-256( sha256 of the last seal + line feed + each line without its link + line feed )

A file opens with where it begins (`after_*`) and closes with where it ends and the SHA-256 of all bytes before. What this
proves and what it does not is in docs/audit.md.
"""

from __future__ import annotations

import hashlib
import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

FORMAT = 1
LONGEST_SEAL = 10_000
"""A seal covers at most so many lines."""
_LINK_DIGITS = 40
_LINK = b',"link":"'
_SUFFIX = len(_LINK) + _LINK_DIGITS + 2


@dataclass(frozen=True, slots=True)
class Anchor:
    """The place behind a line: its number, its link, and the seal that ends with it ("" where none does)."""

    seq: int
    link: str
    seal: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was hashed, and its link as it is stated."""

    body: bytes
    link: str

    def facts(self) -> dict[str, Any]:
        """What the line says. Raises ValueError where it is no line of a record."""
        facts = json.loads(self.body)
        if not isinstance(facts, dict) or not all(type(facts.get(key)) is int for key in ("seq", "at_ms")):
            msg = "it has no number or no time"
            raise ValueError(msg)
        if not isinstance(facts.get("kind"), str):
            msg = "it has no kind"
            raise ValueError(msg)  # noqa: TRY004 - a value of a file, not of a caller
        return facts

    def write(self) -> bytes:
        """The line as it stands in a file, ended by a line feed."""
        return self.body[:-1] + _LINK + self.link.encode() + b'"}\n'


def read_line(raw: bytes) -> Line:
    """The reverse of `Line.write`. Raises ValueError where it is no line of a record."""
    text = raw.removesuffix(b"\n")
    if len(raw) == len(text) or text[-_SUFFIX : -_SUFFIX + len(_LINK)] != _LINK or not text.endswith(b'"}'):
        msg = "it is not as a line of the record is written"
        raise ValueError(msg)
    return Line(text[:-_SUFFIX] + b"}", text[-_LINK_DIGITS - 2 : -2].decode("ascii"))


def link_of(before: str, body: bytes) -> str:
    """The link of a line that follows the one with the link `before`."""
    return hashlib.sha1(before.encode() + b"\n" + body, usedforsecurity=False).hexdigest()


def seal_of(before: str, bodies: Iterable[bytes]) -> str:
    """The seal over lines that follow what the seal `before` ends with."""
    digest = hashlib.sha256(before.encode() + b"\n")
    for body in bodies:
        digest.update(body + b"\n")
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `line` counts the lines of the file or of the record from 1; 0 means the whole."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}" if self.line else self.message


@dataclass(slots=True)
class Check:
    """What a run of lines came to: where it begins and ends, how much of it is sealed, and what is wrong with it."""

    start: Anchor
    end: Anchor
    lines: int = 0
    seals: int = 0
    sealed_to: int = 0
    epochs: int = 0
    first_ms: int = 0
    last_ms: int = 0
    faults: list[Fault] = field(default_factory=list)
    links: dict[int, str] = field(default_factory=dict)
    """The links of the lines that `watched` asked for."""
    seal_ends: dict[int, str] = field(default_factory=dict)
    """Each seal by the last line it covers."""


@dataclass(slots=True)
class _Chain:
    """Goes along the lines. `links` are the links that the next line may build on: what was stated, and what it should be."""

    check: Check
    place: int
    watched: frozenset[int]
    expected: int = 0
    links: frozenset[str] = frozenset()
    seal: Anchor | None = None
    unsealed: deque[tuple[int, bytes]] = field(default_factory=deque)

    def __post_init__(self) -> None:
        start = self.check.start
        self.expected, self.links = start.seq + 1, frozenset({start.link})
        self.seal = start if start.seal or start.seq == 0 else None

    def fault(self, message: str) -> None:
        self.check.faults.append(Fault(self.place, message))

    def take(self, line: Line | ValueError, following: int | None) -> None:
        """One line, knowing the number of the one behind it."""
        if isinstance(line, ValueError):
            self.fault(f"{self._named()} cannot be read: {line}")
            self.expected, self.links = self.expected + 1, frozenset()
            self.seal = None
            return
        facts = line.facts()
        seq = facts["seq"]
        if seq == self.expected:
            self._join(line, facts)
        elif following == self.expected:
            self.fault(
                f"line {seq} of the record stands here, before line {self.expected} of the record: it belongs elsewhere"
            )
        elif seq > self.expected and following in (seq + 1, None):
            self.fault(f"{_range(self.expected, seq - 1)} of the record missing before line {seq}")
            self.links, self.seal = frozenset(), None
            self.expected = seq
            self._join(line, facts)
        else:
            self.fault(f"line {seq} of the record stands here, where line {self.expected} belongs")
            self.expected, self.links, self.seal = self.expected + 1, frozenset(), None

    def _named(self) -> str:
        return f"line {self.expected} of the record"

    def _join(self, line: Line, facts: Mapping[str, Any]) -> None:
        seq = facts["seq"]
        made = {link_of(before, line.body) for before in self.links}
        if self.links and line.link not in made:
            self.fault(
                f"line {seq} of the record is not what was written: its hash does not fit (kind {facts['kind']})"
            )
            self.seal = None
            self.links = frozenset({line.link, *made})
        else:
            self.links = frozenset({line.link})
        check = self.check
        if facts["kind"] == "seal":
            self._check_seal(facts)
        if seq in self.watched:
            check.links[seq] = line.link
        check.epochs += facts["kind"] == "epoch"
        check.lines += 1
        check.first_ms = check.first_ms or facts["at_ms"]
        check.last_ms = facts["at_ms"]
        check.end = Anchor(seq, line.link)
        self.unsealed.append((seq, line.body))
        self.expected = seq + 1

    def _check_seal(self, facts: Mapping[str, Any]) -> None:
        """A seal whose range lies in this run is computed anew; the first of a run that begins between two is taken over."""
        first, last, stated = facts.get("from"), facts.get("to"), facts.get("sha256")
        if type(first) is not int or type(last) is not int or not isinstance(stated, str):
            self.fault(f"line {facts['seq']} of the record is a seal without a range")
            return
        if last <= self.check.start.seq:  # of what was pruned or stands in an earlier file
            if self.seal and last == self.seal.seq and stated != self.seal.seal:
                self.fault(f"the seal in line {facts['seq']} of the record is not the one this run stands on")
            return
        if self.seal and self.seal.seq + 1 == first:
            covered = [body for seq, body in self.unsealed if first <= seq <= last]
            if len(covered) != last - first + 1 or seal_of(self.seal.seal, covered) != stated:
                self.fault(f"the seal in line {facts['seq']} does not fit {_range(first, last)} of the record")
            else:
                self.check.seals += 1
                self.check.sealed_to = last
        elif self.seal:
            self.fault(f"the seal in line {facts['seq']} begins at {first}, the last one ended at {self.seal.seq}")
        self.seal = Anchor(last, "", stated)
        self.check.seal_ends[last] = stated
        while self.unsealed and self.unsealed[0][0] <= last:
            self.unsealed.popleft()


def check_lines(
    lines: Iterable[Line | ValueError],
    start: Anchor,
    end: Anchor | None = None,
    *,
    place: int = 1,
    watched: frozenset[int] = frozenset(),
) -> Check:
    """Whether a run of lines goes on from `start`, without a gap and unchanged, to `end`.

    `place` is the first line's number in its file; the links of `watched` lines are given back.
    """
    check = Check(start, start)
    chain = _Chain(check, place, watched)
    for line, following in _with_next(lines):
        chain.take(line, following)
        chain.place += 1
    if end is not None and end.seq >= chain.expected:
        check.faults.append(Fault(0, f"{_range(chain.expected, end.seq)} of the record missing at the end"))
    elif end is not None and (check.end.seq, check.end.link) != (end.seq, end.link) and not check.faults:
        check.faults.append(Fault(0, f"the end is not as it is stated: line {end.seq} of the record was another"))
    return check


def _with_next(lines: Iterable[Line | ValueError]) -> Iterator[tuple[Line | ValueError, int | None]]:
    """Each line, with the number of the next one; a line that says nothing readable is an error in its place."""
    before: Line | ValueError | None = None
    for line in lines:
        one, number = _numbered(line)
        if before is not None:
            yield before, number
        before = one
    if before is not None:
        yield before, None


def _numbered(line: Line | ValueError) -> tuple[Line | ValueError, int]:
    if isinstance(line, ValueError):
        return line, -1
    try:
        return line, int(line.facts()["seq"])
    except ValueError as error:
        return error if not isinstance(error, UnicodeDecodeError | json.JSONDecodeError) else ValueError(
            "it is not JSON"
        ), -1


# --- files -------------------------------------------------------------------------------------------------


def write_file(lines: Iterable[Line], start: Anchor) -> Iterator[bytes]:
    """The bytes of a file, line by line: where it begins, the lines, where it ends."""
    digest = hashlib.sha256()
    end, number = start, 0
    head = _dump({"tocsin_audit": FORMAT, "after_seq": start.seq, "after_link": start.link, "after_seal": start.seal})
    digest.update(head)
    yield head
    for line in lines:
        raw = line.write()
        digest.update(raw)
        end, number = Anchor(end.seq + 1, line.link), number + 1
        yield raw
    yield _dump({"end_seq": end.seq, "end_link": end.link, "lines": number, "sha256": digest.hexdigest()})


def check_file(raw: Iterable[bytes], *, watched: frozenset[int] = frozenset()) -> Check:
    """Whether a file is whole and unchanged. `raw` are its lines with their line feeds."""
    digest, rows = hashlib.sha256(), iter(raw)
    first = next(rows, b"")
    start = _read_head(first)
    if isinstance(start, Fault):
        return Check(Anchor(0, ""), Anchor(0, ""), faults=[start])
    digest.update(first)
    closing: list[bytes] = []
    places = 1

    def lines() -> Iterator[Line | ValueError]:
        nonlocal places
        before: bytes | None = None
        for row in rows:
            places += 1
            if before is not None:
                digest.update(before)
                yield _read(before)
            before = row
        if before is not None:
            if _is_closing(before):
                closing.append(before)
            else:
                yield _read(before)

    check = check_lines(lines(), start, place=2, watched=watched)
    if not closing:
        check.faults.append(Fault(places + 1, "the closing line is missing or changed: the file is cut short"))
        return check
    stated = {"end_seq": check.end.seq, "end_link": check.end.link, "lines": check.lines, "sha256": digest.hexdigest()}
    if closing[0] != _dump(stated) and not check.faults:
        check.faults.append(Fault(*_explain_closing(closing[0], stated, check, places)))
    return check


def _explain_closing(raw: bytes, stated: Mapping[str, Any], check: Check, place: int) -> tuple[int, str]:
    try:
        said = json.loads(raw)
    except ValueError:
        return place, "the closing line cannot be read"
    if not isinstance(said, dict) or set(said) != set(stated):
        return place, "the closing line was changed"
    if type(said["end_seq"]) is int and said["end_seq"] > check.end.seq and said["lines"] != check.lines:
        return place, f"{_range(check.end.seq + 1, said['end_seq'])} of the record missing before the closing line"
    if {**said, "sha256": ""} == {**stated, "sha256": ""}:
        return (
            1,
            "the opening or the closing line was changed: the file's hash does not fit, though all lines between do",
        )
    return place, "the closing line was changed: it does not name the last line"


def _read(raw: bytes) -> Line | ValueError:
    try:
        return read_line(raw)
    except ValueError as error:
        return error


def _read_head(raw: bytes) -> Anchor | Fault:
    try:
        head = json.loads(raw)
        start = Anchor(head["after_seq"], head["after_link"], head["after_seal"])
        is_ours = head["tocsin_audit"] == FORMAT and raw == _dump(head) and type(start.seq) is int
    except (ValueError, TypeError, KeyError):
        is_ours = False
    if not is_ours:
        return Fault(1, "the opening line is missing or changed: this is not, or no longer, a file of an audit record")
    return start


def _is_closing(raw: bytes) -> bool:
    return raw.startswith(b'{"end_') or (b'"sha256":"' in raw and _LINK not in raw)


def _dump(values: Mapping[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"


def _range(first: int, last: int) -> str:
    return f"line {first}" if first == last else f"lines {first} to {last}"


def joined(before: Check, after: Check) -> Check:
    """Two checks of runs that follow each other, with a fault where they do not."""
    faults = [*before.faults, *after.faults]
    if (before.end.seq, before.end.link) != (after.start.seq, after.start.link):
        faults.append(
            Fault(0, f"what begins after line {after.start.seq} does not go on from line {before.end.seq} before it")
        )
    return replace(
        after,
        start=before.start,
        lines=before.lines + after.lines,
        seals=before.seals + after.seals,
        sealed_to=max(before.sealed_to, after.sealed_to),
        epochs=before.epochs + after.epochs,
        first_ms=before.first_ms or after.first_ms,
        last_ms=after.last_ms or before.last_ms,
        faults=faults,
        links=before.links | after.links,
        seal_ends=before.seal_ends | after.seal_ends,
    )
