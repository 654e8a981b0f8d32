"""Takes the pictures of the README: `python -m tests.pictures` writes docs/images/*.png.

The articles are the demonstration's; the hours before now are filled with counts as a day of news would leave them.
"""

import math
import random
import tempfile
import time
from pathlib import Path

from tests.browser import Browser, find_chromium
from tests.desk import Desk, judged, serving
from tests.integration.world import eventually
from worker.runtime.redis_client import connect
from worker.runtime.redis_store import RedisStore
from worker.runtime.valkey import EmbeddedServer

ARTICLE = """Germany to deliver howitzers to Greece
Germany has approved the sale of twelve howitzers and ammunition to Greece, the defence ministry in Berlin said.

The first guns leave in May."""
WATCHES = """watches:
  - id: arms-transfer
    title: Weapons supplied, sold or promised
    match: {topic: arms-transfer}
    tests:
      - {title: "A choir sold its old robes", expect: {fires: false}}
  - id: dprk-arms
    title: North Korea and weapons
    severity: critical
    match: {all: [{topic: arms-transfer}, {phrase: [Pyongyang]}]}
"""
IMAGES = Path(__file__).parents[1] / "docs" / "images"


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    found = find_chromium()
    assert found, "install chromium and chromedriver: `make browser`"
    with tempfile.TemporaryDirectory() as directory:
        server = EmbeddedServer(Path(directory))
        server.start()
        store = RedisStore(connect(server.url))
        window = Browser(*found)
        try:
            desk = Desk(store)
            desk.publish_demo(28)
            _fill_hours(store)
            judged(desk)
            watches = Path(directory) / "watches"
            watches.mkdir()
            (watches / "watches.yaml").write_text(WATCHES, "utf-8")
            with serving(store, watches, may_edit=True) as base:
                _take(window, base)
                _try(window, base)
        finally:
            window.close()
            store.client.close()
            server.stop()


def _fill_hours(store: RedisStore) -> None:
    chance = random.Random(7)
    now = int(store.client.time()[0]) // 3600
    counts = {name: int(number) for name, number in store.client.hgetall(f"{{tocsin}}:trend:{now}").items()}
    for hour in range(1, 168):
        wave = 0.2 + 0.5 * (0.5 + 0.5 * math.sin((now - hour) % 24 / 24 * 2 * math.pi))
        for name, number in counts.items():
            if drawn := sum(chance.random() < wave for _ in range(number)):
                store.client.hset(f"{{tocsin}}:trend:{now - hour}", name, drawn)


def _take(window: Browser, base: str) -> None:
    def shoot(name: str, path: str, theme: str, width: int, height: int) -> None:
        window.prefer(color_scheme=theme)
        window.resize(width, height)
        window.open(base + path)
        time.sleep(1)  # the live stream connects, animations end
        window.screenshot(IMAGES / f"{name}.png")

    shoot("dark", "/", "dark", 1440, 900)
    first = window.run("return new URL(document.querySelector('.card.high h3 a').href).pathname")
    shoot("light", first, "light", 1440, 900)
    shoot("narrow", "/", "dark", 400, 860)
    window.run("localStorage.setItem('wall', 'yes')")
    shoot("wall", "/", "dark", 1600, 900)
    window.run("localStorage.clear()")


def _try(window: Browser, base: str) -> None:
    window.prefer(color_scheme="dark")
    window.resize(1440, 1440)
    window.open(base + "/playground")
    window.type("textarea", ARTICLE)
    window.click("#go")
    eventually(lambda: window.texts("#keep"), 90, "the answer")
    window.choose("[name=watch]", "arms-transfer")
    window.click("#keep")
    eventually(lambda: window.texts("#snippet"), 10, "the test")
    window.run("scrollTo(0, 0)")
    time.sleep(0.5)
    window.screenshot(IMAGES / "playground.png")


if __name__ == "__main__":
    main()
