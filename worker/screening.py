"""Stored articles and lists that have grown: which added names an article holds, and what is told of them.

Only `entity` conditions and the roles of `event` conditions count, since only they name parties. An entry that was on a list before tells nothing new by a
further spelling where an old one stands in the article too.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain

import xxhash

from worker import alert
from worker.events import extent
from worker.match import SURE, Matcher, NameIndex
from worker.model import (
    Alert,
    Analysis,
    Article,
    Condition,
    EntityCondition,
    EventCondition,
    Evidence,
    Finding,
    Group,
    ListEntry,
    Listing,
    Match,
    NameList,
    RoleCondition,
    Source,
    Story,
    Watch,
)
from worker.story import publisher
from worker.terms import TermIndex

MOST_STORIES = 20
"""Of one party under one watch so many stories are alerted, the newest; the alerts say of how many."""
_LEAST = 0.5
_COUNTRY = re.compile("[A-Z]{2}")

Marks = Mapping[str, Collection[int]]
"""Marks of list entries, by list."""


@dataclass(frozen=True, slots=True)
class Roll:
    """What a list holds by now: the names of its file, and the terms and ids given with it."""

    files: tuple[NameList, ...] = ()
    entries: tuple[ListEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A watch that fires on a stored article because of an added party; `seen_ms` is when the article came."""

    watch: str
    list: str
    name: str
    story: str
    article: str
    seen_ms: int


@dataclass(frozen=True, slots=True)
class Notice:
    """One alert to be: a party in a story. `article` is the newest that names it, `articles` how many do."""

    newest: Found
    articles: int
    stories: int
    told: int


def rolls(watches: Iterable[Watch]) -> dict[str, Roll]:
    """The lists whose parties watches look for, by name; those under `none` are no reason to alert."""
    files: dict[str, dict[NameList, None]] = defaultdict(dict)
    entries: dict[str, dict[ListEntry, None]] = defaultdict(dict)
    for watch in watches:
        for condition in _wanted(watch.condition):
            for names in condition.lists:
                files[names.name][names] = None
            for entry in condition.entries:
                entries[entry.list][entry] = None
    return {name: Roll(tuple(files[name]), tuple(entries[name])) for name in sorted({*files, *entries})}


def marks(roll: Roll) -> frozenset[int]:
    """A number for each spelling on the list, the same as long as it stands there, whatever its place in the file."""
    return pick(roll, None)


def pick(roll: Roll, part: str | None) -> frozenset[int]:
    """The marks of those parties whose name contains `part`; None takes all."""
    wanted = (part or "").casefold()
    names = (name for file in roll.files for name in file.names if wanted in name.entry.name.casefold())
    entries = (entry for entry in roll.entries if wanted in entry.name.casefold())
    return frozenset(
        chain(
            (_mark("name", name.text, is_weak=name.is_weak) for name in names),
            (_mark("entry", entry.name) for entry in entries),
        )
    )


def digest(of: Marks) -> str:
    """Changes when any list does."""
    parts = (f"{name}:{','.join(map(str, sorted(of[name])))}" for name in sorted(of))
    return xxhash.xxh3_64_hexdigest("\n".join(parts).encode())


def added(known: Marks, now: Marks) -> dict[str, frozenset[int]]:
    """What has come onto lists; a list that was not known before has grown by nothing."""
    grown = {name: frozenset(now[name]) - frozenset(known[name]) for name in now if name in known}
    return {name: new for name, new in grown.items() if new}


class Additions:
    """The added entries of lists, ready to be found in articles."""

    def __init__(self, lists: Mapping[str, Roll], new: Marks) -> None:
        picked = {name: (lists[name], frozenset(new[name])) for name in new if name in lists}
        self._names = NameIndex(_cut(file, new_, is_new=True) for roll, new_ in picked.values() for file in roll.files)
        self._before = NameIndex(
            _cut(file, new_, is_new=False) for roll, new_ in picked.values() for file in roll.files
        )
        entries = [
            entry for roll, new_ in picked.values() for entry in roll.entries if _mark("entry", entry.name) in new_
        ]
        self._by_text: dict[str, list[ListEntry]] = defaultdict(list)
        for entry in entries:
            self._by_text[entry.name].append(entry)
        self._terms = TermIndex(entry.name for entry in entries)
        self.asks_for_ids = any(_COUNTRY.fullmatch(entry.name) for entry in entries)

    def find(self, article: Article, analysis: Analysis | None) -> dict[ListEntry, set[tuple[int, int]]]:
        """The added parties that may be named in the article, with where: the watch has the last word."""
        places: dict[ListEntry, set[tuple[int, int]]] = defaultdict(set)
        for hit in self._names.find(article.text):
            if hit.score > _LEAST or hit.list.weak == "match":
                places[hit.name.entry].add(hit.span)
        if places:
            for hit in self._before.find(article.text):
                if hit.score >= SURE:
                    places.pop(hit.name.entry, None)
        for term, spans in self._terms.find(article.text).items():
            for entry in self._by_text[term]:
                places[entry] |= set(spans)
        for entity in analysis.entities if analysis else ():
            for entry in self._by_text.get(entity.id or "", ()):
                places[entry].add((entity.start, entity.end))
        return dict(places)


