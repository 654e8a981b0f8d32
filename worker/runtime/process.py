"""One process's pipeline, opened once and kept: connections, event loop, model, configuration."""

from collections.abc import Sequence
from functools import cache

from worker.match import Matcher
from worker.model import Analysis, Article, LanguageModel
from worker.pipeline import Limits, Pipeline
from worker.ports import Enricher
from worker.runtime.clock import SystemClock
from worker.runtime.deadline import within_cpu_limit
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.http import HttpLoop
from worker.runtime.log import LogObserver
from worker.runtime.redis_store import RedisStore, connect
from worker.runtime.sender import WebhookSender
from worker.runtime.settings import load_settings
from worker.watchlist import load_configuration

DEFAULT_REDIS_URL = "redis://127.0.0.1:6379/0"


@cache
def open_store() -> RedisStore:
    """The store that TOCSIN_REDIS_URL names."""
    return RedisStore(connect(load_settings().redis_url or DEFAULT_REDIS_URL))


@cache
def open_pipeline(*, is_enricher: bool = False) -> Pipeline:
    """The process's pipeline; only an enricher loads the language model, and only a poller schedules feeds."""
    settings = load_settings()
    configuration = load_configuration(settings.config)
    loop = HttpLoop()
    store = open_store()
    store.sync_feeds(configuration.feeds)
    return Pipeline(
        store=store,
        fetcher=HttpFetcher(loop, settings.contact),
        enricher=_load_enricher(configuration.nlp) if is_enricher else _NoEnricher(),
        sender=WebhookSender(loop),
        clock=SystemClock(),
        observer=LogObserver(),
        configuration=configuration,
        matcher=Matcher(configuration.watches),
        limits=Limits(lease=settings.lease),
        read_limit=within_cpu_limit,
    )


class _NoEnricher:
    """Stands where no article is ever enriched."""

    def enrich(self, articles: Sequence[Article]) -> list[Analysis]:
        raise AssertionError(articles)


def _load_enricher(model: LanguageModel) -> Enricher:
    from worker.enrich.enricher import load

    return load(model)
