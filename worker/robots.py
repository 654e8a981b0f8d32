"""What a robots.txt lets us read: the Robots Exclusion Protocol (RFC 9309), without fetching anything.

Only the pages that articles link to are asked about. A feed is read because its publisher offers it and a person
subscribed to it; readers of feeds are not what the protocol is for.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

AGENT = "tocsin"
"""Our product token, in lower case (§2.2.1)."""
MOST_BYTES = 512_000
"""What is beyond is not read; the RFC asks for 500 KiB at least (§2.5)."""
PATH = "/robots.txt"
_LINE = re.compile(r"^\s*([A-Za-z-]+)\s*:\s*([^#]*)")
_TOKEN = re.compile(r"^[A-Za-z_-]+")
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"[A-Za-z0-9/?#\[\]@!$&'()*+,;=:._~-]*")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """One allow or disallow line; `pattern` as its author wrote it."""

    is_allowing: bool
    pattern: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules that are for us. None, and everything is allowed."""

    rules: tuple[Rule, ...] = ()
    _normal: tuple[str, ...] = field(init=False, repr=False, compare=False)
    """Their patterns as paths are compared: made once, since a file may have sixty thousand and a host as many pages."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_normal", tuple(_normal(rule.pattern) for rule in self.rules))

    def refusal(self, url: str) -> str:
        """Why the address may not be read, or "". The longest pattern decides, and of two as long the one that allows."""
        path = _path_of(url)
        if path == PATH:
            return ""
        fitting = [
            (len(pattern), rule.is_allowing, rule.pattern)
            for rule, pattern in zip(self.rules, self._normal, strict=True)
            if _fits(pattern, path)
        ]
        _, is_allowing, decisive = max(fitting, key=lambda one: one[:2], default=(0, True, ""))
        if is_allowing:
            return ""
        return f"its robots.txt keeps us out (Disallow: {decisive[:_SHOWN]})"


def parse(body: bytes) -> Rules:
    """The rules of the groups that name us, else of those for `*`; a line that cannot be read is left out (§2.2)."""
    groups: dict[str, list[Rule]] = {}
    named: set[str] = set()  # of these two: a file may name others, or us, ten thousand times before a rule
    last: Literal["agent", "rule", ""] = ""
    for key, value in _lines(body):
        if key == "user-agent":
            named = (named if last == "agent" else set()) | ({_agent(value)} & {AGENT, "*"})
            groups |= {name: [] for name in named - groups.keys()}
            last = "agent"
        elif key in ("allow", "disallow"):
            last = "rule"
            if value:
                for name in named:
                    groups[name].append(Rule(key == "allow", value))
    return Rules(tuple(groups.get(AGENT, groups.get("*", ()))))


def robots_address(url: str) -> str:
    """Where the robots.txt that judges an address stands: at the root of its origin (§2.3)."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{PATH}"


def _lines(body: bytes) -> Iterable[tuple[str, str]]:
    text = body[:MOST_BYTES].decode("utf-8-sig", "replace")
    for line in re.split(r"\r\n|\r|\n", text):
        if found := _LINE.match(line):
            yield found[1].lower(), found[2].strip()


def _agent(value: str) -> str:
    if value == "*":
        return "*"
    token = _TOKEN.match(value)
    return token[0].lower() if token else ""


def _path_of(url: str) -> str:
    parts = urlsplit(url)
    return _normal((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def _normal(text: str) -> str:
    """Spellings of one path become one: other scripts are encoded, what need not be encoded is not (§2.2.2)."""
    if _PLAIN.fullmatch(text):
        return text
    encoded = quote(text, safe="%/?#[]@!$&'()*+,;=:-._~")
    return _ENCODED.sub(_decode, encoded)


def _decode(found: re.Match[str]) -> str:
    sign = chr(int(found[1], 16))
    return sign if sign in _UNRESERVED else f"%{found[1].upper()}"


def _fits(pattern: str, path: str) -> bool:
    """Whether a normal pattern fits a path's start; `*` stands for anything, a final `$` for its end. Takes linear time."""
    if "*" not in pattern and not pattern.endswith("$"):
        return path.startswith(pattern)
    is_whole = pattern.endswith("$")
    first, *others = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    *between, last = others or [""]
    for piece in between:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if not others:
        return not is_whole or at == len(path)
    if is_whole:
        return path.endswith(last) and len(path) - len(last) >= at
    return path.find(last, at) >= 0
