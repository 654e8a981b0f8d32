"""Regular expressions of RE2: each is linear in the text, and one pass tells which of them can match."""

from collections.abc import Iterable, Mapping
from typing import Any

_MEMORY_BYTES = 8 << 20
_MOST_FINDS = 200


class Patterns:
    """Patterns as (source, minds capitals)."""

    def __init__(self, patterns: Iterable[tuple[str, bool]]) -> None:
        self._compiled = {key: compile_pattern(*key) for key in dict.fromkeys(patterns)}

    def find(self, text: str) -> Mapping[tuple[str, bool], tuple[tuple[int, int], ...]]:
        """The patterns that are in `text`, with up to 200 half-open spans each."""
        found = {}
        for key, pattern in self._compiled.items():
            spans = []
            for match in pattern.finditer(text):
                if match.end() > match.start():
                    spans.append(match.span())
                if len(spans) == _MOST_FINDS:
                    break
            if spans:
                found[key] = tuple(spans)
        return found


def compile_pattern(source: str, is_cased: bool) -> Any:
    """The compiled pattern. RE2 bounds time and memory; it raises `re2.error` on what it refuses."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_BYTES
    options.case_sensitive = is_cased
    return re2.compile(source, options)
