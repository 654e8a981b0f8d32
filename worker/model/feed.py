"""A feed, what is remembered of it, and what asking for it brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal


class PollFailure(StrEnum):
    """Why a poll brought nothing; also the `reason` label of `tocsin_polls_total`."""

    UNREACHABLE = "unreachable"
    DNS = "dns"
    TLS = "tls"
    TIMEOUT = "timeout"
    BLOCKED_ADDRESS = "blocked_address"
    BAD_REDIRECT = "bad_redirect"
    HTTP_STATUS = "http_status"
    THROTTLED = "throttled"
    GONE = "gone"
    TOO_LARGE = "too_large"
    BAD_ENCODING = "bad_encoding"
    EMPTY_BODY = "empty_body"
    NOT_A_FEED = "not_a_feed"
    MALFORMED = "malformed"
    HOSTILE = "hostile"
    CDN_CHALLENGE = "cdn_challenge"
    CERTIFICATE_EXPIRED = "certificate_expired"
    ROBOTS = "robots"
    """Of pages only: no feed is judged by a robots.txt."""


# --- what comes in -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Access:
    """How one feed is reached where that differs: nothing of it appears in a repr, a log or an error."""

    proxy: str = field(default="", repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Feed:
    """One source as the configuration names it. `id` is derived from the address, so a renamed feed stays itself.

    `interval` is the longest wait between polls that succeed; None lets the feed's own rhythm decide. Silence beyond
    `max_silence` is told; `auto` learns it. `fulltext` says whether the pages that entries link to are read; `auto`: of summaries.
    `robots` says whether the robots.txt of those pages' hosts is heeded, `websub` whether a hub may push.
    """

    id: str
    url: str
    name: str
    tags: tuple[str, ...] = ()
    interval: timedelta | None = None
    backfill: timedelta = timedelta(hours=24)
    allow_private: bool = False
    access: Access = Access()
    max_silence: timedelta | Literal["auto", "never"] = "auto"
    fulltext: Literal["auto", "always", "never"] = "never"
    robots: Literal["respect", "ignore"] = "respect"
    websub: Literal["auto", "off"] = "auto"


@dataclass(frozen=True, slots=True)
class EntryMark:
    """What is remembered of an entry that stands in its feed: hashes of its bytes, guid, address and title."""

    raw: str
    guid: str = ""
    address: str = ""
    title: str = ""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a document asks to be read: `every` from ttl or the syndication module, hours (GMT) and days off."""

    every: timedelta | None = None
    skip_hours: frozenset[int] = frozenset()
    skip_days: frozenset[int] = frozenset()
    """Weekdays, Monday is 0."""


@dataclass(frozen=True, slots=True)
class FeedState:
    """What the polls so far have taught about a feed. Validators are kept verbatim, quotes included.

    `marks` are the entries of the last document; `arrivals` when its newest entries came, newest first; `address`
    where the feed moved to for good; `moved_to` where it says it is, `moved_polls` times since `moved_since`.
    `burden` is the weight of the failures since the last success (see `poll`). `longest_gap` between entries is what
    `coverage` expects; `blind_since` is set while a blindness that was told lasts; `certificate_until` is
    when the TLS certificate that was seen last ends.
    """

    etag: str = ""
    last_modified: str = ""
    body_hash: str = ""
    epoch: str = ""
    polled_at: datetime | None = None
    succeeded_at: datetime | None = None
    unconditional_at: datetime | None = None
    whole_at: datetime | None = None
    failures: int = 0
    burden: float = 0.0
    last_failure: PollFailure | None = None
    last_message: str = ""
    entries: int = 0
    is_baselined: bool = False
    is_gone: bool = False
    marks: Sequence[EntryMark] = ()
    arrivals: tuple[datetime, ...] = ()
    pace: Pace = Pace()
    address: str = ""
    moved_to: str = ""
    moved_polls: int = 0
    moved_since: datetime | None = None
    watched_since: datetime | None = None
    failing_since: datetime | None = None
    longest_gap: timedelta | None = None
    longest_gap_at: datetime | None = None
    blind_since: datetime | None = None
    is_told_failing: bool = False
    certificate_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The feed answered with a document. `content_type` is the header as sent.

    `fresh_for` is how long it may be kept (Cache-Control, Expires), `moved_to` where permanent redirects led,
    `links` what its Link headers say, `certificate_until` when its TLS certificate ends.
    """

    body: bytes
    url: str
    content_type: str = ""
    etag: str = ""
    last_modified: str = ""
    fresh_for: timedelta | None = None
    moved_to: str = ""
    links: str = ""
    certificate_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class NotModified:
    """The feed answered 304, or with the very bytes we know; validators are those of the answer, if it gave any."""

    etag: str = ""
    last_modified: str = ""
    fresh_for: timedelta | None = None
    moved_to: str = ""
    certificate_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PollFailed:
    """The feed gave nothing usable; `message` says what and where for a person. `status` is HTTP's, where one came."""

    reason: PollFailure
    message: str
    retry_after: timedelta | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing was asked: the feed's server has enough of our requests for now."""

    wait: timedelta


PollOutcome = Fetched | NotModified | PollFailed | Postponed
