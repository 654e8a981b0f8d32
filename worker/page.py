"""A web page's bytes become its main text and the signs by which walls and index pages are told. Judges nothing.

To be called where it can be ended: markup that was written to be slow is slow here.
"""

import codecs
import re
from typing import Any

from lxml import etree

from worker.challenge import name_challenger
from worker.model import Page
from worker.plaintext import html_to_text, one_line, tidy

TEXT_LIMIT, VISIBLE_LIMIT = 300_000, 40_000
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|article|div|p)\b", re.IGNORECASE)
_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.IGNORECASE)
_ACCESSIBLE = re.compile(r'"isAccessibleForFree"\s*:\s*"?(true|false)', re.IGNORECASE)
_LOCKED = ("locked", "metered", "premium", "subscriber")


def read_page(body: bytes, url: str, content_type: str) -> Page | None:
    """What the page at `url` says; None where the bytes are no web page."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind and "html" not in kind and kind not in ("text/plain", "application/xml", "text/xml"):
        return None
    text = _decode(body, content_type)
    if not _HTML.search(text[:20_000]):
        return None
    parser = etree.HTMLParser(no_network=True, huge_tree=False, remove_comments=True, encoding="utf-8")
    root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    if root is None:
        return None
    metas = _metas(root)
    found = _ACCESSIBLE.findall(text)
    tier = metas.get("article:content_tier", "").lower()
    is_locked = any(said.lower() == "false" for said in found) or tier in _LOCKED
    return Page(
        url=url,
        title=one_line(metas.get("og:title", "") or _title(root))[:1_000],
        text=_main_text(text)[:TEXT_LIMIT],
        visible=html_to_text(text)[:VISIBLE_LIMIT],
        kind=metas.get("og:type", "").lower(),
        is_free=False if is_locked else True if found or tier == "free" else None,
        articles=_sibling_articles(root),
        challenger=name_challenger(200, {}, body),
    )


def _main_text(text: str) -> str:
    import trafilatura

    extracted: Any = trafilatura.extract(
        text, output_format="txt", include_comments=False, include_tables=False, favor_precision=True
    )
    return tidy(extracted or "")


def _decode(body: bytes, content_type: str) -> str:
    named = re.search(r"charset\s*=\s*[\"']?([\w-]+)", content_type, re.IGNORECASE)
    written = _CHARSET.search(body[:4_096])
    for name in (named and named[1], written and written[1].decode("ascii", "replace"), "utf-8"):
        try:
            return body.decode(codecs.lookup(name).name) if name else body.decode()
        except (LookupError, UnicodeDecodeError):
            continue
    from trafilatura.utils import decode_file

    return str(decode_file(body))


def _metas(root: etree._Element) -> dict[str, str]:
    return {
        (meta.get("property") or meta.get("name") or "").lower(): meta.get("content") or ""
        for meta in root.iter("meta")
    }


def _title(root: etree._Element) -> str:
    return next(("".join(title.itertext()) for title in root.iter("title")), "")


def _sibling_articles(root: etree._Element) -> int:
    """How many `<article>` elements the page has that hold no other: one for a story, many for a list of stories."""
    return sum(1 for article in root.iter("article") if article.find(".//article") is None)
