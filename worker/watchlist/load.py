"""All YAML files of a directory become one `Configuration`, or a `ConfigError` that names every mistake."""

from __future__ import annotations

import base64
import binascii
import copy
import difflib
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ValidationError

from worker.errors import ConfigError, Problem
from worker.model import (
    TOPICS,
    Access,
    Condition,
    Configuration,
    Endpoint,
    EntityCondition,
    Feed,
    Group,
    PhraseCondition,
    SourceCondition,
    TopicCondition,
    Watch,
)
from worker.watchlist import yaml
from worker.watchlist.schema import (
    ConditionSection,
    EndpointSection,
    FeedSection,
    FileSections,
    ListSection,
    Reference,
    WatchSection,
)

_SECRET_BYTES = range(24, 65)
_LISTS = ("feeds", "watches")
_MAPPINGS = ("lists", "endpoints")
_GROUPS: tuple[Literal["all", "any", "none"], ...] = ("all", "any", "none")
LABELS = ("PERSON", "ORG", "GPE", "LOC", "NORP", "FAC", "DATE", "MONEY", "WEAPON", "VESSEL")
"""Entity labels that a condition may name."""


def load_configuration(
    directory: Path, environ: Mapping[str, str] = os.environ, *, topics: Iterable[str] = TOPICS
) -> Configuration:
    """Read `*.yaml` and `watchlists/*.yaml` under `directory`.

    Raises:
        ConfigError: with every problem of every file.

    """
    resolver = _open(directory, environ, topics)
    configuration = resolver.resolve()
    _refuse_problems(resolver)
    return configuration


def load_feeds(directory: Path, environ: Mapping[str, str] = os.environ) -> tuple[Feed, ...]:
    """Only the feeds of a configuration, so that a secret that an endpoint misses is no matter.

    Raises:
        ConfigError: with every problem of the files' shape and of the feeds.

    """
    resolver = _open(directory, environ, TOPICS)
    feeds = resolver.feeds()
    _refuse_problems(resolver)
    return feeds


def _open(directory: Path, environ: Mapping[str, str], topics: Iterable[str]) -> _Resolver:
    if not directory.is_dir():
        hint = "write one with `tocsin init`"
        raise ConfigError((Problem(str(directory), 0, 0, "is not a directory with a configuration", hint),))
    files = sorted((*directory.glob("*.yaml"), *directory.glob("watchlists/*.yaml")))
    if not files:
        raise ConfigError((Problem(str(directory), 0, 0, "holds no *.yaml file", "write some with `tocsin init`"),))
    trees = [yaml.read(str(file.relative_to(directory)), file.read_bytes()) for file in files]
    return _Resolver(directory, environ, tuple(topics), [(tree, _validate(tree)) for tree in trees])


def _refuse_problems(resolver: _Resolver) -> None:
    problems = {problem for tree, _ in resolver.files for problem in tree.problems}
    if problems:
        raise ConfigError(tuple(sorted(problems, key=lambda p: (p.file, p.line, p.column))))


