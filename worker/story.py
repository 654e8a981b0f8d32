"""Which articles tell the same news. Owns what a copy is and what the same story is; keeps nothing.

Two kinds of kinship, both within `WINDOW`:

    copy        the same text, cut, reordered or retitled: most three-word runs of the shorter stand in the longer
    same story  another text on the same news: headlines share most of their words, and each headline's names stand in
                the other article; where no names were recognised nothing is taken for the same story

Warnings written after a template share most of their words too. So a copy is only believed where neither headline has a
number or name that the other article lacks while that one has another (“Town A” and “Town B”, “41 killed” and “52
killed”); and headlines that number a series differently (“incident 041” and “incident 042”, “6 March” and “7 March”)
never tell the same story. Of a text as short as a picture's caption, which stands under many a story, headlines that share no
word are no copies either.

Candidates come from an index of keys: bands of a MinHash of the three-word runs, and pairs of headline words.
"""

import re
import zlib
from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations
from urllib.parse import urlsplit

import numpy as np
import xxhash
from numpy.typing import NDArray

from worker import events, plainwords
from worker.model import Analysis, Article, Kin, Signature, Source, Story, StoryEvent

WINDOW = timedelta(days=3)
"""Wire copies appear within hours; what recurs later, a weekly bulletin in the same words, is news again."""
_ROWS, _BANDS = 3, 24
_MOST_WORDS, _FEWEST_RUNS = 1_500, 12
_CAPTION_RUNS = 32
"""A caption has some thirty words."""
COPY_SHARE, _COPY_LIKENESS = 0.6, 0.12
_TITLE_SHARE, _TITLE_WORDS = 0.6, 4
_KEY_WORDS, _MOST_NAMES, _MOST_SOURCES, _MOST_EVENTS = 5, 24, 200, 40
_NAME_LABELS = frozenset({"PERSON", "ORG", "GPE", "LOC", "NORP", "FAC", "VESSEL"})
_NAMELESS = "?"
_WORD = re.compile(r"\w+")
_MOST_NUMBERS = 24
_NUMBER = re.compile(r"\d+(?:[.,]\d{3})*(?!\d)")
_SEPARATOR = re.compile(r"[.,](?=\d{3})")
_SERIES = re.compile(
    r"\b(?:incident|advisory|bulletin|notice|report|warning|alert|episode|day|week|issue|round|edition|case|flight|"
    r"no\.?|nr\.?|number|#)[\s:#-]{0,3}(?:no\.?\s?|#)?(\d+)\b"
    r"|\b(0\d+)\b|\b([a-z]{2,}-\d[\d-]*\d)\b|\b(\d+/\d+)\b|#(\d+)\b"
)
_MONTH = r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_DAY = re.compile(rf"\b(\d{{1,2}})\.?\s{_MONTH}\b|\b{_MONTH}\.?\s(\d{{1,2}})\b")
_COMMON = frozenset(
    (
        "a about after against all amid an and are as at be been before but by can could for from had has "
        "have he her his how in into is it its more most new no not of off on one or our out over says said "
        "say she so than that the their them they this to two under until up was we were what when where "
        "which who why will with would you your"
    ).split()
)

_chance = np.random.Generator(np.random.PCG64(20_260_301))
"""Fixed for ever: sketches of different days and machines must be comparable."""
_FACTORS: NDArray[np.uint64] = _chance.integers(1, 2**63, _ROWS * _BANDS, np.uint64)[:, None] * np.uint64(
    2
) + np.uint64(1)
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)


def sign(article: Article, analysis: Analysis) -> Signature:
    """The article's sketch, headline and names, and the keys under which its kin are found; no keys if it is too short."""
    text = _readable(article)
    runs = _runs(plainwords.words(text.lower())[:_MOST_WORDS])
    title = frozenset(_hash(word) for word in _significant(article.title))
    is_named = analysis.pending is None
    names = _names(analysis, 0, len(article.text)) if is_named else frozenset()
    if len(runs) < _FEWEST_RUNS:
        return Signature((), b"", 0, title, names, names, is_named=is_named)
    numbers = _numbers(article.title), _numbers(f"{article.title} {text}")
    minima = ((_FACTORS * runs).min(axis=1) >> np.uint64(32)).astype(np.uint32)
    bands = [
        xxhash.xxh3_64_hexdigest(band.tobytes(), seed)[:11] for seed, band in enumerate(minima.reshape(_BANDS, _ROWS))
    ]
    pairs = combinations(sorted(title)[:_KEY_WORDS], 2)
    words = [xxhash.xxh3_64_hexdigest(f"{one},{other}".encode())[:11] for one, other in pairs]
    return Signature(
        keys=(*bands, *words),
        sketch=minima.astype(np.uint8).tobytes(),
        size=len(runs),
        title=title,
        title_names=_names(analysis, 0, len(article.title)) if is_named else names,
        names=names,
        is_named=is_named,
        title_numbers=numbers[0],
        numbers=numbers[1],
        marks=_marks(article.title) if numbers[0] else frozenset(),
    )


