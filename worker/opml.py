"""OPML 2.0 (opml.org): a list of feeds from another reader, or for one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lxml import etree

from worker.errors import InputError, Problem
from worker.model import Feed

_MOST_DEPTH = 20


@dataclass(frozen=True, slots=True)
class Outline:
    """One feed of a list: its address and name, the folders it lies in as tags, and its line in the file."""

    url: str
    name: str
    tags: tuple[str, ...]
    line: int


def read_opml(raw: bytes, file: str) -> tuple[tuple[Outline, ...], tuple[Problem, ...]]:
    """The feeds of an OPML document in its order, and what could not be used of it, with lines.

    Raises InputError where the bytes are no OPML at all.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False, recover=True)
    root = etree.fromstring(raw, parser) if raw.strip() else None
    body = root.find("body") if root is not None and str(root.tag).lower() == "opml" else None
    if body is None:
        msg = f"{file} is not OPML: it has no <opml> with a <body>"
        raise InputError(msg)
    problems = [
        Problem(file, error.line, error.column, f"is not well-formed: {error.message}") for error in parser.error_log
    ]
    outlines: dict[str, Outline] = {}
    for element, tags in _walk(body, ()):
        outline = _outline(element, tags)
        if isinstance(outline, str):
            problems.append(Problem(file, element.sourceline or 0, 1, outline))
        elif outline.url in outlines:
            first = outlines[outline.url].line
            problems.append(Problem(file, outline.line, 1, f"is the same feed as in line {first}", "left out"))
        else:
            outlines[outline.url] = outline
    return tuple(outlines.values()), tuple(problems)


def write_opml(feeds: Iterable[Feed], title: str = "Tocsin") -> bytes:
    """The feeds as OPML: the first tag is the folder, all of them are categories."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = title
    body = etree.SubElement(root, "body")
    folders: dict[str, etree._Element] = {}
    for feed in feeds:
        parent = body
        if feed.tags:
            folder = feed.tags[0]
            if folder not in folders:
                folders[folder] = etree.SubElement(body, "outline", text=folder, title=folder)
            parent = folders[folder]
        line = etree.SubElement(parent, "outline", type="rss", text=feed.name, title=feed.name, xmlUrl=feed.url)
        if feed.tags:
            line.set("category", ",".join(feed.tags))
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    return written


def _walk(element: etree._Element, tags: tuple[str, ...]) -> Iterator[tuple[etree._Element, tuple[str, ...]]]:
    for outline in element:
        if not isinstance(outline.tag, str) or outline.tag.lower() != "outline":
            continue
        if _attribute(outline, "xmlUrl") or _attribute(outline, "type").lower() in ("rss", "atom"):
            yield outline, tags
        elif len(tags) < _MOST_DEPTH:
            yield from _walk(outline, (*tags, _name(outline)))


def _outline(element: etree._Element, folders: tuple[str, ...]) -> Outline | str:
    url = _attribute(element, "xmlUrl")
    if not url:
        return "is a feed without an xmlUrl"
    if not url.lower().startswith(("http://", "https://")) or len(url.split()) != 1:
        return f"has an xmlUrl that is no http or https address: {url[:80]}"
    if "@" in url.split("://", 1)[1].split("/", 1)[0]:
        return "has a password in its xmlUrl; add it by hand with auth: {user: NAME, password: {env: NAME}}"
    categories = [part.strip().strip("/") for part in _attribute(element, "category").split(",")]
    tags = dict.fromkeys(tag[:100] for tag in (*folders, *categories) if tag)
    return Outline(url, _name(element) or url.split("://", 1)[1], tuple(tags), element.sourceline or 0)


def _name(element: etree._Element) -> str:
    return " ".join((_attribute(element, "text") or _attribute(element, "title")).split())[:200]


def _attribute(element: etree._Element, name: str) -> str:
    """An attribute whatever its case: some writers say xmlurl."""
    return next((value.strip() for key, value in element.attrib.items() if str(key).lower() == name.lower()), "")
