"""feedparser's reading of a well-formed document, without the work whose outcome nobody looks at.

The same handlers read the same elements and come to the same. What differs is how they are reached: for an element outside
of inline markup, whose attributes say nothing of language or base, what it is called is found out once and not at each of
its tags, and looked up anew for no document; its text comes in one piece, and is not translated sign by sign where no sign
asks for it; addresses are taken apart only where a plain look does not tell what they are joined to; nothing is copied to the
depth that is flat; and a date is read only where `moment` cannot. All else goes feedparser's own way.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.sax.expatreader import ExpatParser

import feedparser
from feedparser.datetimes import _parse_date
from feedparser.html import _cp1252

from worker.moment import read_moment

_Details = feedparser.util.FeedParserDict
_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:/[A-Za-z0-9._~%/,+=@-]*)?(?:\?[A-Za-z0-9._~%/,+=@&-]+)?(?:#[A-Za-z0-9._~%/-]+)?"
)
"""What joining with any base leaves as it is."""
_FOLDER = re.compile(
    r"(https?://[A-Za-z0-9.-]+(?::[0-9]+)?/(?:[A-Za-z0-9_~%,+=@-][A-Za-z0-9._~%,+=@-]*/)*)[A-Za-z0-9._~%,+=@-]*"
    r"(?:\?[A-Za-z0-9._~%/,+=@&-]+)?(?:#[A-Za-z0-9._~%/-]+)?"
)
"""An address, with what a name stands under that is joined with it."""
_NAME = re.compile(r"[A-Za-z0-9_~%,+=@-]+")
_C1 = re.compile("[\x80-\x9f]")
_REFERENCE = re.compile("&([A-Za-z0-9_]+);")
_XHTML = "application/xhtml+xml"
_OWN_WAY = frozenset({"svg", "math"})
"""What feedparser looks at more closely."""
_ROOTS = frozenset({"feed", "rss"})
"""What it asks for a language."""
_SETS_SCENE = ("base", "lang", "xmlns")
_USUAL_LENGTH = 64
_LISTED = frozenset({"category", "tags", "itunes_keywords"})
_IN_INPUT = frozenset({"title", "link", "description", "name"})
_IN_IMAGE = frozenset({"title", "link", "description", "url", "href", "width", "height"})


@lru_cache(64)
def safe_address(base: str, relative: str | None = None) -> str:
    """An address joined with another, as feedparser does it; the document's is joined with itself at every element."""
    if base == relative and _ADDRESS.fullmatch(base):
        return base
    return str(feedparser.urls.make_safe_absolute_uri(base, relative))


def create_parser() -> ExpatParser:
    """What `xml.sax.make_parser` asks a module of drivers for."""
    return _Driver()


class _Driver(ExpatParser):
    """Offers each tag to the handler as expat gives it, before it is taken apart, and text in one piece."""

    _cont_handler: Any
    _parser: Any

    def reset(self) -> None:
        super().reset()
        self._parser.buffer_text = True

    def parse(self, source: Any) -> None:
        try:
            self.feed(source.getByteStream().read(), isFinal=True)
        finally:
            self._parser = None  # its handlers are methods of this object

    def start_element_ns(self, name: str, attrs: Any) -> None:
        if not self._cont_handler.begin(name, attrs):
            super().start_element_ns(name, attrs)

    def end_element_ns(self, name: str) -> None:
        if not self._cont_handler.finish(name):
            super().end_element_ns(name)


@dataclass(frozen=True, slots=True)
class _Element:
    """What an element is to feedparser: its name there, its handlers, and whether it ends a text input or an image.

    The handlers are the class's: a parser that holds methods of its own outlives its document until cycles are looked for.
    """

    key: str
    start: Any
    end: Any
    ends_input: bool
    ends_image: bool
    is_root: bool


