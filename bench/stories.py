"""How well and how fast copies are found. Reads the shared texts; prints one JSON object.

PYTHONPATH=. python bench/stories.py quality   recall and precision on constructed pairs, on a replayed week by a rule, and on
                                               real pairs that were labelled by reading (story_pairs.json)
PYTHONPATH=. python bench/stories.py speed N…  processor milliseconds per article with N remembered (an embedded server),
                                               a row for each N, beside a PING and an empty script of the same run
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
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import combinations
from pathlib import Path

import numpy as np
from redis.client import NEVER_DECODE

from worker import story
from worker.model import Analysis, Article, Signature
from worker.plaintext import html_to_text, one_line
from worker.zones import split_zones

SHARED = Path(os.environ.get("TOCSIN_SHARED") or Path(__file__).parents[2] / "shared") / "data"
PAIRS = Path(__file__).with_name("story_pairs.json")
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
            found[way].append(is_candidate and story.is_copy(original, other))
    false = sum(story.is_copy(one, other) for one, other in combinations(signed, 2))
    return {
        "originals": len(originals),
        "recall": {way: round(statistics.mean(hits), 3) for way, hits in found.items()},
        "unrelated_pairs": len(signed) * (len(signed) - 1) // 2,
        "unrelated_pairs_taken_for_copies": false,
    }


def week() -> Iterator[tuple[str, str, str, datetime, str]]:
    with gzip.open(SHARED / "replay/2023-03-06_week.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            at = row["pubDate"]
            moment = datetime.fromisoformat(at) if at[:4].isdigit() else parsedate_to_datetime(at)
            text = one_line(row["title"]), html_to_text(row["description"])
            yield row["feed"], *text, moment.replace(tzinfo=UTC), row["id"]


def exact_share(one: AbstractSet[tuple[str, ...]], other: AbstractSet[tuple[str, ...]]) -> float:
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
            if is_near and story.is_copy(own_signature, signed[j]):
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


def labelled() -> dict[str, object]:
    """Real pairs, labelled by reading: c a copy, u an updated version, s the same news in another text, d other news.

    An updated version counts as the same story, and may be taken for a copy or not.
    """
    from worker.enrich.enricher import load
    from worker.model import LanguageModel

    pairs = json.loads(PAIRS.read_text("utf-8"))
    wanted = {id_ for pair in pairs for id_ in pair["ids"]}
    articles = {row[4]: as_article(row[1], row[2]) for row in week() if row[4] in wanted}
    analyses = load(LanguageModel()).enrich(list(articles.values()))
    signed = {id_: story.sign(article, seen) for (id_, article), seen in zip(articles.items(), analyses, strict=True)}
    found: dict[str, list[tuple[str, bool, bool]]] = defaultdict(list)
    for pair in pairs:
        one, other = (signed[id_] for id_ in pair["ids"])
        copy = bool(set(one.keys) & set(other.keys)) and story.is_copy(one, other)
        found[pair["set"]].append((pair["label"], copy, copy or story.is_same_story(one, other)))
    return {name: _judge(rows) for name, rows in found.items()}


def _judge(rows: list[tuple[str, bool, bool]]) -> dict[str, object]:
    copies = [(label == "c", copy) for label, copy, _ in rows if label != "u"]
    stories = [(label != "d", joined) for label, _, joined in rows]
    told = {"pairs": len(rows), "labels": {name: sum(row[0] == name for row in rows) for name in "cusd"}}
    for name, answers in (("copies", copies), ("one_story", stories)):
        both = sum(true and said for true, said in answers)
        told[name] = {
            "recall": round(both / max(sum(true for true, _ in answers), 1), 3),
            "precision": round(both / max(sum(said for _, said in answers), 1), 3),
        }
    return told


def score(true: set[tuple[int, int]], said: set[tuple[int, int]]) -> dict[str, float]:
    both = len(true & said)
    return {
        "true_pairs": len(true),
        "found_pairs": len(said),
        "recall": round(both / max(len(true), 1), 3),
        "precision": round(both / max(len(said), 1), 3),
    }


def speed(sizes: list[int]) -> list[dict[str, object]]:
    """Signing, looking up, choosing and remembering one article of about 250 words, with more and more remembered."""
    from worker.runtime.redis_client import connect
    from worker.runtime.redis_store import RedisStore
    from worker.runtime.valkey import EmbeddedServer

    articles = [as_article(title, " ".join(body.split()[:250])) for title, body in texts(80, 1_000)]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            store = RedisStore(connect(server.url))
            store.client.config_set("appendonly", "no")
            empty, there = store.client.info("memory")["used_memory"], 0
            for size in sorted(sizes):
                _fill(store, size - there)
                there = size
                used = store.client.info("memory")["used_memory"] - empty
                rows.append(
                    {
                        "remembered": size,
                        "bytes_each": round(used / max(size, 1)),
                        **_measure(store, articles, is_last=size == max(sizes)),
                    }
                )
                print(json.dumps(rows[-1]), flush=True)
        finally:
            server.stop()
    return rows


def _measure(store: object, articles: list[Article], *, is_last: bool) -> dict[str, object]:
    """Processor milliseconds an article, ours and the server's; beside it, in the same run, a bare PING and empty script."""
    from worker.model import Story
    from worker.ports import ArticleClaim, StoryStep, Told

    client, now = store.client, datetime.now(UTC)  # type: ignore[attr-defined]
    nothing = client.register_script("return 1")
    nothing()
    signed = [story.sign(article, NOTHING) for article in articles]
    found = store.find_kin([signature.keys for signature in signed])  # type: ignore[attr-defined]
    spent = {
        "sign": _cpu(client, lambda n: story.sign(articles[n], NOTHING), len(articles)),
        "find": _cpu(client, lambda n: store.find_kin([signed[n].keys]), len(articles)),  # type: ignore[attr-defined]
        "choose": _cpu(client, lambda n: story.choose(signed[n], found[n].kin, now), len(articles)),
    }
    spent["whole"] = [sum(times) for times in zip(*spent.values(), strict=True)]
    spent["ping"] = _cpu(client, lambda _: client.ping(), len(articles))
    spent["empty_script"] = _cpu(client, lambda _: nothing(), len(articles))

    def finish(number: int) -> None:
        step = StoryStep(Story(f"s{number}"), 0, signed[number], store.find_kin([signed[number].keys])[0].seen)  # type: ignore[attr-defined]
        client.hset("{tocsin}:article:art", mapping={"fence": "0"})
        client.hdel("{tocsin}:article:art", "story", "state")
        claim = ArticleClaim(articles[number], 0)
        assert store.finish_articles([Told(claim, NOTHING, step)]) == [0]  # type: ignore[attr-defined]
        client.delete(f"{{tocsin}}:story:s{number}")

    if is_last:  # after this every article would find itself
        spent["find_and_finish"] = _cpu(client, finish, len(articles))
    return {name: {"ours": round(ours, 3), "server": round(its, 3)} for name, (ours, its) in spent.items()}


