"""Names of long lists found in a text: by spelling, order, initials and romanisation, each with how sure it is.

    1.00  the name as listed, diacritics aside          Nicolás Maduro Moros
    0.97  the same in another romanisation              Muhammad / Mohammed Hassan
    0.95  surname and given names change places         Maduro Moros Nicolás
    0.95  middle names as initials                      Nicolás A. Maduro Moros
    0.90  an organisation without its legal form        Anglo-Caribbean (Co., Ltd.)
    0.85  middle names or a second surname left out     Nicolás Maduro
    0.80  given names as initials                       N. Maduro Moros
    0.50  a weak alias, or fewer words than the list's `min_tokens`

What is shortened (0.85, 0.80) scores 0.10 less where the surname is borne by more than five people of the list, or
where the list does not tell which word is the surname. Words of a name begin with a capital in the text, particles aside.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from worker.model import ListedName, ListEntry, NameList

WEAK = 0.5
_ROMANISED, _SWAPPED, _BARE, _SHORTENED, _INITIALS = 0.97, 0.95, 0.9, 0.85, 0.8
_COMMON_COSTS, _COMMON = 0.1, 5
_LONGEST = 12
"""Names of more words are matched by their first twelve."""
_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h"}
_TOKEN = re.compile(r"[^\W_]+")
_GAP = re.compile(r"[\s\-‐‑–'’ʼʻ`.,&/\"“”()]{0,3}\Z")
_ABBREVIATION = 3
_HYPHENS = "-\u2010\u2011"
_PARTICLES = frozenset(
    (
        "al el ul bin bint ibn abu abd von van der den de del della di da do dos du la le les of and the for "
        "und et y e i"
    ).split()
)
_FORMS = frozenset(
    (
        "co ltd limited llc inc incorporated corp corporation company plc gmbh ag sa sas srl sarl spa bv nv "
        "oy ab as kg ooo oao zao pao ao jsc ojsc cjsc pjsc fze fzc fzco llp lp pte pty sdn bhd"
    ).split()
)
_SAME = {
    spelling: row.split()[0]
    for row in (
        "muhammad mohammad mohamad mohammed mohamed muhammed mohamet muhamad", "husayn hussein husain hossein hussain",
        "ahmad ahmed achmed", "yusuf yousef youssef yusef yusif joussef", "usama osama", "umar omar", "uthman othman osman",
        "qasim qassem kasim kassem ghasem qasem", "abdallah abdullah abdulah", "sulayman suleiman sulaiman soleiman suleyman",
        "mahmud mahmoud", "said saeed sayed sayyid saiid", "khalid khaled", "walid waleed", "rashid rasheed", "aleksandr alexander alexandr aleksander",
        "sergey sergei sergej sergiy", "dmitry dmitri dmitriy dmitrij dimitri", "yuri yury yuriy iurii yurii", "evgeny yevgeny evgeniy yevgeniy evgenii",
        "nikolai nikolay nikolaj", "andrey andrei andrej", "aleksey alexei alexey aleksei", "vladimir wladimir", "igor ihor", "viktor victor wiktor",
    )
    for spelling in row.split()
}  # fmt: skip
_SOUNDS = (
    (re.compile("kh|ch(?=[rl])"), "h"), (re.compile("dzh|dj"), "j"), (re.compile("ph"), "f"), (re.compile("ck|q"), "k"),
    (re.compile("gh"), "g"), (re.compile("dh"), "d"), (re.compile("x"), "ks"), (re.compile("w"), "v"), (re.compile("ts|tz"), "c"),
    (re.compile("(?:iy|yi|ii|ij|ei|ey|ay|ai|ie|ee|y)"), "i"), (re.compile("(?:ou|oo)"), "u"), (re.compile("ff\\b"), "v"),
    (re.compile(r"(.)\1"), r"\1"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NameHit:
    """A listed name at `span` of the text; `score` (0..1) says how sure it is."""

    span: tuple[int, int]
    score: float
    name: ListedName
    list: NameList


class NameIndex:
    """All names of the lists. Looking up costs the text's capitalised words, whatever the number of names."""

    def __init__(self, lists: Iterable[NameList]) -> None:
        self._names: list[tuple[ListedName, NameList]] = []
        self._longest: dict[str, int] = {}
        self._sure: dict[str, list[tuple[int, float]]] = {}
        self._weak: dict[str, list[tuple[int, float]]] = {}
        for names in lists:
            self._add(names)

    def find(self, text: str) -> tuple[NameHit, ...]:
        """Every name in `text`, at each place the surest hit of each entry; weak ones only of entries also found surely."""
        if not self._longest:
            return ()
        tokens = list(_read(text))
        places = list(self._places(text, tokens))
        hits = [hit for place in places for hit in self._hits(self._sure, tokens, *place)]
        if hits:
            named = {hit.name.entry for hit in hits}
            weak = (hit for place in places for hit in self._hits(self._weak, tokens, *place))
            hits += [hit for hit in weak if hit.name.entry in named]
        return _surest(hits)

    def _places(self, text: str, tokens: "list[_Token]") -> Iterator[tuple[int, int, str]]:
        """Where a name may stand, as number of its first word, of its words, and its sounds."""
        for i, token in enumerate(tokens):
            longest = self._longest.get(token.sound, 0)
            if not longest or not token.is_name:
                continue
            key = ""
            for length in range(1, min(longest, len(tokens) - i) + 1):
                here = tokens[i + length - 1]
                if length > 1 and not (here.is_name and _is_joined(text, tokens[i + length - 2], here)):
                    break
                key = f"{key} {here.sound}" if key else here.sound
                if key in self._sure or key in self._weak:
                    yield i, length, key

    def _hits(
        self, variants: Mapping[str, list[tuple[int, float]]], tokens: "list[_Token]", first: int, length: int, key: str
    ) -> Iterator[NameHit]:
        rows = variants.get(key)
        if not rows:
            return
        words = tokens[first : first + length]
        span = (words[0].start, words[-1].end)
        spelled = frozenset(token.folded for token in words)
        for number, score in rows:
            name, names = self._names[number]
            is_weak = score <= WEAK or spelled <= _spellings(name.text)
            yield NameHit(span, score if is_weak else score * _ROMANISED, name, names)

    def _add(self, names: NameList) -> None:
        kept = [name for name in names.names if not (name.is_weak and names.weak == "ignore")]
        surnames = Counter(_sound(token) for name in kept if name.is_person for token in set(_surname(name.text)))
        for name in kept:
            number = len(self._names)
            self._names.append((name, names))
            is_trusted = not name.is_weak or names.weak == "match"
            for tokens, score in _variants(name, surnames).items():
                if not tokens:
                    continue
                is_sure = is_trusted and len(tokens) >= names.min_tokens
                variants = self._sure if is_sure else self._weak
                variants.setdefault(" ".join(tokens), []).append((number, score if is_sure else WEAK))
                if len(tokens) > self._longest.get(tokens[0], 0):
                    self._longest[tokens[0]] = len(tokens)


