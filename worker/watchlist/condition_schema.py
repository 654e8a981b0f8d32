"""What may stand in `match` and `score`: the conditions of a watch. The shape only."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AliasChoices, Field, StringConstraints, model_validator

from worker.watchlist.event_schema import EventSection
from worker.watchlist.fields import (
    TEXT,
    TEXTS,
    Duration,
    Languages,
    Names,
    Or,
    Share,
    SomeNames,
    SomeTerms,
    Strict,
    Terms,
    Text,
    Texts,
    Weight,
    keyed,
)


class TopicSection(Strict):
    """A topic the article reports on; `topic: arms-transfer` for short."""

    example: ClassVar[str] = """
watches:
  - id: arms
    title: Weapons supplied
    match: {topic: {name: arms-transfer, min_score: 0.6, salience: main}}
"""

    name: Text
    """A built-in topic or one of your own."""
    min_score: Share | None = None
    """How probable it must be; the model's own threshold where nothing is said."""
    salience: Literal["any", "main"] = "any"
    """`main`: the evidence stands in the title or the lead, so that the article is about it."""


class EntitySection(Strict):
    """A person, organisation, place or other named thing."""

    example: ClassVar[str] = """
lists:
  dprk: {ids: [KP], aliases: ["North Korea*", Pyongyang]}
watches:
  - id: dprk-arms
    title: Weapons and North Korea in one sentence
    match:
      all:
        - topic: arms-transfer
        - entity: {list: dprk, labels: [GPE, NORP, ORG], within: sentence}
"""

    list: Names | None = None
    """One of these lists holds it."""
    id: Texts = []
    """It has one of these ids, such as `KP`."""
    labels: Annotated[Texts, Field(validation_alias=AliasChoices("labels", "label"))] = []
    """It is of one of these kinds: PERSON, ORG, GPE, LOC, NORP, FAC, DATE, MONEY, WEAPON, VESSEL."""
    min_score: Annotated[float, Field(ge=0.6, le=1)] | None = None
    """How sure a name of a list file must be (0.8): 1 as listed, 0.95 in another order, 0.85 shortened, 0.8 initials."""
    salience: Literal["any", "main"] = "any"
    """`main`: it stands in the title or the lead."""
    within: Literal["sentence", "paragraph"] | None = None
    """It shares the sentence or paragraph with the evidence of another condition of the same `all`."""

    @model_validator(mode="after")
    def _has_something(self) -> EntitySection:
        if not (self.list or self.id or self.labels):
            msg = "say which entity: list, id or labels"
            raise ValueError(msg)
        return self


class PhraseSection(Strict):
    """Words in the text, with options; `phrase: [arms deal, "missile*"]` for short."""

    example: ClassVar[str] = """
watches:
  - id: who
    title: The World Health Organization warns
    match:
      all:
        - phrase: {terms: [WHO], case: true}
        - phrase: {terms: [warn], lemma: true}
    tests:
      - {title: "WHO warned of a new virus", expect: {fires: true}}
      - {title: "Who warned of a new virus?", expect: {fires: false}}
"""

    terms: SomeTerms = []
    """One of these; `*` ends a word of at least three letters."""
    list: SomeNames = []
    """Or one of the aliases and phrases of these lists."""
    case: bool = False
    """Capitals as written."""
    lemma: bool = False
    """English inflections too: `ship` finds ships, shipped and shipping. Write the base form."""

    @model_validator(mode="after")
    def _has_something(self) -> PhraseSection:
        if not (self.terms or self.list):
            msg = "an empty phrase; give terms or list"
            raise ValueError(msg)
        if self.lemma and any(term.endswith("*") for term in self.terms):
            msg = "take either lemma or *, not both"
            raise ValueError(msg)
        return self


class NearSideSection(Strict):
    """One side of `near`: a term, several that may stand for one another, or a list."""

    terms: SomeTerms = []
    """One of these."""
    list: SomeNames = []
    """Or one of the aliases and phrases of these lists."""

    @model_validator(mode="after")
    def _has_something(self) -> NearSideSection:
        if not (self.terms or self.list):
            msg = "an empty side; give a term, several, or {list: NAME}"
            raise ValueError(msg)
        return self


class NearSection(Strict):
    """Terms near one another, in one paragraph."""

    example: ClassVar[str] = """
lists:
  weapons: {phrases: ["missile*", "artillery shell*"]}
watches:
  - id: shells-for-sudmark
    title: Weapons and Sudmark within ten words
    match: {near: {terms: [{list: weapons}, [Sudmark, Sudmarkian]], within: 10, ordered: true}}
    tests:
      - {title: "Missiles arrive in Sudmark", expect: {fires: true}}
      - {title: "Sudmark has no missiles", expect: {fires: false}}
"""

    terms: Annotated[
        list[Annotated[NearSideSection, keyed("terms"), Or(TEXT, {"type": "array", "items": TEXT})]],
        Field(min_length=2, max_length=5),
    ]
    """Two to five sides, of each of which a term must stand there."""
    within: Annotated[int, Field(ge=0, le=15)] = 10
    """How many words may stand between the first and the last of them."""
    ordered: bool = False
    """Only in the order given."""


class RegexSection(Strict):
    r"""A regular expression of RE2; `regex: 'silo\s+museum'` for short."""

    example: ClassVar[str] = """
watches:
  - id: hull-numbers
    title: A ship's IMO number
    match: {regex: 'IMO\\s?\\d{7}'}
    tests:
      - {title: "The tanker (IMO 9187629) was seized", expect: {fires: true}}
      - {title: "The IMO met in London", expect: {fires: false}}
"""

    pattern: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    """The expression: no back-references, no look-around."""
    case: bool = False
    """Capitals as written."""


