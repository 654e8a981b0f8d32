"""Matching by the number of watches and of terms, against a bare Aho-Corasick pass over the same terms. Prints JSON.

python -m bench.matching            10 to 10,000 watches over 20,000 terms; 1,000 to 200,000 terms; processor time
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import islice

import ahocorasick

from bench import watchlist
from bench.figures import spread
from worker.match import Matcher
from worker.model import Analysis, PhraseCondition, Severity, Watch

ROUNDS = 5


def _find_all(automaton: ahocorasick.Automaton, texts: Iterable[str]) -> list[object]:
    return [list(automaton.iter(text)) for text in texts]


def measure(run: Callable[[], object], articles: int) -> list[float]:
    """Milliseconds of processor time for an article, round by round."""
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        run()
        found.append((time.process_time() - started) / articles * 1000)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=100)
    parser.add_argument("--most-terms", type=int, default=200_000)
    options = parser.parse_args()
    chance = random.Random(1)
    articles = list(islice(watchlist.read_articles(), options.articles))
    vocabulary = sorted({word for article in articles for word in article.text.lower().split() if word.isalpha()})
    seen = Analysis((), (), (), "en", "bench")
    terms = [watchlist.term(vocabulary, chance) for _ in range(options.most_terms)]

    def matching(matcher: Matcher) -> list[float]:
        return measure(lambda: [matcher.screen(article, seen) for article in articles], len(articles))

    by_watches = {}
    for number in (10, 100, 1_000, 10_000):
        share = [tuple(terms[i:20_000:number]) for i in range(number)]
        watches = tuple(Watch(f"w{i}", "t", Severity.LOW, PhraseCondition(some)) for i, some in enumerate(share))
        by_watches[number] = matching(Matcher(watches))
    by_terms = {}
    for number in (1_000, 10_000, 50_000, 200_000):
        if number > options.most_terms:
            break
        ours = matching(Matcher((Watch("w", "t", Severity.LOW, PhraseCondition(tuple(terms[:number]))),)))
        automaton = ahocorasick.Automaton()
        for term in terms[:number]:
            automaton.add_word(term.rstrip("*"), term)
        automaton.make_automaton()
        lower = [article.text.lower() for article in articles]
        bare = measure(partial(_find_all, automaton, lower), len(articles))
        ratios = spread([o / b for o, b in zip(ours, bare, strict=True)])
        by_terms[number] = {"ours_ms": spread(ours), "bare_ms": spread(bare), "ours_to_bare": ratios}
    print(json.dumps({
        "watches_ms": {number: spread(times) for number, times in by_watches.items()},
        "10000_watches_to_10": spread([m / f for m, f in zip(by_watches[10_000], by_watches[10], strict=True)]),
        "terms": by_terms,
    }, indent=2))  # fmt: skip


if __name__ == "__main__":
    main()