def _surest(hits: list[NameHit]) -> tuple[NameHit, ...]:
    """One hit for each entry and stretch of text: what overlaps a surer or longer hit of the same entry is dropped."""
    kept: dict[ListEntry, list[NameHit]] = defaultdict(list)
    for hit in sorted(hits, key=lambda hit: (-hit.score, hit.span[0] - hit.span[1], hit.span)):
        same = kept[hit.name.entry]
        if not any(hit.span[0] < other.span[1] and other.span[0] < hit.span[1] for other in same):
            same.append(hit)
    return tuple(sorted((hit for rows in kept.values() for hit in rows), key=lambda hit: hit.span))


# --- the variants of a listed name -------------------------------------------------------------------------


def _variants(name: ListedName, surnames: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    """Each way to write the name as a row of sounds, with its score; the higher score where two rows are the same."""
    rows = _person(name.text, surnames) if name.is_person else _organisation(name.text)
    best: dict[tuple[str, ...], float] = {}
    for tokens, score in rows:
        sounds = tuple(_sound(token) for token in tokens[:_LONGEST])
        best[sounds] = max(best.get(sounds, 0.0), score)
    return best


def _organisation(text: str) -> Iterator[tuple[list[str], float]]:
    tokens = _tokens(text)
    yield tokens, 1.0
    bare = list(tokens)
    while len(bare) > 1 and (fold_token(bare[-1]) in _FORMS or len(bare[-1]) == 1):
        bare.pop()
    if len(bare) < len(tokens):
        yield bare, _BARE


def _person(text: str, surnames: Mapping[str, int]) -> Iterator[tuple[list[str], float]]:
    """Rows of a person's name; without a comma the last word is taken for the surname, and shortened less surely."""
    last, given = _surname(text), _given(text)
    if not given:
        yield last, 1.0
        return
    yield given + last, 1.0
    yield last + given, 1.0 if "," not in text else _SWAPPED
    is_common = "," not in text or min((surnames[_sound(token)] for token in last), default=0) > _COMMON
    cost = _COMMON_COSTS if is_common else 0.0
    initials = [token[0] for token in given]
    yield initials + last, _INITIALS - cost
    yield [initials[0], *last], _INITIALS - cost
    if len(given) > 1:
        yield [given[0], *initials[1:], *last], _SWAPPED
        yield [given[0], *last], _SHORTENED - cost
    if len(last) > 1 and fold_token(last[0]) not in _PARTICLES:
        yield [given[0], last[0]], _SHORTENED - cost


def _surname(text: str) -> list[str]:
    before, comma, _ = text.partition(",")
    return _tokens(before) if comma else _tokens(text)[-1:]


def _given(text: str) -> list[str]:
    _, comma, after = text.partition(",")
    return _tokens(after) if comma else _tokens(text)[:-1]


# --- tokens ------------------------------------------------------------------------------------------------


class _Token(NamedTuple):
    start: int
    end: int
    folded: str
    sound: str
    is_name: bool


def _read(text: str) -> Iterator[_Token]:
    stop, is_name = -1, False
    for found in _TOKEN.finditer(text):
        start, end = found.span()
        folded, sound, is_own = _hear(text[start:end])
        is_name = is_own or (is_name and start == stop + 1 and text[stop] in _HYPHENS)  # Jong-un
        stop = end
        yield _Token(start, end, folded, sound, is_name)


@lru_cache(maxsize=100_000)
def _hear(word: str) -> tuple[str, str, bool]:
    """A word's plain spelling, its sound, and whether it may be part of a name."""
    folded = fold_token(word)
    return folded, _sound(word), not word[0].islower() or folded in _PARTICLES


def _is_joined(text: str, left: _Token, right: _Token) -> bool:
    """Whether two words can belong to one name: near, in one paragraph, and no sentence ends between them."""
    gap = text[left.end : right.start]
    if not _GAP.match(gap) or "\n" in gap:
        return False
    return "." not in gap or left.end - left.start <= _ABBREVIATION


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


@lru_cache(maxsize=20_000)
def _spellings(text: str) -> frozenset[str]:
    """The words of a name and their initials, plainly spelled."""
    words = [fold_token(token) for token in _tokens(text)]
    return frozenset(words) | frozenset(word[0] for word in words)


@lru_cache(maxsize=200_000)
def fold_token(token: str) -> str:
    """Lower case without diacritics: `Łódź` is `lodz`."""
    low = token.lower()
    if low.isascii():
        return low
    plain = "".join(_LETTERS.get(char, char) for char in low)
    return "".join(char for char in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(char))


@lru_cache(maxsize=200_000)
def _sound(token: str) -> str:
    """What romanisations of one word share: `Yevgeniy` and `Evgeny`, `Khalid` and `Halid`, `Yousef` and `Yusuf`."""
    folded = fold_token(token)
    if len(folded) < 3 or not folded.isascii():  # noqa: PLR2004 - initials and particles stay themselves
        return folded
    sound = _SAME.get(folded, folded)
    for pattern, instead in _SOUNDS:
        sound = pattern.sub(instead, sound)
    return sound
