"""What other parsers' fixtures expect, in one form: entries of title, link and moment, each None where nothing is said.

Titles are compared as plain text with white space normalised, moments by their UTC second. A moment may be either of
several (published, updated) where the peer keeps both and we keep one.
"""

import ast
import contextlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from worker.model import Document
from worker.plaintext import one_line


@dataclass(frozen=True)
class Expected:
    """One entry as a peer reads it. `links` and `moments` name all that would be right; empty says nothing."""

    title: str | None = None
    links: frozenset[str] = frozenset()
    moments: frozenset[datetime] = frozenset()


@dataclass(frozen=True)
class Fixture:
    """A document and what the peer makes of it; `count` None where only some fields of the first entry are told."""

    name: str
    body: bytes
    entries: tuple[Expected, ...]
    count: int | None


def moment(text: str | None) -> datetime | None:
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(text).astimezone(UTC).replace(microsecond=0)


def gofeed(root: Path):
    for expectation in sorted((root / "gofeed").rglob("*.json")):
        document = _gofeed_document(expectation)
        if document is None or "invalid" in document.name:
            continue
        told = json.loads(expectation.read_text("utf-8"))
        items = tuple(_gofeed_entry(item) for item in told.get("items", told.get("entries", ())))
        name = str(document.relative_to(root))
        yield Fixture(name, document.read_bytes(), items, len(items))


def _gofeed_document(expectation: Path) -> Path | None:
    if "_expected" in expectation.name:
        return expectation.with_name(expectation.name.replace("_expected", ""))
    xml = expectation.with_suffix(".xml")
    return xml if xml.exists() else None


def _gofeed_entry(item) -> Expected:
    links = {link["href"] for link in item.get("links", ()) if isinstance(link, dict) and link.get("href")}
    links |= {item[key] for key in ("link", "url", "external_url") if item.get(key)}
    told = [
        item.get(key)
        for key in ("publishedParsed", "updatedParsed", "pubDateParsed", "date_published", "date_modified")
    ]
    dc = (item.get("dcExt") or {}).get("date") or ()
    moments = {at for text in told if (at := moment(text))}
    return Expected(item.get("title"), frozenset(links), frozenset(moments if moments or not dc else ()))


def feed_rs(root: Path):
    for expectation in sorted((root / "feed-rs").rglob("*.serde.json")):
        stem = expectation.name.removesuffix(".serde.json")
        document = next(
            p for p in (expectation.with_name(stem + ".xml"), expectation.with_name(stem + ".json")) if p.exists()
        )
        told = json.loads(expectation.read_text("utf-8"))
        entries = tuple(
            Expected(
                (entry.get("title") or {}).get("content"),
                frozenset(link["href"] for link in entry["links"]),
                frozenset(at for key in ("published", "updated") if (at := moment(entry.get(key)))),
            )
            for entry in told["entries"]
        )
        yield Fixture(str(document.relative_to(root)), document.read_bytes(), entries, len(entries))


_EXPECT = re.compile(rb"Expect:\s*(.*?)\s*(?:-->|\n)")
_FIELD = re.compile(
    r"entries\[0\]\[?\.?['\"]?(title|link|published_parsed|updated_parsed)['\"]?\]? == (.+?)(?: and |$)", re.DOTALL
)


def feedparser(root: Path):
    for document in sorted((root / "feedparser" / "tests" / "wellformed").rglob("*.xml")):
        body = document.read_bytes()
        found = _EXPECT.search(body)
        if not found:
            continue
        told = {}
        for name, value in _FIELD.findall(found[1].decode("latin-1")):
            with contextlib.suppress(ValueError, SyntaxError):
                told[name] = ast.literal_eval(value)
        if not told:
            continue
        moments = {
            datetime(*told[key][:6], tzinfo=UTC) for key in ("published_parsed", "updated_parsed") if told.get(key)
        }
        title, link = told.get("title"), told.get("link")
        expected = Expected(title, frozenset([link] if link else []), frozenset(moments))
        yield Fixture(str(document.relative_to(root)), body, (expected,), None)


def differences(fixture: Fixture, document: Document):
    """What we read otherwise than the peer: (index, field, theirs, ours)."""
    ours = document.entries
    if fixture.count is not None and fixture.count != len(ours):
        yield -1, "count", fixture.count, len(ours)
        return
    for i, (theirs, entry) in enumerate(zip(fixture.entries, ours, strict=False)):
        if theirs.title is not None and one_line(entry.title) not in _readings(theirs.title):
            yield i, "title", theirs.title, one_line(entry.title)
        if theirs.links and _address(entry.link) not in map(_address, theirs.links):
            yield i, "link", sorted(theirs.links), entry.link
        at = entry.published and entry.published.replace(microsecond=0)
        if theirs.moments and at not in theirs.moments:
            yield i, "moment", sorted(map(str, theirs.moments)), str(at)


def _readings(title: str) -> set[str]:
    """The title as it stands, and as the plain text of its markup, which is what we keep."""
    return {" ".join(title.split()), one_line(title)}


def _address(link: str) -> str:
    """Host names in lower case, no empty path: some peers keep neither as it was written."""
    scheme, mark, rest = link.partition("://")
    host, _, path = rest.partition("/")
    return f"{scheme}{mark}{host.lower()}/{path}" if mark else link
