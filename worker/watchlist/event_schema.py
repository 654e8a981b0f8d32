"""What may stand in `event`: who did what to whom. The shape only."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AliasChoices, Field, model_validator

from worker.model import ROLES
from worker.watchlist.fields import TEXTS, Modalities, Or, SomeNames, SomeTerms, Strict, Texts, keyed


class RoleSection(Strict):
    """What fills a role of an event; `supplier: dprk` for short, a list."""

    list: SomeNames = []
    """One of these lists holds it."""
    id: Texts = []
    """It has one of these ids: `KP`, also for Pyongyang and North Koreans; `EU` and `UN`."""
    labels: Annotated[Texts, Field(validation_alias=AliasChoices("labels", "label"))] = []
    """It is of one of these kinds: PERSON, ORG, GPE, NORP, for an item WEAPON or VESSEL (`label` is read too)."""
    terms: SomeTerms = []
    """One of these terms stands in its words; `*` ends a word of at least three letters."""

    @model_validator(mode="after")
    def _has_something(self) -> RoleSection:
        if not (self.list or self.id or self.labels or self.terms):
            msg = "an empty role; give list, id, labels or terms"
            raise ValueError(msg)
        return self


RoleOf = Annotated[RoleSection, keyed("list"), Or(TEXTS)]


class EventSection(Strict):
    """Who did what to whom, told in one sentence; all roles named must be met by one and the same event.

    A `transfer` has supplier, recipient, item and via; a `sanction` imposer, target and measure; a `violation`
    violator, regime (whose sanctions), counterparty and means. Each also has a claimant: who says so.
    """

    example: ClassVar[str] = """
lists:
  dprk: {ids: [KP], aliases: ["North Korea*", Pyongyang]}
watches:
  - id: dprk-supplies
    title: North Korea supplies weapons
    match:
      event: {type: transfer, supplier: {list: dprk}, item: {labels: WEAPON}, modality: [asserted, alleged]}
    tests:
      - {title: "Pyongyang shipped missiles to Russia, the US says", expect: {fires: true}}
      - {title: "Russia shipped missiles to North Korea", expect: {fires: false}}
      - {title: "North Korea denies supplying missiles to Russia", expect: {fires: false}}
"""

    type: Literal["transfer", "sanction", "violation"]
    """Goods that pass, a measure against someone, or its breach."""
    supplier: RoleOf | None = None
    """Who gives or sells."""
    recipient: RoleOf | None = None
    """Who gets or buys."""
    item: RoleOf | None = None
    """What passes."""
    via: RoleOf | None = None
    """Through whom or where."""
    imposer: RoleOf | None = None
    """Who imposes, plans or lifts a measure."""
    target: RoleOf | None = None
    """Against whom."""
    measure: RoleOf | None = None
    """Which measure."""
    violator: RoleOf | None = None
    """Who breaks or evades sanctions."""
    regime: RoleOf | None = None
    """Whose sanctions, or against whom where only that is said."""
    counterparty: RoleOf | None = None
    """With whom, or who helps."""
    means: RoleOf | None = None
    """By what."""
    claimant: RoleOf | None = None
    """Who says so."""
    modality: Modalities = []
    """One of these: asserted, alleged (by a third party), planned, requested, denied, negated, hypothetical."""
    salience: Literal["any", "main"] = "any"
    """`main`: it stands in the title or the lead."""

    @model_validator(mode="after")
    def _has_its_roles(self) -> EventSection:
        given = self.model_fields_set - {"type", "modality", "salience"}
        if strange := sorted(given - set(ROLES[self.type])):
            known = ", ".join(role for role in ROLES[self.type] if role in type(self).model_fields)
            msg = f"a {self.type} has no {strange[0]}; it has {known}"
            raise ValueError(msg)
        return self
