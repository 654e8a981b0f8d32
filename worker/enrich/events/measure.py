"""Sanctions: who imposes, proposes or lifts which measure against whom."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

from worker.enrich.events.clause import AND, preposition, subjects, verb_group
from worker.enrich.events.draft import Draft, Part, part, parts, predicate, words_after
from worker.enrich.events.modality import operator_of
from worker.enrich.events.reach import reach
from worker.enrich.events.units import Unit
from worker.enrich.events.words import pairs, words

_PARTY: Final = ("party", "pronoun")
_AGAINST: Final = frozenset(("on", "against", "upon"))
_IMPOSERS: Final = frozenset(("US", "GB", "EU", "UN", "CA", "AU", "CH", "JP", "NZ", "NO"))
"""Those after whom sanctions are mostly named; a country otherwise named before the noun is the target."""
_BETWEEN: Final = frozenset("'s - related sweeping crippling tough punishing existing international".split())
_HELPING: Final = frozenset("is are was were be been being has have had having".split())
LIFTING: Final = frozenset(
    "lift lifts lifted lifting end ends ended ending remove removes removed removing drop drops dropped dropping waive waived ease "
    "eases eased easing relief".split()
)
_BACKING: Final = frozenset("back backs backed support supports supported favour favours favor favors".split())
_CALLS: Final = frozenset(("call", "calls", "plea", "appeal", "debate"))
_TARGETING: Final = frozenset("target targets targeted targeting hit hits".split())
_OWNING: Final = frozenset("its their his her our".split())
_PASSING: Final = frozenset(
    "to for before after despite amid with from in by since during through over at about than as".split()
)
"""A measure behind one of these is named in passing."""
_HITTING: Final = frozenset(
    "hit hits hitting slap slaps slapped slapping threaten threatens threatened threatening punish punishes punished target targets "
    "targeted targeting".split()
)
_SUFFERING: Final = frozenset(
    "face faces faced facing suffer suffers suffered suffering endure endures endured escape escapes escaped grappling".split()
)
_HIT: Final = frozenset(("sanctions-hit", "sanction-hit", "sanctions-stricken"))
_PUTTING: Final = frozenset("put puts putting place places placed placing add adds added adding".split())
_ROUGHLY: Final = frozenset("about around over nearly almost".split())
_FAR_LEFT: Final = 14
_VAGUE: Final = frozenset(
    "potential possible recent recently several new more further additional fresh latest other some many existing all first tougher tough of".split()
)
_MEASURES: Final = frozenset("asset freezes freeze bans ban and or a the 's".split())
_LONGEST_TARGET: Final = 5
_LEFT: Final = 8


def find(units: Sequence[Unit]) -> Iterator[Draft]:
    """Every measure of the sentence that names a target, or whom imposes it by a verb."""
    for at, unit in enumerate(units):
        if unit.kind != "word" or unit.word not in _telling_words():
            continue
        draft: Draft | None = None
        if target := _hit(units, at):
            draft = _draft(units, at, target, (), at)
        elif unit.word in words("sanction_verbs") and _is_verb(units, at):
            draft = _by_verb(units, at)
        elif unit.word in words("sanction_nouns") or _is_measure(units, at):
            draft = _by_noun(units, at)
        if draft and (draft.has("target") or draft.has("imposer")):
            yield draft


@cache
def _telling_words() -> frozenset[str]:
    """With which a measure may end: "sanctions", "asset | freeze"."""
    return words("sanction_nouns", "sanction_verbs") | _HIT | {second for _, second in pairs("measure_nouns")}


def names(units: Sequence[Unit], at: int) -> tuple[int, bool]:
    """The unit that stands as a name before the noun of a measure, and whether it imposes; (-1, False) where none."""
    i = at - 1
    while i >= 0 and (
        units[i].word in words("modifiers")
        or units[i].word in _BETWEEN
        or (units[i].word in ("imposed", "led") and _is_glued(units, i))
    ):
        i -= 1
    if i < 0 or units[i].kind not in ("party", "origin"):
        return -1, False
    is_named_after = units[i + 1].word in ("'s", "-", "imposed", "led") and units[i + 1 : i + 3][-1].word != "related"
    imposes = (
        units[i].id in _IMPOSERS or units[i].kind == "origin" or units[i].label in ("ORG", "PERSON") or is_named_after
    )
    return i, imposes and not any(unit.word == "related" for unit in units[i:at])


def _is_glued(units: Sequence[Unit], i: int) -> bool:
    return i > 0 and units[i - 1].word == "-"


def _is_verb(units: Sequence[Unit], at: int) -> bool:
    word = units[at].word
    if word not in ("sanction", "sanctions", "blacklist", "blacklists"):
        return True
    before = units[at - 1] if at else None
    after = units[at + 1] if at + 1 < len(units) else None
    if before is None or after is None or after.kind not in ("party", "word", "origin", "pronoun"):
        return False
    if word == "sanction":
        return before.word in ("to", "will", "would", "should", "could", "may", "must") and after.kind != "word"
    is_named = before.kind == "party" and not _is_owned(units, at)
    follows = after.kind == "party" or after.word in ("more", "dozens", "two", "three") or after.word.isdigit()
    return is_named and (follows or after.kind == "origin")


def _is_owned(units: Sequence[Unit], at: int) -> bool:
    return (
        at > 1
        and units[at - 1].kind == "party"
        and units[at - 2].word in ("new", "of", "to", "under", "by", "from", "the", "on")
    )


def _is_measure(units: Sequence[Unit], at: int) -> bool:
    before = units[at - 1].word if at else ""
    return (before, units[at].word) in pairs("measure_nouns")


def _is_adjective(units: Sequence[Unit], at: int) -> bool:
    """As in "the sanctioned oligarch"."""
    is_by = at + 1 < len(units) and units[at + 1].word in ("by", "for", "over", ".", ",")
    return not is_by and (at == 0 or units[at - 1].kind not in ("party", "pronoun"))


def _by_verb(units: Sequence[Unit], at: int) -> Draft | None:
    if glued := _glued(units, at):
        return _draft(units, at, glued, (), at - 2)
    group = verb_group(units, at)
    if units[at].word.endswith("ed") and not _HELPING & set(group.cues) and _is_adjective(units, at):
        is_named = at + 1 < len(units) and units[at + 1].kind == "party"
        return _draft(units, at, [part("target", units, at + 1)], (), at) if is_named else None
    who = subjects(units, group.start)
    objects = [(prep, i) for prep, i in reach(units, at)]
    is_passive = group.is_passive or (units[at].word.endswith("ed") and any(prep == "by" for prep, _ in objects[:1]))
    if is_passive:
        found = parts("target", units, who, _PARTY)
        found += [part("imposer", units, i) for prep, i in objects if prep == "by" and units[i].kind == "party"]
    else:
        found = parts("imposer", units, who, _PARTY)
        found += _list(units, [i for n, (prep, i) in enumerate(objects) if not prep or (n == 0 and prep in _ROUGHLY)])
    found += [part("date", units, i) for _, i in objects if units[i].kind == "date"]
    return _draft(units, at, found, group.cues, group.start)


def _list(units: Sequence[Unit], numbers: Sequence[int]) -> list[Part]:
    return parts("target", units, numbers, _PARTY)


def _glued(units: Sequence[Unit], at: int) -> list[Part]:
    """As in "a US-sanctioned general"."""
    if (
        at <= 1
        or units[at].word not in ("sanctioned", "blacklisted")
        or units[at - 1].word != "-"
        or at + 1 >= len(units)
    ):
        return []
    target = at + 1
    is_whole = units[at - 2].kind in ("party", "origin") and units[target].kind == "party"
    return [part("imposer", units, at - 2), part("target", units, target)] if is_whole else []


def _by_noun(units: Sequence[Unit], at: int) -> Draft | None:
    if at + 1 < len(units) and units[at + 1].word in words("violation_nouns") | {
        "list",
        "lists",
        "risks",
        "risk",
        "regime",
    }:
        return None
    if at and at + 1 < len(units) and units[at - 1].kind == "party" and units[at + 1].kind == "goods":
        return None  # a verb whose object are goods: "Peru sanctions wheat exports"
    found: list[Part] = []
    name, imposes = names(units, at)
    left = at
    if name >= 0:
        found.append(part("imposer" if imposes else "target", units, name))
        left = name
    by_reach, has_verb = _right(units, at)
    found += by_reach or _unnamed_target(units, at)
    governed, cues, first = _governor(units, left)
    if governed and not any(one.role == "imposer" for one in found):
        found += governed
        has_verb = True
    if not any(one.role == "target" for one in found):
        found += _sufferer(units, left)
    if not any(one.role == "target" for one in found) and not has_verb:
        return None
    found += _measure(units, at)
    last = max([at, *(one.unit for one in found)])
    after = (word for word in words_after(units, at) if operator_of(word) or word in LIFTING)
    return _draft(units, at, found, (*cues, *after, *predicate(units, last)), min(first, left))


def _hit(units: Sequence[Unit], at: int) -> list[Part]:
    """As in "sanctions-hit Peru"."""
    is_hit = units[at].word in _HIT
    return [part("target", units, at + 1)] if is_hit and at + 1 < len(units) and units[at + 1].kind == "party" else []


def _sufferer(units: Sequence[Unit], left: int) -> list[Part]:
    """As in "Peru faces US sanctions", "Peru was hit with sanctions", "Peru has been put under an embargo", "adds Peru to its blacklist"."""
    for i in range(left - 1, max(-1, left - _FAR_LEFT), -1):
        word = units[i].word
        if units[i].kind == "mark" and word not in ("-", "‘", "’", '"', "'"):
            break
        if units[i].kind != "word":
            continue
        group = verb_group(units, i)
        if word in _SUFFERING or (group.is_passive and word in _HITTING | _PUTTING):
            return parts("target", units, subjects(units, group.start), _PARTY)
        if word in _HITTING | _PUTTING:
            who = [j for j in range(i + 1, left) if units[j].kind == "party" and preposition(units, j) < 0]
            acting = parts("imposer", units, subjects(units, group.start), _PARTY) if who else []
            return [*parts("target", units, who, _PARTY), *acting]
        if word in words("boundaries"):
            break
    return []


def _right(units: Sequence[Unit], at: int) -> tuple[list[Part], bool]:
    """What follows the noun: on, against and by; and whether a verb of imposing stands among it."""
    found: list[Part] = []
    has_verb = False
    for prep, i in reach(units, at):
        verb = any(unit.word in words("impose") for unit in units[at + 1 : i] if unit.kind == "word")
        is_hit = not prep and units[i].kind == "party" and at + 1 < i and units[at + 1].word in _TARGETING
        if is_hit or (prep in _AGAINST and units[i].kind in _PARTY and (found or _is_bound(units, at, i))):
            found.append(part("target", units, i))
        elif prep == "by" and units[i].kind == "party":
            found.append(part("imposer", units, i))
            has_verb = has_verb or verb
        elif units[i].kind == "date":
            found.append(part("date", units, i))
        elif prep in ("over", "after", "for", "in"):
            break
    return found, has_verb


def _is_bound(units: Sequence[Unit], at: int, i: int) -> bool:
    """Whether only words of imposing stand between the noun and its target: not "sanctions pile pressure on"."""
    known = words("impose", "prepositions", "auxiliaries", "modifiers") | _MEASURES
    return all(unit.kind != "word" or unit.word in known or unit.word[0].isdigit() for unit in units[at + 1 : i])


def _unnamed_target(units: Sequence[Unit], at: int) -> list[Part]:
    """As in "sanctions on 10 senior clerics": the words after on or against where no party is known by them."""
    i = at + 1
    while i < len(units) and units[i].kind == "word" and units[i].word in words("impose", "auxiliaries"):
        i += 1
    if i + 1 >= len(units) or units[i].word not in _AGAINST or units[i + 1].kind not in ("word", "origin", "goods"):
        return []
    stop = i + 1
    while stop < len(units) and stop - i <= _LONGEST_TARGET and units[stop].kind in ("word", "origin", "goods"):
        if units[stop].word in words("prepositions", "boundaries", "auxiliaries") | {"and"}:
            break
        stop += 1
    if stop < len(units) and units[stop].kind == "party":
        return [part("target", units, stop)]
    first = i + 2 if units[i + 1].word in ("the", "a", "an") else i + 1
    return [Part("target", units[first].start, units[stop - 1].end)] if stop > first else []


def _governor(units: Sequence[Unit], left: int) -> tuple[list[Part], tuple[str, ...], int]:
    """The imposer named as subject of the verb that governs the noun, and the cues on the way."""
    passed: list[str] = []
    for i in range(left - 1, max(-1, left - _LEFT), -1):
        unit = units[i]
        if unit.kind == "mark" and unit.word not in ("-", "‘", "’", '"', "'"):
            break
        if unit.kind == "pronoun" and i == left - 1 and unit.word in _OWNING:
            passed.append(unit.word)
        if unit.kind != "word":
            continue
        if unit.word in _PASSING and not _leads_to(units, i):
            return [], (), left
        if unit.word in words("violate") or unit.word in words("violation_nouns"):
            return [], (), left
        if unit.word in _MEASURES or (unit.word == "targeted" and i == left - 1):
            continue
        passed += [unit.word, "plan"] if _backs(unit.word, passed) else [unit.word]
        if unit.word in words("impose") | _TARGETING or passed[-1] == "plan":
            return _governed(units, i, left, passed)
        if unit.word in words("boundaries"):
            break
    bearing = [word for word in passed if word not in words("modifiers") and word not in AND][:4]
    return [], () if _OWNING & set(passed) else tuple(word for word in bearing if operator_of(word)), left


def _backs(word: str, passed: Sequence[str]) -> bool:
    """Whether it is a verb of support with the measure as its object: "backs new sanctions"."""
    return word in _BACKING and not AND & set(passed) and not _CALLS & set(passed)


def _governed(units: Sequence[Unit], i: int, left: int, passed: list[str]) -> tuple[list[Part], tuple[str, ...], int]:
    """Who is the subject of the governing verb at `i`, and all cues; its object where the verb takes the target."""
    group = verb_group(units, i)
    hits = units[i].word in _HITTING and units[i + 1].word == "with" and not (group.cues and not group.is_passive)
    between = [part("target", units, j) for j in range(i + 1, left) if units[j].kind == "party"]
    if hits or ("under" in passed and not between):
        return parts("target", units, subjects(units, group.start), _PARTY), (*passed, *group.cues), group.start
    is_ahead = group.cues[:1] == ("to",) and not words("aspect") & set(group.cues)
    who = () if group.is_passive else subjects(units, group.start)
    on = "under" in passed or units[i].word in _TARGETING
    found = [*parts("imposer", units, who, _PARTY), *(between if on else ())]
    return found, (*passed, *(("will",) if is_ahead else ()), *group.cues), group.start


def _leads_to(units: Sequence[Unit], preposition: int) -> bool:
    """Whether the measure behind a preposition is what the sentence tells: "calls for", "hit with", not "despite"."""
    before = next(
        (unit.word for unit in reversed(units[max(0, preposition - 2) : preposition]) if unit.kind == "word"), ""
    )
    if units[preposition].word == "with":
        return any(unit.word in _HITTING for unit in units[max(0, preposition - _LEFT) : preposition])
    return operator_of(before) is not None or before in _BACKING


def _measure(units: Sequence[Unit], at: int) -> list[Part]:
    """The measure where it is more than the bare word: with its adjectives, or the number of its package."""
    start = at
    while (
        start
        and units[start - 1].kind == "word"
        and (
            (units[start - 1].word in words("modifiers") and units[start - 1].word not in _VAGUE)
            or units[start - 1].word
            in (
                "asset",
                "travel",
                "visa",
                "price",
                "export",
                "import",
                "oil",
                "arms",
                "package",
                "of",
                "restrictive",
                "sweeping",
                "targeted",
            )
        )
    ):
        start -= 1
    if start < at and units[start].word == "of":
        start += 1
    return (
        [Part("measure", units[start].start, units[at].end)]
        if start < at or units[at].word.startswith("embargo")
        else []
    )


def _draft(units: Sequence[Unit], at: int, found: Sequence[Part], cues: tuple[str, ...], first: int) -> Draft:
    known = [one.unit for one in found if one.unit >= 0]
    left = min([at, first, *known])
    if any(cue in LIFTING for cue in cues):
        cues = ("not", *cues)
    is_governed = first < at and bool(cues)
    before = (
        tuple(unit.word for unit in reversed(units[max(0, left - 3) : left]) if unit.kind == "word")
        if is_governed
        else ()
    )
    dates = [part("date", units, i) for i in range(left, at) if units[i].kind == "date"]
    found = [*found, *([] if any(one.role == "date" for one in found) else dates[:1])]
    return Draft("sanction", at, tuple(dict.fromkeys(found)), (*cues, *before), left)