def named(signature: Signature, article: Article, analysis: Analysis) -> Signature:
    """The signature of an article that was glanced at, with the names that reading it brought."""
    names = _names(analysis, 0, len(article.text))
    title_names = _names(analysis, 0, len(article.title)) if signature.size else names
    return replace(signature, title_names=title_names, names=names, is_named=True)


def choose(signature: Signature, kin: Sequence[Kin], now: datetime) -> tuple[Kin | None, bool]:
    """The nearest relative and whether it is a copy; (None, False) where the article begins a story of its own."""
    recent = [one for one in kin if now - one.seen_at <= WINDOW]
    shares = [(share(signature, one.signature), one) for one in recent]
    copies = [
        (amount, one)
        for amount, one in shares
        if amount >= COPY_SHARE and not _tells_of_another(signature, one.signature)
    ]
    if copies:
        most = max(amount for amount, _ in copies)
        return min((one for amount, one in copies if amount == most), key=_age), True
    alike = [one for one in recent if is_same_story(signature, one.signature)]
    return (min(alike, key=_age), False) if alike else (None, False)


def _age(one: Kin) -> tuple[datetime, str]:
    """The oldest first; of what was fetched at the same moment always the same, in whichever order it was told."""
    return one.seen_at, one.article_id


def undecided(signature: Signature, kin: Sequence[Kin], now: datetime) -> frozenset[int]:
    """The numbers of the kin of which names tell whether they are the same story: texts are alike or headlines agree.

    Not of those that numbers, or their places in a series, tell apart already.
    """
    recent = (one for one in kin if now - one.seen_at <= WINDOW)
    return frozenset(one.number for one in recent if _is_undecided(signature, one.signature))


def _is_undecided(one: Signature, other: Signature) -> bool:
    if _is_another_of_a_series(one, other):
        return False
    return _share_headline(one, other) or (
        share(one, other) >= COPY_SHARE and not _tells_plainly_of_another(one, other)
    )


def share(one: Signature, other: Signature) -> float:
    """How much (0..1) of the shorter text stands in the longer, estimated; 0 where the whole texts are hardly alike.

    With the likeness J (Jaccard) of sets of n and m runs, |both| = J/(1+J)·(n+m), and the share is |both|/min(n, m).
    """
    if not one.sketch or not other.sketch:
        return 0.0
    first, second = np.frombuffer(one.sketch, np.uint8), np.frombuffer(other.sketch, np.uint8)
    equal = int(np.count_nonzero(first == second)) / len(first)
    likeness = max((equal - 1 / 256) / (1 - 1 / 256), 0.0)  # one byte of a minimum agrees by chance once in 256
    if likeness < _COPY_LIKENESS:
        return 0.0
    return min(likeness / (1 + likeness) * (one.size + other.size) / min(one.size, other.size), 1.0)


def is_copy(one: Signature, other: Signature) -> bool:
    """Whether one text is a copy of the other, and not another of the same template."""
    return share(one, other) >= COPY_SHARE and not _tells_of_another(one, other)


def _tells_of_another(one: Signature, other: Signature) -> bool:
    """Whether each headline has a number or name of its own: two of one template, not two copies of one text."""
    has_names = _differ(one.title_names, one.names, other.title_names, other.names)
    return has_names or _is_another_of_a_series(one, other) or _tells_plainly_of_another(one, other)


def _tells_plainly_of_another(one: Signature, other: Signature) -> bool:
    """The same as far as numbers, and the length of a caption, tell it."""
    if min(one.size, other.size) < _CAPTION_RUNS and not one.title & other.title:
        return True
    return _differ(one.title_numbers, one.numbers, other.title_numbers, other.numbers)


def _differ(
    headline: frozenset[int], text: frozenset[int], other_headline: frozenset[int], other_text: frozenset[int]
) -> bool:
    return bool(headline - other_text - other_headline) and bool(other_headline - text - headline)


def _is_another_of_a_series(one: Signature, other: Signature) -> bool:
    return bool(one.marks - other.marks) and bool(other.marks - one.marks)


def is_same_story(one: Signature, other: Signature) -> bool:
    """Whether two texts that are no copies tell the same news."""
    if _is_another_of_a_series(one, other) or not _share_headline(one, other):
        return False
    if not one.title_names or not other.title_names:
        return False
    return one.title_names <= other.names and other.title_names <= one.names


def learn(story: Story, article: Article, analysis: Analysis) -> Story:
    """The story with the events of an article that it has not told yet."""
    known = list(story.events)
    for event in analysis.events:
        fact = events.fact(event)
        if len(known) < _MOST_EVENTS and events.is_new(fact, (one.fact for one in known)):
            known.append(StoryEvent(fact, events.line(event), article.id))
    return replace(story, events=tuple(known)) if len(known) > len(story.events) else story


