"""Markup and odd characters out, readable text in. Owns what a character may be; knows nothing of feeds."""

import html as entities
import re
import unicodedata

from lxml import etree

from worker import plainwords

# C0/C1 controls but tab and newline, soft hyphen, zero-width, bidi marks, overrides and isolates, BOM, tags,
# noncharacters and lone surrogates: invisible to a reader, able to hide or reorder words.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)
_BLOCKS = frozenset(
    (
        "address article aside blockquote br dd div dl dt figcaption figure footer form h1 h2 h3 h4 h5 h6 "
        "header hr li main nav ol p pre section table td th tr ul"
    ).split()
)
_SILENT = frozenset(
    ["script", "style", "noscript", "template", "iframe", "svg", "math", "head", "title", "select", "button"]
)
_PARSER = etree.HTMLParser(remove_comments=True, remove_pis=True, huge_tree=False, no_network=True)
_TAG = re.compile(r"<[^<>]*>")
_SILENCED = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->", re.DOTALL | re.IGNORECASE)
_MARKUP = re.compile(r"<[a-zA-Z/!?]")


def tidy(text: str) -> str:
    """NFC text without invisible characters, single spaces, and one blank line between paragraphs."""
    composed = _composed(_visible(text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n")))
    if "\n" not in composed:
        return _single_spaced(composed)
    return "\n\n".join(filter(None, map(_single_spaced, composed.split("\n"))))


def _visible(text: str) -> str:
    """Without what is invisible. Most texts are printable but for white space, which is found out in a tenth of the time."""
    is_plain = text.replace("\n", " ").replace("\t", " ").replace("\xa0", " ").isprintable()
    return text if is_plain else _INVISIBLE.sub("", text)


def _composed(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _single_spaced(line: str) -> str:
    return line.strip(" ") if line.isprintable() and "  " not in line else " ".join(line.split())


def one_line(text: str) -> str:
    """`html_to_text` on a single line, for titles and names."""
    if text.isprintable() and "<" not in text and "&" not in text:
        return " ".join(_composed(text).split())  # most are plain: nothing to decode or to take out
    return " ".join(html_to_text(text).split())


def words(text: str) -> list[bytes]:
    r"""The words (`\w+`) of the case-folded text, in UTF-8."""
    return plainwords.words(text.casefold())


def html_to_text(html: str) -> str:
    """The text a reader would see: blocks become paragraphs, scripts and styles vanish, entities are decoded."""
    if not _MARKUP.search(html):
        return tidy(entities.unescape(html))
    visible = _visible(html)
    root = etree.fromstring(visible, _PARSER)
    text = tidy("".join(_walk(root))) if root is not None else ""
    # lxml gives up beyond 256 levels; what stands there is still text
    return text or tidy(entities.unescape(_TAG.sub(" ", _SILENCED.sub(" ", visible))))


def _walk(root: etree._Element) -> list[str]:
    pieces: list[str] = []
    silent = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            silent += tag in _SILENT
            pieces.append("\n" if tag in _BLOCKS else "")
            pieces.append((element.text or "") if not silent else "")
        else:
            silent -= tag in _SILENT
            pieces.append("\n" if tag in _BLOCKS else "")
            pieces.append((element.tail or "") if not silent else "")
    return pieces