class QuickParser(feedparser.api.StrictFeedParser):  # type: ignore[misc]  # feedparser has no types
    """See the module."""

    baseuri: str
    lang: str | None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._elements: dict[str, _Element | None] = {}
        self._begun: list[int | None] = []
        """Of each open element how deep in content it began, None where it went feedparser's way."""

    def track_namespace(self, prefix: str | None, uri: str) -> None:
        self._elements.clear()
        super().track_namespace(prefix, uri)

    # --- tags ----------------------------------------------------------------------------------------------

    def begin(self, name: str, attributes: dict[str, str]) -> bool:
        """Open an element, unless it is to go feedparser's own way."""
        element = None if self.incontent or self.svgOK or self.decls else self._element(name)
        if element and element.is_root and self.lang:
            element = None
        told = _told(attributes) if element else None
        if element is None or told is None:
            self._begun.append(None)
            return False
        self.depth += 1
        if self.baseuri:
            self.baseuri = safe_address(self.baseuri, self.baseuri) or self.baseuri
        self.basestack.append(self.baseuri)
        self.langstack.append(self.lang)
        if element.ends_input:
            self.intextinput = 0
        if element.ends_image:
            self.inimage = 0
        self._open(element, told)
        self._begun.append(self.incontent)
        return True

    def _open(self, element: _Element, told: dict[str, str]) -> None:
        try:
            element.start(self, told)
        except AttributeError:
            self._open_unknown(element, told)

    def _open_unknown(self, element: _Element, told: dict[str, str]) -> None:
        if told:
            self._get_context()[element.key] = told
        else:
            self.push(element.key, 1)

    def finish(self, name: str) -> bool:
        """Close an element that was opened by `begin`, if nothing happened in it that asks for feedparser's own way."""
        begun = self._begun.pop()
        element = self._element(name) if begun == self.incontent and not self.svgOK else None
        if element is None:
            return False
        try:
            element.end(self)
        except AttributeError:
            self.pop(element.key)
        self._leave()
        return True

    def _leave(self) -> None:
        self.basestack.pop()
        if self.basestack and self.basestack[-1]:
            self.baseuri = self.basestack[-1]
        self.langstack.pop()
        if self.langstack:
            self.lang = self.langstack[-1]
        self.depth -= 1

    def _element(self, name: str) -> _Element | None:
        if name not in self._elements:
            self._elements[name] = self._looked_up(name)
        return self._elements[name]

    def _looked_up(self, name: str) -> _Element | None:
        """What is meant by a name as expat gives it: `local`, `namespace local` or `namespace local prefix`."""
        parts = name.split()
        if " ".join(parts) != name or len(parts) > 3:  # noqa: PLR2004 - a namespace with white space in it
            return None
        namespace, local = (parts[0], parts[1].lower()) if len(parts) > 1 else ("", name.lower())
        if local in _OWN_WAY or "backend.userland.com/rss" in namespace.lower():
            return None
        known = self._matchnamespaces.get(namespace.lower())
        used = (given for given, uri in self.namespaces_in_use.items() if given and uri == namespace)
        prefix = (known or (next(used, "") if namespace else "")).lower()
        if ":" in local or ":" in prefix:
            return None
        is_root = not prefix and local in _ROOTS
        prefix = self.namespacemap.get(prefix, prefix)
        return _handled(prefix, local, is_root=is_root)

    # --- text ----------------------------------------------------------------------------------------------

    def characters(self, text: str) -> None:
        if dict.get(self.contentparams, "type") == _XHTML:
            self.handle_data(text)
        elif self.elementstack:
            self.elementstack[-1][2].append(text)

    def push_content(self, tag: str, attrs_d: dict[str, str], default_content_type: str, expecting_text: int) -> None:
        if attrs_d:
            super().push_content(tag, attrs_d, default_content_type, expecting_text)
            return
        self.incontent += 1
        if self.lang:
            self.lang = self.lang.replace("_", "-")
        self.contentparams = _Details(type=default_content_type, language=self.lang, base=self.baseuri)
        if not default_content_type.startswith("text/"):
            self.contentparams["base64"] = self._is_base64(attrs_d, self.contentparams)
        self.push(tag, expecting_text)

    def resolve_uri(self, uri: str) -> str:
        """The address, joined with the base."""
        if _ADDRESS.fullmatch(uri) and _ADDRESS.fullmatch(self.baseuri):
            return uri
        folder = _NAME.fullmatch(uri) and _FOLDER.fullmatch(self.baseuri)
        return folder[1] + uri if folder else str(super().resolve_uri(uri))

    def pop(self, element: str, strip_whitespace: int = 1) -> str | None:
        """The text of the innermost element, kept in its entry if that asks for it."""
        params = self.contentparams
        kind = dict.get(params, "type")
        if not self.elementstack or self.elementstack[-1][0] != element:
            return None
        if self.insource or kind == _XHTML or dict.get(params, "base64") or not strip_whitespace:
            found: str | None = super().pop(element, strip_whitespace)
            return found
        _, is_kept, pieces = self.elementstack.pop()
        text = "".join(pieces).strip()
        if not is_kept:
            return text
        if text and element in self.can_be_relative_uri and (element != "id" or self.guidislink):
            text = self.resolve_uri(text)
        if kind == "text/plain" and not self.version.startswith("atom") and _may_be_html(text):
            params["type"] = "text/html" if self.looks_like_html(text) else kind
        text = _mended(text)
        is_later_title = element == "title" and -1 < self.title_depth <= self.depth
        if element in _LISTED or is_later_title:
            return text
        if self.inentry:
            self._keep(self.entries[-1], element, text)
        elif self.infeed:
            return self._keep_of_feed(self._get_context(), element, text)
        return text

    def _keep_of_feed(self, feed: Any, element: str, text: str) -> str:
        key = "subtitle" if element == "description" else element
        if element == "link":
            text = _REFERENCE.sub(r"&\g<1>", text)
            feed["link"] = feed["links"][-1]["href"] = text
        else:
            feed[key] = text
            if self.incontent:
                feed[key + "_detail"] = self._detailed(text)
        return text

    def _keep(self, entry: Any, element: str, text: str) -> None:
        if element == "content":
            entry.setdefault("content", []).append(self._detailed(text))
        elif element == "link":
            self._keep_link(entry, text)
        else:
            key = "summary" if element == "description" else element
            depths = self.property_depth_map.setdefault(entry, {})
            if key not in depths or self.depth <= depths[key]:
                depths[key], entry[key] = self.depth, text
            if self.incontent:
                entry[key + "_detail"] = self._detailed(text)

    def _keep_link(self, entry: Any, text: str) -> None:
        if self.inimage:
            return
        link = _REFERENCE.sub(r"&\g<1>", text.replace("&amp;", "&")) if "&" in text else text
        entry["link"] = link
        if link:
            entry["links"][-1]["href"] = link

    def _detailed(self, text: str) -> Any:
        detail = _Details(self.contentparams)
        detail["value"] = text
        return detail

    # --- dates ---------------------------------------------------------------------------------------------

    def _end_published(self) -> None:
        self._take_date("published")

    def _end_updated(self) -> None:
        self._take_date("updated")

    def _end_created(self) -> None:
        self._take_date("created")

    _end_issued = _end_pubdate = _end_published
    _end_modified = _end_lastbuilddate = _end_updated

    def _take_date(self, name: str) -> None:
        text = self.pop(name)
        is_told = text and dict.get(self._get_context(), name) == text and read_moment(text)
        self._save(f"{name}_parsed", None if is_told else _parse_date(text), overwrite=True)


