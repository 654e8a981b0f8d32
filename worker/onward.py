"""Where a new alert goes and when: routes, silences, time intervals and rate caps put together. Decides; stores nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker import alert, route, silence
from worker.deliver import body, card
from worker.model import (
    Alert,
    Configuration,
    Delivery,
    Endpoint,
    GroupKey,
    Held,
    Onward,
    Rate,
    Rated,
    Route,
    Silence,
    Silenced,
    Timing,
)
from worker.notify import decide
from worker.notify.decide import Why


@dataclass(frozen=True, slots=True)
class Plan:
    """What one endpoint gets by one route: at once (no `key`), or with the group `key`, first spoken of at `at`."""

    route: Route
    endpoint: str
    key: GroupKey | None
    at: datetime
    why: Why


def send_on(
    configuration: Configuration, raised: Alert, silences: Sequence[Silence], now: datetime
) -> tuple[Onward, ...]:
    """What becomes of an alert, one step for each endpoint; none for a shadow."""
    if raised.is_shadow:
        return ()
    labels = route.labels_of(raised)
    if held_by := silence.find(silences, labels, now):
        return (Silenced(raised.id, held_by.id),)
    endpoints = {endpoint.name: endpoint for endpoint in configuration.endpoints}
    plans = tuple(plan(configuration, labels, now))
    frozen = (
        card.freeze(card.alert_card(raised)) if any(one.key for one in plans) or _rate(configuration, raised) else ""
    )
    wanted = [endpoints[one.endpoint] for one in plans if one.key is None]
    at_once = deliveries(raised, wanted)

    def hold(key: GroupKey, at: datetime) -> Held:
        return Held(raised.id, decide.group_id(key), key, at, frozen, tuple(labels.items()))

    steps: list[Delivery | Held] = [*at_once, *(hold(one.key, one.at) for one in plans if one.key)]
    rate = _rate(configuration, raised)
    if rate is None:
        return tuple(steps)
    untouched = [step for step in steps if isinstance(step, Held) and step.key.kind == "digest"]
    within = tuple(step for step in steps if step not in untouched)
    beyond = tuple(hold(*overflow(one, raised.watch_id, rate, now)) for one in plans if _is_capped(one))
    return (*untouched, Rated(raised.watch_id, rate, within, beyond)) if within else tuple(untouched)


def plan(configuration: Configuration, labels: Mapping[str, str], now: datetime) -> Iterator[Plan]:
    """Where an alert with these labels goes and when, silences and rate caps left aside.

    An endpoint gets it once by the routes that tell at once, and once by each route that collects.
    """
    told: set[str] = set()
    for taken in route.find_routes(configuration.route, labels):
        kind = decide.collecting(taken.timing, now)
        for endpoint in taken.endpoints:
            if kind is None:
                if endpoint not in told:
                    yield Plan(taken, endpoint, None, now, "at once")
                told.add(endpoint)
                continue
            names = () if kind == "quiet" else taken.timing.group_by or ()
            values = tuple((name, labels.get(name, "")) for name in names)
            key = GroupKey(kind, taken.key, endpoint, values)
            yield Plan(taken, endpoint, key, *decide.first_due(key, taken.timing, timedelta(0), now))


def overflow(planned: Plan, watch: str, rate: Rate, now: datetime) -> tuple[GroupKey, datetime]:
    """The group that takes what is beyond a watch's cap, and when it speaks if it was empty."""
    key = GroupKey("rate", planned.route.key, planned.endpoint, watch=watch)
    return key, decide.first_due(key, planned.route.timing, rate.per, now)[0]


def timing_of(configuration: Configuration, key: GroupKey) -> tuple[Timing, timedelta]:
    """The timing of a group's route and the span of its rate cap, as configured now.

    Where a reload took either away, what waits is told at once.
    """
    found = next((one.timing for one in _all_routes(configuration.route) if one.key == key.route), Timing())
    rates = {watch.id: watch.rate for watch in configuration.watches}
    rate = rates.get(key.watch)
    return found, rate.per if rate else timedelta(0)


def deliveries(raised: Alert, endpoints: Iterable[Endpoint]) -> tuple[Delivery, ...]:
    """The alert's delivery to each of the endpoints, its bytes frozen."""
    made = card.alert_card(raised)
    return tuple(delivery(made, endpoint) for endpoint in endpoints)


def delivery(made: card.Card, endpoint: Endpoint) -> Delivery:
    """An alert's delivery to an endpoint: the same id and bytes whether it was held or not."""
    return Delivery(alert.delivery_id(made.id, endpoint.name), made.id, endpoint.name, *body.render(made, endpoint))


def _rate(configuration: Configuration, raised: Alert) -> Rate | None:
    return next((watch.rate for watch in configuration.watches if watch.id == raised.watch_id), None)


def _is_capped(planned: Plan) -> bool:
    """A digest is one message however much is in it, and is not capped."""
    return planned.key is None or planned.key.kind != "digest"


def _all_routes(root: Route) -> Iterator[Route]:
    yield root
    for child in root.routes:
        yield from _all_routes(child)
