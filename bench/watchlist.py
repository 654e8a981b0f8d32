"""What matching costs: 10 to 10,000 watches with 200,000 terms in all, and a list of 200,000 names.

    python -m bench.watchlist

Texts are the shared articles of 350 words or more, cut to 500. Prints the time to build and the mean time for an
article on one core (process time, the best of five rounds).
"""

import json
import random
import time
from collections.abc import Iterator, Sequence
from itertools import islice

from bench.corpus import shared
from worker.match import Matcher
from worker.match.names import NameIndex
from worker.model import (
    Analysis,
    Article,
    Condition,
    Group,
    ListedName,
    ListEntry,
    NameList,
    PhraseCondition,
    Severity,
    TopicCondition,
    Watch,
)
from worker.zones import split_zones

ARTICLES, TERMS, NAMES = 200, 200_000, 200_000
SYLLABLES = ("ba co di fu ge ha in ke lo mo na or pe ra si tu va we xi yo za ter man son ov ski").split()


def main() -> None:
    """Run both."""
    chance = random.Random(1)
    articles = list(islice(read_articles(), ARTICLES))
    vocabulary = sorted({word for article in articles for word in article.text.lower().split() if word.isalpha()})
    print(f"{len(articles)} articles of {sum(len(a.text.split()) for a in articles) / len(articles):.0f} words")
    for number in (10, 100, 1_000, 10_000):
        watches = make_watches(number, vocabulary, chance)
        started = time.process_time()
        matcher = Matcher(watches)
        built = time.process_time() - started
        analysis = Analysis((), (), (), "en", "bench")
        screened = sum(len(matcher.screen(article, analysis)) for article in articles)
        foreign = Analysis((), (), (), "fi", "bench", is_language_known=False)
        spent, unread = (measure(matcher, articles, seen) for seen in (analysis, foreign))
        print(f"{number:6} watches, {TERMS} terms: built in {built:.1f} s, {spent * 1_000:.2f} ms an article, "
              f"{unread * 1_000:.2f} ms in a language without a model, {screened / len(articles):.1f} watches looked at")  # fmt: skip
    names = NameList("l", tuple(make_names(chance)))
    started = time.process_time()
    index = NameIndex([names])
    built = time.process_time() - started
    for article in articles:
        index.find(article.text)
    started = time.process_time()
    for article in articles:
        index.find(article.text)
    spent = (time.process_time() - started) / len(articles)
    print(f"{NAMES} names: built in {built:.1f} s, {spent * 1_000:.2f} ms an article")


def measure(matcher: Matcher, articles: Sequence[Article], analysis: Analysis) -> float:
    """Seconds of processor time for an article, the best of five rounds: what other programs cost is left out."""
    rounds = []
    for _ in range(5):
        started = time.process_time()
        for article in articles:
            matcher.screen(article, analysis)
        rounds.append((time.process_time() - started) / len(articles))
    return min(rounds)


def read_articles() -> Iterator[Article]:
    """Shared articles of 350 words or more, cut to 500."""
    with (shared() / "topics" / "dev.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            title, _, body = json.loads(line)["text"].partition("\n")
            words = body.split(" ")
            if len(words) >= 350:
                text = " ".join(words[:500])
                yield Article("a", "f", "s", title, f"{title}\n{text}", split_zones(title, text))


def make_watches(number: int, vocabulary: Sequence[str], chance: random.Random) -> tuple[Watch, ...]:
    """Watches of two sides each, `all` of a phrase of many terms and a topic or another phrase, less an exclusion."""
    each = TERMS // number

    def condition() -> Condition:
        terms = tuple(term(vocabulary, chance) for _ in range(each - 3))
        other = (
            TopicCondition("terrorism")
            if chance.random() < 0.5
            else PhraseCondition(tuple(chance.sample(vocabulary, 2)))
        )
        return Group(
            "all", (PhraseCondition(terms), other, Group("none", (PhraseCondition((chance.choice(vocabulary),)),)))
        )

    return tuple(Watch(f"w{i}", "t", Severity.LOW, condition()) for i in range(number))


def term(vocabulary: Sequence[str], chance: random.Random) -> str:
    """Half real pairs of words, half invented names; some end in *."""
    if chance.random() < 0.5:
        return " ".join(chance.sample(vocabulary, 2))
    return "".join(chance.choices(SYLLABLES, k=4)) + ("*" if chance.random() < 0.2 else "")


def make_names(chance: random.Random) -> Iterator[ListedName]:
    """Names with the words of the real list in another order."""
    words = (shared() / "lists" / "ofac" / "2022-01-31" / "sdn.csv").read_text("utf-8").split("\n")
    people = [row.split('"')[1] for row in words if ",individual," in row and '"' in row]
    last, given = [name.partition(",")[0] for name in people], [name.partition(", ")[2] for name in people]
    for i in range(NAMES):
        yield ListedName(f"{chance.choice(last)}, {chance.choice(given)}", ListEntry("l", str(i), ""), is_person=True)


if __name__ == "__main__":
    main()
