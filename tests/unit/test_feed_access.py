"""What a feed's section may say of how it is reached; secrets come by reference only and show nowhere."""

import pytest

from worker.errors import ConfigError
from worker.watchlist import load_configuration

HEAD = "feeds:\n  - url: https://x.example/rss\n    name: X\n"


def load(tmp_path, text, **environ):
    (tmp_path / "feeds.yaml").write_text(text, "utf-8")
    return load_configuration(tmp_path, environ)


def test_proxy_headers_and_password_come_by_reference(tmp_path):
    text = (
        HEAD
        + "    proxy: {env: PROXY}\n    headers: {X-Key: {env: KEY}}\n    auth: {user: reader, password: {env: WORD}}\n"
    )
    [feed] = load(tmp_path, text, PROXY="http://proxy.example:3128", KEY="k-secret", WORD="w-secret").feeds
    assert feed.access.proxy == "http://proxy.example:3128"
    assert feed.access.headers == (("X-Key", "k-secret"),)
    assert (feed.access.user, feed.access.password) == ("reader", "w-secret")
    assert "secret" not in repr(feed)
    assert "proxy.example" not in repr(feed)


def test_a_feed_without_an_interval_follows_its_own_rhythm(tmp_path):
    assert load(tmp_path, HEAD).feeds[0].interval is None


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("    headers: {X-Key: k-secret}\n", "must not stand in the file"),
        ("    headers: {'X Key': {env: KEY}}\n", "X Key"),
        ("    headers: {X-Key: {env: BROKEN}}\n", "line breaks"),
        ("    proxy: {env: KEY}\n", "not an http or https address"),
        ("    auth: {user: reader, password: w-secret}\n", "must not stand in the file"),
        ("    auth: {user: reader, password: {env: ABSENT}}\n", "ABSENT is not set"),
        ("    auth: {user: reader}\n", "`password` is missing"),
    ],
)
def test_every_mistake_is_named_where_it_stands_and_no_secret_is_repeated(tmp_path, lines, words):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, HEAD + lines, KEY="k-secret", BROKEN="a\nb")
    assert words in str(caught.value)
    assert "feeds.yaml:4" in str(caught.value)
    assert "secret" not in str(caught.value).replace("secret, ", "")


@pytest.mark.parametrize("url", ["https://user:word@x.example/rss", "https://1.1.1.1\\@127.0.0.1/"])
def test_an_address_holds_no_password_and_no_backslash(tmp_path, url):
    with pytest.raises(ConfigError, match=r"feeds.yaml:2"):
        load(tmp_path, f"feeds:\n  - url: '{url}'\n    name: X\n")
