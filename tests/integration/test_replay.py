"""Stored decisions on real news made again: all identical, and what has changed is told."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from tests.desk import Desk
from tests.fakes import SECRET
from worker.cli import app
from worker.dedupe import to_article
from worker.match import Matcher
from worker.model import Draft, Entry, Feed, FeedState
from worker.pipeline import Pipeline
from worker.poll import PollDecision
from worker.runtime import process
from worker.runtime.audit_store import AuditStore
from worker.runtime.configuration_store import ConfigurationStore
from worker.runtime.past import all_decided
from worker.watchlist import load_configuration

DECISIONS = 1_000
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
        )  # fmt: skip
        self.store.sync_feeds(loaded.feeds)
        ConfigurationStore(self.store).keep(loaded, old.enricher.model)

    def take_in(self, drafts) -> None:
        feed = self.pipeline.configuration.feeds[0]
        self.store.steer_feed(feed.id, "hurry")
        [claim] = self.store.claim_feeds(1, timedelta(minutes=1))
        decision = PollDecision(FeedState(is_baselined=True), timedelta(minutes=1), "fetched")
        self.store.finish_poll(claim, decision, drafts)
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


@pytest.fixture
def room(redis_store, tmp_path, server, monkeypatch):
    for name, value in {
        "TOCSIN_REDIS_URL": server.url, "TOCSIN_CONFIG": str(tmp_path), "URL": "http://127.0.0.1:9/", "SECRET": SECRET,
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    process.open_store.cache_clear()
    room = Newsroom(redis_store)
    room.directory = tmp_path
    room.configure(tmp_path, WATCHES)
    yield room
    process.open_store().client.close()
    process.open_store.cache_clear()


def tocsin(*arguments):
    result = CliRunner().invoke(app, arguments)
    said = json.loads(result.stdout) if "--json" in arguments and result.stdout else result.stdout
    return result.exit_code, said, str(result.exception or "")


def fired(room, watch="conflict"):
    return next(
        (one.article.id, fired.alert_id)
        for one in all_decided(room.store)
        for fired in one.decision.fired
        if fired.watch_id == watch and fired.alert_id
    )


def test_a_thousand_decisions_on_real_news_come_out_identical(room, shared):
    drafts = list(news(shared, DECISIONS))
    for start in range(0, DECISIONS, 100):
        room.take_in(drafts[start : start + 100])
    code, said, error = tocsin("replay", "--since", "1d", "--json")
    assert (code, said["decisions"], said["identical"]) == (0, DECISIONS, DECISIONS), (said, error)
    decisions = list(all_decided(room.store))
    raised = sum(bool(fired.alert_id) for one in decisions for fired in one.decision.fired)
    assert raised > DECISIONS / 10, "many of them raised alerts"
    assert len({fired.watch_id for one in decisions for fired in one.decision.fired}) >= 5


def test_one_alert_is_replayed_by_its_id(room, shared):
    room.take_in(list(news(shared, 80)))
    article, alert = fired(room, "parties")
    code, said, error = tocsin("replay", alert, "--json")
    assert code == 0, (said, error)
    [row] = said["replayed"]
    assert (row["identical"], row["article"], row["analysis"]) == (True, article, "anew")
    assert tocsin("replay", article)[1].startswith("identical")


def test_what_would_happen_today_is_told_beside_what_happened(room, shared):
    room.take_in(list(news(shared, 80)))
    alert = fired(room, "parties")[1]
    changed = WATCHES.replace(
        "severity: low\n    match: {all: [{entity: {list: parties}}]",
        "severity: low\n    match: {all: [{phrase: [zeppelin]}]",
    )
    assert changed != WATCHES
    room.configure(room.directory, changed)
    code, said, _ = tocsin("replay", alert, "--json")
    assert (code, said["identical"]) == (0, 1), "as it was decided"
    code, said, _ = tocsin("replay", alert, "--with", "current", "--json")
    assert code == 1
    differences = {one["what"]: one for one in said["replayed"][0]["differences"]}
    assert differences["watch parties"]["then"] == f"raised {alert}"
    assert "zeppelin" in differences["watch parties"]["now"]


def test_a_decision_of_another_model_is_matched_over_the_kept_analysis_and_says_so(room, shared):
    room.pipeline.enricher.model = "en_other-9.9"
    room.take_in(list(news(shared, 20)))
    room.pipeline.enricher.model = "x"
    code, said, error = tocsin("replay", "--since", "1d", "--json")
    assert (code, said["decisions"], said["identical"]) == (0, 20, 20), (said, error)
    [row] = tocsin("replay", "art_3", "--json")[1]["replayed"]
    assert row["analysis"] == "kept"
    assert "en_other-9.9 decided" in row["notes"][0]


@pytest.mark.parametrize(("field", "what"), [("record", "the stored text"), ("decision", "watch porties")])
def test_a_record_that_was_changed_since_is_told(room, shared, field, what):
    room.take_in(list(news(shared, 80)))
    article, _ = fired(room, "parties")
    key = f"{{tocsin}}:article:{article}"
    kept = json.loads(room.store.client.hget(key, field))
    if field == "record":
        kept["text"] += " Nothing of it is true."
    else:
        kept["fired"] = [one | {"watch_id": one["watch_id"].replace("parties", "porties")} for one in kept["fired"]]
    room.store.client.hset(key, field, json.dumps(kept))
    code, said, _ = tocsin("replay", article, "--stored-analysis", "--json")
    assert code == 1
    assert what in [one["what"] for one in said["replayed"][0]["differences"]]


def test_an_alert_of_an_edited_article_is_replayed_from_the_text_that_raised_it(room, shared):
    drafts = list(news(shared, 60))
    room.take_in(drafts)
    article, alert = fired(room, "parties")
    draft = next(one for one in drafts if one.article.id == article)
    text = draft.article.text + " It was denied later."
    room.take_in([replace(draft, article=replace(draft.article, text=text), content="edited")])
    code, said, error = tocsin("replay", alert, "--json")
    assert (code, said["replayed"][0]["revision"]) == (0, 0), (said, error)
    assert tocsin("replay", article, "--json")[1]["replayed"][0]["revision"] == 1


def test_what_cannot_be_replayed_says_why(room):
    assert "no decision on an article" in tocsin("replay", "art_none")[2]
    assert "no alert alrt_none" in tocsin("replay", "alrt_none")[2]
    assert "--since" in tocsin("replay")[2]


def test_a_configuration_is_told_in_the_record_once_while_it_is_in_force(room):
    room.configure(room.directory, WATCHES)
    room.configure(room.directory, WATCHES.replace("title: Arms", "title: Weapons"))
    lines = [line.facts() for line in AuditStore(room.store).read()]
    told = [line for line in lines if line["kind"] == "in_force"]
    assert len(told) == 2
    assert told[0]["config"] != told[1]["config"]
    kept = room.store.client
    assert kept.ttl(f"{{tocsin}}:configuration:{told[0]['config']}") > 80 * 86_400
    assert kept.ttl(f"{{tocsin}}:configuration:{told[1]['config']}") == -1
