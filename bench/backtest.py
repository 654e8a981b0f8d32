"""How fast stored articles are replayed, beside the live enrichment of the same articles in the same run.

    python -m bench.backtest [N]

Stores N (2,000) shared articles in an embedded server with their analyses, and prints articles a second of processor
time: live (enrich and match), a backtest that uses the stored analyses, and one that has to make them.
"""

import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from bench.watchlist import read_articles
from worker import backtest
from worker.enrich.enricher import load
from worker.match import Matcher
from worker.model import LanguageModel
from worker.runtime.archive import stored_articles
from worker.runtime.records import ANALYSIS, ARTICLE
from worker.runtime.redis_client import K, connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer
from worker.watchlist import load_configuration

EXAMPLE = Path(__file__).parents[1] / "worker" / "example" / "watchlists"


def main() -> None:
    """Run all three."""
    number = int(sys.argv[1]) if sys.argv[1:] else 2_000
    enricher = load(LanguageModel())
    matcher = Matcher(load_configuration(EXAMPLE, {}).watches)
    articles = list(islice(read_articles(), number))
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder))
        server.start()
        try:
            store = RedisStore(connect(server.url))
            started = time.process_time()
            for start in range(0, len(articles), 32):
                some = articles[start : start + 32]
                for n, (article, seen) in enumerate(zip(some, enricher.enrich(some), strict=True), start):
                    matcher.screen(article, seen)
                    row = {"record": ARTICLE.dump_json(article), "first_seen": 1, "analysis": ANALYSIS.dump_json(seen)}
                    store.client.hset(f"{K}article:art_{n:06}", mapping=row)
            live = len(articles) / (time.process_time() - started)
            for model, what in ((enricher.model, "stored analyses"), ("another", "analyses made anew")):
                started = time.process_time()
                done = 0
                for past, seen, _ in backtest.with_analyses(stored_articles(store), enricher, model):
                    backtest.find_hits(past, seen, matcher)
                    done += 1
                speed = done / (time.process_time() - started)
                print(f"{done} articles, {what}: {speed:.0f} a second, {speed / live:.2f} of live ({live:.0f})")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
