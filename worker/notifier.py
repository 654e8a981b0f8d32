"""The worker of groups: claim those that are due → decide → build the message → store it with its deliveries.

It builds and stores; the dispatcher sends. A process that dies in between has stored nothing, and whoever claims the
group next builds the message under the same id.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from worker import alert, onward, ports, series, silence
from worker.deliver import body, card, digest
from worker.errors import StoreUnavailable, describe_failure
from worker.model import Configuration, Delivery, Endpoint, Silenced
from worker.notify import decide
from worker.notify.decide import GroupState, Rest, Speak, Wait

_AT_ONCE = 20
_MOST_TOLD = decide.MOST_TOGETHER
KINDS = ("alert", "group", "digest", "repeat")


@dataclass(frozen=True, slots=True)
class GroupClaim:
    """A group lent to one worker; `fence` must still hold when the work is handed in."""

    group_id: str
    fence: int
    state: GroupState


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """What is kept of an alert that is or was held."""

    alert_id: str
    card: str
    record: str
    labels: tuple[tuple[str, str], ...]
    is_acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class GroupStep:
    """What a group does: `spoken` no longer wait, `silenced` neither, and `deliveries` each tell of some alerts.

    `told` may be repeated from now on; `look_at` None: there is nothing more to do unless an alert comes.
    """

    spoken: tuple[str, ...] = ()
    silenced: tuple[Silenced, ...] = ()
    deliveries: tuple[tuple[Delivery, tuple[str, ...]], ...] = ()
    told: tuple[str, ...] = ()
    look_at: datetime | None = None
    counts: tuple[tuple[str, float], ...] = ()


class GroupStore(Protocol):
    """Keeps groups. Each method is one atomic step; alerts come into groups in the step that stores them."""

    def claim_groups(self, limit: int, lease: timedelta) -> list[GroupClaim]:
        """Lend due groups, the longest due first."""

    def look_again(self) -> int:
        """Make every group due that is not lent out, since its timing may have changed; how many."""

    def read_alerts(self, alert_ids: Sequence[str]) -> list[StoredAlert]:
        """These alerts as they were held, in order; what is gone is left out."""

    def finish_group(self, claim: GroupClaim, step: GroupStep) -> bool:
        """Store what a group does; False if the claim was outdated. Where more came meanwhile it is due at once."""

    def note_group_failure(self, claim: GroupClaim, reason: str) -> bool:
        """Keep why a claim came to nothing. The group is lent again, each time later; False if it was outdated."""


class Notifier:
    """Makes messages of what waits in groups."""

    def __init__(  # noqa: PLR0913, PLR0917 - the ports it needs
        self,
        groups: GroupStore,
        silences: silence.SilenceStore,
        clock: ports.Clock,
        observer: ports.Observer,
        configuration: Configuration,
        lease: timedelta,
    ) -> None:
        self._groups, self._silences, self._clock, self._observer = groups, silences, clock, observer
        self._configuration, self._lease = configuration, lease
        self._endpoints = {endpoint.name: endpoint for endpoint in configuration.endpoints}

    def notify_due(self) -> int:
        """Let due groups speak or wait on, until a round of them has nothing to say; the number of messages."""
        messages = 0
        while claims := self._groups.claim_groups(_AT_ONCE, self._lease):
            said = sum(map(self._spared, claims))
            messages += said
            if not said:
                break
        return messages

    def _spared(self, claim: GroupClaim) -> int:
        """One group may fail without taking the others along."""
        try:
            step = self._step(claim.group_id, claim.state)
            return len(step.deliveries) if self._groups.finish_group(claim, step) else 0
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one group
            reason = describe_failure(error)
            self._observer.note("notify_failed", group=claim.group_id, error=reason)
            self._groups.note_group_failure(claim, reason)
            return 0

    def _step(self, group: str, state: GroupState) -> GroupStep:
        now = self._clock.now()
        timing, per = onward.timing_of(self._configuration, state.key)
        match decide.decide(state, timing, per, now):
            case Rest():
                return GroupStep()
            case Wait(until):
                return GroupStep(told=state.told, look_at=until)
            case Speak("repeat", ids):
                return self._repeat(group, state, ids, now)
            case Speak(kind, ids):
                return self._speak(group, state, kind, ids, now)

    def _speak(
        self, group: str, state: GroupState, kind: digest.Kind, ids: tuple[str, ...], now: datetime
    ) -> GroupStep:
        alerts = self._groups.read_alerts(ids)
        silences = self._silences.silences(ended=False)
        hushed = {one.alert_id: found.id for one in alerts if (found := silence.find(silences, dict(one.labels), now))}
        heard = [one for one in alerts if one.alert_id not in hushed]
        told = tuple(dict.fromkeys((*state.told, *(one.alert_id for one in heard))))[-_MOST_TOLD:]
        made = self._deliveries(group, state, kind, heard, now)
        sent_at = now if made else state.sent_at
        left = tuple(one for one in state.waiting if one.alert_id not in ids)
        after = replace(state, waiting=left, told=told, sent_at=sent_at)
        timing, per = onward.timing_of(self._configuration, state.key)
        following = decide.due(after, timing, per)
        return GroupStep(
            spoken=tuple(id_ for id_ in ids if id_ not in hushed),
            silenced=tuple(Silenced(alert_id, by) for alert_id, by in hushed.items()),
            deliveries=made,
            told=told if timing.repeat_interval else (),
            look_at=following[0] if following else None,
            counts=(*_count(made, state, kind), *_count_gone(len(ids) - len(alerts))),
        )

    def _repeat(self, group: str, state: GroupState, ids: tuple[str, ...], now: datetime) -> GroupStep:
        """Tell again what nobody has acknowledged; once all is acknowledged, the group rests."""
        silences = self._silences.silences(ended=False)
        alerts = [one for one in self._groups.read_alerts(ids) if not one.is_acknowledged]
        heard = [one for one in alerts if not silence.find(silences, dict(one.labels), now)]
        told = tuple(one.alert_id for one in alerts)
        timing, per = onward.timing_of(self._configuration, state.key)
        following = decide.due(replace(state, told=told, sent_at=now), timing, per)
        made = self._deliveries(group, state, "repeat", heard, now)
        look_at = following[0] if following and told else None
        return GroupStep(deliveries=made, told=told, look_at=look_at, counts=_count(made, state, "repeat"))

    def _deliveries(
        self, group: str, state: GroupState, kind: digest.Kind, alerts: Sequence[StoredAlert], now: datetime
    ) -> tuple[tuple[Delivery, tuple[str, ...]], ...]:
        if not alerts:
            return ()
        cards = [card.thaw(one.card, one.record) for one in alerts]
        endpoint = self._endpoints.get(state.key.endpoint) or Endpoint(state.key.endpoint, "", ())
        ids = tuple(one.id for one in cards)
        if len(cards) == 1 and kind != "repeat":
            return ((onward.delivery(cards[0], endpoint), ids),)
        timing, _ = onward.timing_of(self._configuration, state.key)
        name = decide.notification_id(group, ids, state.sequence)
        top = timing.digest.top if timing.digest and kind == "digest" else decide.MOST_TOGETHER
        labels = (*state.key.labels, *((("watch", state.key.watch),) if state.key.watch else ()))
        made = digest.compose(name, group, kind, cards, top=top, labels=labels, now=now)
        sent = Delivery(alert.delivery_id(name, endpoint.name), name, endpoint.name, *body.render(made, endpoint))
        return ((sent, ids),)


def _count(
    made: tuple[tuple[Delivery, tuple[str, ...]], ...], state: GroupState, kind: str
) -> tuple[tuple[str, float], ...]:
    if not made:
        return ()
    said = "alert" if len(made[0][1]) == 1 and kind != "repeat" else kind
    return ((series.series(series.NOTIFICATIONS, endpoint=state.key.endpoint, kind=said), 1.0),)


def _count_gone(number: int) -> tuple[tuple[str, float], ...]:
    """Alerts that somebody deleted from the store while they waited."""
    return ((series.series(series.SUPPRESSED, reason="gone"), float(number)),) if number else ()
