"""All YAML files of a directory become one `Configuration`, or a `ConfigError` that names every mistake."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from worker.errors import ConfigError, Problem
from worker.model import (
    TOPICS,
    Access,
    Configuration,
    Endpoint,
    Feed,
    LanguageModel,
    OwnTopic,
    Route,
    asks_event,
)
from worker.watchlist import feed_defaults, yaml
from worker.watchlist.endpoints import CONTENT_TYPES, check_url, read_template, try_template
from worker.watchlist.known import Feeds
from worker.watchlist.lists import Lists, Sources
from worker.watchlist.routes import read_route
from worker.watchlist.schema import (
    KEYED,
    EndpointSection,
    FeedSection,
    Reference,
    RouteSection,
    TemplateFile,
)
from worker.watchlist.sections import Sections, validate
from worker.watchlist.timings import read_intervals
from worker.watchlist.watches import Watches

_SECRET_BYTES = range(24, 65)


def load_configuration(
    directory: Path,
    environ: Mapping[str, str] = os.environ,
    *,
    topics: Iterable[str] = TOPICS,
    home: Path | None = None,
    is_sending: bool = True,
) -> Configuration:
    """Read `*.yaml` and `watchlists/*.yaml` under `directory`.

    Files that these name and that are not there are looked for in `home`: a kept copy holds no secrets. Who sends nothing
    need not have the endpoints' addresses and secrets: they are empty where they are not set.

    Raises:
        ConfigError: with every problem of every file.

    """
    resolver = _open(directory, environ, topics, home)
    resolver.is_sending = is_sending
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


def _open(directory: Path, environ: Mapping[str, str], topics: Iterable[str], home: Path | None = None) -> _Resolver:
    if not directory.is_dir():
        hint = "write one with `tocsin init`"
        raise ConfigError((Problem(str(directory), 0, 0, "is not a directory with a configuration", hint),))
    files = sorted((*directory.glob("*.yaml"), *directory.glob("watchlists/*.yaml")))
    if ignored := sorted((*directory.glob("*.yml"), *directory.glob("watchlists/*.yml"))):
        hint = "only *.yaml is read: rename it"
        raise ConfigError(
            tuple(Problem(str(file.relative_to(directory)), 0, 0, "would not be read", hint) for file in ignored)
        )
    if not files:
        raise ConfigError((Problem(str(directory), 0, 0, "holds no *.yaml file", "write some with `tocsin init`"),))
    trees = [yaml.read(str(file.relative_to(directory)), file.read_bytes()) for file in files]
    return _Resolver(directory, home, environ, tuple(topics), [(tree, validate(tree)) for tree in trees], files)


def _refuse_problems(resolver: _Resolver) -> None:
    problems = {problem for tree, _ in resolver.files for problem in tree.problems}
    if problems:
        ordered = sorted(problems, key=lambda p: (p.file, p.line, p.column))
        raise ConfigError(tuple(ordered), files=tuple(map(str, resolver.read)))


def feed_id(url: str) -> str:
    """A feed's id: derived from its address, so that renaming it keeps its memory."""
    return "feed_" + hashlib.sha256(url.encode()).hexdigest()[:16]


