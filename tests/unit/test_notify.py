"""What a group of held alerts does: a decision with its reason."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOW
from worker.model import Digest, GroupKey, TimeInterval, Timing
from worker.notify import decide
from worker.notify.decide import GroupState, Rest, Speak, Wait, Waiting

KEY = GroupKey("group", "root", "desk")
GROUPED = Timing(group_by=("watch",), repeat_interval=timedelta(hours=4))
ZERO = timedelta(0)


def after(**kwargs) -> datetime:
    return NOW + timedelta(**kwargs)


def waiting(*seconds: float) -> tuple[Waiting, ...]:
    return tuple(Waiting(f"a{i}", after(seconds=s)) for i, s in enumerate(seconds))


def of(kind: str) -> GroupKey:
    return GroupKey(kind, "root", "desk", watch="w")


QUIET = Timing(mute=(TimeInterval(times=((12 * 60, 13 * 60),)),))
EIGHT = Timing(group_by=(), digest=Digest("0 8 * * *", "Europe/Vienna"))


@pytest.mark.parametrize(
    ("reason", "state", "timing", "now", "decision"),
    [
        ("nothing to say", GroupState(KEY), GROUPED, NOW, Rest()),
        ("it waits for others", GroupState(KEY, waiting(0)), GROUPED, after(seconds=10),
         Wait(after(seconds=30), "group_wait")),
        ("it waited", GroupState(KEY, waiting(0, 20)), GROUPED, after(seconds=30), Speak("group", ("a0", "a1"))),
        ("the last message was lately", GroupState(KEY, waiting(60), sent_at=NOW), GROUPED, after(seconds=95),
         Wait(after(minutes=5), "group_interval")),
        ("the last message was long ago", GroupState(KEY, waiting(900), sent_at=NOW), GROUPED, after(seconds=930),
         Speak("group", ("a0",))),
        ("nothing new, not yet repeated", GroupState(KEY, told=("a0",), sent_at=NOW), GROUPED, after(hours=1),
         Wait(after(hours=4), "repeat_interval")),
        ("repeated", GroupState(KEY, told=("a0",), sent_at=NOW), GROUPED, after(hours=4), Speak("repeat", ("a0",))),
        ("the reload took repeating away", GroupState(KEY, told=("a0",), sent_at=NOW), Timing(group_by=()),
         after(hours=4), Rest()),
        ("the route is silent", GroupState(of("quiet"), waiting(0)), QUIET, NOW, Wait(after(hours=1), "silent")),
        ("it is no more", GroupState(of("quiet"), waiting(0)), QUIET, after(hours=1), Speak("digest", ("a0",))),
        ("nobody looked while it spoke", GroupState(of("quiet"), waiting(-7200)), QUIET, after(minutes=5),
         Wait(after(hours=1), "silent")),
        ("beyond the rate", GroupState(of("rate"), waiting(0)), Timing(), after(minutes=9),
         Wait(after(minutes=10), "rate")),
        ("the rate's span is over", GroupState(of("rate"), waiting(0)), Timing(), after(minutes=10),
         Speak("digest", ("a0",))),
        ("the digest's moment", GroupState(of("digest"), waiting(0)), EIGHT, NOW,
         Wait(datetime(2026, 3, 2, 7, tzinfo=UTC), "digest")),
        ("a moment that was missed", GroupState(of("digest"), waiting(0)), EIGHT, after(days=3),
         Speak("digest", ("a0",))),
        ("the reload took the digest away", GroupState(of("digest"), waiting(0)), Timing(), NOW,
         Speak("digest", ("a0",))),
    ],
)  # fmt: skip
def test_a_group_speaks_or_waits_with_a_reason(reason, state, timing, now, decision):
    assert decide.decide(state, timing, timedelta(minutes=10), now) == decision, reason


@pytest.mark.parametrize(
    ("cron", "zone", "since", "at"),
    [
        ("0 8 * * *", "Europe/Vienna", "2026-03-28T12:00+01:00", "2026-03-29T08:00+02:00"),
        ("30 2 * * *", "Europe/Vienna", "2026-03-28T12:00+01:00", "2026-03-29T03:00+02:00"),
        ("0 8 * * 1-5", "UTC", "2026-03-06T09:00+00:00", "2026-03-09T08:00+00:00"),
    ],
)
def test_a_digest_keeps_to_the_wall_clock(cron, zone, since, at):
    found = decide.next_digest(Digest(cron, zone), datetime.fromisoformat(since).astimezone(UTC))
    assert found == datetime.fromisoformat(at)


@given(st.lists(st.integers(0, 5_000), min_size=1, max_size=120), st.integers(0, 9_000), st.booleans())
def test_every_alert_is_told_once_and_none_before_its_time(seconds, now_s, has_spoken):
    rows = waiting(*sorted(seconds))
    state = GroupState(KEY, rows, sent_at=NOW if has_spoken else None)
    told: list[str] = []
    now = after(seconds=now_s)
    for _ in range(20):
        match decide.decide(state, GROUPED, ZERO, now):
            case Wait(until):
                assert until > now
                now = until
            case Speak("group", ids):
                assert now >= state.waiting[0].since + GROUPED.group_wait
                assert not state.sent_at or now >= state.sent_at + GROUPED.group_interval
                told += ids
                left = tuple(one for one in state.waiting if one.alert_id not in ids)
                state = GroupState(KEY, left, (), now, state.sequence + 1)
            case _:
                break
    assert sorted(told) == sorted(one.alert_id for one in rows)


def test_the_name_of_a_message_depends_on_group_alerts_and_number_alone():
    name = decide.notification_id("grp_x", ["b", "a"], 3)
    assert name == decide.notification_id("grp_x", ["a", "b"], 3)
    others = {("grp_y", ("a", "b"), 3), ("grp_x", ("a",), 3), ("grp_x", ("a", "b"), 4)}
    assert name not in {decide.notification_id(*other) for other in others}
    assert "." not in name


def test_groups_are_those_of_the_first_release():
    key = GroupKey("group", 'root/severity="high"', "desk", (("watch", "arms"),))
    assert decide.group_id(key) == "grp_kozr7rtljcpoejqawmav3v5ox4qozlgs"
