"""One process's pipeline, opened once and kept: connections, event loop, model, configuration."""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from threading import Lock

from worker.errors import ConfigError, Problem
from worker.match import Matcher
from worker.model import Analysis, Article, Configuration
from worker.pipeline import Limits, Pipeline
from worker.ports import SILENT_BELL, Enricher, Stage, Tracer, Untraced
from worker.runtime import kin_index
from worker.runtime.article_store import ArticleStore
from worker.runtime.bell import Doorbell, ring_by_celery
from worker.runtime.clock import SystemClock
from worker.runtime.configuration_store import ConfigurationStore
from worker.runtime.deadline import within_cpu_limit
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.group_store import RedisGroups
from worker.runtime.http import HttpLoop
from worker.runtime.last_good import LastGood
from worker.runtime.lender import RedisLender
from worker.runtime.load_gauge import RedisGauge
from worker.runtime.log import LogObserver
from worker.runtime.politeness import Turns
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.reload import LiveConfiguration, Refused
from worker.runtime.screening_store import RedisScreeningStore
from worker.runtime.sender import WebhookSender
from worker.runtime.settings import load_settings
from worker.runtime.silence_store import RedisSilences
from worker.runtime.stages import make_reader, make_subscriber
from worker.runtime.test_results import keep_results, summarise
from worker.runtime.turn_store import RedisTurns
from worker.runtime.valkey import EmbeddedServer
from worker.screener import Screener
from worker.watchlist import load_configuration
from worker.watchtest import TestOutcome, run_tests

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"
_LINGERS = 0.9
"""A poller waits for feeds that become due for this share of a tick, so that the next doorbell finds it free."""


@cache
def open_store() -> RedisStore:
    """The store that TOCSIN_REDIS_URL names, else that of the `tocsin up` which runs over TOCSIN_DATA."""
    settings = load_settings()
    return RedisStore(connect(settings.redis_url or _embedded_url(settings.data) or DEFAULT_REDIS_URL))


def has_store() -> bool:
    """Whether a store was named, or one of `tocsin up` runs over TOCSIN_DATA."""
    settings = load_settings()
    return settings.redis_url is not None or _embedded_url(settings.data) is not None


def demo_configuration() -> Path | None:
    """The configuration of the demonstration whose store `open_store` opens, where nothing else is configured."""
    settings = load_settings()
    demo = settings.data / "demo"
    is_its = settings.redis_url is None and _embedded_url(settings.data) == EmbeddedServer(demo).url
    return demo / "config" if is_its and not settings.config.exists() and (demo / "config").is_dir() else None


def _embedded_url(data: Path) -> str | None:
    servers = (EmbeddedServer(directory) for directory in (data, data / "demo"))
    return next((server.url for server in servers if server.socket.exists()), None)


def open_silences() -> RedisSilences:
    """The silences in the store of `open_store`."""
    return RedisSilences(open_store().client)


def open_pipeline(stage: Stage) -> Pipeline:
    """The process's pipeline for a stage, as it is; only an enricher loads the language model."""
    return _open(stage).pipeline


def refreshed_pipeline(stage: Stage) -> Pipeline:
    """The process's pipeline under the newest good configuration."""
    process = _open(stage)
    process.live.refresh()
    if stage == "enrich":
        process.keep_configuration()
    return process.pipeline


def refreshed_screener() -> Screener:
    """The enricher's screener under the newest good configuration."""
    process = _open("enrich")
    process.live.refresh()
    return process.screener


def make_screener(pipeline: Pipeline) -> Screener:
    """What screens stored articles under the pipeline's configuration."""
    return Screener(
        store=RedisScreeningStore(open_store()),
        configuration=pipeline.configuration,
        matcher=pipeline.matcher,
        enricher=pipeline.enricher,
        route=pipeline.routed,
        clock=pipeline.clock,
        observer=pipeline.observer,
    )


def make_hand_screener(directory: Path) -> Screener:
    """A screener for a command, under the configuration as it stands. Raises ConfigError."""
    configuration = load_configuration(directory)
    return make_screener(_make_pipeline(open_store(), configuration, _load_enricher(configuration)))


def follow_configuration(process: str, directory: Path) -> Callable[[], Configuration]:
    """Gives the newest good configuration at each call, for a process that only shows it. Raises ConfigError at once."""
    lock = Lock()
    live = LiveConfiguration(
        process, directory, open_store(), load_configuration, adopt=lambda _: None, note=LogObserver().note
    )
    live.start()

    def newest() -> Configuration:
        with lock:
            live.refresh()
        assert live.current is not None
        return live.current

    return newest


