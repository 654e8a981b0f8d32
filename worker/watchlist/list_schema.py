"""What may stand in the sections that watches refer to: lists, sources and own topics. The shape only."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from worker.terms import is_term
from worker.watchlist.fields import Languages, SomeNames, SomeTerms, Strict, Text, Texts


def _check_pattern(value: str) -> str:
    words = value.split()
    is_gap = [bool(re.fullmatch(r"~[1-9]\d?", word)) for word in words]
    options = [option for word, gap in zip(words, is_gap, strict=True) if not gap for option in word.split("|")]
    if not words or is_gap[0] or is_gap[-1] or not all(is_term(option) for option in options):
        msg = f"“{value}” is no phrase: words, * at the end of three letters or more, a|b, and ~4 between words"
        raise ValueError(msg)
    return value


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_check_pattern)]
Format = Literal["ofac_sdn", "ofac_sdn_advanced", "opensanctions", "un", "eu", "text", "csv"]


class ColumnsSection(Strict):
    """Which columns of a `csv` file hold what; the first line names them."""

    name: Text = "name"
    """The name."""
    id: Text = "id"
    """The id; without such a column the line's number is the id."""
    aliases: Text = "aliases"
    """Further names, separated by semicolons."""
    weak_aliases: Text = "weak_aliases"
    """Names that only corroborate, separated by semicolons."""
    programme: Text = "programme"
    """What the party is listed under."""
    type: Text = "type"
    """`person` (any capitals) makes order and initials of the name vary; anything else does not."""


class ListSection(Strict):
    """Names that belong together, given here or in a file."""

    example: ClassVar[str] = """
lists:
  dprk:    {ids: [KP], aliases: ["North Korea*", DPRK, Pyongyang]}
  iran:    {ids: [IR], aliases: ["Iran*", Tehran]}
  proliferators: {include: [dprk, iran]}
  weapons: {phrases: ["missile*", "artillery shell*", "munition*"]}
"""

    ids: Texts = []
    """ISO 3166 countries (`KP`), found under all their names; with a `file`, the ids of the entries to take from it."""
    aliases: SomeTerms = []
    """Names; `*` ends a word of at least three letters."""
    phrases: SomeTerms = []
    """Words and phrases, matched as aliases are."""
    include: SomeNames = []
    """Other lists that this one contains."""
    file: Text | None = None
    """A file of parties, beside the configuration (`lists/sdn.csv`)."""
    format: Format | None = None
    """What the file is; `.txt` and `.csv` files need none."""
    weak_aliases: Literal["corroborate", "ignore", "match"] = "corroborate"
    """Weak aliases only add to what a strong name of the same entry found; or are left out; or count as strong ones."""
    min_tokens: Annotated[int, Field(ge=1, le=5)] = 2
    """Names of the file with fewer words only corroborate."""
    programmes: Texts = []
    """Take from the file only what is listed under one of these."""
    encoding: Literal["utf-8", "cp1252", "latin-1", "utf-16"] = "utf-8"
    """The file's encoding."""
    columns: ColumnsSection = ColumnsSection()
    """The columns of a `csv` file."""

    @model_validator(mode="after")
    def _has_something(self) -> ListSection:
        if not (self.ids or self.aliases or self.phrases or self.include or self.file):
            msg = "an empty list can never match; give ids, aliases, phrases, include or file"
            raise ValueError(msg)
        return self


class SourceGroupSection(Strict):
    """A set of sources under a name."""

    example: ClassVar[str] = """
sources:
  wires:    {tags: [wire, public-broadcaster]}
  german:   {languages: [de]}
  blogs:    {tags: [blog], name: ["My Daily Opinion"]}
  reliable: {include: [wires], exclude: [blogs]}
"""

    tags: Texts = []
    """Feeds with one of these tags."""
    name: Texts = []
    """Feeds of these names."""
    languages: Languages = []
    """Only their articles in these languages."""
    include: SomeNames = []
    """Sources of these sets as well."""
    exclude: SomeNames = []
    """But none of these sets."""

    @model_validator(mode="after")
    def _has_something(self) -> SourceGroupSection:
        if not (self.tags or self.name or self.languages or self.include or self.exclude):
            msg = "an empty set of sources; give tags, name, languages, include or exclude"
            raise ValueError(msg)
        return self


class WatchSourcesSection(Strict):
    """Which sets of sources a watch reads."""

    include: SomeNames = []
    """Only these."""
    exclude: SomeNames = []
    """But not these."""


class ExamplesSection(Strict):
    """Sentences that an own topic learns from, beside its phrases."""

    positive: Texts = []
    """Sentences on the topic."""
    negative: Texts = []
    """Sentences that are not."""


class OwnTopicSection(Strict):
    """A topic of your own beside the built-in ones."""

    example: ClassVar[str] = """
topics:
  dual-use-goods:
    description: civilian goods that end up in weapons
    phrases: {"dual-use": 3, "machine tool*": 2, "microchip*": 1}
    examples:
      positive: ["Dual-use machine tools were found in drones."]
      negative: ["A new washing machine."]
"""

    description: Text
    """What the topic is, in a few words."""
    phrases: Annotated[dict[Pattern, Annotated[float, Field(gt=0, le=10)]], Field(min_length=1)]
    """Phrases and how much each speaks for the topic: 1 is a hint (0.4 by itself), 2 likely (0.64), 3 nearly sure (0.78).

    `*` ends a word of at least three letters, `a|b` is either, `~4` lets up to four words stand between.
    """
    examples: ExamplesSection = ExamplesSection()
    """Sentences to learn from."""
