"""What may be asked of the API: the parameters and bodies of its operations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from worker.api.fields import READ_NUMBER, Cursor, Flag, Id, Limit, Moment, Question, Text

SeverityName = Literal["info", "low", "medium", "high", "critical"]


class Nothing(Question):
    """No parameters."""


class Between(Question):
    """A page of a list, of entries from `since` up to `until`."""

    cursor: Cursor | None = None
    limit: Limit = 50
    since: Moment | None = None
    until: Moment | None = None


class AlertWish(Question):
    """Which alerts; `severity` is the least, `country` ISO 3166-1 alpha-2, `text` is looked for in what is shown."""

    watch: Text = ""
    severity: SeverityName | None = None
    topic: Text = ""
    country: Text = ""
    source: Text = ""
    state: Literal["open", "acknowledged", "true", "false"] | None = None
    text: Text = ""


class AlertList(Between, AlertWish):
    """A page of alerts."""


class AlertStream(AlertWish):
    """A live stream; it ends after `seconds` (0: once what was missed is told), by itself never."""

    seconds: Annotated[int | None, Field(ge=0, le=86_400), READ_NUMBER] = None


class ArticleList(Between):
    """A page of articles."""

    source: Text = ""
    language: Text = ""
    story: Id | None = None


class StoryList(Between):
    """A page of stories with at least so many independent sources."""

    independent_sources: Annotated[int, Field(ge=1, le=1_000), READ_NUMBER] = 1
    is_told: Flag = False


class VerdictBody(Question):
    """The alert was right (true) or wrong (false), and why."""

    verdict: Literal["true", "false"]
    reason: Annotated[str, Field(max_length=2_000)] = ""


class MatcherBody(Question):
    """A condition on one label; `=~` and `!~` take an RE2 pattern of the whole value."""

    label: Annotated[str, Field(pattern="^[a-zA-Z_][a-zA-Z0-9_-]{0,99}$")]
    operator: Literal["=", "!=", "=~", "!~"]
    value: Annotated[str, Field(pattern='^[^"]*$', max_length=400)]


class SilenceBody(Question):
    """Alerts whose labels meet all matchers are not sent, from `starts_at` (now, where it is not given) on."""

    matchers: Annotated[list[MatcherBody], Field(min_length=1, max_length=50)]
    seconds: Annotated[int, Field(ge=1, le=31_622_400, description="How long.")]
    comment: Annotated[str, Field(min_length=1, max_length=1_000, description="Why; shown with what it keeps back.")]
    starts_at: Moment | None = None


class SilenceWish(Question):
    """Also those that have ended in the last 90 days, or only what holds or will."""

    all: Flag = False


class WhyWish(Question):
    """Only what one watch said."""

    watch: Text | None = None


class AuditWish(Question):
    """Lines behind one (`after` 0: from the first that is left), or from a moment on."""

    after: Annotated[int, Field(ge=0, le=999_999_999), READ_NUMBER] = 0
    since: Moment | None = None
    limit: Annotated[int, Field(ge=1, le=1_000), READ_NUMBER] = 200


class Subscription(Question):
    """The token of a subscriber, for feed readers that can send no header."""

    token: Text | None = None
