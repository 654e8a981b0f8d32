"""Alerts, their verdicts, and the marks people put on them."""

from collections.abc import Sequence
from typing import Any, cast

from worker.api.alert import Alert, AlertPage
from worker.api.answers import Marked, Verdict, VerdictPage
from worker.api.questions import AlertWish
from worker.deliver.atom import atom_feed
from worker.ports import Mark
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.redis_client import K, translated
from worker.runtime.rest.call import Call, Desk
from worker.runtime.rest.paging import page
from worker.runtime.rest.problem import missing, only
from worker.runtime.views import iso_ms, list_alerts, read_alerts

_SHOWN_IN_FEED = 50


def wanted_alerts(wish: AlertWish) -> AlertFilter:
    """The filter that the page and the live stream have too."""
    return AlertFilter(
        wish.topic, wish.severity or "", wish.watch, wish.country, wish.source, wish.state or "", wish.text
    )


def list_(desk: Desk, call: Call) -> AlertPage:
    wanted = wanted_alerts(call.query)

    def read(ids: Sequence[str]) -> list[tuple[str, Alert]]:
        rows = read_alerts(desk.store, ids)
        return [(row["alert_id"], Alert.model_validate(row)) for row in rows if wanted.matches(row)]

    alerts, cursor = page(desk.store.client, "alerts", call.query, read)
    return AlertPage(alerts=alerts, next_cursor=cursor)


def get(desk: Desk, call: Call) -> Alert:
    return Alert.model_validate(_row(desk, call.names["alert"]))


def acknowledge(desk: Desk, call: Call) -> Marked:
    return _mark(desk, call, "acknowledged")


def reopen(desk: Desk, call: Call) -> Marked:
    return _mark(desk, call, "open")


def judge(desk: Desk, call: Call) -> Marked:
    return _mark(desk, call, cast("Mark", call.body.verdict), call.body.reason)


def verdicts(desk: Desk, call: Call) -> VerdictPage:
    def read(ids: Sequence[str]) -> list[tuple[str, Verdict]]:
        with translated():
            pipeline = desk.store.client.pipeline(transaction=False)
            for id_ in ids:
                pipeline.hmget(K + f"alert:{id_}", ["verdict", "watch", "judged_at", "marked_for", "marked_by"])
            rows = pipeline.execute()
        return [(id_, _verdict(id_, row)) for id_, row in zip(ids, rows, strict=True) if row[0]]

    found, cursor = page(desk.store.client, "alerts", call.query, read)
    return VerdictPage(verdicts=found, next_cursor=cursor)


def subscribe(desk: Desk, call: Call) -> str:
    """The Atom feed of a watch."""
    id_ = call.names["watch"]
    watch = only([watch for watch in desk.configuration.watches if watch.id == id_], "watch", id_)
    rows = list_alerts(desk.store, _SHOWN_IN_FEED, AlertFilter(watch=id_))
    return atom_feed(id_, watch.title, rows, f"{call.base}/feeds/watch/{id_}.atom")


def _mark(desk: Desk, call: Call, mark: Mark, reason: str = "") -> Marked:
    id_ = call.names["alert"]
    if not desk.store.mark_alert(id_, mark, reason, call.caller.name):
        raise missing("alert", id_)
    row = _row(desk, id_)
    return Marked(alert_id=id_, acknowledged_at=row["acknowledged_at"], verdict=row["verdict"])


def _row(desk: Desk, id_: str) -> dict[str, Any]:
    return only(read_alerts(desk.store, [id_]), "alert", id_)


def _verdict(id_: str, row: Sequence[str | None]) -> Verdict:
    fields = {"alert_id": id_, "verdict": row[0], "watch_id": row[1], "judged_at": iso_ms(row[2])}
    fields |= {"reason": row[3] or "", "by": row[4] or ""}
    return Verdict.model_validate(fields)
