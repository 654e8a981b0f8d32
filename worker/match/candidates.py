"""Which watches can fire at all on an article: those of which the rarest thing they need is there.

Every watch is filed under a set of keys of which one must be present for its condition to be true: a term, a topic, an
entity's id, a list. Of the children of an `all` the set that is present least often is taken, of an `any` all sets. So
the cost of an article goes with what stands in it, not with the number of watches.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import get_args

from worker.match.inflect import forms
from worker.match.reading import Reading
from worker.model import (
    AgeCondition,
    Condition,
    EntityCondition,
    EventCondition,
    EventType,
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
"""Stands in a set beside topics and entities: where no model speaks the language they are unknown, which is counted."""
_COSTS = {
    "topic": 0.05,
    "event": 0.02,
    "id": 0.05,
    "label": 0.5,
    "list": 0.05,
    "regex": 0.02,
    "field": 0.02,
    "unknown": 0.0,
}
_ANYTHING = 1.0


class Candidates:
    """The watches filed under what they need."""

    def __init__(self, watches: Iterable[Watch]) -> None:
        self._read, self._unread = _Files(), _Files()
        self._blind: dict[int, tuple[str, ...]] = {}
        self._blind_in: Counter[str] = Counter()
        for number, watch in enumerate(watches):
            needs = _all_required(watch.condition)
            self._read.add(number, [keys - {_UNKNOWN} for keys in needs])
            sighted = [keys for keys in needs if _UNKNOWN not in keys]
            self._unread.add(number, sighted or [keys - {_UNKNOWN} for keys in needs])
            if needs and not sighted:
                self._blind[number] = watch.languages or ("",)
                self._blind_in.update(self._blind[number])

    def find(self, reading: Reading) -> tuple[list[int], int]:
        """The numbers of the watches that may fire, or may be unknown, in order; and how many more are unknown.

        The latter ask for nothing but topics and entities where no model speaks the article's language.
        """
        present = set(_present(reading))
        if reading.analysis.is_language_known:
            return self._read.find(present), 0
        found, spoken = self._unread.find(present), {"", reading.analysis.language}
        counted = sum(not spoken.isdisjoint(self._blind.get(number, ())) for number in found)
        return found, sum(self._blind_in[language] for language in spoken) - counted

    def find_open(self, reading: Reading) -> list[int]:
        """The numbers of the watches that may fire once names are looked for, which is pending."""
        present, pending = set(_present(reading)), reading.analysis.pending
        if pending and (pending.ids is None or pending.labels is None):
            return sorted({*self._unread.find(present), *self._blind})
        return self._read.find(present)


class _Files:
    """Numbers under the rarest of the sets of keys of which each must be present in part."""

    def __init__(self) -> None:
        self._by_key: dict[Key, list[int]] = defaultdict(list)
        self._always: list[int] = []
        self._others: list[tuple[frozenset[Key], ...]] = []

    def add(self, number: int, needs: Sequence[frozenset[Key]]) -> None:
        rarest = min(needs, key=_cost, default=None)
        self._others.append(tuple(keys for keys in needs if keys is not rarest))
        if rarest is None:
            self._always.append(number)
        for key in rarest or ():
            self._by_key[key].append(number)

    def find(self, present: AbstractSet[Key]) -> list[int]:
        found = set(self._always)
        for key in present & self._by_key.keys():
            found.update(self._by_key[key])
        others = self._others
        return [number for number in sorted(found) if not any(map(present.isdisjoint, others[number]))]


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
        case EventCondition():
            yield from (("event", condition.type), _UNKNOWN)
        case EntityCondition():
            yield from condition.terms
            yield from (("id", id_) for id_ in condition.ids)
            yield from (("list", id(names)) for names in condition.lists)
            if not (condition.terms or condition.ids or condition.lists):
                yield from (("label", label) for label in condition.labels)
            if condition.ids or condition.labels or not condition.lists:
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
    yield from {("event", event.type) for event in analysis.events}
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
        yield from (("event", type_) for type_ in get_args(EventType) if pending.has_events)


def _cost(keys: frozenset[Key]) -> float:
    """How often one of the keys is present, roughly: other keys by their kind, terms by their length and words."""
    return sum(_term_cost(key) if isinstance(key, str) else _COSTS.get(str(key[0]), _ANYTHING) for key in keys)


def _term_cost(term: str) -> float:
    """A word of n letters counts 1 / n²; each further word makes a phrase four times as rare."""
    return float(1 / (len(term) ** 2 * 4 ** term.count(" ")))


def name_lists(condition: Condition) -> Iterator[NameList]:
    """The lists a condition names."""
    if isinstance(condition, Group):
        for child in condition.children:
            yield from name_lists(child)
    elif isinstance(condition, EntityCondition):
        yield from condition.lists
    elif isinstance(condition, EventCondition):
        yield from (names for role in condition.roles for names in role.lists)
