"""What holds for all feeds is said once, and a feed that says otherwise has its own way."""

from datetime import timedelta

import pytest

from worker.errors import ConfigError
from worker.watchlist import load_configuration
from worker.watchlist.load import load_feeds

FEEDS = """
feeds:
  - {url: 'https://a.example/rss', name: A}
  - {url: 'https://b.example/rss', name: B, interval: 5m, websub: auto, fulltext: auto}
"""


@pytest.fixture
def load(tmp_path):
    def read(*texts: str):
        for number, text in enumerate(texts):
            (tmp_path / f"{number}.yaml").write_text(text, "utf-8")
        return load_configuration(tmp_path, {})

    return read


def test_a_feed_has_the_defaults_where_it_says_nothing_and_its_own_where_it_does(load, tmp_path):
    defaults = (
        "feed_defaults: {interval: 30m, backfill: 2h, max_silence: never, fulltext: never, robots: ignore, websub: off}"
    )
    a, b = load(FEEDS, defaults).feeds
    assert (a.interval, a.backfill, a.max_silence) == (timedelta(minutes=30), timedelta(hours=2), "never")
    assert (a.fulltext, a.robots, a.websub) == ("never", "ignore", "off")
    assert (b.interval, b.fulltext, b.websub) == (timedelta(minutes=5), "auto", "auto"), "though these are the defaults"
    assert (b.backfill, b.robots) == (timedelta(hours=2), "ignore")
    assert load_feeds(tmp_path) == (a, b)


def test_without_the_section_the_built_in_defaults_hold(load):
    a, _ = load(FEEDS).feeds
    assert (a.interval, a.fulltext, a.robots, a.websub) == (None, "auto", "respect", "auto")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("feed_defaults: {websub: no}", "`websub`"),
        ("feed_defaults: {robots: off}", "`robots`"),
        ("feed_defaults: {name: x}", "unknown key `name`"),
        ("feed_defaults: {interval: 0s}", "`interval`"),
    ],
)
def test_a_mistake_in_it_is_told_with_its_place(load, text, told):
    with pytest.raises(ConfigError) as caught:
        load(FEEDS, text)
    [problem] = caught.value.problems
    assert (problem.file, problem.line) == ("1.yaml", 1)
    assert told in problem.message


def test_there_is_one_over_all_files(load):
    with pytest.raises(ConfigError) as caught:
        load(FEEDS, "feed_defaults: {interval: 30m}", "feed_defaults: {interval: 10m}")
    assert "second feed_defaults section" in str(caught.value)