class _Process:
    """A pipeline, and the configuration that it follows."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._is_enricher = stage == "enrich"
        self._pipeline: Pipeline | None = None
        self._kept = ""
        self._screener: Screener | None = None
        self._last_good = LastGood(load_settings().data, stage, load_settings().config)
        self.live = LiveConfiguration(
            process=stage,
            directory=load_settings().config,
            store=open_store(),
            load=load_configuration,
            adopt=self._adopt,
            note=LogObserver().note,
            runs_tests=self._is_enricher,
            kept=self._last_good,
        )
        self.live.start()

    def keep_configuration(self) -> None:
        """Keep what decides from now on, for replaying it; again where the server lost it."""
        configuration, kept = self.pipeline.configuration, ConfigurationStore(open_store())
        if self._kept == configuration.hash and kept.is_kept(configuration.hash):
            return
        try:
            kept.keep(configuration, getattr(self.pipeline.enricher, "model", ""))
        except TypeError as error:
            LogObserver().note("configuration_keep_failed", message=str(error))
        self._kept = configuration.hash

    @property
    def pipeline(self) -> Pipeline:
        assert self._pipeline is not None
        return self._pipeline

    @property
    def screener(self) -> Screener:
        if self._screener is None or self._screener.configuration is not self.pipeline.configuration:
            self._screener = make_screener(self.pipeline)
        return self._screener

    def _adopt(self, configuration: Configuration) -> None:
        enricher = self._enricher_for(configuration)
        store = open_store()
        if self._is_enricher and configuration.hash != self._last_good.hash:
            outcomes = list(run_tests(configuration, enricher))
            keep_results(store, configuration.hash, summarise(outcomes))
            refuse_failing_tests(outcomes)
        store.sync_feeds(configuration.feeds)
        if self._pipeline is None:
            if self._is_enricher:
                kin_index.adopt_old(store.client)
            if self._stage == "deliver":  # another configuration may be in force than when it stopped
                RedisGroups(store.client).look_again()
            self._pipeline = _make_pipeline(store, configuration, enricher, self._stage)
        else:
            self._pipeline = self._pipeline.reconfigured(configuration, enricher)

    def _enricher_for(self, configuration: Configuration) -> Enricher:
        """A new enricher only where the configuration asks for another one."""
        if not self._is_enricher:
            return _NoEnricher()
        if self._pipeline is not None:
            before = self._pipeline.configuration
            if (before.nlp, before.topics) == (configuration.nlp, configuration.topics):
                return self._pipeline.enricher
        return _load_enricher(configuration)


_open = cache(_Process)


def refuse_failing_tests(outcomes: Iterable[TestOutcome]) -> None:
    """Raises Refused with the first differences where a test in a watch fails."""
    failed = [outcome for outcome in outcomes if outcome.failures]
    if failed:
        told = [f"{o.place}: expected {o.failures[0][0]}, got {o.failures[0][1]}" for o in failed[:3]]
        msg = (
            "1 test of a watch fails: " if len(failed) == 1 else f"{len(failed)} tests of watches fail: "
        ) + "; ".join(told)
        raise Refused(msg)


def _make_pipeline(
    store: RedisStore, configuration: Configuration, enricher: Enricher, stage: Stage | None = None
) -> Pipeline:
    settings, loop = load_settings(), HttpLoop()
    fetcher = HttpFetcher(loop, settings.contact, Turns(time.monotonic, reserve=RedisTurns(store).reserve))
    hubs = make_subscriber(store, loop, settings, configuration) if stage == "poll" else None
    return Pipeline(
        articles=ArticleStore(store.client),
        store=store,
        fetcher=fetcher,
        enricher=enricher,
        sender=WebhookSender(loop),
        clock=SystemClock(),
        observer=LogObserver(),
        configuration=configuration,
        matcher=Matcher(configuration.watches),
        limits=Limits(lease=settings.lease, linger=settings.tick * _LINGERS),
        tracer=open_tracer(),
        read_limit=within_cpu_limit,
        lender=RedisLender(store),
        executor=ThreadPoolExecutor(1, "store") if stage == "enrich" else None,
        silences=RedisSilences(store.client),
        groups=RedisGroups(store.client),
        bell=Doorbell(partial(ring_by_celery, store.client)) if stage else SILENT_BELL,
        board=hubs[0] if hubs else None,
        subscriber=hubs[1] if hubs else None,
        gauge=RedisGauge(store.client) if stage == "poll" else None,
        reader=make_reader(store, fetcher, settings) if stage == "read" else None,
    )


@cache
def open_tracer() -> Tracer:
    """The process's traces, where TOCSIN_TRACES asks for them. Raises ConfigError where the extra is not installed."""
    if not load_settings().traces:
        return Untraced()
    try:
        from worker.runtime.traces import export_by_environment
    except ImportError:
        message = "asks for traces, and OpenTelemetry is not installed"
        hint = "pip install 'tocsin[otel]'"
        raise ConfigError((Problem("environment variable TOCSIN_TRACES", 0, 0, message, hint),)) from None
    return export_by_environment()


class _NoEnricher:
    """Stands where no article is ever enriched."""

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        raise AssertionError(articles)

    def glance(self, articles: Sequence[Article]) -> list[Analysis]:
        raise AssertionError(articles)

    def complete(self, articles: Sequence[Article], glances: Sequence[Analysis]) -> list[Analysis]:
        raise AssertionError(articles, glances)


def _load_enricher(configuration: Configuration) -> Enricher:
    from worker.enrich.enricher import load

    return load(configuration.nlp, configuration.topics)
