"""A watch's section resolved into the noun: conditions, weights, sources and tests, names looked up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from worker.model import (
    ROLES,
    AgeCondition,
    Condition,
    EntityCondition,
    Escalation,
    EventCondition,
    FieldCondition,
    Group,
    LanguageCondition,
    NearCondition,
    PhraseCondition,
    Rate,
    RegexCondition,
    Role,
    RoleCondition,
    SourceCondition,
    SourceFilter,
    TopicCondition,
    Watch,
    WatchTest,
)
from worker.watchlist import yaml
from worker.watchlist.condition_schema import ConditionSection
from worker.watchlist.event_schema import RoleSection
from worker.watchlist.lists import Lists, ReadList, Sources
from worker.watchlist.nearest import for_role, is_known, nearest
from worker.watchlist.regex import explain_refusal
from worker.watchlist.schema import WatchSection
from worker.watchlist.test_schema import TestSection

_GROUPS: tuple[Literal["all", "any", "none"], ...] = ("all", "any", "none")
_NAMED = 3
_BODIES = ("EU", "UN")
"""Ids that only events give, beside those of countries."""
_LARGEST_TEST_BYTES = 1_000_000
LABELS = ("PERSON", "ORG", "GPE", "LOC", "NORP", "FAC", "DATE", "MONEY", "WEAPON", "VESSEL")
"""Entity labels that a condition may name."""


@dataclass(slots=True)
class Watches:
    """Resolves watches against the lists, sources and topics of all files."""

    locate: Callable[[str], Path]
    lists: Lists
    sources: Sources
    topics: Sequence[str]
    files: list[Path] = field(default_factory=list)

    def read(self, tree: yaml.Tree, path: yaml.Path, section: WatchSection) -> Watch:
        """The watch; names that point at nothing are reported where they stand."""
        condition = self._condition(tree, (*path, "match"), section.match)
        score = section.score
        watch = Watch(
            id=section.id,
            title=section.title,
            severity=section.severity,
            condition=condition,
            zones=tuple(section.zones),
            languages=tuple(section.languages),
            labels=tuple(sorted(section.labels.items())),
            is_shadow=section.enabled == "shadow",
            sources=self._watch_sources(tree, (*path, "sources"), section),
            threshold=score.threshold if score else None,
            weights=tuple(sorted(score.weights.items())) if score else (),
            escalate=tuple(
                Escalation(step.to, step.when.independent_sources, step.when.within) for step in section.escalate
            ),
            rate=Rate(section.rate.max, section.rate.per) if section.rate else None,
            max_alerts_per_day=section.max_alerts_per_day,
            tests=tuple(self._test(tree, (*path, "tests", i), test) for i, test in enumerate(section.tests)),
        )
        if (
            not tree.problems
            and watch.threshold is not None
            and (most := _most(condition, dict(watch.weights))) < watch.threshold
        ):
            message = f"can never be reached: the weights of all conditions sum up to {most:g}"
            tree.report((*path, "score", "threshold"), message, "lower the threshold or give weights")
        return watch

    def _watch_sources(self, tree: yaml.Tree, path: yaml.Path, section: WatchSection) -> SourceFilter | None:
        if section.sources is None:
            return None
        return SourceFilter(
            include=self._filters(tree, (*path, "include"), section.sources.include),
            exclude=self._filters(tree, (*path, "exclude"), section.sources.exclude),
        )

    def _filters(self, tree: yaml.Tree, path: yaml.Path, names: Sequence[str]) -> tuple[SourceFilter, ...]:
        known = [
            name
            for i, name in enumerate(names)
            if is_known(tree, (*path, i), name, self.sources.names, "set of sources")
        ]
        return tuple(self.sources.get(name) for name in known)

    # --- conditions ----------------------------------------------------------------------------------------

    def _condition(
        self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection, *, has_neighbour: bool = False
    ) -> Condition:
        parts = [*self._groups(tree, path, section), *self._leaves(tree, path, section)]
        if not parts:  # what stood here was refused, and reported
            return Group("any", ())
        if len(parts) > 1:
            return Group("all", tuple(parts))
        is_lonely = isinstance(parts[0], EntityCondition) and parts[0].within and not has_neighbour
        if is_lonely and section.entity and not tree.problems:
            message = "`within` needs another condition beside it in the same `all`"
            tree.report((*path, "entity", "within"), message, of_key=True)
        return parts[0]

    def _groups(self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection) -> Iterator[Condition]:
        for kind in _GROUPS:
            children = getattr(section, kind)
            if not children:
                continue
            has_neighbour = kind == "all" and (len(children) > 1 or len(section.model_fields_set) > 1)
            made = tuple(
                self._condition(tree, (*path, kind, i), child, has_neighbour=has_neighbour)
                for i, child in enumerate(children)
            )
            if len(made) == 1 and kind != "none":
                yield made[0]
            elif kind == "all":
                yield from made  # so that they and the keys beside `all` are neighbours
            else:
                yield Group(kind, made)

    def _leaves(self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection) -> Iterator[Condition]:  # noqa: C901, PLR0912 - one for each kind
        weight = section.weight
        if (topic := section.topic) is not None:
            is_known(tree, (*path, "topic", "name"), topic.name, self.topics, "topic")
            yield TopicCondition(topic.name, topic.min_score, topic.salience, weight)
        if section.entity is not None:
            yield self._entity(tree, (*path, "entity"), section)
        if (event := section.event) is not None:
            roles = tuple(
                self._role(tree, (*path, "event", role), role, getattr(event, role))
                for role in ROLES[event.type]
                if getattr(event, role, None) is not None
            )
            yield EventCondition(event.type, roles, tuple(event.modality), event.salience, weight)
        if (phrase := section.phrase) is not None:
            terms = (*phrase.terms, *self._listed(tree, (*path, "phrase"), phrase.list, "phrase"))
            if phrase.lemma:
                terms = tuple(term for term in terms if not term.endswith("*"))
            yield PhraseCondition(terms, phrase.case, phrase.lemma, weight)
        if section.near is not None:
            yield self._near(tree, (*path, "near"), section)
        if (regex := section.regex) is not None:
            if refusal := explain_refusal(regex.pattern):
                tree.report((*path, "regex", "pattern"), *refusal)
            else:
                yield RegexCondition(regex.pattern, regex.case, weight)
        if (fields := section.field) is not None:
            for name in ("title", "author", "category", "link"):
                if wanted := getattr(fields, name):
                    yield FieldCondition(name, tuple(wanted), weight)
        if (source := section.source) is not None:
            self.sources.feeds.check(tree, (*path, "source"), source.name, source.tags)
            filters = self._filters(tree, (*path, "source", "group"), source.group)
            yield SourceCondition(tuple(source.tags), tuple(source.name), filters, weight)
        if section.language is not None:
            yield LanguageCondition(tuple(section.language), weight)
        if (age := section.age) is not None:
            yield AgeCondition(age.max, age.min, weight)

    def _entity(self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection) -> EntityCondition:
        entity = section.entity
        assert entity is not None
        self.lists.check_ids(tree, (*path, "id"), entity.id)
        for i, label in enumerate(entity.labels):
            is_known(tree, (*path, "labels", i), label, LABELS, "label")
        named = ReadList()
        for i, name in enumerate(entity.list or ()):
            if is_known(tree, (*path, "list", i), name, self.lists.names, "list"):
                named += self.lists.get(name)
        lists = " or ".join(entity.list or ())
        described = (f"of the list {lists}" if lists else "", *entity.id, *entity.labels)
        return EntityCondition(
            ids=(*entity.id, *named.ids),
            terms=named.terms,
            labels=tuple(entity.labels),
            name=" ".join(part for part in described if part),
            lists=named.names,
            min_score=entity.min_score,
            salience=entity.salience,
            within=entity.within or "",
            weight=section.weight,
            entries=named.entries,
        )

    def _role(self, tree: yaml.Tree, path: yaml.Path, role: Role, section: RoleSection) -> RoleCondition:
        self.lists.check_ids(tree, (*path, "id"), [one for one in section.id if one not in _BODIES])
        for i, label in enumerate(section.labels):
            is_known(tree, (*path, "labels", i), label, LABELS, "label")
        named = ReadList()
        for i, name in enumerate(section.list):
            if name in self.lists.names:
                named += self.lists.get(name)
                continue
            like = nearest(name, self.lists.names)
            hint = like if like.startswith("did you mean") else for_role(role, name)
            tree.report((*path, "list", i), f"there is no list `{name}`", hint)
        lists = " or ".join(section.list)
        described = (f"of the list {lists}" if lists else "", *section.id, *section.terms[:_NAMED], *section.labels)
        return RoleCondition(
            role=role,
            ids=(*section.id, *named.ids),
            terms=(*section.terms, *named.terms),
            labels=tuple(section.labels),
            lists=named.names,
            name=" ".join(part for part in described if part),
            entries=named.entries,
        )

    def _near(self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection) -> NearCondition:
        near = section.near
        assert near is not None
        sides = tuple(
            (*side.terms, *self._listed(tree, (*path, "terms", i), side.list, "near"))
            for i, side in enumerate(near.terms)
        )
        return NearCondition(sides, near.within, near.ordered, section.weight)

    def _listed(self, tree: yaml.Tree, path: yaml.Path, names: Sequence[str], kind: str) -> tuple[str, ...]:
        """The terms of lists; a list that has none cannot serve, since its entries have ids or names only."""
        found: list[str] = []
        for i, name in enumerate(names):
            if not is_known(tree, (*path, "list", i), name, self.lists.names, "list"):
                continue
            terms = self.lists.get(name).terms
            if not terms and name in self.lists.sections:
                tree.report(
                    (*path, "list", i), f"the list `{name}` has no aliases or phrases for `{kind}`", "use entity"
                )
            found += terms
        return tuple(found)

    # --- tests ---------------------------------------------------------------------------------------------

    def _test(self, tree: yaml.Tree, path: yaml.Path, section: TestSection) -> WatchTest:
        title, text = section.title or "", section.text or ""
        if section.file is not None:
            title, text = self._article(tree, (*path, "file"), section.file)
        expect = section.expect
        for i, topic in enumerate(expect.topics):
            is_known(tree, (*path, "expect", "topics", i), topic, self.topics, "topic")
        line, _ = tree.place(path)
        return WatchTest(
            title=title,
            text=text,
            place=f"{tree.file}:{line}",
            fires=expect.fires,
            severity=expect.severity,
            entities=tuple(expect.entities),
            topics=tuple(expect.topics),
            evidence=tuple((zone, words) for zone, found in _zones(expect.evidence) for words in found),
            source=section.source or "",
            tags=tuple(section.tags),
        )

    def _article(self, tree: yaml.Tree, path: yaml.Path, name: str) -> tuple[str, str]:
        file = self.locate(name)
        self.files.append(file)
        try:
            if file.stat().st_size > _LARGEST_TEST_BYTES:
                tree.report(path, f"the file {name} is larger than {_LARGEST_TEST_BYTES:,} bytes")
                return "", ""
            title, _, text = file.read_text("utf-8-sig").strip().partition("\n")
        except OSError as error:
            tree.report(path, f"the file {name} cannot be read: {error.strerror}")
            return "", ""
        except UnicodeDecodeError:
            tree.report(path, f"the file {name} is not UTF-8", "save the file as UTF-8")
            return "", ""
        return title, text


def _zones(evidence: Any) -> Iterator[tuple[Any, list[str]]]:
    return ((zone, getattr(evidence, zone)) for zone in ("title", "lead", "body"))


def _most(condition: Condition, weights: dict[str, float]) -> float:
    """The highest score a condition can bring."""
    if isinstance(condition, Group):
        return 0.0 if condition.kind == "none" else sum(_most(child, weights) for child in condition.children)
    kind = type(condition).__name__.removesuffix("Condition").lower()
    return weights.get(kind, 0.0) if condition.weight is None else condition.weight
