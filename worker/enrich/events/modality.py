"""What the words around an event make of it, from the inside out: a refusal to sell, the end of a refusal, a call to end it.

Each word is an operator on what stands within it. `compose` starts from the bare event and applies them nearest first:
`send ← refusal ← abandoned` is negated, then planned; `sell ← not ← pressure` is negated, then requested.
"""

from collections.abc import Iterable
from functools import cache
from typing import Final, Literal, cast

from worker.enrich.events.words import words
from worker.model import Modality

Operator = Literal[
    "not",
    "bar",
    "cease",
    "deny",
    "ask",
    "grant",
    "plan",
    "may",
    "if",
    "able",
    "was",
    "hedge",
    "undo",
    "try",
    "leave",
    "fail",
]
State = Modality | Literal["ceased", "able", "on", "tried", "supposed", "leave"]

_NOT: Final = frozenset("not n't never no nor neither without nothing none".split())
_CEASING: Final = words("ceasing")
_GRANTING: Final = frozenset(
    "agree agrees agreed agreeing approve approves approved grant grants granted accept accepts accepted "
    "authorise authorises authorised authorize authorizes authorized decide decides decided".split()
)
_TRYING: Final = frozenset(
    "attempt attempts attempted attempting try tries tried trying effort efforts bid bids".split()
)
_LEAVE: Final = frozenset("permission approval licence license leave".split())
"""Who asks for it plans what it is for."""
_FAILING: Final = frozenset("fail fails failed failing failure failures".split())
"""To fail to do is not to do; to fail to bar or to stop leaves it as it was."""
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
        "leave": "negated",
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
        "leave": "negated",
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
        "asserted": "supposed",
        "planned": "supposed",
        "negated": "supposed",
        "requested": "supposed",
        "able": "supposed",
        "ceased": "on",
    },
    "able": {"asserted": "able"},
    "was": {"able": "asserted"},
    "hedge": {"asserted": "alleged", "on": "alleged", "tried": "alleged"},
    "leave": {"asserted": "leave", "planned": "leave"},
    "try": {"asserted": "tried", "able": "tried"},
}
_TABLE["fail"] = _TABLE["bar"] | {"negated": "on", "ceased": "on"}
_LAST: Final[dict[State, Modality]] = {
    "ceased": "negated",
    "able": "hypothetical",
    "on": "asserted",
    "tried": "planned",
    "supposed": "hypothetical",
    "leave": "planned",
}


def compose(cues: Iterable[str], *, goes_on: bool) -> Modality | None:
    """What the cues, nearest first, make of an event; None where it stays bare.

    `goes_on` where stopping it tells that it happened before: `asserted` is what somebody is asked to stop.
    """
    state: State = "asserted"
    for cue in dict.fromkeys(cues):
        state = "planned" if state == "tried" and operator_of(cue) not in (None, "hedge") else state
        operator = operator_of(cue)
        if operator is not None:
            named = "bar" if operator == "cease" and not goes_on else operator
            state = _TABLE[named].get(state, state)
    return None if state == "asserted" else _LAST.get(state) or cast("Modality", state)


@cache
def operator_of(cue: str) -> Operator | None:
    """What a word does to the event it governs; nothing for most words."""
    return next((operator for operator, names in _OPERATORS if cue in names), None)


_OPERATORS: Final[tuple[tuple[Operator, frozenset[str]], ...]] = (
    ("not", _NOT),
    ("undo", words("undoing")),
    ("cease", _CEASING),
    ("deny", words("denied")),
    ("fail", _FAILING),
    ("bar", words("negated") | words("rejecting")),
    ("ask", words("requested")),
    ("if", _IFS),
    ("able", frozenset(("able", "ability"))),
    ("may", words("hypothetical")),
    ("leave", _LEAVE),
    ("try", _TRYING),
    ("grant", _GRANTING),
    ("plan", words("planned")),
    ("was", _WAS),
    ("hedge", words("hedged")),
)
