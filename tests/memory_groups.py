"""Groups of held alerts in plain Python: the same promises as the scripts."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from worker.deliver.payload import build
from worker.model import Delivery, Held, Rated, Silenced
from worker.notifier import GroupClaim, StoredAlert
from worker.notify.decide import GroupState, Waiting
from worker.series import series

SUSPECT, LATEST = 2, 10


def sha1(text: str) -> str:
    return hashlib.sha1(text.encode()).hexdigest()


@dataclass
class Kept:
    """A group."""

    key: object
    waiting: dict[str, datetime] = field(default_factory=dict)
    told: tuple[str, ...] = ()
    sent_at: datetime | None = None
    sequence: int = 0
    fence: int = 0
    claims: int = 0
    lent_until: datetime | None = None
    failure: str = ""


class MemoryGroups:
    def __init__(self, store) -> None:
        self.store = store
        self.kept: dict[str, Kept] = {}
        self.due: dict[str, datetime] = {}
        self.cards: dict[str, Held] = {}
        self.silenced: dict[str, str] = {}
        self.rates: dict[str, list[datetime]] = {}
        self.told_of: dict[str, list[str]] = {}

    def take(self, alert, steps) -> dict[str, object]:
        """Do what becomes of an alert; what the audit record says of it."""
        told = {"deliveries": [], "held": [], "silence": ""}
        for step in steps:
            match step:
                case Delivery():
                    self.store._queue(step, self.store.clock.now())
                    told["deliveries"].append({"endpoint": step.endpoint, "id": step.id, "sha1": sha1(step.body)})
                case Held():
                    self._hold(step)
                    told["held"].append({"endpoint": step.key.endpoint, "group": step.group, "kind": step.key.kind})
                case Silenced():
                    self._suppress(step)
                    told["silence"] = step.silence_id
                case Rated():
                    beyond = self.take(alert, step.within if self._is_within(step) else step.beyond)
                    told = {name: value + beyond[name] for name, value in told.items()}
        return told

    def _hold(self, held) -> None:
        now = self.store.clock.now()
        group = self.kept.setdefault(held.group, Kept(held.key))
        self.cards.setdefault(held.alert_id, held)
        if held.alert_id in group.waiting:
            return
        group.waiting[held.alert_id] = now
        if group.lent_until is None or group.lent_until <= now:
            self.due[held.group] = min(held.look_at, self.due.get(held.group, held.look_at))
        name = series("tocsin_alerts_held_total", endpoint=held.key.endpoint, reason=held.key.kind)
        self.store.count([(name, 1)])

    def _suppress(self, silenced) -> None:
        self.silenced[silenced.alert_id] = silenced.silence_id
        self.store.silences.suppress(silenced.silence_id)
        self.store.count([(series("tocsin_alerts_suppressed_total", reason="silence"), 1)])

    def _is_within(self, rated) -> bool:
        now = self.store.clock.now()
        told = [at for at in self.rates.get(rated.watch, ()) if at > now - rated.rate.per]
        is_within = len(told) < rated.rate.most
        self.rates[rated.watch] = [*told, now] if is_within else told
        return is_within

    def claim_groups(self, limit, lease):
        now, claimed = self.store.clock.now(), []
        for id_ in sorted((id_ for id_, at in self.due.items() if at <= now), key=self.due.get)[:limit]:
            group = self.kept[id_]
            is_suspect = group.claims >= SUSPECT
            if is_suspect and claimed:
                continue
            self.store._fence += 1
            group.fence = self.store._fence
            group.lent_until = self.due[id_] = now + lease * min(max(group.claims, 1), LATEST)
            group.claims += 1
            claimed.append(GroupClaim(id_, group.fence, self.state(id_)))
            if is_suspect:
                break
        return claimed

    def look_again(self) -> int:
        now, moved = self.store.clock.now(), 0
        for id_, at in self.due.items():
            lent_until = self.kept[id_].lent_until
            if at > now and (lent_until is None or lent_until <= now):
                self.due[id_], moved = now, moved + 1
        return moved

    def state(self, id_) -> GroupState:
        group = self.kept[id_]
        waiting = tuple(Waiting(alert, at) for alert, at in sorted(group.waiting.items(), key=lambda one: one[::-1]))
        return GroupState(group.key, waiting, group.told, group.sent_at, group.sequence)

    def read_alerts(self, alert_ids):
        return [
            StoredAlert(
                id_, self.cards[id_].card, build(self.store.alerts[id_]), self.cards[id_].labels,
                id_ in self.store.acknowledged,
            )
            for id_ in alert_ids
            if id_ in self.store.alerts
        ]  # fmt: skip

    def finish_group(self, claim, step) -> bool:
        group, now = self.kept[claim.group_id], self.store.clock.now()
        if group.fence != claim.fence:
            return False
        for id_ in step.spoken:
            group.waiting.pop(id_, None)
        for one in step.silenced:
            group.waiting.pop(one.alert_id, None)
            self._suppress(one)
            self.store.note_audit("suppressed", alert=one.alert_id, group=claim.group_id, silence=one.silence_id)
        for delivery, ids in step.deliveries:
            if delivery.id not in self.store.deliveries:
                self.store._queue(delivery, now)
                self.store.note_audit(
                    "told", group=claim.group_id, alerts=list(ids), endpoint=delivery.endpoint, delivery=delivery.id,
                    sha1=sha1(delivery.body),
                )  # fmt: skip
                for id_ in ids:
                    self.told_of.setdefault(id_, []).append(delivery.id)
        if step.deliveries:
            group.sent_at, group.sequence = now, group.sequence + 1
        group.told, group.fence, group.claims, group.lent_until, group.failure = step.told, 0, 0, None, ""
        self.store.count(step.counts)
        if len(group.waiting) > len(claim.state.waiting) - len(step.spoken) - len(step.silenced):
            self.due[claim.group_id] = now
        elif step.look_at:
            self.due[claim.group_id] = step.look_at
        else:
            self.due.pop(claim.group_id, None)
        return True

    def note_group_failure(self, claim, reason) -> bool:
        group = self.kept[claim.group_id]
        if group.fence != claim.fence:
            return False
        group.failure = reason
        return True