def feed_id(url: str) -> str:
    """A feed's id: derived from its address, so that renaming it keeps its memory."""
    return "feed_" + hashlib.sha256(url.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Sections:
    """The well-formed sections of one file, and for its lists the places they had before others were left out."""

    model: FileSections
    kept: Mapping[str, Sequence[int]]

    def listed(self, name: str) -> Iterator[tuple[yaml.Path, Any]]:
        """Each item of a list section with its path in the file."""
        return (((name, i), item) for i, item in zip(self.kept.get(name, ()), getattr(self.model, name), strict=True))


@dataclass(slots=True)
class _Resolver:
    """Turns sections into nouns; names that point at nothing are reported where they stand."""

    directory: Path
    environ: Mapping[str, str]
    topics: tuple[str, ...]
    files: list[tuple[yaml.Tree, _Sections]]

    def resolve(self) -> Configuration:
        watches, endpoints, routes = [], [], []
        feeds = self.feeds()
        for tree, sections in self.files:
            watches += [
                (tree, path, self._watch(tree, path, watch))
                for path, watch in sections.listed("watches")
                if watch.enabled != "false"
            ]
            endpoints += [
                (tree, ("endpoints", name), self._endpoint(tree, name, endpoint))
                for name, endpoint in sections.model.endpoints.items()
            ]
            if sections.model.route:
                routes.append((tree, sections.model.route.endpoint))
        self._refuse_doubles(watches, "id", lambda watch: watch.id)
        self._refuse_doubles(endpoints, "", lambda endpoint: endpoint.name)
        names = tuple(endpoint.name for _, _, endpoint in endpoints)
        return Configuration(
            feeds=feeds,
            watches=tuple(watch for _, _, watch in watches),
            endpoints=tuple(endpoint for _, _, endpoint in endpoints),
            route=self._route(routes, names, self._names("endpoints")),
            hash=_hash([tree.value for tree, _ in self.files]),
        )

    def feeds(self) -> tuple[Feed, ...]:
        found = [
            (tree, path, self._feed(tree, path, feed))
            for tree, sections in self.files
            for path, feed in sections.listed("feeds")
        ]
        self._refuse_doubles(found, "url", lambda feed: feed.url)
        return tuple(feed for _, _, feed in found)

    def _feed(self, tree: yaml.Tree, path: yaml.Path, feed: FeedSection) -> Feed:
        return Feed(
            id=feed_id(feed.url),
            url=feed.url,
            name=feed.name,
            tags=tuple(feed.tags),
            interval=feed.interval,
            backfill=feed.backfill,
            allow_private=feed.allow_private,
            access=self._access(tree, path, feed),
        )

    def _access(self, tree: yaml.Tree, path: yaml.Path, feed: FeedSection) -> Access:
        proxy = self._lookup(tree, (*path, "proxy"), feed.proxy) if feed.proxy else ""
        if proxy and not proxy.lower().startswith(("http://", "https://")):
            tree.report((*path, "proxy"), "leads to something that is not an http or https address")
        headers = [
            (name, self._lookup(tree, (*path, "headers", name), reference)) for name, reference in feed.headers.items()
        ]
        for name, value in headers:
            if not value.isprintable():
                tree.report((*path, "headers", name), "leads to a value with line breaks or controls")
        password = self._lookup(tree, (*path, "auth", "password"), feed.auth.password) if feed.auth else ""
        return Access(proxy, tuple(headers), feed.auth.user if feed.auth else "", password)

    def _watch(self, tree: yaml.Tree, path: yaml.Path, watch: WatchSection) -> Watch:
        return Watch(
            id=watch.id,
            title=watch.title,
            severity=watch.severity,
            condition=self._condition(tree, (*path, "match"), watch.match),
            zones=tuple(watch.zones),
            languages=tuple(watch.languages),
            labels=tuple(sorted(watch.labels.items())),
            is_shadow=watch.enabled == "shadow",
        )

    def _condition(self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection) -> Condition:
        parts: list[Condition] = []
        for kind in _GROUPS:
            children = getattr(section, kind)
            if children:
                made = tuple(self._condition(tree, (*path, kind, i), child) for i, child in enumerate(children))
                parts.append(made[0] if len(made) == 1 and kind != "none" else Group(kind, made))
        if section.topic:
            self._known(tree, (*path, "topic"), section.topic.name, self.topics, "topic")
            parts.append(TopicCondition(section.topic.name, section.topic.min_score))
        if section.entity:
            parts.append(self._entity(tree, (*path, "entity"), section))
        if section.phrase:
            parts.append(PhraseCondition(tuple(section.phrase)))
        if section.source:
            parts.append(SourceCondition(tuple(section.source.tags), tuple(section.source.name)))
        return parts[0] if len(parts) == 1 else Group("all", tuple(parts))

    def _entity(self, tree: yaml.Tree, path: yaml.Path, section: ConditionSection) -> EntityCondition:
        entity = section.entity
        assert entity is not None
        for i, label in enumerate(entity.label):
            self._known(tree, (*path, "label", i), label, LABELS, "label")
        named = ListSection.model_construct()
        if entity.list is not None:
            lists = {name: made for _, sections in self.files for name, made in sections.model.lists.items()}
            if self._known(tree, (*path, "list"), entity.list, self._names("lists"), "list"):
                named = lists.get(entity.list, named)
        described = (f"of the list {entity.list}" if entity.list else "", *entity.id, *entity.label)
        return EntityCondition(
            ids=(*entity.id, *named.ids),
            terms=(*named.aliases, *named.phrases),
            labels=tuple(entity.label),
            name=" ".join(part for part in described if part),
        )

    def _endpoint(self, tree: yaml.Tree, name: str, section: EndpointSection) -> Endpoint:
        path = ("endpoints", name)
        url = self._lookup(tree, (*path, "url"), section.url)
        if url and not url.lower().startswith(("http://", "https://")):
            tree.report((*path, "url"), "leads to something that is not an http or https address")
        given = [("secret", section.secret), ("previous_secret", section.previous_secret)]
        secrets = [self._secret(tree, (*path, key), reference) for key, reference in given if reference]
        return Endpoint(name, url, tuple(filter(None, secrets)), section.timeout, section.allow_private)

    def _secret(self, tree: yaml.Tree, path: yaml.Path, reference: Reference) -> str:
        secret = self._lookup(tree, path, reference)
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if secret and size not in _SECRET_BYTES:
            hint = "make one with `tocsin secret`"
            tree.report(path, "leads to something that is not whsec_ and the base64 of 24 to 64 bytes", hint)
        return secret

    def _lookup(self, tree: yaml.Tree, path: yaml.Path, reference: Reference) -> str:
        if reference.env is not None:
            value = self.environ.get(reference.env, "").strip()
            if not value:
                tree.report((*path, "env"), f"the environment variable {reference.env} is not set")
            return value
        try:
            value = (self.directory / str(reference.file)).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            value = ""
        if not value:
            tree.report((*path, "file"), f"the file {reference.file} is missing, empty or unreadable")
        return value

    def _known(self, tree: yaml.Tree, path: yaml.Path, name: str, known: tuple[str, ...], what: str) -> bool:
        if name in known:
            return True
        tree.report(path, f"there is no {what} `{name}`", _nearest(name, known))
        return False

    def _names(self, section: str) -> tuple[str, ...]:
        """The names a section defines over all files, well-formed or not."""
        sections = (tree.value.get(section) for tree, _ in self.files)
        return tuple(name for names in sections if isinstance(names, dict) for name in names)

    def _route(
        self, routes: list[tuple[yaml.Tree, list[str]]], names: tuple[str, ...], known: tuple[str, ...]
    ) -> tuple[str, ...]:
        for tree, _ in routes[1:]:
            tree.report(("route",), "is a second route", "keep one over all files", of_key=True)
        if not routes:
            return names
        tree, wanted = routes[0]
        for name in wanted:
            self._known(tree, ("route", "endpoint"), name, known, "endpoint")
        return tuple(dict.fromkeys(wanted))

    def _refuse_doubles(
        self, found: Sequence[tuple[yaml.Tree, yaml.Path, Any]], key: str, name: Callable[[Any], str]
    ) -> None:
        first: dict[str, str] = {}
        for tree, path, noun in found:
            place = (*path, key) if key else path
            line, _ = tree.place(place, of_key=not key)
            if name(noun) in first:
                tree.report(place, f"`{name(noun)}` already stands in {first[name(noun)]}", of_key=not key)
            first.setdefault(name(noun), f"{tree.file}:{line}")


def _validate(tree: yaml.Tree) -> _Sections:
    """The file's sections. What has the wrong shape is reported and left out, so that the rest is checked too."""
    value = copy.deepcopy(tree.value)
    kept = {name: list(range(len(value[name]))) for name in _LISTS if isinstance(value.get(name), list)}
    is_first = True
    while True:
        try:
            return _Sections(FileSections.model_validate(value), kept)
        except ValidationError as error:
            mistakes = error.errors(include_url=False)
        for mistake in mistakes if is_first else ():
            _report(tree, mistake)
        is_first = False
        for path in sorted({_prunable(mistake) for mistake in mistakes}, key=str, reverse=True):
            _prune(value, kept, path)


def _prunable(mistake: Any) -> yaml.Path:
    """The smallest part around a mistake that can be left out: a section's key, or a whole section, feed or watch."""
    path = tuple(part for part in mistake["loc"] if part != "[key]")
    depth = 3 if mistake["type"] != "missing" else 2
    return path[:depth] if len(path) > 1 and path[0] in (*_LISTS, *_MAPPINGS) else path[:1]


def _prune(value: Any, kept: dict[str, list[int]], path: yaml.Path) -> None:
    inner = value
    for part in path[:-1]:
        inner = inner[part] if not isinstance(inner, list) or int(part) < len(inner) else {}
    last = path[-1]
    if isinstance(inner, list) and isinstance(last, int):
        del inner[last]
        del kept[str(path[0])][last]
    elif isinstance(inner, dict):
        inner.pop(last, None)


def _report(tree: yaml.Tree, mistake: Any) -> None:
    path = tuple(part for part in mistake["loc"] if part != "[key]")
    last = str(path[-1]) if path else ""
    match mistake["type"]:
        case "extra_forbidden":
            tree.report(path, f"unknown key `{last}`", _nearest(last, _keys_at(path[:-1])), of_key=True)
        case "missing":
            tree.report(path[:-1], f"`{last}` is missing")
        case "value_error":
            tree.report(path, f"`{last}`: {mistake['ctx']['error']}")
        case "string_pattern_mismatch":
            tree.report(path, f"`{last}`: “{mistake['input']}” {_PATTERNS.get(last, 'has the wrong form')}")
        case "literal_error" | "enum":
            expected = mistake["ctx"]["expected"].replace("'", "")
            near = _nearest(str(mistake["input"]), tuple(expected.replace(" or ", ", ").split(", ")))
            tree.report(path, f"`{last}` is “{mistake['input']}”; it can be {expected}", near)
        case _:
            message = str(mistake["msg"])
            tree.report(path, f"`{last}`: {message[:1].lower()}{message[1:]}")


_PATTERNS = {
    "url": "is not an http or https address",
    "id": "is not an id: lower-case letters, digits, - and _, at most 64",
}


def _keys_at(path: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that the schema knows at `path`."""
    model: type[BaseModel] = FileSections
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _inner_model(model.model_fields[part].annotation) or model
    return tuple(model.model_fields)


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _inner_model(part))), None)


def _nearest(name: str, known: Iterable[str]) -> str:
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"did you mean `{close[0]}`?"
    return f"known: {', '.join(names[:12])}" if names else "none is defined"


def _hash(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