def judge(
    article: Article, analysis: Analysis, matcher: Matcher, parties: Mapping[ListEntry, set[tuple[int, int]]]
) -> Iterator[tuple[Match, ListEntry, frozenset[str]]]:
    """Each watch that fires because of one of the parties, with the party and the names it is told by."""
    for verdict in matcher.screen(article, analysis):
        if not isinstance(verdict, Match):
            continue
        wanted = list(_wanted(verdict.watch.condition))
        lists = {entry.list for one in wanted if isinstance(one, EntityCondition) for entry in one.entries}
        roles = [one for one in wanted if isinstance(one, RoleCondition)]
        evidence = list(_evidence(verdict.finding, "entity"))
        told = {(e.start, e.end): e for e in _evidence(verdict.finding, "event")}
        for party, spans in parties.items():
            own = [e for e in evidence if e.entry == party or (party.list in lists and _touches(e, spans))]
            own += _in_roles(analysis, told, roles, party, spans)
            if own:
                yield verdict, party, frozenset(alert.name_of(one, analysis) for one in own)


def is_told(watch: Watch, story: Story | None, names: frozenset[str]) -> bool:
    """Whether the watch has told of the party in this story already."""
    told = next((told for told in story.told if told.watch_id == watch.id), None) if story else None
    return told is not None and names <= frozenset(told.entities)


def plan(found: Iterable[Found], most: int = MOST_STORIES) -> list[Notice]:
    """One notice for each party and story, the newest article first; of one party under one watch at most `most`."""
    parties: dict[tuple[str, str, str], dict[str, list[Found]]] = defaultdict(lambda: defaultdict(list))
    for one in found:
        parties[one.watch, one.list, one.name][one.story].append(one)
    notices = []
    for stories in parties.values():
        newest = sorted((max(ones, key=_recency) for ones in stories.values()), key=_recency, reverse=True)
        told = newest[:most]
        notices += [Notice(one, len(stories[one.story]), len(stories), len(told)) for one in told]
    return sorted(notices, key=lambda notice: (*_recency(notice.newest), *_party(notice.newest)), reverse=True)


def word(  # noqa: PLR0913, PLR0917 - what an alert is made of
    notice: Notice,
    match: Match,
    party: ListEntry,
    article: Article,
    analysis: Analysis,
    story: Story | None,
    *,
    config_hash: str,
    now: datetime,
) -> Alert:
    """The alert. Its id depends on watch, story, list and party, so that no repetition makes a second one."""
    watch, place = match.watch, notice.newest.story
    told = next((told for told in story.told if told.watch_id == watch.id), None) if story else None
    alone = Source(article.id, article.source, publisher(article), article.link, article.first_seen or now, article.id)
    return Alert(
        id=alert.alert_id(watch.id, f"{place}\0{party.list}\0{party.name}", 0),
        watch_id=watch.id,
        watch_title=watch.title,
        severity=watch.severity,
        labels=watch.labels,
        story=place,
        fact_revision=0,
        article=article,
        analysis=analysis,
        finding=match.finding,
        raised_at=now,
        config_hash=config_hash,
        is_shadow=watch.is_shadow,
        sources=story.sources if story else (alone,),
        independent_sources=max(story.independent_sources(), 1) if story else 1,
        follows=told.alert_id if told else None,
        listing=Listing(party, notice.articles, notice.stories, notice.told),
    )


def _wanted(condition: Condition) -> Iterator[EntityCondition | RoleCondition]:
    if isinstance(condition, Group):
        for child in condition.children if condition.kind != "none" else ():
            yield from _wanted(child)
    elif isinstance(condition, EntityCondition):
        yield condition
    elif isinstance(condition, EventCondition):
        yield from (role for role in condition.roles if role.lists or role.entries)


def _cut(file: NameList, new: Collection[int], *, is_new: bool) -> NameList:
    """The added names of a file, or else the names that the same entries had before."""
    fresh = [name for name in file.names if _mark("name", name.text, is_weak=name.is_weak) in new]
    if is_new:
        return NameList(file.name, tuple(fresh), file.min_tokens, file.weak)
    entries, texts = {name.entry for name in fresh}, {(name.entry, name.text) for name in fresh}
    old = (name for name in file.names if name.entry in entries and (name.entry, name.text) not in texts)
    return NameList(file.name, tuple(old), file.min_tokens, file.weak)


def _mark(kind: str, text: str, *, is_weak: bool = False) -> int:
    return xxhash.xxh3_64_intdigest(f"{kind}\0{text.casefold()}\0{int(is_weak)}".encode())


def _evidence(finding: Finding, kind: str) -> Iterator[Evidence]:
    if finding.truth == "true" and finding.kind != "none":
        yield from finding.evidence if finding.kind == kind else ()
        for child in finding.children:
            yield from _evidence(child, kind)


def _in_roles(
    analysis: Analysis,
    told: Mapping[tuple[int, int], Evidence],
    roles: Iterable[RoleCondition],
    party: ListEntry,
    spans: Collection[tuple[int, int]],
) -> Iterator[Evidence]:
    """Where the party fills a role that asks for its list, in an event that the watch fires on; `told` by their extent."""
    names = {
        role.role
        for role in roles
        if party.list in {file.name for file in role.lists} | {entry.list for entry in role.entries}
    }
    for event in analysis.events:
        if (evidence := told.get(extent(event))) is None:
            continue
        for filler in (filler for name in names for filler in event.of(name)):
            if any(start < filler.end and filler.start < end for start, end in spans):
                yield replace(evidence, start=filler.start, end=filler.end, text=filler.text, entry=party)


def _touches(evidence: Evidence, spans: Iterable[tuple[int, int]]) -> bool:
    return evidence.entry is None and any(start < evidence.end and evidence.start < end for start, end in spans)


def _party(found: Found) -> tuple[str, str, str]:
    """Orders what was found at the same moment always alike, since a place in that order is remembered."""
    return found.watch, found.list, found.name


def _recency(found: Found) -> tuple[int, str]:
    return found.seen_ms, found.article
