"""How long one article takes from its feed to the webhook while nothing else happens. Prints JSON.

    python -m bench.idle --articles 40

One at a time: an article is offered at a random moment, its webhook awaited. The feed is polled every second, so that a
poll is due soon; `fetch_to_webhook_s` begins when that poll asks the server, `offer_to_webhook_s` when the feed had it.
"""

import argparse
import json
import random
import time
from functools import partial

from bench.clock import Clock
from bench.end_to_end import embedded, fresh
from bench.figures import percentiles
from bench.load import Load, document, item, warm_texts
from tests.integration.world import Deployment, World, eventually

WATCHES = "watches:\n  - {id: named, title: Named, match: {phrase: [Warmupword]}}\n"
KEPT = 20


def offer(world: World, entries: list[str], guid: str, title: str, body: str) -> Clock:
    """One more entry in the feed, and a clock that starts with it."""
    entries.append(item(guid, title, f"The Warmupword is said. {body}"))
    clock = Clock(world)
    world.serve("/feed", document(entries[-KEPT:]))
    return clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--articles", type=int, default=40)
    wanted = parser.parse_args().articles
    chance, entries = random.Random(1), list[str]()
    fetched, offered = [], []
    with fresh("idle") as (directory, world), embedded(directory) as (server, _):
        deployment = Deployment(directory, server, world)
        deployment.environ["TOCSIN_LEASE"] = "90s"
        deployment.configure([world.serve("/feed", document([]))], WATCHES)
        deployment.start()
        try:
            eventually(lambda: world.polls("/feed") > 1, 120, "the first polls")
            for i, text in enumerate(warm_texts()[:40]):
                offer(world, entries, f"w{i}", f"Warm-up {i}", text)
            eventually(lambda: len(world.received) >= KEPT, 180, "the warm-up")
            for i, (title, body) in enumerate(Load(wanted, 1).rows):
                time.sleep(chance.uniform(0.5, 2))
                began = time.time()
                clock = offer(world, entries, f"a{i}", title, body)
                eventually(partial(clock.told.__contains__, f"a{i}"), 60, "the webhook")
                clock.stop()
                fetched.append(clock.told[f"a{i}"] - clock.fetched["/feed"])
                offered.append(clock.told[f"a{i}"] - began)
        finally:
            deployment.stop()
    spans = {"fetch_to_webhook_s": percentiles(fetched), "offer_to_webhook_s": percentiles(offered)}
    print(json.dumps({"articles": wanted, **spans}, indent=2))


if __name__ == "__main__":
    main()
