"""Names that point at nothing, reported with the nearest known one."""

import difflib
import re
from collections.abc import Iterable

from worker.watchlist import yaml

_SURE = 0.8
"""`macth` is so much like `match`, and `note` is less like `none`."""
_LABELS = frozenset(("PERSON", "ORG", "GPE", "LOC", "NORP", "FAC", "WEAPON", "VESSEL"))


def is_known(tree: yaml.Tree, path: yaml.Path, name: str, known: Iterable[str], what: str) -> bool:
    """Whether `name` is known; a report at `path` where it is not."""
    names = tuple(known)
    if name in names:
        return True
    tree.report(path, f"there is no {what} `{name}`", nearest(name, names))
    return False


def for_role(role: str, word: str) -> str:
    """How to write in a role what was written as the bare name of a list."""
    if word in _LABELS:
        return f"a bare word is the name of a list; for a kind write `{role}: {{labels: {word}}}`"
    if re.fullmatch("[A-Z]{2}", word):
        return f"a bare word is the name of a list; for a country write `{role}: {{id: {word}}}`"
    return f"a bare word is the name of a list; write `{role}: {{terms: {word}}}`, or for a country `{{id: RU}}`"


def meant(name: str, known: Iterable[str]) -> str:
    """The known name of which `name` surely is a misspelling, "" where none is."""
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=_SURE)
    return close[0] if close else ""


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the known name that is most like `name`, or else what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(names[:12])}" if names else "none is defined"
