"""Documents that make a parser work for minutes, told by cheap counts over the raw bytes.

The limits lie far above any honest feed.
"""

import re

TAG_LIMIT_BYTES = 64_000
COMMENT_LIMIT = 1_000
DEPTH_LIMIT = 400
CDATA_LIMIT = 100
ENTITY_LIMIT = 64
AUTHOR_LIMIT_BYTES = 2_000
_LONG_TAG = re.compile(rb"<[a-zA-Z][^<>]{%d,}" % TAG_LIMIT_BYTES)
_CROWD = 257
_CROWDED_TAG = re.compile(rb"<[a-zA-Z][^<>=]*(?:=[^<>=]*){%d,}>" % _CROWD)
_LONG_AUTHOR = re.compile(
    rb"<((?:\w+:)?(?:author|creator|contributor|managingEditor|webMaster|publisher|owner))\b[^>]*>[^<]{%d,}"
    % AUTHOR_LIMIT_BYTES
)
_TAG = re.compile(rb"<(/?)[a-zA-Z!?][^<>]*?(/?)>")
_CDATA = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)


def find_excess(body: bytes) -> str:
    """What is out of all proportion in the raw bytes, or ""."""
    # comments inside CDATA are an article's markup, and no work to the parser
    if body.count(b"<!--") > COMMENT_LIMIT and _CDATA.sub(b"", body).count(b"<!--") > COMMENT_LIMIT:
        return f"more than {COMMENT_LIMIT} comments"
    sections = body.count(b"<![CDATA[")
    if sections > CDATA_LIMIT and sections - body.count(b"]]>") > CDATA_LIMIT:
        return f"more than {CDATA_LIMIT} CDATA sections that never end"
    if b"<!ENTITY" in body and (body.count(b"<!ENTITY") > ENTITY_LIMIT or _expands_entities(body)):
        return "entity declarations that expand into one another"
    if _LONG_TAG.search(body) or (body.count(b"=") >= _CROWD and _CROWDED_TAG.search(body)):
        return f"a tag of more than {TAG_LIMIT_BYTES:,} bytes or 256 attributes"
    if _LONG_AUTHOR.search(body):
        return f"an author of more than {AUTHOR_LIMIT_BYTES:,} bytes"
    return ""


def is_too_deep(body: bytes) -> bool:
    """Whether tags are nested beyond all proportion, where no parser can tell."""
    return _depth(body) > DEPTH_LIMIT


def _expands_entities(body: bytes) -> bool:
    values = re.findall(rb"<!ENTITY\s+[^\s>]+\s+[\"']([^\"']*)[\"']", body)
    return sum(len(re.findall(rb"&\w+;", value)) for value in values) > ENTITY_LIMIT or any(
        len(value) > TAG_LIMIT_BYTES for value in values
    )


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for match in _TAG.finditer(_CDATA.sub(b"", body)):
        closing, empty = match.groups()
        if match.group()[1:2] in (b"!", b"?"):
            continue
        depth += -1 if closing else (not empty)
        deepest = max(deepest, depth)
        if deepest > DEPTH_LIMIT:
            break
    return deepest
