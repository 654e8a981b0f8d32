"""Whether an article tells an event that a watch asks for: every role it names, in one and the same event."""

from collections.abc import Iterator

from worker.events import extent
from worker.match.reading import Reading
from worker.model import Event, EventCondition, Evidence, Filler, Finding, RoleCondition, Watch

_MOST_EVIDENCE = 20


def find_event(condition: EventCondition, watch: Watch, reading: Reading, sure: float) -> Finding:
    """The finding, with the words from first to last role as evidence; where none fits, its score is the best share met.

    `sure` is the least score of a listed name.
    """
    if pending := reading.analysis.pending:
        return Finding("event", _asks(condition), "unknown" if pending.has_events else "false")
    best = 0.0
    found: list[Evidence] = []
    for event in reading.analysis.events:
        if event.type != condition.type:
            continue
        evidence = tuple(reading.evidence(watch, [extent(event)], condition.salience))
        met = _share_met(condition, event, reading, sure) if evidence else 0.0
        best = max(best, met)
        if met == 1:
            found += evidence
    asks = _asks(condition)
    if found:
        return Finding("event", asks, "true", _distinct(found))
    if not reading.analysis.is_language_known:
        return Finding("event", asks, "unknown")
    return Finding("event", asks, "false", score=round(best, 2) or None)


def _share_met(condition: EventCondition, event: Event, reading: Reading, sure: float) -> float:
    """How many of the roles and the modality, each counting the same, the event meets: 0..1."""
    met = [any(_fits(role, filler, reading, sure) for filler in event.of(role.role)) for role in condition.roles]
    if condition.modalities:
        met.append(event.modality in condition.modalities)
    return sum(met) / len(met) if met else 1.0


def _fits(role: RoleCondition, filler: Filler, reading: Reading, sure: float) -> bool:
    if role.labels and filler.label not in role.labels:
        return False
    if not (role.ids or role.terms or role.lists):
        return True
    if filler.id is not None and filler.id in role.ids:
        return True
    return any(_holds(filler, reading, start, end) for start, end in _named(role, reading, sure))


def _named(role: RoleCondition, reading: Reading, sure: float) -> Iterator[tuple[int, int]]:
    for term in reading.standing(role.terms):
        yield from reading.terms[term]
    if role.lists:
        yield from (hit.span for hit in reading.names if hit.list in role.lists and hit.score >= sure)


def _holds(filler: Filler, reading: Reading, start: int, end: int) -> bool:
    """Whether a stretch of the text is part of the filler, or of what its pronoun stands for."""
    if filler.start <= start and end <= filler.end:
        return True
    words = reading.article.text[start:end].casefold()
    return bool(filler.name) and words in filler.name.casefold()


def _distinct(found: list[Evidence]) -> tuple[Evidence, ...]:
    return tuple({(one.start, one.end): one for one in found}.values())[:_MOST_EVIDENCE]


def _asks(condition: EventCondition) -> str:
    """As in "a transfer with supplier of the list dprk and item WEAPON, asserted or alleged"."""
    roles = " and ".join(f"{role.role} {role.name}".rstrip() for role in condition.roles)
    asks = f"a {condition.type}" + (f" with {roles}" if roles else "")
    asks += f", {' or '.join(condition.modalities)}" if condition.modalities else ""
    return asks + (" in the title or lead" if condition.salience == "main" else "")
