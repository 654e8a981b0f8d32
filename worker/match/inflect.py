"""The inflected forms of English words, for phrases that ask for them.

Forms are made by spelling rules and a short table, not looked up: a form that no writer uses costs nothing, since it
is never found.
"""

from functools import lru_cache
from itertools import product

_IRREGULAR = (
    "be am is are was were been being", "bear bears bore borne bearing", "begin begins began begun beginning",
    "break breaks broke broken breaking", "bring brings brought bringing", "build builds built building",
    "burn burns burned burnt burning", "buy buys bought buying", "catch catches caught catching",
    "child children", "come comes came coming", "cut cuts cutting", "deal deals dealt dealing",
    "do does did done doing", "draw draws drew drawn drawing", "drive drives drove driven driving",
    "fall falls fell fallen falling", "feed feeds fed feeding", "fight fights fought fighting",
    "find finds found finding", "fly flies flew flown flying", "foot feet", "forbid forbids forbade forbidden forbidding",
    "freeze freezes froze frozen freezing", "get gets got gotten getting", "give gives gave given giving",
    "go goes went gone going", "have has had having", "hide hides hid hidden hiding", "hit hits hitting",
    "hold holds held holding", "keep keeps kept keeping", "launder launders laundered laundering",
    "lead leads led leading", "leave leaves left leaving", "lose loses lost losing", "make makes made making",
    "man men", "meet meets met meeting", "pay pays paid paying", "put puts putting", "ring rings rang rung ringing",
    "rise rises rose risen rising", "run runs ran running", "say says said saying", "see sees saw seen seeing",
    "seek seeks sought seeking", "sell sells sold selling", "send sends sent sending", "shoot shoots shot shooting",
    "sink sinks sank sunk sinking", "spend spends spent spending", "spread spreads spreading",
    "steal steals stole stolen stealing", "strike strikes struck stricken striking",
    "swear swears swore sworn swearing", "take takes took taken taking", "think thinks thought thinking",
    "throw throws threw thrown throwing", "wear wears wore worn wearing", "win wins won winning",
    "withdraw withdraws withdrew withdrawn withdrawing", "woman women", "write writes wrote written writing",
)  # fmt: skip
_BY_BASE = {row.split()[0]: tuple(row.split()) for row in _IRREGULAR}
_VOWELS = "aeiou"
_SHORTEST = 3
_MOST_FORMS = 64


@lru_cache(maxsize=50_000)
def forms(phrase: str) -> tuple[str, ...]:
    """The phrase with each word in each of its forms, itself first; at most 64 (then only the last word varies)."""
    words = phrase.split()
    options = [_word_forms(word) for word in words]
    count = 1
    for option in options:
        count *= len(option)
    if count > _MOST_FORMS:
        options = [*((word,) for word in words[:-1]), options[-1]]
    return tuple(dict.fromkeys(" ".join(row) for row in product(*options)))


def _word_forms(word: str) -> tuple[str, ...]:
    low = word.lower()
    if low in _BY_BASE:
        return (word, *_BY_BASE[low])
    if not word.isascii() or not word.isalpha() or len(word) < _SHORTEST:
        return (word,)
    return tuple(dict.fromkeys((word, *_regular(word))))


def _regular(word: str) -> tuple[str, ...]:
    """Try: tries tried trying; ship: ships shipped shipping; trade: trades traded trading; box: boxes boxed boxing."""
    low = word.lower()
    if low.endswith("y") and low[-2] not in _VOWELS:
        return (word[:-1] + "ies", word[:-1] + "ied", word + "ing")
    if low.endswith(("s", "x", "z", "ch", "sh")):
        return (word + "es", word + "ed", word + "ing")
    if low.endswith("e"):
        return (word + "s", word + "d", word[:-1] + "ing", word + "ing")
    plain = (word + "s", word + "ed", word + "ing")
    if _doubles(low):
        return (*plain, word + low[-1] + "ed", word + low[-1] + "ing")
    return plain


def _doubles(low: str) -> bool:
    return low[-1] not in _VOWELS + "wxy" and low[-2] in _VOWELS and low[-3] not in _VOWELS
