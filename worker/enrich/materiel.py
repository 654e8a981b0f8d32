"""Weapons and vessels by rule.

Owns how the lists of `data/materiel.yaml` and `data/vessels.yaml` are read around a cue. Does not own the lists, nor
which name wins where a learnt one overlaps (`gazetteer`).
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.resources import files
from string import digits
from typing import Any, Final

import yaml

from worker.enrich.countries import country_id
from worker.enrich.find import Cue, Find, Read, Reading

_LEFT: Final = 80
_LAST_WORD: Final = re.compile(r"([\w-]{1,24})[\s-]$")
_LAST_WORD_LEFT: Final = 26
"""As far as it may reach, a line break at the end included."""
# A number of a designation that may begin with something else than a digit.
_MAY_START_OTHERWISE: Final = re.compile(r"(?:^|\(\?:|\|)(?!\(\?:|\[?\d)")
# Up to four words; a stop only after an initial ("Gerald R. Ford").
_SHIP_NAME: Final = re.compile(
    r"\s[\"'“‘]?([A-Z][\w-]{0,24}(?:\s(?:[A-Z]\.(?=\s[A-Z])|[A-Z][\w-]{0,24}|\d{1,3}\b|of(?=\s[A-Z]))){0,3})"
)


def materiel_cues() -> Iterator[Cue]:
    """Yield the cues of WEAPON and VESSEL."""
    yield from _weapon_cues(_table("materiel.yaml"))
    yield from _vessel_cues(_table("vessels.yaml"))


def weapon_words() -> frozenset[str]:
    """Return the single words, in small letters, that name a weapon or a kind of weapon, their plurals among them."""
    lists = _table("materiel.yaml")
    kinds = (*lists["names"], *lists["heads"], *lists["paired"], *lists["plural_only"])
    return frozenset(word for word in _with_plurals(kind.lower() for kind in kinds) if " " not in word)


def _table(name: str) -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load((files("worker.enrich") / "data" / name).read_text(encoding="utf-8"))
    return table


def _weapon_cues(lists: dict[str, Any]) -> Iterator[Cue]:
    any_modifier = _run_before(lists["modifiers"])
    strict = set(lists["modifiers"]) - set(lists["loose"])
    own = partial(_read_head, any_modifier)
    needy = partial(_read_paired, any_modifier, frozenset(strict))
    plural = partial(_read_plural, any_modifier, frozenset(lists["not_after"]))
    cues: dict[str, Read] = dict.fromkeys(_with_plurals(lists["paired"]), needy)
    cues |= dict.fromkeys(lists["plural_only"], plural)
    cues |= dict.fromkeys(_with_plurals(lists["heads"]), own)
    yield from (Cue(words, read) for words, read in cues.items())
    for name in lists["names"]:
        yield Cue(name.lower(), partial(_read_name, name))
    for letters, rest in lists["designations"]:
        read = partial(_read_designation, letters, re.compile(rest + r"(?!\w)"))
        is_counted = letters.isalnum() and not _MAY_START_OTHERWISE.search(rest)
        yield Cue(letters.lower(), read, is_prefix=True, then=digits if is_counted else "")


def _with_plurals(words: Iterable[str]) -> list[str]:
    return [form for word in words for form in ((word,) if word.endswith("s") else (word, word + "s"))]


def _run_before(modifiers: Iterable[str]) -> re.Pattern[str]:
    """Return the pattern of the longest run of modifiers that ends where the searched string ends."""
    longest_first = "|".join(sorted(map(re.escape, modifiers), key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:(?:{longest_first})(?:\s|-))+$")


def _read_head(modifiers: re.Pattern[str], reading: Reading, start: int, end: int) -> Find:
    run = modifiers.search(reading.lower[max(0, start - _LEFT) : start])
    return Find(start - len(run.group()) if run else start, end, "WEAPON")


def _read_paired(
    modifiers: re.Pattern[str], strict: frozenset[str], reading: Reading, start: int, end: int
) -> Find | None:
    find = _read_head(modifiers, reading, start, end)
    run = reading.lower[find.start : start]
    return find if run and any(modifier in run for modifier in strict) else None


def _read_plural(
    modifiers: re.Pattern[str], not_after: frozenset[str], reading: Reading, start: int, end: int
) -> Find | None:
    before = _LAST_WORD.search(reading.lower[max(0, start - _LAST_WORD_LEFT) : start])
    if before and before.group(1) in not_after:
        return None
    return _read_head(modifiers, reading, start, end)


def _read_name(name: str, reading: Reading, start: int, end: int) -> Find | None:
    return Find(start, end, "WEAPON") if reading.text[start:end] in (name, name.upper()) else None


def _read_designation(letters: str, rest: re.Pattern[str], reading: Reading, start: int, end: int) -> Find | None:
    number = rest.match(reading.text, end) if reading.text[start:end] == letters else None
    return Find(start, number.end(), "WEAPON") if number else None


def _vessel_cues(lists: dict[str, Any]) -> Iterator[Cue]:
    not_names = frozenset(lists["not_names"])
    for prefix in lists["prefixes"]:
        yield Cue(prefix.lower(), partial(_read_prefixed, prefix, not_names))
    for noun in lists["nouns"]:
        yield Cue(noun.lower(), partial(_read_after_noun, not_names))


def _read_prefixed(prefix: str, not_names: frozenset[str], reading: Reading, start: int, end: int) -> Find | None:
    find = _read_after_noun(not_names, reading, start, end) if reading.text[start:end] == prefix else None
    return Find(start, find.end, "VESSEL") if find else None


def _read_after_noun(not_names: frozenset[str], reading: Reading, _start: int, end: int) -> Find | None:
    name = _SHIP_NAME.match(reading.text, end)
    if not name or name.group(1).split()[0].strip(".") in not_names or country_id(name.group(1)):
        return None
    return Find(name.start(1), name.end(1), "VESSEL")
