"""Conditions on an alert's labels, in Alertmanager's words: read, written, decided."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from worker.model import LabelMatcher

_MATCHER = re.compile(r'\s*(?P<label>[a-zA-Z_][\w-]*)\s*(?P<operator>=~|!~|!=|=)\s*"?(?P<value>[^"]*?)"?\s*')


def parse(text: str) -> LabelMatcher:
    """`severity="high"`, `desk!=x`, `watch=~"arms-.*"` or `source!~"a|b"`. Raises ValueError that says what is wrong."""
    found = _MATCHER.fullmatch(text)
    if not found:
        msg = f'“{text}” is not a matcher; write severity="high", desk!="x", watch=~"arms-.*" or source!~"a|b"'
        raise ValueError(msg)
    if "~" in found["operator"]:
        _check_pattern(found["value"])
    return LabelMatcher(found["label"], found["operator"], found["value"])  # type: ignore[arg-type]


def write(matcher: LabelMatcher) -> str:
    """The matcher as `parse` reads it."""
    return f'{matcher.label}{matcher.operator}"{matcher.value}"'


def is_match(matcher: LabelMatcher, labels: Mapping[str, str]) -> bool:
    """Whether the label has the value; a missing label is "", and a pattern must match the whole value."""
    value = labels.get(matcher.label, "")
    if matcher.operator in ("=", "!="):
        is_equal = value == matcher.value
    else:
        is_equal = _compiled(matcher.value).fullmatch(value) is not None
    return is_equal is not matcher.operator.startswith("!")


def all_match(matchers: Iterable[LabelMatcher], labels: Mapping[str, str]) -> bool:
    """Whether every one of them holds."""
    return all(is_match(matcher, labels) for matcher in matchers)


def _check_pattern(pattern: str) -> None:
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error:
        msg = f"the pattern “{pattern}” is not one that RE2 takes"
        raise ValueError(msg) from None


@lru_cache(maxsize=1_000)
def _compiled(pattern: str) -> Any:
    import re2

    return re2.compile(pattern)
