"""A newsroom: a desk under a real configuration, into which real articles are put, and the commands over its store."""

import gzip
import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.desk import Desk
from tests.fakes import SECRET
from tests.polls import finish_poll
from worker.dedupe import to_article
from worker.match import Matcher
from worker.model import Draft, Entry, Feed, FeedState
from worker.pipeline import Pipeline
from worker.poll import PollDecision
from worker.runtime import process
from worker.runtime.article_store import ArticleStore
from worker.runtime.configuration_store import ConfigurationStore
from worker.watchlist import load_configuration

WATCHES = """
lists:
  parties: {aliases: [Russia*, Ukraine*, China, "White House", Putin, Zelensky*]}
watches:
  - {id: arms, title: Arms, severity: medium, match: {topic: arms-transfer}}
  - {id: conflict, title: War, severity: high, match: {topic: armed-conflict},
     escalate: [{to: critical, when: {independent_sources: 2, within: 6h}}]}
  - id: parties
    title: Parties
    severity: low
    match: {all: [{entity: {list: parties}}], none: [{phrase: ["football*", "film*"]}]}
  - {id: crime, title: Crime, severity: low, match: {any: [{topic: financial-crime}, {topic: organised-crime}]}}
  - {id: near, title: Sanctions near Russia, severity: info, match: {near: {terms: [sanction*, Russia*], within: 12}}}
  - id: weighted
    title: Weighted
    severity: info
    match: {any: [{phrase: ["war"], weight: 1}, {entity: {list: parties}, weight: 1}]}
    score: {threshold: 1.5}
"""


class Newsroom(Desk):
    """A desk under the watches above, with articles put straight into the store."""

    def configure(self, directory, text: str) -> None:
        (directory / "watches.yaml").write_text(text, "utf-8")
        (directory / "endpoints.yaml").write_text(
            "endpoints:\n  desk: {url: {env: URL}, secret: {env: SECRET}, allow_private: true}\n", "utf-8"
        )
        (directory / "feeds.yaml").write_text("feeds: [{url: 'https://wire.example/rss', name: wire}]\n", "utf-8")
        loaded = load_configuration(directory, {"URL": "http://127.0.0.1:9/", "SECRET": SECRET})
        old = self.pipeline
        self.pipeline = Pipeline(
            store=self.store, fetcher=self, enricher=old.enricher, sender=self, clock=old.clock,
            observer=old.observer, configuration=loaded, matcher=Matcher(loaded.watches),
            articles=ArticleStore(self.store.client),
        )  # fmt: skip
        self.store.sync_feeds(loaded.feeds)
        ConfigurationStore(self.store).keep(loaded, old.enricher.model)

    def take_in(self, drafts) -> None:
        feed = self.pipeline.configuration.feeds[0]
        self.store.steer_feed(feed.id, "hurry")
        [claim] = self.store.claim_feeds(1, timedelta(minutes=1))
        decision = PollDecision(FeedState(is_baselined=True), timedelta(minutes=1), "fetched")
        finish_poll(self.store, claim, decision, drafts)
        while self.store.client.zcard("{tocsin}:articles:due"):
            self.pipeline.enrich_due()


def news(shared, number: int):
    """Real articles as drafts."""
    feed = Feed("feed_wire", "https://wire.example/rss", "wire")
    now = datetime.now(UTC)
    rows = {}
    with gzip.open(next((shared / "replay").glob("*.jsonl.gz")), "rt", encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if len(row["description"].split()) > 15:
                rows.setdefault(row["title"], row)
            if len(rows) == number:
                break
    for place, row in enumerate(rows.values()):
        at = now - timedelta(minutes=place % 600)
        entry = Entry(str(place), row["link"], row["title"], row["description"], published=at)
        article = to_article(feed, entry, "en", now)
        yield Draft(replace(article, id=f"art_{place}"), (f"a{place}",), f"c{place}")


@contextmanager
def opened(store, directory, server, monkeypatch):
    """A newsroom whose store and configuration the commands use."""
    environ = {"URL": "http://127.0.0.1:9/", "SECRET": SECRET}
    for name, value in (environ | {"TOCSIN_REDIS_URL": server.url, "TOCSIN_CONFIG": str(directory)}).items():
        monkeypatch.setenv(name, value)
    process.open_store.cache_clear()
    room = Newsroom(store)
    room.directory = directory
    room.configure(directory, WATCHES)
    yield room
    process.open_store().client.close()
    process.open_store.cache_clear()
