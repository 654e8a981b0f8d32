"""What the end-to-end benches publish: real articles in feeds on loopback, and the names that are watched.

Texts have 300 words or more (490 on average); where more articles are wanted than there are such texts, 80 or more (250).
Every text is used once. One article in ten names one of 10,000 invented names.
"""

import json
import random
import re
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import islice
from xml.sax.saxutils import escape

from bench.corpus import shared

LEAST_WORDS, NAMES, FIRES_EVERY = (300, 80), 10_000, 10
WARM, WARM_WORDS = 120, 120
SYLLABLES = "ba co di fu ge ha in ke lo mo na or pe ra si tu va we xi yo za".split()
CLEAN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")


class Load:
    """Articles, the names that are watched, and the feeds that carry the articles."""

    def __init__(self, articles: int, feeds: int) -> None:
        chance = random.Random(7)
        self.rows = read_texts(articles, chance)
        self.fires = frozenset(chance.sample(range(articles), articles // FIRES_EVERY))
        names = {"".join(chance.choices(SYLLABLES, k=5)).title(): None for _ in range(NAMES + NAMES // 10)}
        self.names = list(names)[:NAMES]
        self.feeds = feeds

    @property
    def texts(self) -> list[str]:
        """Titles and bodies as a model reads them."""
        return [f"{title}\n{body}" for title, body in self.rows]

    def words_each(self) -> int:
        """Words of an article on average."""
        return round(sum(len(text.split()) for text in self.texts) / len(self.rows))

    def path(self, article: int) -> str:
        """The feed that carries an article."""
        return f"/feed{article % self.feeds}"

    def documents(self, *, is_empty: bool = False) -> dict[str, str]:
        """The feeds' documents by path."""
        made: dict[str, list[str]] = {f"/feed{n}": [] for n in range(self.feeds)}
        for i, (title, body) in enumerate(() if is_empty else self.rows):
            name = self.names[i % NAMES]
            told = f"{body} The report names {name} again." if i in self.fires else body
            made[self.path(i)].append(item(f"a{i}", title, told))
        return {path: document(items) for path, items in made.items()}


def read_texts(wanted: int, chance: random.Random) -> list[tuple[str, str]]:
    """Titles and bodies of different real articles, in random order. Raises ValueError where there are too few."""
    rows = [json.loads(line) for line in (shared() / "topics" / "unlabelled.jsonl").open(encoding="utf-8")]
    for least in LEAST_WORDS:
        found = {body: (title, body) for title, body in map(_split, rows) if len(body.split()) >= least}
        if len(found) >= wanted:
            texts = list(found.values())
            chance.shuffle(texts)
            return texts[:wanted]
    msg = f"there are {len(found):,} texts of {LEAST_WORDS[-1]} words or more; {wanted:,} were asked for"
    raise ValueError(msg)


def warm_texts() -> list[str]:
    """Texts that no bench measures, for the first calls of everything; enough to learn the common words."""
    rows = (json.loads(line)["text"] for line in (shared() / "topics" / "dev.jsonl").open(encoding="utf-8"))
    return [CLEAN.sub("", text) for text in islice((t for t in rows if len(t.split()) >= WARM_WORDS), WARM)]


def _split(row: dict[str, str]) -> tuple[str, str]:
    text = CLEAN.sub("", row["text"])
    title, _, body = text.partition("\n")
    return (title, body) if body else (row.get("title") or text[:80], text)


def item(guid: str, title: str, body: str) -> str:
    """One entry of a feed, published now."""
    return (
        f"<item><guid isPermaLink='false'>{guid}</guid><title>{escape(title)}</title>"
        f"<link>https://{guid}.example/x</link><pubDate>{format_datetime(datetime.now(UTC))}</pubDate>"
        f"<description>{escape(escape(body))}</description></item>"
    )


def document(items: list[str]) -> str:
    """A feed of these entries."""
    return f"<rss version='2.0'><channel><title>bench</title>{''.join(items)}</channel></rss>"
