"""Stored decisions made again: finds the configuration and the model each was made with, and reads articles anew."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from worker import __version__
from worker.enrich.enricher import SpacyEnricher, load
from worker.errors import InputError, ModelError
from worker.match import Matcher
from worker.model import Analysis, Article, Configuration
from worker.replay import Decided, Difference, replay
from worker.runtime.configuration_store import ConfigurationStore
from worker.runtime.redis_store import RedisStore

_TOGETHER = 32


@dataclass(frozen=True, slots=True)
class Replayed:
    """What making a decision again came to. `analysis` is `anew` or `kept`; `fired` are the watches that fired then."""

    article: str
    revision: int
    config: str
    decided_under: str
    model: str
    decided_with: str
    analysis: str
    fired: tuple[str, ...]
    notes: tuple[str, ...]
    differences: tuple[Difference, ...]


class Replayer:
    """Replays under the configuration of each decision, or all under `current`."""

    def __init__(self, store: RedisStore, current: Configuration | None = None, *, is_stored: bool = False) -> None:
        self._kept, self._current, self._is_stored = ConfigurationStore(store), current, is_stored
        self._configurations: dict[str, Configuration] = {}
        self._matchers: dict[str, Matcher] = {}
        self._enrichers: dict[object, SpacyEnricher | ModelError] = {}

    def replay(self, decisions: Iterable[Decided]) -> Iterator[Replayed]:
        """Each decision made again. Raises InputError where the configuration of one is not kept."""
        rows = iter(decisions)
        while batch := list(islice(rows, _TOGETHER)):
            by_configuration: dict[str, list[Decided]] = {}
            for decided in batch:
                by_configuration.setdefault(decided.decision.config_hash, []).append(decided)
            for config_hash, some in by_configuration.items():
                yield from self._replay_under(self._current or self._configuration(config_hash), some)

    def _replay_under(self, configuration: Configuration, some: list[Decided]) -> Iterator[Replayed]:
        matcher = self._matchers.setdefault(configuration.hash, Matcher(configuration.watches))
        enricher = None if self._is_stored else self._enricher(configuration)
        model = enricher.model if enricher else ""
        anew = [one for one in some if model and (self._current or one.decision.model == model)]
        articles = [one.article if not one.decision.zones else _zoned(one) for one in anew]
        analyses = dict(zip(map(id, anew), enricher.enrich(articles), strict=True)) if enricher else {}
        for one in some:
            yield self._compared(one, analyses.get(id(one)), configuration, matcher, model)

    def _compared(
        self, decided: Decided, analysis: Analysis | None, configuration: Configuration, matcher: Matcher, model: str
    ) -> Replayed:
        decision = decided.decision
        differences = replay(decided, analysis or decided.analysis, matcher, configuration.hash)
        if self._current and self._current.hash != decision.config_hash:  # known, and no consequence of it
            differences = tuple(one for one in differences if not one.what.endswith((", config", ", model")))
        return Replayed(
            article=decided.article.id,
            revision=decided.revision,
            config=configuration.hash,
            decided_under=decision.config_hash,
            model=analysis.model if analysis else decided.analysis.model,
            decided_with=decision.model,
            analysis="anew" if analysis else "kept",
            fired=tuple(fired.watch_id for fired in decision.fired),
            notes=tuple(self._notes(decided, analysis, model)),
            differences=differences,
        )

    def _notes(self, decided: Decided, analysis: Analysis | None, model: str) -> Iterator[str]:
        decision = decided.decision
        if not analysis and not self._is_stored:
            installed = f"{model} is installed" if model else "its pipeline is not installed"
            yield f"{decision.model} decided, {installed}: matched over the analysis that is kept"
        if decision.version != __version__:
            yield f"Tocsin {decision.version} decided, this is {__version__}"

    def _configuration(self, config_hash: str) -> Configuration:
        if config_hash not in self._configurations:
            found = self._kept.read(config_hash)
            if found is None:
                msg = f"the configuration {config_hash} is not kept: it was last in force more than 90 days ago, or the server lost it"
                raise InputError(msg)
            self._configurations[config_hash] = found
        return self._configurations[config_hash]

    def _enricher(self, configuration: Configuration) -> SpacyEnricher | None:
        key = (configuration.nlp, configuration.topics)
        if key not in self._enrichers:
            try:
                self._enrichers[key] = load(configuration.nlp, configuration.topics)
            except ModelError as error:
                self._enrichers[key] = error
        found = self._enrichers[key]
        if isinstance(found, ModelError):
            if self._current:
                raise found
            return None
        return found


def _zoned(decided: Decided) -> Article:
    return replace(decided.article, zones=decided.decision.zones)