@dataclass(slots=True)
class _Resolver:
    """Turns sections into nouns; names that point at nothing are reported where they stand."""

    directory: Path
    home: Path | None
    environ: Mapping[str, str]
    topics: tuple[str, ...]
    files: list[tuple[yaml.Tree, Sections]]
    read: list[Path]
    is_sending: bool = True

    def locate(self, name: str) -> Path:
        """The file that the configuration means by `name`."""
        file = self.directory / name
        return file if self.home is None or file.exists() else self.home / name

    def resolve(self) -> Configuration:
        watches, endpoints, routes = [], [], []
        feeds = self.feeds()
        topics = tuple(self._own_topics())
        nlp = self._nlp()
        lists = Lists(self.locate, self._mapping("lists"), self._names("lists"), has_own_model=nlp.name is not None)
        known = Feeds.of(tree for tree, _ in self.files)
        sources = Sources(self._mapping("sources"), self._names("sources"), known)
        lists.check()
        sources.check()
        reader = Watches(self.locate, lists, sources, (*self.topics, *(topic.name for topic in topics)))
        for tree, sections in self.files:
            watches += [
                (tree, path, reader.read(tree, path, watch))
                for path, watch in sections.listed("watches")
                if watch.enabled != "false"
            ]
            endpoints += [
                (tree, ("endpoints", name), self._endpoint(tree, name, endpoint))
                for name, endpoint in sections.model.endpoints.items()
            ]
            if sections.model.route:
                routes.append((tree, sections.model.route))
        self._refuse_doubles(watches, "id", lambda watch: watch.id)
        self._refuse_doubles(endpoints, "", lambda endpoint: endpoint.name)
        for section in ("lists", "sources", "topics", "time_intervals"):
            found = [(tree, (section, name), name) for tree, name, _ in self._defined(section)]
            self._refuse_doubles(found, "", str)
        self.read += [*lists.files, *reader.files]
        names = tuple(endpoint.name for _, _, endpoint in endpoints)
        return Configuration(
            feeds=feeds,
            watches=tuple(watch for _, _, watch in watches),
            endpoints=tuple(endpoint for _, _, endpoint in endpoints),
            route=self._route(routes, names, self._names("endpoints")),
            nlp=replace(nlp, judges_events=any(asks_event(watch.condition) for _, _, watch in watches)),
            hash=_hash([tree.value for tree, _ in self.files], self.read),
            topics=topics,
            files=tuple(sorted(set(map(str, self.read)))),
        )

    def feeds(self) -> tuple[Feed, ...]:
        usual = feed_defaults.find((tree, sections.model.feed_defaults) for tree, sections in self.files)
        found = [
            (tree, path, self._feed(tree, path, feed_defaults.fill(feed, usual)))
            for tree, sections in self.files
            for path, feed in sections.listed("feeds")
        ]
        self._refuse_doubles(found, "url", lambda feed: feed.url)
        return tuple(feed for _, _, feed in found)

    def _defined(self, section: str) -> Iterator[tuple[yaml.Tree, str, Any]]:
        """The well-formed items of a mapping section over all files."""
        for tree, sections in self.files:
            for name, item in getattr(sections.model, section).items():
                yield tree, name, item

    def _mapping(self, section: str) -> Mapping[str, tuple[yaml.Tree, Any]]:
        return {name: (tree, item) for tree, name, item in self._defined(section)}

    def _own_topics(self) -> Iterator[OwnTopic]:
        for tree, name, section in self._defined("topics"):
            if name in self.topics:
                hint = "give it a name of its own"
                tree.report(("topics", name), f"`{name}` is a built-in topic", hint, of_key=True)
            examples = section.examples
            yield OwnTopic(
                name,
                section.description,
                tuple(section.phrases.items()),
                tuple(examples.positive),
                tuple(examples.negative),
            )

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
            max_silence=feed.max_silence,
            fulltext=feed.fulltext,
            robots=feed.robots,
            websub=feed.websub,
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

    def _endpoint(self, tree: yaml.Tree, name: str, section: EndpointSection) -> Endpoint:
        path = ("endpoints", name)
        url = self._lookup(tree, (*path, "url"), section.url, is_needed=self.is_sending)
        if (url or self.is_sending) and (problem := check_url(url, section)):
            tree.report((*path, "url"), problem)
        given = [("secret", section.secret), ("previous_secret", section.previous_secret)]
        look_up = partial(self._lookup, is_needed=self.is_sending)
        read = look_up if section.format in KEYED else partial(self._secret, look_up)
        secrets = [read(tree, (*path, key), reference) for key, reference in given if reference]
        made = Endpoint(name, url, tuple(filter(None, secrets)), section.timeout, section.allow_private, section.format)
        return self._with_template(tree, path, section, made) if section.template else made

    def _with_template(self, tree: yaml.Tree, path: yaml.Path, section: EndpointSection, made: Endpoint) -> Endpoint:
        """The endpoint with its template, which is tried on an invented alert and on a digest."""
        source = section.template
        if isinstance(source, TemplateFile):
            file = self.directory / source.file
            self.read.append(file)
            source = read_template(file)
            if source is None:
                tree.report((*path, "template", "file"), f"the file {section.template.file} is missing or unreadable")  # type: ignore[union-attr]
                return made
        made = replace(made, template=str(source), content_type=CONTENT_TYPES[section.content])
        if problem := try_template(made):
            tree.report((*path, "template"), f"the template {problem}")
        return made

    @staticmethod
    def _secret(look_up: Callable[..., str], tree: yaml.Tree, path: yaml.Path, reference: Reference) -> str:
        secret = look_up(tree, path, reference)
        try:
            size = len(base64.b64decode(secret.removeprefix("whsec_"), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if secret and size not in _SECRET_BYTES:
            hint = "make one with `tocsin secret`"
            tree.report(path, "leads to something that is not whsec_ and the base64 of 24 to 64 bytes", hint)
        return secret

    def _lookup(self, tree: yaml.Tree, path: yaml.Path, reference: Reference, *, is_needed: bool = True) -> str:
        if reference.env is not None:
            value = self.environ.get(reference.env, "").strip()
            if not value and is_needed:
                tree.report((*path, "env"), f"the environment variable {reference.env} is not set")
            return value
        try:
            value = self.locate(str(reference.file)).read_text("utf-8").strip()
        except (OSError, UnicodeDecodeError):
            value = ""
        if not value and is_needed:
            tree.report((*path, "file"), f"the file {reference.file} is missing, empty or unreadable")
        return value

    def _nlp(self) -> LanguageModel:
        given = [(tree, sections.model.nlp) for tree, sections in self.files if sections.model.nlp]
        for tree, _ in given[1:]:
            tree.report(("nlp",), "is a second nlp section", "keep one over all files", of_key=True)
        if not given:
            return LanguageModel()
        section = given[0][1]
        return LanguageModel(section.model, section.backend, section.entities)

    def _names(self, section: str) -> tuple[str, ...]:
        """The names a section defines over all files, well-formed or not."""
        sections = (tree.value.get(section) for tree, _ in self.files)
        return tuple(name for names in sections if isinstance(names, dict) for name in names)

    def _route(
        self, routes: list[tuple[yaml.Tree, RouteSection]], names: tuple[str, ...], known: tuple[str, ...]
    ) -> Route:
        for tree, _ in routes[1:]:
            tree.report(("route",), "is a second route", "keep one over all files", of_key=True)
        if not routes:
            return Route(names, key="root")
        tree, section = routes[0]
        if section.matchers:
            tree.report(("route", "matchers"), "stand in the root, which takes everything", "move them to `routes`")
        intervals = {name: read_intervals(sections) for _, name, sections in self._defined("time_intervals")}
        return read_route(tree, ("route",), section, Route(names), known, intervals)

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


def _hash(values: list[Any], files: Iterable[Path]) -> str:
    """The hash of what the YAML says and of the files it names."""
    digest = hashlib.sha256(json.dumps(values, sort_keys=True).encode())
    for file in sorted(set(files)):
        if file.suffix != ".yaml" and file.is_file():
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
