"""Pages are read in a process that may be ended: what is written to be slow costs two seconds, and the next page nothing."""

import time

import pytest

from tests import pages
from worker.model import Fetched, Page
from worker.runtime.extractor import ProcessExtractor

LINK = "https://wire.example/world/tanks"
HOSTILE = {
    "50,000 attributes": "<html><body><p " + " ".join(f'a{i}="1"' for i in range(50_000)) + ">x</p></body></html>",
    "100,000 nested tags": "<html><body>" + "<div>" * 100_000 + "x",
    "50,000 comments": "<html><body>" + "<!-- x -->" * 50_000 + "<p>x</p></body></html>",
    "40,000 links": "<html><body>" + "<p><a href='/x'>word word word</a> word</p>" * 40_000 + "</body></html>",
    "a table of tables": "<html><body>" + "<table><tr><td>" * 5_000 + "x",
    "200,000 short paragraphs": "<html><body><article>" + "<p>Word, word.</p>" * 200_000 + "</article></body></html>",
    "4 MB in one line": "<html><body><p>" + "word " * 800_000 + "</p></body></html>",
    "entities": "<html><body><p>" + "&amp;lt;" * 400_000 + "</p></body></html>",
    "spans in spans": "<html><body><p>"
    + "<span><b><i>" * 3_000
    + "x"
    + "</i></b></span>" * 3_000
    + "</p></body></html>",
}


@pytest.fixture(scope="module")
def extractor():
    made = ProcessExtractor()
    yield made
    made.close()


def fetched(markup: str | bytes) -> Fetched:
    raw = markup if isinstance(markup, bytes) else markup.encode()
    return Fetched(raw, LINK, "text/html; charset=utf-8")


def test_a_page_is_read_in_another_process(extractor):
    page = extractor.extract(fetched(pages.story()))
    assert isinstance(page, Page)
    assert page.text.endswith(pages.STORY[-1])
    assert extractor.extract(Fetched(b"%PDF", LINK, "application/pdf")) is None


@pytest.mark.parametrize("markup", HOSTILE.values(), ids=HOSTILE)
def test_a_page_that_is_written_to_be_slow_is_ended_and_the_next_is_read(markup, extractor):
    extractor.extract(fetched(pages.story()))  # the start of the process is not the page's doing
    started = time.process_time(), time.monotonic()
    found = extractor.extract(fetched(markup))
    assert found is None or isinstance(found, Page) or "ended" in found
    assert time.process_time() - started[0] < 0.5, "the work is the other process's"
    assert time.monotonic() - started[1] < 25, "bounded, on a busy machine too"
    assert isinstance(extractor.extract(fetched(pages.story())), Page)


def test_the_processors_time_is_what_is_limited():
    extractor = ProcessExtractor(cpu_limit_s=0.05)
    found = extractor.extract(fetched(HOSTILE["200,000 short paragraphs"]))
    assert found == "reading the page took longer than 0.05 s and was ended"
    assert isinstance(extractor.extract(fetched(pages.story())), Page | str), "a new process answers"
    extractor.close()


def test_a_process_that_was_killed_from_outside_is_replaced(extractor):
    extractor.extract(fetched(pages.story()))
    extractor._process.kill()
    extractor._process.wait()
    assert isinstance(extractor.extract(fetched(pages.story())), Page)


def test_a_page_of_more_than_five_megabytes_is_not_begun(extractor):
    assert "5,000,000" in extractor.extract(fetched(b"<html>" + b"x" * 5_000_001))