def _share_headline(one: Signature, other: Signature) -> bool:
    shared = len(one.title & other.title)
    return shared >= _TITLE_WORDS and shared >= _TITLE_SHARE * min(len(one.title), len(other.title))


def grow(known: Story | None, article: Article, relative: Kin | None, *, is_copy: bool, now: datetime) -> Story:
    """The story with the article among its sources; a new story where none is known."""
    story = known or Story(relative.story if relative else article.id)
    if any(source.article_id == article.id for source in story.sources) or len(story.sources) >= _MOST_SOURCES:
        return story
    group = article.id
    if relative and is_copy:
        group = next((s.group for s in story.sources if s.article_id == relative.article_id), relative.article_id)
    source = Source(article.id, article.source, publisher(article), article.link, article.first_seen or now, group)
    return replace(story, sources=(*story.sources, source))


def publisher(article: Article) -> str:
    """Who publishes: the link's host without its sub-domains, else the feed's name."""
    parts = (urlsplit(article.link).hostname or "").split(".")
    if len(parts) < 2 or parts[-1].isdigit():  # noqa: PLR2004
        return article.source
    is_second_level = len(parts) > 2 and len(parts[-1]) == 2 and len(parts[-2]) <= 3  # noqa: PLR2004 - co.uk, com.au
    return ".".join(parts[-3:] if is_second_level else parts[-2:])


def pack(signature: Signature) -> str:
    """A signature without its keys as text, about 400 characters."""
    sets = (signature.title, signature.title_names, signature.names, signature.title_numbers, signature.numbers)
    numbers = [sorted(one) for one in (*sets, signature.marks)]
    lists = [array("I", one).tobytes() for one in numbers]
    packed = [str(signature.size), *(b2a_base64(raw, newline=False).decode() for raw in (signature.sketch, *lists))]
    return ",".join(packed if signature.is_named else [*packed, _NAMELESS])


def unpack(packed: str) -> Signature:
    """The reverse of `pack`."""
    size, *encoded = packed.removesuffix("," + _NAMELESS).split(",")
    sketch, *lists = map(a2b_base64, encoded)
    title, title_names, names, *rest = (frozenset[int](memoryview(raw).cast("I")) for raw in lists)
    title_numbers, numbers, marks = rest or [frozenset[int]()] * 3  # what an earlier release kept has none
    is_named = not packed.endswith("," + _NAMELESS)
    return Signature((), sketch, int(size), title, title_names, names, title_numbers, numbers, marks, is_named)


def _readable(article: Article) -> str:
    return " ".join(article.text[zone.start : zone.end] for zone in article.zones if zone.name in ("lead", "body"))


def _runs(words: Sequence[bytes]) -> NDArray[np.uint64]:
    """The distinct runs of three words as numbers, in rising order."""
    if len(words) < 3:  # noqa: PLR2004
        return np.empty(0, np.uint64)
    numbers = np.fromiter(map(zlib.crc32, words), np.uint64, len(words))
    mixed = numbers[:-2] * _MIX[0] + numbers[1:-1] * _MIX[1] + numbers[2:] * _MIX[2]
    mixed ^= mixed >> np.uint64(29)
    mixed.sort()
    is_first = np.empty(len(mixed), np.bool_)
    is_first[0] = True
    np.not_equal(mixed[1:], mixed[:-1], out=is_first[1:])
    distinct: NDArray[np.uint64] = mixed[is_first]
    return distinct


def _significant(title: str) -> set[str]:
    """A headline's words that carry news, without a final s so that plurals agree."""
    words = (word for word in _WORD.findall(title.lower()) if len(word) > 1 and word not in _COMMON)
    return {word[:-1] if len(word) > 4 and word.endswith("s") else word for word in words}  # noqa: PLR2004


def _names(analysis: Analysis, start: int, end: int) -> frozenset[int]:
    found = (e.id or e.text.lower() for e in analysis.entities if e.label in _NAME_LABELS and start <= e.start < end)
    return frozenset(_hash(name) for name in list(dict.fromkeys(found))[:_MOST_NAMES])


def _numbers(text: str) -> frozenset[int]:
    """The first numbers of a text, thousands without their separators."""
    found = (_SEPARATOR.sub("", number) for number in _NUMBER.findall(plainwords.spread_digits(text)))
    return frozenset(_hash(number) for number in list(dict.fromkeys(found))[:_MOST_NUMBERS])


def _marks(title: str) -> frozenset[int]:
    """What numbers a headline within a series: `041`, `bulletin 7`, `CVE-2023-1234`, `6 March`."""
    low = title.lower()
    named = (number for found in _SERIES.finditer(low) for number in found.groups() if number)
    dates = ("".join(sorted((day or other_day, (month or other_month)[:3])))
             for day, month, other_month, other_day in _DAY.findall(low))  # fmt: skip
    return frozenset(map(_hash, (*named, *dates)))


def _hash(text: str) -> int:
    return zlib.crc32(text.encode())
