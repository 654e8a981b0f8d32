"""The demonstration's little server: feeds whose entries link to pages that are there."""

import io

import pytest
from rich.console import Console

from tests.desk import listening
from tests.fakes import SECRET
from tests.integration.test_web import ask
from worker.model import Fetched
from worker.parse import parse
from worker.runtime.demo import create_demo

pytestmark = pytest.mark.integration


@pytest.fixture
def base(tmp_path):
    with listening(lambda _: create_demo(SECRET, tmp_path / "position", Console(file=io.StringIO()))) as address:
        yield address


@pytest.mark.parametrize("path", ["rss.xml", "atom.xml", "feed.json"])
def test_each_entry_links_to_a_page_with_its_article(base, path):
    _, document, headers = ask(f"{base}/{path}")
    entries = parse(Fetched(document.encode(), f"{base}/{path}", headers["content-type"])).entries
    assert entries
    for entry in entries:
        assert entry.link.startswith(base)
        status, page, _ = ask(entry.link)
        assert status == 200
        assert entry.title in page
        assert entry.html in page


@pytest.mark.parametrize("path", ["/articles/demo-x", "/articles/demo--1", "/articles/demo-99999999999999999999"])
def test_what_is_no_article_is_not_there(base, path):
    assert ask(base + path)[0] == 404