def _handled(prefix: str, local: str, *, is_root: bool) -> _Element:
    """The element of a name that was looked up; those of usual length are remembered from document to document."""
    find = _found if len(prefix) + len(local) < _USUAL_LENGTH else _found.__wrapped__
    return find(prefix, local, is_root)


@lru_cache(1_024)
def _found(prefix: str, local: str, is_root: bool) -> _Element:
    key = f"{prefix}_{local}" if prefix else local
    return _Element(
        key,
        getattr(QuickParser, f"_start_{key}", _unknown),
        getattr(QuickParser, f"_end_{key}", _unknown),
        ends_input=not prefix and local not in _IN_INPUT,
        ends_image=not prefix and local not in _IN_IMAGE,
        is_root=is_root,
    )


def _unknown(*_: object) -> None:
    raise AttributeError


def _told(attributes: dict[str, str]) -> dict[str, str] | None:
    """The attributes as handlers take them; None where one has a namespace, or speaks of more than its element."""
    told = {}
    for name, value in attributes.items():
        key = name.lower()
        if " " in key or key.startswith(_SETS_SCENE):
            return None
        told[key] = value.lower() if key in ("rel", "type") else value
    return told


def _may_be_html(text: str) -> bool:
    return "<" in text or "&" in text


def _mended(text: str) -> str:
    """UTF-8 that was taken for Latin-1 as what it says, and the controls that Windows means as what it means by them."""
    if text.isascii():
        return text
    try:
        text = text.encode("iso-8859-1").decode("utf-8")
    except UnicodeError:
        pass
    return text.translate(_cp1252) if _C1.search(text) else text
