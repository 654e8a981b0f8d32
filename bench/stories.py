"""How well and how fast copies are found. Reads the shared texts; prints one JSON object.

PYTHONPATH=. python bench/stories.py quality   recall and precision on constructed pairs and on a replayed week
PYTHONPATH=. python bench/stories.py speed N   milliseconds per article with N articles remembered (an embedded server)
"""

import gzip
import json
import os
import random
import re
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import combinations
from pathlib import Path

from worker import story
from worker.model import Analysis, Article, Signature
from worker.plaintext import html_to_text, one_line
from worker.zones import split_zones

SHARED = Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).parents[2] / "shared") / "data"
NOTHING = Analysis((), (), (), "en", "bench")
SENTENCE = re.compile(r"(?<=[.!?])\s+")
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def as_article(title: str, body: str, link: str = "") -> Article:
    return Article("art", "feed", "bench", title, f"{title}\n{body}", split_zones(title, body), link, first_seen=NOW)


def sign(title: str, body: str) -> Signature:
    return story.sign(as_article(title, body), NOTHING)


def texts(least_words: int, most: int) -> list[tuple[str, str]]:
    found = []
    with (SHARED / "topics/unlabelled.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            body = row["text"].partition("\n")[2] or row["text"]
            if len(body.split()) >= least_words:
                found.append((row.get("title") or body[:60], body))
            if len(found) == most:
                break
    return found


def altered(chance: random.Random, body: str) -> dict[str, str]:
    """The ways in which publishers change a wire story; every copy is also retitled."""
    sentences = SENTENCE.split(body)
    keep = max(len(sentences) // 2, 2)
    shuffled = chance.sample(sentences, len(sentences))
    words = body.split()
    swapped = [w if chance.random() > 0.05 else chance.choice(words) for w in words]
    return {
        "retitled": body,
        "last half cut": " ".join(sentences[:keep]),
        "a third of the sentences cut": " ".join(s for i, s in enumerate(sentences) if i % 3),
        "sentences reordered": " ".join(shuffled),
        "one word in twenty changed": " ".join(swapped),
        "only a third kept": " ".join(sentences[: max(len(sentences) // 3, 2)]),
    }


def constructed() -> dict[str, object]:
    chance = random.Random(1)
    originals = texts(80, 400)
    found: dict[str, list[bool]] = defaultdict(list)
    signed = [sign(title, body) for title, body in originals]
    for (_, body), original in zip(originals, signed, strict=True):
        for way, copy in altered(chance, body).items():
            other = sign("Quite another headline over it", copy)
            is_candidate = bool(set(original.keys) & set(other.keys))
            found[way].append(is_candidate and story.share(original, other) >= story.COPY_SHARE)
    false = sum(story.share(one, other) >= story.COPY_SHARE for one, other in combinations(signed, 2))
    return {
        "originals": len(originals),
        "recall": {way: round(statistics.mean(hits), 3) for way, hits in found.items()},
        "unrelated_pairs": len(signed) * (len(signed) - 1) // 2,
        "unrelated_pairs_taken_for_copies": false,
    }


def week() -> Iterator[tuple[str, str, str, datetime]]:
    with gzip.open(SHARED / "replay/2023-03-06_week.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            at = row["pubDate"]
            moment = datetime.fromisoformat(at) if at[:4].isdigit() else parsedate_to_datetime(at)
            yield row["feed"], one_line(row["title"]), html_to_text(row["description"]), moment.replace(tzinfo=UTC)


def exact_share(one: set[tuple[str, ...]], other: set[tuple[str, ...]]) -> float:
    return len(one & other) / min(len(one), len(other))


def replayed() -> dict[str, object]:
    """Truth: five-word runs compared exactly, at least half of the shorter text's in the longer, within the window."""
    rows = [row for row in week() if len(row[2].split()) >= 14]
    words = [re.findall(r"\w+", row[2].lower()) for row in rows]
    runs = [set(zip(w, w[1:], w[2:], w[3:], w[4:], strict=False)) for w in words]
    shelf: dict[tuple[str, ...], list[int]] = defaultdict(list)
    true: set[tuple[int, int]] = set()
    for i, own in enumerate(runs):
        for j in {j for run in own for j in shelf[run][-20:]}:
            is_near = abs(rows[i][3] - rows[j][3]) <= story.WINDOW
            if is_near and exact_share(own, runs[j]) >= 0.5:
                true.add((j, i))
        for run in own:
            shelf[run].append(i)
    signed = [sign(row[1], row[2]) for row in rows]
    index: dict[str, list[int]] = defaultdict(list)
    said: set[tuple[int, int]] = set()
    for i, own_signature in enumerate(signed):
        for j in {j for key in own_signature.keys for j in index[key][-8:]}:
            is_near = abs(rows[i][3] - rows[j][3]) <= story.WINDOW
            if is_near and story.share(own_signature, signed[j]) >= story.COPY_SHARE:
                said.add((j, i))
        for key in own_signature.keys:
            index[key].append(i)
    across_true = {(i, j) for i, j in true if rows[i][0] != rows[j][0]}
    across_said = {(i, j) for i, j in said if rows[i][0] != rows[j][0]}
    return {
        "entries": len(rows),
        "feeds": len({row[0] for row in rows}),
        "all": score(true, said),
        "across_feeds": score(across_true, across_said),
        "examples_wrong": [[rows[i][1], rows[j][1]] for i, j in sorted(said - true)[:5]] if "-v" in sys.argv else [],
    }


def score(true: set[tuple[int, int]], said: set[tuple[int, int]]) -> dict[str, float]:
    both = len(true & said)
    return {
        "true_pairs": len(true),
        "found_pairs": len(said),
        "recall": round(both / max(len(true), 1), 3),
        "precision": round(both / max(len(said), 1), 3),
    }


def speed(remembered: int) -> dict[str, object]:
    """Signing, looking up, choosing and remembering one article of about 250 words, with so many remembered."""
    from worker.model import Story
    from worker.ports import ArticleClaim, StoryStep
    from worker.runtime.redis_store import RedisStore, connect
    from worker.runtime.valkey import EmbeddedServer

    chance = random.Random(2)
    pool = texts(80, 2_000)
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            store = RedisStore(connect(server.url))
            store.client.config_set("appendonly", "no")
            _fill(store, chance, remembered)
            memory = store.client.info("memory")["used_memory"]
            store.client.config_resetstat()
            spent = defaultdict(list)
            for number, (title, body) in enumerate(pool[:1_000]):
                article = as_article(title, " ".join(body.split()[:250]))
                t0 = time.perf_counter()
                signature = story.sign(article, NOTHING)
                t1 = time.perf_counter()
                kinship = store.find_kin(signature.keys)
                t2 = time.perf_counter()
                story.choose(signature, kinship.kin, datetime.now(UTC))
                t3 = time.perf_counter()
                spent["sign"].append(t1 - t0)
                spent["find"].append(t2 - t1)
                spent["choose"].append(t3 - t2)
                spent["whole"].append(t3 - t0)
                step = StoryStep(Story(f"s{number}"), 0, signature, kinship.seen)
                claim = ArticleClaim(article, 0)
                store.client.hset("{tocsin}:article:art", mapping={"fence": "0"})
                store.client.hdel("{tocsin}:article:art", "story")
                t4 = time.perf_counter()
                assert store.finish_article(claim, NOTHING, step, []) == 0
                spent["finish_with_story"].append(time.perf_counter() - t4)
            scripts = round(store.client.info("commandstats")["cmdstat_evalsha"]["usec_per_call"] / 1e3, 3)
            return {
                "remembered": remembered,
                "megabytes": round(memory / 1e6),
                "milliseconds": {
                    name: {
                        "median": round(statistics.median(t) * 1e3, 3),
                        "mean": round(statistics.mean(t) * 1e3, 3),
                        "p95": round(sorted(t)[950] * 1e3, 3),
                    }
                    for name, t in spent.items()
                },
                "server_ms_per_call": scripts,
            }
        finally:
            server.stop()


def _fill(store: object, chance: random.Random, remembered: int) -> None:
    """Remember articles with random keys and full records through the store's own script."""
    from worker.runtime import redis_store as rs

    script = rs.script_source("find_kin").rsplit("-- Look up", 1)[0] + (
        "for _, one in ipairs(cjson.decode(ARGV[1])) do remember_kin(one[1], one[2], now_ms(), ARGV[2], 8) end"
    )
    fill = store.client.register_script(script)  # type: ignore[attr-defined]
    names = frozenset(chance.getrandbits(32) for _ in range(12))
    title = frozenset(chance.getrandbits(32) for _ in range(8))
    record = f"art_{'x' * 26} art_{'x' * 26} {round(time.time() * 1000)} "
    window_ms = round(story.WINDOW / timedelta(milliseconds=1))
    for _ in range(0, remembered, 500):
        batch = []
        for _ in range(500):
            sketch = chance.randbytes(72)
            keys = [f"{chance.getrandbits(44):011x}" for _ in range(34)]
            batch.append([keys, record + story.pack(Signature((), sketch, 240, title, names, names))])
        fill(args=[json.dumps(batch), window_ms])


def main() -> None:
    match sys.argv[1:]:
        case ["quality", *_]:
            print(json.dumps({"constructed": constructed(), "replayed_week": replayed()}, indent=2))
        case ["speed", number]:
            print(json.dumps(speed(int(number)), indent=2))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
