"""From a site, from another reader, into the configuration: what is found is written so that it can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.discovery import find_feeds
from worker.errors import InputError
from worker.model import Feed
from worker.opml import read_opml, write_opml
from worker.watchlist import load_feeds
from worker.watchlist.add import NewFeed, add_feeds

PAGE = "https://x.example/news/"


@pytest.mark.parametrize(
    ("html", "urls"),
    [
        ('<link rel="alternate" type="application/rss+xml" href="/rss" title="All">', ["https://x.example/rss"]),
        ('<link REL="Alternate" TYPE="application/atom+xml; charset=utf-8" HREF="a.xml">', ["https://x.example/news/a.xml"]),
        ('<base href="https://y.example/b/"><link rel="alternate" type="application/feed+json" href="f">', ["https://y.example/b/f"]),
        ('<link rel="alternate" hreflang="de" href="/de"><link rel="stylesheet" href="/rss.css">', []),
        ('<link rel="alternate" type="application/rss+xml" href="javascript:x">', []),
        ('<a href="/feed/">RSS</a><a href="/about">About</a>', ["https://x.example/feed/"]),
        ('<a href="/rss.xml">a</a><a href="/rss.xml">b</a><a href="/x.atom">c</a>', ["https://x.example/rss.xml", "https://x.example/x.atom"]),
        ('<link rel="alternate" type="application/rss+xml" href="/1"><a href="/feed">x</a>', ["https://x.example/1"]),
        ("", []),
        ("\x00<<<", []),
    ],
)  # fmt: skip
def test_a_page_names_its_feeds(html, urls):
    assert [feed.url for feed in find_feeds(html.encode(), PAGE)] == urls


@given(st.binary(max_size=500))
def test_no_page_makes_it_fail(page):
    find_feeds(page, PAGE)


OPML = b"""<?xml version="1.0"?><opml version="2.0"><head><title>T</title></head><body>
<outline text="World">
  <outline text="Wire" type="rss" xmlUrl="https://wire.example/rss"/>
  <outline text="Europe"><outline title="Herald &amp; Sons" xmlurl="https://herald.example/feed" category="/press,daily"/></outline>
</outline>
<outline text="No address" type="rss"/>
<outline text="Local" type="rss" xmlUrl="file:///etc/passwd"/>
<outline text="Again" type="rss" xmlUrl="https://wire.example/rss"/>
<outline text="Secret" type="rss" xmlUrl="https://user:word@x.example/rss"/>
</body></opml>"""


def test_folders_become_tags_and_bad_rows_are_named_with_their_line():
    outlines, problems = read_opml(OPML, "feeds.opml")
    assert [(o.name, o.tags, o.line) for o in outlines] == [
        ("Wire", ("World",), 3),
        ("Herald & Sons", ("World", "Europe", "press", "daily"), 4),
    ]
    assert [str(problem).split(" ")[0] for problem in problems] == [f"feeds.opml:{line}:1:" for line in (6, 7, 8, 9)]
    assert "word" not in "".join(map(str, problems)).replace("password", "")


@pytest.mark.parametrize("raw", [b"", b"<html></html>", b"just words", b"<opml/>", b"{}"])
def test_what_is_no_opml_is_refused(raw):
    with pytest.raises(InputError, match="is not OPML"):
        read_opml(raw, "f")


def test_an_opml_that_breaks_off_gives_what_can_be_read_and_says_so():
    outlines, problems = read_opml(OPML[:200], "f")
    assert len(outlines) == 1
    assert any("not well-formed" in str(problem) for problem in problems)


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=20)


@given(
    st.lists(st.tuples(names, st.lists(names.filter(lambda n: "," not in n and "/" not in n), max_size=3)), max_size=5)
)
def test_what_is_exported_can_be_imported(rows):
    feeds = [Feed(f"f{i}", f"https://x.example/{i}", name, tuple(tags)) for i, (name, tags) in enumerate(rows)]
    outlines, problems = read_opml(write_opml(feeds), "f")
    assert problems == ()
    found = {o.url: (o.name, set(o.tags)) for o in outlines}
    assert found == {feed.url: (feed.name, set(feed.tags)) for feed in feeds}


@given(st.lists(names, min_size=1, max_size=5))
def test_what_is_added_is_what_the_configuration_then_holds(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("config")
    for i, name in enumerate(rows):
        add_feeds(folder, [NewFeed(f"https://x.example/{i}", name, (name,), allow_private=i % 2 == 0)])
    feeds = load_feeds(folder)
    assert [(f.name, f.tags, f.allow_private) for f in feeds] == [(n, (n,), i % 2 == 0) for i, n in enumerate(rows)]


def test_feeds_are_read_although_an_endpoints_secret_is_missing(tmp_path):
    (tmp_path / "e.yaml").write_text("endpoints: {desk: {url: {env: ABSENT}, secret: {env: ABSENT}}}\n", "utf-8")
    add_feeds(tmp_path, [NewFeed("https://x.example/rss", "X")])
    assert [feed.name for feed in load_feeds(tmp_path, {})] == ["X"]
