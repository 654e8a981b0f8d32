"""What the audit record costs: server time of each step with and without it, in one run, and bytes a line.

    python -m bench.audit_cost --articles 300

The same work on real news summaries goes through the store with the scripts as they are and with `audit` emptied, in turns.
Times are the server's own (INFO commandstats, all scripts of the step), medians over the rounds. Prints JSON.
"""

import argparse
import gzip
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.fakes import article, endpoint, watch
from tests.polls import finish_poll
from worker import story
from worker.alert import raise_alerts
from worker.decision import record_decision
from worker.deliver.retry import Delivered
from worker.match import Matcher
from worker.model import Analysis, Attempt, Draft, Feed, FeedState, PhraseCondition, Story
from worker.onward import deliveries
from worker.poll import PollDecision
from worker.ports import StoryStep, Told
from worker.runtime import redis_client
from worker.runtime.redis_client import Scripts, connect
from worker.runtime.redis_store import _SCRIPTS, RedisStore
from worker.runtime.valkey import EmbeddedServer

_LEASE, _TOGETHER, _ROUNDS = timedelta(hours=1), 50, 3
_EMPTIED = ("local function audit(kind, fields)\n", "local function audit(kind, fields)\n  if true then return end\n")
_OK = Attempt(204, timedelta(milliseconds=5))
_NOW = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=300)
    texts = _texts(parser.parse_args().articles)
    times: dict[str, dict[bool, list[float]]] = {}
    sizes: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory))
        server.start()
        for turn in range(2 * _ROUNDS):
            is_audited = turn % 2 == 0
            client = connect(server.url)
            client.flushall()
            client.config_set("appendfsync", "no")
            for step, micros in _work(_store(client, is_audited=is_audited), texts).items():
                times.setdefault(step, {True: [], False: []})[is_audited].append(micros)
            if is_audited:
                sizes = _sizes(client)
            client.close()
        server.stop()
    rows = {step: {"with_us": round(statistics.median(of[True]), 1), "without_us": round(statistics.median(of[False]), 1)}
            for step, of in times.items()}  # fmt: skip
    print(json.dumps({"steps": rows, **sizes}, indent=2))


def _store(client: Any, *, is_audited: bool) -> RedisStore:
    store = RedisStore(client)
    if not is_audited:
        scripts = Scripts(client, *_SCRIPTS)
        for name in _SCRIPTS:
            source = redis_client.script_source(name)
            assert _EMPTIED[0] in source
            scripts._scripts[name] = client.register_script(source.replace(*_EMPTIED))
        store._run, store._run_each = scripts.run, scripts.run_each
    return store


def _work(store: RedisStore, texts: list[tuple[str, str]]) -> dict[str, float]:
    """Microseconds of server time for each article, alert or attempt, by step."""
    feed = Feed("feed_1", "https://wire.example/rss", "wire")
    watches = (watch("tanks", condition=PhraseCondition(("war",))),)
    matcher, taken = Matcher(watches), {}
    drafts = [
        Draft(article(title, body, id=f"art_{i:032}", link=f"https://wire.example/{i}", first_seen=_NOW), (f"a{i}", f"b{i}"), f"c{i}")
        for i, (title, body) in enumerate(texts)
    ]  # fmt: skip
    store.sync_feeds([feed])

    def poll() -> int:
        for at in range(0, len(drafts), _TOGETHER):
            store.steer_feed(feed.id, "hurry")
            [claim] = store.claim_feeds(1, _LEASE)
            state = PollDecision(FeedState(is_baselined=True), timedelta(milliseconds=1), "fetched")
            finish_poll(store, claim, state, drafts[at : at + _TOGETHER])
        return len(drafts)

    def enrich() -> int:
        done = 0
        while claims := store.claim_articles(_TOGETHER, _LEASE):
            for claim in claims:
                seen = Analysis((), (), (), "en", "none")
                verdicts = matcher.screen(claim.article, seen)
                before = Story(claim.article.id)
                alerts, told = raise_alerts(verdicts, claim.article, seen, before, config_hash="h" * 16, now=_NOW)
                decided = record_decision(
                    claim.article,
                    seen,
                    verdicts,
                    alerts,
                    before,
                    config_hash="h" * 16,
                    now=_NOW,
                    are_zones_changed=False,
                )
                rows = [(one, deliveries(one, [endpoint()])) for one in alerts]
                step = StoryStep(told, 0, story.sign(claim.article, seen), "", decided)
                step = StoryStep(told, 0, step.signature, store.find_kin([step.signature.keys])[0].seen, decided)
                store.finish_articles([Told(claim, seen, step, rows)])
                done += 1
        return done

    def deliver() -> int:
        done = 0
        while claims := store.claim_deliveries("desk", _TOGETHER, _LEASE):
            for claim in claims:
                store.finish_delivery(claim, _OK, Delivered())
                done += 1
        return done

    steps: dict[str, Callable[[], int]] = {
        "poll, an article": poll,
        "enrich, an article": enrich,
        "deliver, an attempt": deliver,
    }
    for name, step in steps.items():
        store.client.config_resetstat()
        number = step()
        stats: Any = store.client.info("commandstats")
        taken[name] = stats["cmdstat_evalsha"]["usec"] / max(number, 1)
    return taken


def _sizes(client: Any) -> dict[str, Any]:
    lines = client.xlen("{tocsin}:audit")
    used = client.memory_usage("{tocsin}:audit", samples=0)
    rows = client.xrange("{tocsin}:audit")
    kinds: dict[str, list[int]] = {}
    for _, fields in rows:
        kinds.setdefault(json.loads(fields["line"])["kind"], []).append(len(fields["line"]))
    return {
        "lines": lines,
        "redis_bytes_a_line": round(used / lines),
        "characters_a_line": {kind: round(statistics.mean(sizes)) for kind, sizes in sorted(kinds.items())},
        "number": {kind: len(sizes) for kind, sizes in sorted(kinds.items())},
    }


def _texts(wanted: int) -> list[tuple[str, str]]:
    folder = Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).parents[2] / "shared") / "data" / "replay"
    with gzip.open(next(folder.glob("*.jsonl.gz")), "rt", encoding="utf-8") as file:
        rows = (json.loads(line) for line, _ in zip(file, range(wanted), strict=False))
        return [(row["title"], row["description"]) for row in rows]


if __name__ == "__main__":
    main()
