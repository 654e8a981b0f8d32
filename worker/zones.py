"""Which part of an article a passage is: title, lead, body, or a teaser of something else.

Publishers paste lines of other stories above and below an article. Two signs give them away without knowing the
page: they read like a headline, not like prose, and they share no word with the prose they stand beside. Passages
that repeat across articles of one source are the third sign; the caller passes those it knows.
"""

import re
from collections.abc import Collection

from worker.model import Zone

_WORD = re.compile(r"[^\W\d_]{3,}")
_INVITATION = re.compile(
    r"^(read (more|also|on)|also read|see also|more on this|related( stories| articles)?|subscribe|sign up|follow us"
    r"|watch( live| now)?:|listen( live| now)?:|advertisement|click here|continue reading|share this|download our app"
    r"|newsletter|get our)\b",
    re.IGNORECASE,
)
_COMMON = frozenset(
    (
        "the and for with from that this these those have has had was were are is been will would could can "
        "may might must shall not but its his her their our your you they them who whom whose which what when "
        "where why how all any both each few more most other some such than too very just also about above "
        "across after again against before below between down during further here into off once only out over "
        "own same then there through under until while says said say new news latest live update updates "
        "video photos report reports today yesterday year years day days one two three first last"
    ).split()
)
_PROSE_WORDS = 25
"""Prose shorter than this says too little to call a line beside it unrelated."""
_HEADLINE_WORDS = 16


def split_zones(title: str, body: str, *, repeated: Collection[str] = ()) -> tuple[Zone, ...]:
    r"""Zones over `title + "\n" + body`, in order, not overlapping; `repeated` paragraphs are teasers.

    The title is a teaser only where a headline that fits the prose better stands above that prose.
    """
    paragraphs = _paragraphs(body, len(title) + 1)
    is_prose = [not is_headline(text) for _, _, text in paragraphs]
    first_prose = is_prose.index(True) if True in is_prose else len(paragraphs)
    above, below = paragraphs[:first_prose], paragraphs[first_prose:]
    # most articles begin with prose: nothing stands above it that could be foreign to it
    prose = [text for (_, _, text), is_text in zip(paragraphs, is_prose, strict=True) if is_text] if above else []
    vocabulary = telling_words(" ".join(prose))
    is_judged = sum(len(text.split()) for text in prose) >= _PROSE_WORDS

    def is_foreign(text: str) -> bool:
        return is_judged and not (telling_words(text) & vocabulary)

    zones: list[Zone] = []
    better_title = next((text for _, _, text in above if telling_words(text) & vocabulary), None)
    is_title_teaser = title in repeated or bool(better_title and is_headline(title) and is_foreign(title))
    if title:
        zones.append(Zone("teaser" if is_title_teaser else "title", 0, len(title)))
    for start, end, text in above:
        is_teaser = text in repeated or bool(_INVITATION.match(text)) or is_foreign(text)
        zones.append(Zone("teaser" if is_teaser else "title" if is_title_teaser else "lead", start, end))
    has_lead = False
    for (start, end, text), is_text in zip(below, is_prose[first_prose:], strict=True):
        is_teaser = text in repeated or (not is_text and bool(_INVITATION.match(text)))
        zones.append(Zone("teaser" if is_teaser else "body" if has_lead else "lead", start, end))
        has_lead = has_lead or not is_teaser
    return tuple(zones)


def passages(body: str) -> tuple[str, ...]:
    """The paragraphs short enough to be boilerplate (at most 60 words), for counting across articles."""
    return tuple(dict.fromkeys(text for _, _, text in _paragraphs(body, 0) if len(text.split()) <= 60))  # noqa: PLR2004


def without_teasers(text: str, zones: tuple[Zone, ...]) -> str:
    """`text` with every teaser blanked out by spaces, so that all offsets stay."""
    for zone in zones:
        if zone.name == "teaser":
            text = text[: zone.start] + " " * (zone.end - zone.start) + text[zone.end :]
    return text


def _paragraphs(body: str, offset: int) -> list[tuple[int, int, str]]:
    """Start, end and text of each line that is not blank, without the white space around it."""
    found = []
    for line in body.split("\n"):
        if text := line.strip():
            start = offset + line.index(text[0])
            found.append((start, start + len(text), text))
        offset += len(line) + 1
    return found


def is_headline(text: str) -> bool:
    return text[-1:] not in '.!?…"”;,' and len(text.split(None, _HEADLINE_WORDS)) <= _HEADLINE_WORDS


def telling_words(text: str) -> set[str]:
    words = {word.casefold() for word in set(_WORD.findall(text))}
    return {word.removesuffix("s") for word in words if word not in _COMMON}
