"""What is remembered of a feed, as fields of its hash.

    state    what its polls have taught, as JSON; fields that are as in a new feed are left out
    marks    the entries of its last document, as JSON: the most of it, and looked at by nobody while the feed is unchanged
    seen_at  when the feed was last found unchanged, which is all that such a poll leaves

Up to 0.1 the marks stood in the state, and are still read there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, overload

from pydantic import TypeAdapter

from worker.model import EntryMark, FeedState
from worker.ports import FinishedPoll
from worker.runtime.records import STATE

FIELDS = ("state", "marks", "seen_at")
_MARKS = TypeAdapter(tuple[EntryMark, ...])


class KeptMarks(Sequence[EntryMark]):
    """A feed's marks as they are stored; read when somebody looks at them."""

    __slots__ = ("_raw", "_read")

    def __init__(self, raw: str) -> None:
        self._raw = raw
        self._read: tuple[EntryMark, ...] | None = None

    def _all(self) -> tuple[EntryMark, ...]:
        if self._read is None:
            self._read = _MARKS.validate_json(self._raw)
        return self._read

    def __len__(self) -> int:
        return len(self._all())

    @overload
    def __getitem__(self, place: int) -> EntryMark: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[EntryMark, ...]: ...
    def __getitem__(self, place: int | slice) -> EntryMark | tuple[EntryMark, ...]:
        return self._all()[place]

    def __iter__(self) -> Iterator[EntryMark]:
        return iter(self._all())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == tuple(other)

    def __hash__(self) -> int:
        return hash(self._all())

    def __repr__(self) -> str:
        return repr(self._all())


def restore_state(state: str | None, marks: str | None = None, seen_at: str | None = None) -> FeedState:
    """The state from its fields; a feed that has none is new."""
    if not state:
        return FeedState()
    restored: FeedState = STATE.validate_json(state)
    seen = datetime.fromisoformat(seen_at) if seen_at else None
    # release 0.1 writes the state whole and leaves an older moment beside it
    if seen and (restored.polled_at is None or restored.polled_at < seen):
        object.__setattr__(restored, "polled_at", seen)
        object.__setattr__(restored, "succeeded_at", seen)
    if restored.marks:
        object.__setattr__(restored, "marks", tuple(restored.marks))
    elif marks:  # nobody has seen the object yet, and a copy would cost as much as reading it did
        object.__setattr__(restored, "marks", KeptMarks(marks))
    return restored


def changed_fields(poll: FinishedPoll) -> tuple[str, str, str]:
    """State, marks and moment as a poll leaves them; "" for what stays as it is."""
    decision = poll.decision
    if decision.state is poll.claim.state:
        return "", "", _iso(decision.seen_at) if decision.seen_at else ""
    state, marks = decision.remembered, decision.state.marks
    return _dump_state(state), "" if isinstance(marks, KeptMarks) else _MARKS.dump_json(tuple(marks)).decode(), ""


def _dump_state(state: FeedState) -> str:
    raw: Any = STATE.dump_json(state, exclude={"marks"}, exclude_defaults=True)
    return str(raw, "utf-8")


def _iso(moment: datetime) -> str:
    return moment.isoformat()
