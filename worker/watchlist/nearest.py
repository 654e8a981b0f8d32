"""Names that point at nothing, reported with the nearest known one."""

import difflib
from collections.abc import Iterable

from worker.watchlist import yaml


def is_known(tree: yaml.Tree, path: yaml.Path, name: str, known: Iterable[str], what: str) -> bool:
    """Whether `name` is known; a report at `path` where it is not."""
    names = tuple(known)
    if name in names:
        return True
    tree.report(path, f"there is no {what} `{name}`", nearest(name, names))
    return False


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint: the known name that is most like `name`, or else what is known."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(names[:12])}" if names else "none is defined"