def _cpu(client: object, work: Callable[[int], object], number: int) -> list[float]:
    """Mean milliseconds of this process and of the server's commands for each of `number` pieces of work."""
    client.config_resetstat()  # type: ignore[attr-defined]
    started = time.process_time()
    for n in range(number):
        work(n)
    ours = time.process_time() - started
    stats = client.info("commandstats")  # type: ignore[attr-defined]
    whole = ("cmdstat_get", "cmdstat_hmget", "cmdstat_hget", "cmdstat_ping", "cmdstat_evalsha")
    is_script = "cmdstat_evalsha" in stats
    names = ("cmdstat_evalsha",) if is_script else whole
    return [ours / number * 1e3, sum(stats[name]["usec"] for name in names if name in stats) / number / 1e3]


def _fill(store: object, number: int) -> None:
    """Remember `number` articles with random keys and full records, as `kin.lua` would, but shelf by shelf."""
    client, chance = store.client, np.random.Generator(np.random.PCG64(number))  # type: ignore[attr-defined]
    words, title, few = (frozenset(chance.integers(0, 2**32, n).tolist()) for n in (12, 8, 2))
    at = round(time.time() * 1000) // round(story.WINDOW / timedelta(milliseconds=1))
    first = int(client.get("{tocsin}:kin:n") or 0) + 1
    numbers = np.arange(first, first + number, dtype=">u4").repeat(34)
    shelves = chance.integers(0, 2**18, len(numbers))
    entries = np.empty(len(numbers), np.dtype([("told", ">u4"), ("number", ">u4")]))
    entries["told"], entries["number"] = chance.integers(0, 2**26, len(numbers)), numbers
    order = np.argsort(shelves, kind="stable")
    parts = np.split(order, np.flatnonzero(np.diff(shelves[order])) + 1)
    for some in (parts[i : i + 1_000] for i in range(0, len(parts), 1_000)):
        names = [int(shelves[part[0]]).to_bytes(3, "big") for part in some]
        kept = client.execute_command("HMGET", f"{{tocsin}}:kin:shelves:{at}", *names, **{NEVER_DECODE: True})
        grown = [(old or b"") + entries[part].tobytes() for old, part in zip(kept, some, strict=True)]
        client.hset(f"{{tocsin}}:kin:shelves:{at}", mapping=dict(zip(names, grown, strict=True)))
    record = f"art_{'x' * 26} art_{'x' * 26} {round(time.time() * 1000)} "
    record += story.pack(Signature((), chance.bytes(72), 240, title, words, words, few, words, few))
    for start in range(first, first + number, 6_400):
        pipeline = client.pipeline(transaction=False)
        for book in range(start // 64, min(start + 6_400, first + number) // 64):
            pipeline.hset(
                f"{{tocsin}}:kin:{at}:{book}", mapping=dict.fromkeys(range(book * 64, book * 64 + 64), record)
            )
        pipeline.execute()
    client.set("{tocsin}:kin:n", first + number - 1)


def main() -> None:
    match sys.argv[1:]:
        case ["quality", *_]:
            print(
                json.dumps(
                    {"constructed": constructed(), "replayed_week": replayed(), "labelled": labelled()}, indent=2
                )
            )
        case ["speed", *sizes] if sizes:
            speed([int(size) for size in sizes])
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
