"""Silences: made, and asked whether they hold. Keeps none; see `SilenceStore`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from worker import matchers
from worker.identity import derive_id
from worker.model import Silence

LONGEST = timedelta(days=366)
MOST_MATCHERS = 50
_MOST_WORDS = 1_000
State = Literal["pending", "active", "ended"]


class SilenceStore(Protocol):
    """Keeps silences, each for 90 days after its end. Each method is one atomic step."""

    def add_silence(self, silence: Silence) -> None:
        """Keep a silence; one with its id is replaced."""

    def end_silence(self, silence_id: str, by: str = "") -> bool:
        """End a silence now; False if there is none with this id, or it has ended. `by` is for the audit record."""

    def silences(self, *, ended: bool = True) -> list[Silence]:
        """All that are kept, the one that ends last first; without those that have `ended` if so asked."""


def make(  # noqa: PLR0913 - what a silence is made of
    texts: Sequence[str], *, starts_at: datetime, ends_at: datetime, author: str, comment: str, now: datetime
) -> Silence:
    """A silence from matchers as people write them. Raises ValueError that says what is wrong and how to mend it."""
    if not texts:
        msg = 'a silence needs a matcher, such as watch="arms-transfer"; none would silence everything'
        raise ValueError(msg)
    if len(texts) > MOST_MATCHERS:
        msg = f"a silence has at most {MOST_MATCHERS} matchers; make several silences"
        raise ValueError(msg)
    read = tuple(map(matchers.parse, texts))
    if matchers.all_match(read, {}):
        msg = 'these matchers hold for alerts without any label, hence for nearly all; add one such as watch="…"'
        raise ValueError(msg)
    if not author.strip() or not comment.strip():
        msg = "a silence says who made it (author) and why (comment)"
        raise ValueError(msg)
    if not max(starts_at, now) < ends_at <= starts_at + LONGEST:
        msg = f"a silence ends after it starts, in the future, and after at most {LONGEST.days} days"
        raise ValueError(msg)
    parts = [*sorted(map(matchers.write, read)), starts_at.isoformat(), ends_at.isoformat(), author, now.isoformat()]
    name = derive_id(*parts, length=16)
    return Silence("sil_" + name, read, starts_at, ends_at, author[:_MOST_WORDS], comment[:_MOST_WORDS], now)


def state(silence: Silence, now: datetime) -> State:
    """Where in its life a silence is."""
    if now >= silence.ends_at:
        return "ended"
    return "active" if now >= silence.starts_at else "pending"


def find(silences: Iterable[Silence], labels: Mapping[str, str], now: datetime) -> Silence | None:
    """The first silence that holds at `now` for an alert with these labels."""
    return next(
        (one for one in silences if state(one, now) == "active" and matchers.all_match(one.matchers, labels)), None
    )


def describe(silence: Silence, now: datetime) -> dict[str, Any]:
    """A silence as a row for the command line, the API and the page; times are ISO 8601 in UTC."""
    return {
        "id": silence.id,
        "state": state(silence, now),
        "matchers": [matchers.write(one) for one in silence.matchers],
        "starts_at": silence.starts_at.isoformat(timespec="seconds"),
        "ends_at": silence.ends_at.isoformat(timespec="seconds"),
        "author": silence.author,
        "comment": silence.comment,
        "created_at": silence.created_at.isoformat(timespec="seconds"),
        "suppressed": silence.suppressed,
    }
