"""Bent inputs, and the watch that is kept over each: how many there were, and how long the slowest took.

TOCSIN_FUZZ sets how many inputs each target gets (`make fuzz`), the default is a small form. TOCSIN_FUZZ_REPORT names
a directory in which each target leaves its figures.
"""

import atexit
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from worker.runtime.deadline import within_cpu_limit

NUMBER = int(os.environ.get("TOCSIN_FUZZ", "60"))
LONGEST_S = 5.0
"""Of the processor: a machine that has other work to do makes no input slow."""
_LONGEST, _SHOWN = 6_000, 3_000
"""Bytes of an input, and of those the characters that a failure shows."""
_REPORTED = 500
"""After so many inputs the figures are left anew: a target that dies has told what it came to."""

fuzzed = settings(
    max_examples=NUMBER,
    deadline=None,
    derandomize=NUMBER < 1_000,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@dataclass
class Target:
    """What was seen of one target."""

    name: str
    inputs: int = 0
    seconds: float = 0.0
    """Of the processor, in all."""
    slowest_s: float = 0.0
    slowest: str = ""

    def add(self, taken: float, data: object) -> None:
        self.inputs += 1
        self.seconds += taken
        if taken > self.slowest_s:
            self.slowest_s, self.slowest = taken, repr(data)[:_SHOWN]


_targets: dict[str, Target] = {}


@contextmanager
def soon(target: str, data: object) -> Iterator[None]:
    """Counts an input, and fails where it takes the processor for longer than an input may."""
    started = time.process_time()
    try:
        with within_cpu_limit(LONGEST_S):
            yield
    except Exception as error:
        error.add_note(f"the input: {data!r:.{_SHOWN}}")
        raise
    finally:
        taken = time.process_time() - started
        seen = _targets.setdefault(target, Target(target))
        seen.add(taken, data)
        if seen.inputs % _REPORTED == 0:
            _report()
    assert taken < LONGEST_S, f"one input took {taken:.1f} s: {data!r:.{_SHOWN}}"


@atexit.register
def _report() -> None:
    if directory := os.environ.get("TOCSIN_FUZZ_REPORT"):
        for target in _targets.values():
            Path(directory, f"{target.name}.json").write_text(json.dumps(asdict(target)), "utf-8")


ODD = st.sampled_from(
    [b"<", b">", b"&", b"&#0;", b"&#x110000;", b"]]>", b"<![CDATA[", b"<!--", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"<?xml",
     b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"&b;", b"{", b"[", b'"', b"\\ud800", b"9" * 400, b"a@" * 200, b"- " * 50, b"*a",
     b"&a", b"!!python/object:os.system", b": ", b"\t", b"\r", b"%00", b"%F0%9F", b"+", b";", b",", b"'",
     "\u202e\u200b\u0301".encode()]
)  # fmt: skip
ODD_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from(["", "*", "a*", "\x00", "\ud7ff", "9" * 400, "(" * 300, "a|" * 200, "[", "1h", "-1d", "1e999", "${HOME}",
                     "2026-02-30", "0000-00-00T00:00:00Z", 10**30, -1, 0, 0.5, [], {}, [[]], {"": ""}, {"all": []}]),
)  # fmt: skip


def bent(seeds):
    """A valid input with pieces cut out, doubled, replaced and put in."""

    @st.composite
    def draw_one(draw):
        data = draw(st.sampled_from(seeds))
        for _ in range(draw(st.integers(1, 8))):
            place = draw(st.integers(0, len(data)))
            end = min(len(data), place + draw(st.integers(0, 30)))
            piece = draw(ODD | st.binary(max_size=12))
            kind = draw(st.sampled_from(["cut", "double", "replace", "insert", "many"]))
            middle = {
                "cut": b"",
                "double": data[place:end] * 2,
                "replace": piece,
                "insert": piece + data[place:end],
                "many": piece * draw(st.integers(1, 300)),
            }[kind]
            data = (data[:place] + middle + data[end:])[:_LONGEST]
        return data

    return draw_one()


def bent_tree(seeds):
    """A valid tree of dicts and lists in which branches were cut, moved, doubled or exchanged for something odd."""

    @st.composite
    def draw_one(draw):
        tree = json.loads(json.dumps(draw(st.sampled_from(seeds))))
        for _ in range(draw(st.integers(1, 4))):
            places = list(_places(tree))
            holder, key = draw(st.sampled_from(places)) if places else (None, None)
            if holder is None:
                return deepcopy(draw(ODD_VALUES))
            kind = draw(st.sampled_from(["cut", "odd", "odd", "move", "rename", "wrap"]))
            if kind == "cut":
                del holder[key]
            elif kind == "odd":
                holder[key] = deepcopy(draw(ODD_VALUES))  # what is put in may be bent too
            elif kind == "move":
                other, place = draw(st.sampled_from(places))
                holder[key] = json.loads(json.dumps(other[place], default=str)) if _has(other, place) else None
            elif kind == "rename" and isinstance(holder, dict):
                holder[str(draw(ODD_VALUES))] = holder.pop(key)
            else:
                holder[key] = [holder[key]] if draw(st.booleans()) else {"all": [holder[key]]}
        return tree

    return draw_one()


def _has(holder, key) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _places(tree) -> Iterator[tuple]:
    rows = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in rows:
        yield tree, key
        yield from _places(value)
