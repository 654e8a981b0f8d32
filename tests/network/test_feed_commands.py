"""`tocsin feeds` over real addresses on loopback and a real store."""

import json
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from typer.testing import CliRunner

from tests import pages
from tests.fakes import ARMS, HARMLESS, rss
from tests.network.server import ScriptedServer
from worker.cli import app
from worker.errors import InputError
from worker.runtime import process
from worker.watchlist import load_feeds

DOCUMENT = rss(HARMLESS, ARMS, title="The Wire").encode()


@pytest.fixture
def site():
    """A site with a page that names its feed, and one more page without."""

    async def script(talk):
        if talk.path == "/feed":
            await talk.answer(body=DOCUMENT, Content_Type="application/rss+xml")
        elif talk.path == "/":
            await talk.answer(body=b"<html><link rel=alternate type='application/rss+xml' href='/feed'></html>")
        elif talk.path == "/bare":
            await talk.answer(body=b"<html>nothing</html>")
        else:
            await talk.answer("404 Not Found")

    server = ScriptedServer(script)
    yield server.url.replace("/feed", "")
    server.stop()


@pytest.fixture
def tocsin(tmp_path, server, redis_store, monkeypatch):
    (tmp_path / "watch.yaml").write_text(
        "watches: [{id: tanks, title: Tanks, match: {phrase: battle tanks}}]\n", "utf-8"
    )
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    process.open_store.cache_clear()

    def run(*args: str):
        result = CliRunner().invoke(app, ["feeds", *args, "-c", str(tmp_path)], catch_exceptions=True)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    run.folder = tmp_path
    yield run
    process.open_store.cache_clear()


@pytest.mark.parametrize("path", ["/feed", "/", "/bare"])
def test_a_feed_is_found_from_its_site_and_added_once(path, tocsin, site):
    args = ("add", site + path, "--allow-private", "--tag", "wire", "--json")
    assert json.loads(tocsin(*args).stdout)["outcome"] == "added"
    [feed] = load_feeds(tocsin.folder)
    assert (feed.url, feed.name, feed.tags) == (site + "/feed", "The Wire", ("wire",))
    assert json.loads(tocsin(*args).stdout)["outcome"] == "known"


def test_a_dry_run_writes_nothing(tocsin, site):
    assert "found" in tocsin("add", site, "--allow-private", "--dry-run").stdout
    assert load_feeds(tocsin.folder) == ()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "ftp://x.example/", "http://["])
def test_an_address_without_a_feed_is_one_clear_message(address, tocsin):
    with pytest.raises(InputError):
        tocsin("add", address, "--allow-private")


def test_a_private_address_is_not_read_unless_it_is_meant(tocsin, site):
    for command in ("add", "preview"):
        with pytest.raises(InputError, match="add --allow-private if it is meant"):
            tocsin(command, site)


def test_feeds_are_paused_resumed_and_hurried_by_name(tocsin, site, redis_store):
    tocsin("add", site, "--allow-private")
    redis_store.sync_feeds(load_feeds(tocsin.folder))
    assert "paused" in tocsin("pause", "the wire").stdout
    assert json.loads(tocsin("show", "wire").stdout)["health"] == "paused"
    assert "resume" in tocsin("poll", "--now", "wire").stdout
    assert "due now" in tocsin("resume", "wire").stdout
    assert json.loads(tocsin("list", "--json").stdout)["feeds"][0]["health"] == "waiting"
    with pytest.raises(InputError, match="did you mean “The Wire”"):
        tocsin("pause", "the wier")


def test_a_list_from_another_reader_goes_in_and_comes_out(tocsin):
    opml = tocsin.folder / "list.opml"
    opml.write_text(
        '<opml><body><outline text="A"><outline text="X" xmlUrl="https://x.example/rss"/></outline>\n'
        '<outline type="rss" text="bad"/></body></opml>', "utf-8",
    )  # fmt: skip
    result = json.loads(tocsin("import", str(opml), "--json").stdout)
    assert (result["added"], result["known"]) == (["https://x.example/rss"], 0)
    assert "list.opml:2" in result["problems"][0]
    assert 'xmlUrl="https://x.example/rss"' in tocsin("export").stdout
    assert "0 added, 1 already configured" in tocsin("import", str(opml)).stdout


def test_a_preview_says_what_would_be_stored_and_what_would_fire(tocsin, site, redis_store):
    rows = json.loads(tocsin("preview", site + "/feed", "--allow-private", "--json").stdout)["entries"]
    assert [row["title"] for row in rows] == [HARMLESS["title"], ARMS["title"]]
    assert [row["fires"] for row in rows] == [[], ["tanks"]]
    assert redis_store.client.keys("*article*") == []


def test_a_preview_reads_the_pages_of_summaries_and_says_whose_text_it_took(tocsin, redis_store):
    async def script(talk):
        if talk.path == "/feed":
            summary = ARMS | {"title": pages.TITLE, "description": pages.SUMMARY, "link": f"{at}/story", "pubDate": now}
            await talk.answer(body=rss(summary).encode(), Content_Type="application/rss+xml")
        else:
            await talk.answer(body=pages.story().encode(), Content_Type="text/html; charset=utf-8")

    now = format_datetime(datetime.now(UTC))
    server = ScriptedServer(script)
    at = server.url.replace("/feed", "")
    args = ("preview", server.url, "--allow-private", "--json")
    [row] = json.loads(tocsin(*args).stdout)["entries"]
    assert (row["text_from"], row["text_reason"]) == ("page", "the feed gives 8 words, the page 105")
    [row] = json.loads(tocsin(*args, "--no-pages").stdout)["entries"]
    assert (row["text_from"], row["text_reason"]) == ("feed", "")
    server.stop()
