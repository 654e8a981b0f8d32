"""Which watches can fire at all on an article: those of which the rarest thing they need is there.

Every watch is filed under a set of keys of which one must be present for its condition to be true: a term, a topic, an
entity's id, a list. Of the children of an `all` the set that is present least often is taken, of an `any` all sets. So
the cost of an article goes with what stands in it, not with the number of watches.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from worker.match.inflect import forms
from worker.match.reading import Reading
from worker.model import (
    AgeCondition,
    Condition,
    EntityCondition,
    FieldCondition,
    Group,
    LanguageCondition,
    NameList,
    NearCondition,
    PhraseCondition,
    RegexCondition,
    SourceCondition,
    TopicCondition,
    Watch,
)

Key = str | tuple[object, ...]
_UNKNOWN: Key = ("unknown",)
"""Present where the model does not speak the language: topics and entities may then be unknown, which is counted."""
_COSTS = {"topic": 0.05, "id": 0.05, "label": 0.5, "list": 0.05, "regex": 0.02, "field": 0.02, "unknown": 0.0}
_ANYTHING = 1.0


class Candidates:
    """The watches filed under what they need."""

    def __init__(self, watches: Iterable[Watch]) -> None:
        self._by_key: dict[Key, list[int]] = defaultdict(list)
        self._always: list[int] = []
        self._needs: list[tuple[frozenset[Key], ...]] = []
        for number, watch in enumerate(watches):
            keys = required(watch.condition)
            self._needs.append(_all_required(watch.condition))
            if keys is None:
                self._always.append(number)
            for key in keys or ():
                self._by_key[key].append(number)

    def find(self, reading: Reading) -> list[int]:
        """The numbers of the watches that may fire, or may be unknown, in order."""
        present = set(_present(reading))
        found = set(self._always)
        for key in present:
            if numbers := self._by_key.get(key):
                found.update(numbers)
        return sorted(number for number in found if not any(keys.isdisjoint(present) for keys in self._needs[number]))


def required(condition: Condition) -> frozenset[Key] | None:  # noqa: PLR0911 - one for each kind
    """Keys of which one is present whenever the condition is true; None where there are none to name."""
    match condition:
        case Group(kind="none") | AgeCondition():
            return None
        case Group(kind="any"):
            sets = [required(child) for child in condition.children]
            return None if None in sets else frozenset().union(*(keys for keys in sets if keys is not None))
        case Group():
            known = [keys for child in condition.children if (keys := required(child)) is not None]
            return min(known, key=_cost, default=None)
        case NearCondition():
            return min((frozenset[Key](side) for side in condition.sides), key=_cost)
        case PhraseCondition(is_lemma=True):
            return frozenset(form for phrase in condition.phrases for form in forms(phrase))
        case PhraseCondition():
            return frozenset(condition.phrases)
        case SourceCondition(filters=()):
            return frozenset(
                [*(("tag", tag) for tag in condition.tags), *(("source", name) for name in condition.names)]
            )
        case SourceCondition():
            return None
        case _:
            return frozenset(_leaf_keys(condition))


def _all_required(condition: Condition) -> tuple[frozenset[Key], ...]:
    """The sets of keys of which each must be present in part: one for each child of an `all`."""
    parts = condition.children if isinstance(condition, Group) and condition.kind == "all" else (condition,)
    return tuple(keys for part in parts if (keys := required(part)) is not None)


def _leaf_keys(condition: Condition) -> Iterator[Key]:
    match condition:
        case TopicCondition():
            yield from (("topic", condition.name), _UNKNOWN)
        case EntityCondition():
            yield from condition.terms
            yield from (("id", id_) for id_ in condition.ids)
            yield from (("list", id(names)) for names in condition.lists)
            if not (condition.terms or condition.ids or condition.lists):
                yield from (("label", label) for label in condition.labels)
            yield _UNKNOWN
        case RegexCondition():
            yield ("regex", condition.pattern, condition.is_cased)
        case FieldCondition():
            yield from (("field", condition.field, term) for term in condition.terms)
        case LanguageCondition():
            yield from (("language", language) for language in condition.languages)


def _present(reading: Reading) -> Iterator[Key]:
    article, analysis = reading.article, reading.analysis
    yield from reading.terms
    yield from (("topic", topic.topic) for topic in analysis.topics)
    yield from {("id", entity.id) for entity in analysis.entities if entity.id}
    yield from {("label", entity.label) for entity in analysis.entities}
    yield from {("list", id(hit.list)) for hit in reading.names}
    yield from (("regex", *pattern) for pattern in reading.patterns)
    yield from (("field", field, term) for field, hits in reading.fields.items() for term in hits)
    yield from (("tag", tag) for tag in article.tags)
    yield from (("source", article.source), ("language", analysis.language))
    if pending := analysis.pending:
        yield from (("id", id_) for id_ in pending.ids or ())
        yield from (("label", label) for label in pending.labels or ())
    if not analysis.is_language_known or (pending and (pending.ids is None or pending.labels is None)):
        yield _UNKNOWN


def _cost(keys: frozenset[Key]) -> float:
    """How often one of the keys is present, roughly: a term of n letters counts 1 / n², other keys by their kind."""
    return sum(1 / len(key) ** 2 if isinstance(key, str) else _COSTS.get(str(key[0]), _ANYTHING) for key in keys)


def name_lists(condition: Condition) -> Iterator[NameList]:
    """The lists a condition names."""
    if isinstance(condition, Group):
        for child in condition.children:
            yield from name_lists(child)
    elif isinstance(condition, EntityCondition):
        yield from condition.lists
