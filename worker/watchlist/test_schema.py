"""What may stand in a watch's `tests`. The shape only."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import StringConstraints, model_validator

from worker.model import Severity
from worker.watchlist.fields import Strict, Text, Texts


class EvidenceSection(Strict):
    """Words that must stand among the evidence, by zone."""

    title: Texts = []
    """In the title."""
    lead: Texts = []
    """In the first paragraph of prose."""
    body: Texts = []
    """Further down."""


class ExpectSection(Strict):
    """What a watch must make of a test's article."""

    fires: bool = True
    """Whether it fires; `false`: it stays silent."""
    severity: Severity | None = None
    """The alert's severity."""
    entities: Texts = []
    """Ids or words of entities that must be found."""
    topics: Texts = []
    """Topics that must be reported."""
    evidence: EvidenceSection = EvidenceSection()
    """Words that the explanation must show, by zone."""


class TestSection(Strict):
    """An article, given here or in a file, and what the watch must make of it."""

    example: ClassVar[str] = """
watches:
  - id: shells
    title: Shells delivered
    severity: high
    match: {phrase: ["artillery shell*"]}
    tests:
      - title: Norland delivers
        text: Forty artillery shells went to Sudmark.
        expect: {fires: true, severity: high, evidence: {lead: ["artillery shells"]}}
      - {title: "Sea shells on the shore", expect: {fires: false}}
"""

    title: Text | None = None
    """The article's title."""
    text: Annotated[str, StringConstraints(max_length=100_000)] | None = None
    """Its text."""
    file: Text | None = None
    """Or a text file beside the configuration: the first line is the title."""
    source: Text | None = None
    """The feed's name."""
    tags: Texts = []
    """The feed's tags."""
    expect: ExpectSection
    """What must come of it."""

    @model_validator(mode="after")
    def _has_something(self) -> TestSection:
        if (self.file is None) == (self.title is None and self.text is None):
            msg = "give the article either as title and text, or as file"
            raise ValueError(msg)
        return self