class FieldSection(Strict):
    """What the feed says besides the text; several keys must all hold."""

    example: ClassVar[str] = """
watches:
  - id: shells-not-sport
    title: Shells, but not in sports
    match:
      all: [{phrase: "shell*"}]
      none: [{field: {category: [sport, "entertain*"]}}, {field: {link: "/games/"}}]
"""

    title: Terms | None = None
    """A term in the title."""
    author: Terms | None = None
    """A term in the author's name."""
    category: Terms | None = None
    """A term in a category of the feed."""
    link: Terms | None = None
    """A part of the article's address, from word edge to word edge."""

    @model_validator(mode="after")
    def _has_something(self) -> FieldSection:
        if not self.model_fields_set:
            msg = "say which field: title, author, category or link"
            raise ValueError(msg)
        return self


class SourceSection(Strict):
    """Where the article comes from; `source: wires` for short, a set of `sources`."""

    example: ClassVar[str] = """
sources:
  wires: {tags: [wire]}
watches:
  - id: unrest
    title: Unrest, told by a wire or by the Courier
    match: {all: [{topic: civil-unrest}, {any: [{source: wires}, {source: {name: Courier}}]}]}
"""

    group: SomeNames = []
    """A set of `sources`."""
    tags: Texts = []
    """A feed with one of these tags."""
    name: Texts = []
    """A feed of one of these names."""

    @model_validator(mode="after")
    def _has_something(self) -> SourceSection:
        if not (self.group or self.tags or self.name):
            msg = "say which source: group, tags or name"
            raise ValueError(msg)
        return self


class AgeSection(Strict):
    """How old the article was when it was first seen; `age: 2d` for short, at most two days."""

    example: ClassVar[str] = """
watches:
  - id: fresh-attacks
    title: Attacks, but no anniversaries
    match: {all: [{topic: terrorism}, {age: {max: 2d}}]}
"""

    max: Duration | None = None
    """At most this old."""
    min: Duration | None = None
    """At least this old."""

    @model_validator(mode="after")
    def _has_something(self) -> AgeSection:
        if self.max is None and self.min is None:
            msg = "give max or min"
            raise ValueError(msg)
        return self


class ConditionSection(Strict):
    """One condition, or a group of them; several keys beside one another must all hold."""

    example: ClassVar[str] = """
watches:
  - id: sanctions-evasion
    title: Sanctions broken by ship
    match:
      all:
        - topic: sanctions-violation
        - any:
            - phrase: [tanker, "shadow fleet"]
            - regex: 'IMO\\s?\\d{7}'
      none:
        - phrase: ["video game*"]
        - language: de
"""

    all: Annotated[list[ConditionSection], Field(min_length=1, max_length=100)] | None = None
    """All of these must be true."""
    any: Annotated[list[ConditionSection], Field(min_length=1, max_length=1_000)] | None = None
    """One of these must be true."""
    none: Annotated[list[ConditionSection], Field(min_length=1, max_length=1_000)] | None = None
    """None of these may be true."""
    topic: Annotated[TopicSection, keyed("name"), Or(TEXT)] | None = None
    """What the article reports on."""
    entity: EntitySection | None = None
    """Who or what is named."""
    event: Annotated[EventSection, keyed("type"), Or(TEXT)] | None = None
    """Who supplied what to whom, who sanctioned whom, who broke sanctions."""
    phrase: Annotated[PhraseSection, keyed("terms"), Or(TEXTS)] | None = None
    """Words in the text."""
    near: NearSection | None = None
    """Terms near one another."""
    regex: Annotated[RegexSection, keyed("pattern"), Or(TEXT)] | None = None
    """A pattern in the text."""
    field: FieldSection | None = None
    """Title, author, category or link."""
    source: Annotated[SourceSection, keyed("group"), Or(TEXTS)] | None = None
    """Where it comes from."""
    language: Languages | None = None
    """The language it is in (ISO 639-1)."""
    age: Annotated[AgeSection, keyed("max"), Or(TEXT)] | None = None
    """How old it was when it was first seen."""
    weight: Weight | None = None
    """What this condition adds to the watch's score, instead of the weight of its kind."""

    @model_validator(mode="after")
    def _has_something(self) -> ConditionSection:
        given = self.model_fields_set - {"weight"}
        if not given:
            msg = f"an empty condition; write {', '.join(sorted(set(type(self).model_fields) - {'weight'}))}"
            raise ValueError(msg)
        if self.weight is not None and (len(given) > 1 or given & {"all", "any", "none"}):
            msg = "a weight stands beside one condition, not beside several or a group"
            raise ValueError(msg)
        return self


Kind = Literal["topic", "entity", "event", "phrase", "near", "regex", "field", "source", "language", "age"]


class ScoreSection(Strict):
    """Weights: the watch fires when `match` is true and the weights of its true conditions reach the threshold."""

    example: ClassVar[str] = """
watches:
  - id: weighed
    title: Enough signs of an arms transfer
    match:
      any:
        - phrase: ["arms deal*"]
        - {phrase: [shipment], weight: 1}
        - {phrase: [howitzer], weight: 2}
    score: {threshold: 3, weights: {phrase: 3}}
    tests:
      - {title: "Arms deal signed", expect: {fires: true}}
      - {title: "A howitzer in a shipment", expect: {fires: true}}
      - {title: "A shipment of toys", expect: {fires: false}}
"""

    threshold: Weight
    """What the sum must reach."""
    weights: dict[Kind, Weight] = {}
    """What each true condition of a kind adds; nothing where its kind is not named."""


ConditionSection.model_rebuild()
