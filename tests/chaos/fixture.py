"""What the chaos scenarios publish: articles in words of their own, and what must be alerted of them, in plain Python.

Every article is drawn from a seeded vocabulary, so that no two are near enough to be one story.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime

from tests.fakes import rss

PHRASES = {"falcon": "crimson falcon convoy", "ledger": "hidden ledger room", "harbour": "silent harbour crane"}
WATCHES = "watches:\n" + "".join(
    f"  - {{id: {name}, title: {name}, match: {{phrase: {phrase}}}}}\n" for name, phrase in PHRASES.items()
)
_WORDS = 40
NEW_WORDS = 20
"""One word in so many was never seen before, as names and numbers are in news."""


@dataclass(frozen=True)
class Published:
    """An article as its feed tells it."""

    feed: int
    link: str
    title: str
    text: str


@dataclass(frozen=True)
class Fixture:
    """Articles over feeds."""

    articles: tuple[Published, ...]
    feeds: int

    def document(self, feed: int) -> str:
        """The feed's document, all entries published now."""
        now = format_datetime(datetime.now(UTC))
        return rss(
            *(
                {"guid": one.link, "link": one.link, "title": one.title, "description": one.text, "pubDate": now}
                for one in self.articles
                if one.feed == feed
            )
        )

    def expected(self) -> set[tuple[str, str]]:
        """(watch, link) of every alert that must arrive, and of no other."""
        return {
            (watch, one.link)
            for one in self.articles
            for watch, phrase in PHRASES.items()
            if phrase in one.text.lower()
        }


def make(articles: int, feeds: int, seed: int = 8, lexicon: int = 0, strange: int = 0) -> Fixture:
    """`articles` over `feeds`; about a quarter mention what is watched, some of them two things.

    `lexicon` is how many different words there are, besides one in `NEW_WORDS` that was never seen; with 0 almost every
    word is new, as it is in the first `strange` articles.
    """
    drawn = random.Random(seed)
    words = sorted({_word(drawn) for _ in range(lexicon)})

    def draw_known() -> str:
        return _word(drawn) if drawn.random() < 1 / NEW_WORDS else drawn.choice(words)

    return Fixture(
        tuple(
            _article(number, number % feeds, drawn, draw_known if words and number >= strange else lambda: _word(drawn))
            for number in range(articles)
        ),
        feeds,
    )


def _article(number: int, feed: int, drawn: random.Random, draw: Callable[[], str]) -> Published:
    words = [draw() for _ in range(_WORDS)]
    chance = drawn.random()
    if chance < 0.25:
        wanted = drawn.sample(sorted(PHRASES), 2 if chance < 0.03 else 1)
        for name in wanted:
            words.insert(drawn.randrange(10, 30), PHRASES[name])
    text = " ".join(words).capitalize() + "."
    title = " ".join(draw() for _ in range(7)).capitalize()
    return Published(feed, f"https://feed{feed}.example/{number}", title, text)


def _word(drawn: random.Random) -> str:
    return "".join(drawn.choice("bcdfgklmnprstvz") + drawn.choice("aeiou") for _ in range(drawn.randint(2, 4)))
