"""What other parsers' fixtures expect is what we read, and what is known already changes nothing of the rest."""

import time
from itertools import chain

import pytest

from tests import peers
from worker.model import Document, Fetched, PollFailed
from worker.parse import parse

# The one table of what we read otherwise, with the reason.
DIFFERENCES = {
    ("atom_relative.xml", "link"): "the peer keeps relative links; a link that leads nowhere is of no use in an alert",
    ("rss_1.0_example_1.xml", "link"): "the same: a relative link is resolved against the feed's address",
    ("http_item_link_base_content_location.xml", "link"): "the base is a response header, which the file has not",
    ("http_item_link_base_docuri.xml", "link"): "the base is the address the peer's test serves the file from",
}
BASE = "https://base.example/feed"
LIMIT_S = 2


def read(body: bytes, known=()) -> Document | PollFailed:
    return parse(Fetched(body, BASE), known)


@pytest.mark.parametrize("peer", [peers.gofeed, peers.feed_rs, peers.feedparser], ids=lambda peer: peer.__name__)
def test_every_well_formed_fixture_is_read_as_its_parser_reads_it(peer, shared):
    unexpected, read_well = [], 0
    for fixture in peer(shared / "feeds"):
        started = time.process_time()
        document = read(fixture.body)
        assert time.process_time() - started < LIMIT_S, fixture.name
        if isinstance(document, PollFailed):
            assert fixture.count == 0, f"{fixture.name}: {document.message}"
            continue
        found = [
            difference
            for difference in peers.differences(fixture, document)
            if (fixture.name.rpartition("/")[2], difference[1]) not in DIFFERENCES
        ]
        unexpected += [(fixture.name, *difference) for difference in found]
        read_well += not found
    assert unexpected == []
    assert read_well > 60, "the fixtures were really there"


def every_document(shared):
    for file in sorted(chain((shared / "feeds").rglob("*.xml"), (shared / "feeds" / "real").iterdir())):
        yield file.name, file.read_bytes()


def test_known_entries_are_left_out_and_the_others_stay_the_same(shared):
    """Once with every second entry known, once with all: the rest is read to the letter as in the whole document."""
    compared = 0
    for name, body in every_document(shared):
        started = time.process_time()
        whole = read(body)
        assert time.process_time() - started < LIMIT_S, name
        if isinstance(whole, PollFailed) or not whole.fingerprints:
            continue
        known = set(whole.fingerprints[::2])
        rest = read(body, known)
        expected = [e for e, p in zip(whole.entries, whole.fingerprints, strict=True) if p not in known]
        assert isinstance(rest, Document), name
        assert list(rest.entries) == expected, name
        assert (rest.fingerprints, rest.title, rest.language, rest.pace) == (
            whole.fingerprints, whole.title, whole.language, whole.pace,
        ), name  # fmt: skip
        assert read(body, whole.fingerprints).entries == (), name
        compared += len(expected)
    assert compared > 1_000
