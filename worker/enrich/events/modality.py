"""What the words around an event make of it, from the inside out: a refusal to sell, the end of a refusal, a call to end it.

Each word is an operator on what stands within it. `compose` starts from the bare event and applies them nearest first:
`send ← refusal ← abandoned` is negated, then planned; `sell ← not ← pressure` is negated, then requested.
"""

from collections.abc import Iterable
from functools import cache
from typing import Final, Literal

from worker.enrich.events.words import words
from worker.model import Modality

Operator = Literal["not", "bar", "cease", "deny", "ask", "grant", "plan", "may", "if", "able", "was", "hedge", "undo", "try"]
State = Modality | Literal["ceased", "able", "on", "tried"]

_NOT: Final = frozenset("not n't never no nor neither without nothing none".split())
_CEASING: Final = words("ceasing")
_GRANTING: Final = frozenset(
    "agree agrees agreed agreeing approve approves approved approval grant grants granted accept accepts accepted "
    "authorise authorises authorised authorize authorizes authorized decide decides decided".split()
)
_TRYING: Final = frozenset("attempt attempts attempted attempting try tries tried trying effort efforts bid bids".split())
_IFS: Final = frozenset("if whether unless".split())
_WAS: Final = frozenset(("was", "were"))

_TABLE: Final[dict[Operator, dict[State, State]]] = {
    "not": {
        "asserted": "negated",
        "planned": "negated",
        "requested": "negated",
        "hypothetical": "negated",
        "able": "negated",
        "alleged": "negated",
        "negated": "planned",
        "ceased": "on",
        "denied": "alleged",
    },
    "bar": {
        "asserted": "negated",
        "planned": "negated",
        "requested": "negated",
        "hypothetical": "negated",
        "able": "negated",
        "alleged": "negated",
    },
    "cease": {
        "asserted": "ceased",
        "planned": "negated",
        "requested": "negated",
        "hypothetical": "negated",
        "able": "negated",
        "negated": "planned",
    },
    "undo": {"negated": "planned", "planned": "negated", "requested": "negated"},
    "deny": dict.fromkeys(("asserted", "planned", "requested", "hypothetical", "alleged", "able"), "denied"),
    "ask": {
        "asserted": "requested",
        "planned": "requested",
        "hypothetical": "requested",
        "negated": "requested",
        "able": "requested",
        "ceased": "on",
    },
    "grant": {"asserted": "planned", "requested": "planned", "able": "planned", "ceased": "negated"},
    "plan": {"asserted": "planned", "able": "planned", "ceased": "negated"},
    "may": {
        "asserted": "hypothetical",
        "planned": "hypothetical",
        "negated": "hypothetical",
        "able": "hypothetical",
        "ceased": "on",
    },
    "if": {
        "asserted": "hypothetical",
        "planned": "hypothetical",
        "negated": "hypothetical",
        "requested": "hypothetical",
        "able": "hypothetical",
        "ceased": "on",
    },
    "able": {"asserted": "able"},
    "was": {"able": "asserted"},
    "hedge": {"asserted": "alleged", "on": "alleged", "tried": "alleged"},
    "try": {"asserted": "tried", "able": "tried"},
}
_LAST: Final[dict[State, Modality]] = {"ceased": "negated", "able": "hypothetical", "on": "asserted", "tried": "planned"}


def compose(cues: Iterable[str], *, goes_on: bool) -> Modality:
    """What the cues, nearest first, make of a bare event; `goes_on` where stopping it tells that it happened before."""
    state: State = "asserted"
    for cue in dict.fromkeys(cues):
        state = "planned" if state == "tried" and operator_of(cue) not in (None, "hedge") else state
        operator = operator_of(cue)
        if operator is not None:
            named = "bar" if operator == "cease" and not goes_on else operator
            state = _TABLE[named].get(state, state)
    return _LAST.get(state, state)  # type: ignore[arg-type]


@cache
def operator_of(cue: str) -> Operator | None:
    """What a word does to the event it governs; nothing for most words."""
    return next((operator for operator, names in _OPERATORS if cue in names), None)


_OPERATORS: Final[tuple[tuple[Operator, frozenset[str]], ...]] = (
    ("not", _NOT),
    ("undo", words("undoing")),
    ("cease", _CEASING),
    ("deny", words("denied")),
    ("bar", words("negated") | words("rejecting")),
    ("ask", words("requested")),
    ("if", _IFS),
    ("able", frozenset(("able", "ability"))),
    ("may", words("hypothetical")),
    ("try", _TRYING),
    ("grant", _GRANTING),
    ("plan", words("planned")),
    ("was", _WAS),
    ("hedge", words("hedged")),
)
