"""Notices to the operator: that an endpoint is paused, told by way of the other endpoints."""

from collections.abc import Iterable
from datetime import datetime

from worker.deliver.body import render
from worker.deliver.card import Card
from worker.deliver.payload import moment
from worker.identity import derive_id
from worker.model import Delivery, Endpoint, Severity

TYPE = "tocsin.endpoint.paused.v1"


def endpoint_paused(
    delivery: Delivery, fence: int, reason: str, others: Iterable[Endpoint], now: datetime
) -> list[Delivery]:
    """One notice for each of the `others`, in its format, named after the attempt that was answered with 410.

    An attempt is known by the `fence` of its claim: its number does not rise where an endpoint is gone.
    """
    notice, name = "ntc_" + derive_id("v1", delivery.id, str(fence)), delivery.endpoint
    told = {
        "notice_id": notice,
        "endpoint": name,
        "reason": reason,
        "consequence": "Its alerts wait and are kept until it is resumed.",
        "remedy": f"tocsin endpoints resume {name}",
    }
    card = Card(
        id=notice,
        group=f"endpoint/{name}",
        title=f"Tocsin: the endpoint {name} is paused",
        text=f"It said that it is gone ({reason}). {told['consequence']} To resume it: {told['remedy']}",
        link="",
        severity=Severity.CRITICAL,
        facts=(("endpoint", name),),
        labels=(("alertname", "TocsinEndpointPaused"), ("endpoint", name), ("severity", "critical")),
        at=now,
        payload={"type": TYPE, "timestamp": moment(now), "schema_version": 1, "data": told},
    )
    return [
        Delivery("msg_" + derive_id("v1", notice, other.name), notice, other.name, *render(card, other))
        for other in others
    ]
