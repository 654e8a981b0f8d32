"""Live alerts: what is raised is told, in order, and a client that was away misses nothing."""

import json
import threading
import urllib.request
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace

import pytest

from tests.api.asking import ask
from tests.api.conftest import make_token
from tests.desk import WATCHES
from tests.integration.world import eventually
from worker.api.token import Role
from worker.client import read_events
from worker.runtime.demo import compose
from worker.runtime.rest import stream
from worker.runtime.token_store import RedisTokens

pytestmark = pytest.mark.integration
LOG = "{tocsin}:alerts:log"


def told(served, last="", **query):
    """The ids of the alerts that a stream tells, and the last event's id."""
    events = happened(served, last, **query)
    return [json.loads(event["data"])["alert_id"] for event in events if event.get("event") == "alert"], events[-1][
        "id"
    ]


def happened(served, last="", **query):
    """The events that a stream tells."""
    path = "/api/v1/events?" + "&".join(f"{name}={value}" for name, value in ({"seconds": 0} | query).items())
    headers = {"Last-Event-ID": last} if last else {}
    answer = ask(served.base, path, token=served.tokens[Role.READER], **headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    return list(read_events(iter(answer.body.splitlines(keepends=True))))


def test_who_comes_back_is_told_exactly_what_was_missed(desk, served):
    desk.publish(compose(2))
    before, last = told(served)
    assert before == [], "a new stream begins with what comes"
    desk.publish_demo(8, start=3)
    everything = [id_ for id_, _ in desk.store.client.zrange(LOG, 0, -1, withscores=True)]
    missed, end = told(served, last)
    assert missed == everything[1:]
    assert told(served, end) == ([], end)
    assert told(served, "1")[0] == everything, "in the order they were raised"


def test_marks_are_told_in_their_order_wherever_they_were_made(desk, served):
    desk.publish_demo(8)
    ids = desk.store.client.zrange(LOG, 0, -1)
    _, last = told(served)
    served.client(Role.ANALYST).acknowledge(ids[1])
    desk.store.mark_alert(ids[0], "true", "checked", "ada")
    desk.store.mark_alert(ids[1], "open")
    marks = [event for event in happened(served, last) if event.get("event") == "marked"]
    assert [json.loads(event["data"])["alert_id"] for event in marks] == ids[:2], "the last mark of each"
    judged, opened = (json.loads(event["data"]) for event in marks)
    assert judged["acknowledged_at"]
    assert (judged["verdict"], opened["verdict"], opened["acknowledged_at"]) == ("true", None, None)
    assert int(last) < int(marks[0]["id"]) < int(marks[1]["id"])
    assert [event.get("event") for event in happened(served, marks[0]["id"])][:2] == ["ready", "marked"]
    assert happened(served, marks[1]["id"])[-1]["id"] == marks[1]["id"], "nothing is told twice"


def test_marks_pass_the_streams_filter_as_their_alerts_do(desk, served):
    desk.publish_demo(10)
    wanted = WATCHES[1].id
    ids = desk.store.client.zrange(LOG, 0, -1)
    for id_ in ids:
        desk.store.mark_alert(id_, "acknowledged")
    of_watch = [id_ for id_ in ids if desk.store.client.hget("{tocsin}:alert:" + id_, "watch") == wanted]
    marks = [event for event in happened(served, "1", watch=wanted) if event.get("event") == "marked"]
    assert [json.loads(event["data"])["alert_id"] for event in marks] == of_watch


def test_who_asked_for_open_alerts_is_told_when_one_is_closed(desk, served):
    desk.publish_demo(8)
    ids = desk.store.client.zrange(LOG, 0, -1)
    desk.store.mark_alert(ids[0], "acknowledged")
    events = happened(served, "1", state="open")
    seen = [(event["event"], json.loads(event["data"])["alert_id"]) for event in events[1:] if "event" in event]
    assert seen == [*(("alert", id_) for id_ in ids[1:]), ("marked", ids[0])]


class _Overtaken:
    """The real client; between the reading of the one log and of the other the world goes on."""

    def __init__(self, client, then) -> None:
        self._client, self._then = client, then

    def __getattr__(self, name):
        return getattr(self._client, name)

    def zrange(self, key, *arguments, **how):
        found = self._client.zrange(key, *arguments, **how)
        if how.get("byscore") and self._then:
            self._then.pop()()
        return found


def test_an_alert_that_is_raised_and_marked_while_the_logs_are_read_is_told(desk):
    def go_on() -> None:
        desk.publish_demo(10, start=2)
        desk.store.mark_alert(desk.store.client.zrange(LOG, -1, -1)[0], "acknowledged")

    desk.publish_demo(2)
    then = []
    streams = stream.Stream(SimpleNamespace(client=_Overtaken(desk.store.client, then)), lambda: False)
    streams._hear(streams._look())
    then.append(go_on)
    first, after = streams._read(1)
    assert not then, "the world went on"
    streams._hear(streams._look())
    second, _ = streams._read(after)
    told_of = [entry.alert for entry, _ in [*first, *second] if entry.log == "alerts:log"]
    assert told_of == desk.store.client.zrange(LOG, 0, -1)


def test_every_place_is_one_to_go_on_from(desk, served):
    desk.publish_demo(10)
    entries = desk.store.client.zrange(LOG, 0, -1, withscores=True)
    assert len({number for _, number in entries}) == len(entries), "alerts of one millisecond have numbers of their own"
    for place, (_, number) in enumerate(entries):
        assert told(served, str(int(number)))[0] == [id_ for id_, _ in entries[place + 1 :]]


def test_a_stream_tells_what_an_older_server_raises_anew(desk, served, monkeypatch):
    """Redis came back without its newest alerts, and the numbers they had are given once more."""
    heard, hear = [], stream.Stream._hear

    def note(self, newest):
        hear(self, newest)
        heard.append(newest)

    monkeypatch.setattr(stream.Stream, "_hear", note)
    desk.publish_demo(8)
    entries = desk.store.client.zrange(LOG, 0, -1, withscores=True)
    token = served.tokens[Role.READER]
    request = urllib.request.Request(
        served.base + "/api/v1/events", headers={"Authorization": f"Bearer {token}", "Last-Event-ID": "1"}
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        events = read_events(iter(answer))
        ids = [id_ for id_, _ in entries]
        seen = [json.loads(next(_alerts(events))["data"])["alert_id"] for _ in ids]
        assert seen == ids
        desk.store.client.zrem(LOG, *ids[-2:])
        lost = int(entries[-2][1])
        eventually(lambda: sum(newest < lost for newest in heard) > 1, 20, "two looks")
        desk.store.client.zadd(LOG, {ids[-1]: entries[-2][1]})
        assert json.loads(next(_alerts(events))["data"])["alert_id"] == ids[-1]


def _alerts(events):
    return (event for event in events if event.get("event") == "alert")


def test_a_filtered_stream_goes_on_past_what_it_did_not_tell(desk, served):
    desk.publish_demo(10)
    wanted = WATCHES[1].id
    found, end = told(served, "1", watch=wanted)
    assert found == [
        id_
        for id_ in desk.store.client.zrange(LOG, 0, -1)
        if desk.store.client.hget("{tocsin}:alert:" + id_, "watch") == wanted
    ]
    assert int(end) == int(desk.store.client.zrange(LOG, -1, -1, withscores=True)[0][1])


def test_an_alert_is_told_while_the_stream_is_open(desk, served):
    found = []

    def listen():
        for event in served.client(Role.READER).follow(seconds=20):
            found.append(event)
            return

    listener = threading.Thread(target=listen)
    listener.start()
    eventually(lambda: desk.store.client.exists("{tocsin}:tokens"), 5)
    number = count(2)
    eventually(lambda: found or desk.publish(compose(next(number))), 20, "a live alert")
    listener.join(5)
    assert found[0].id == str(int(desk.store.client.zscore(LOG, found[0].alert.alert_id)))


def test_a_server_that_lost_its_newest_alerts_tells_what_comes_after(desk, served):
    desk.publish_demo(4)
    ahead = str(int(desk.store.client.zrange(LOG, -1, -1, withscores=True)[0][1]) + 10_000_000)
    _, end = told(served, ahead)
    desk.publish_demo(12, start=4)
    assert told(served, end)[0]


def test_an_open_stream_does_not_hold_up_the_end(open_api):
    with open_api() as base:
        stream = urllib.request.urlopen(base + "/api/v1/events", timeout=10)
        assert stream.readline() == b"retry: 2000\n"
    rest = stream.read()  # ends, instead of waiting for ever
    assert b"event: ready" in rest


def test_one_stream_too_many_is_told_to_come_back(served, monkeypatch):
    monkeypatch.setattr(stream, "_MOST_STREAMS", 1)
    token = served.tokens[Role.READER]
    request = urllib.request.Request(served.base + "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as first:
        assert first.readline() == b"retry: 2000\n"
        refused = ask(served.base, "/api/v1/events", token=token)
        assert (refused.status, refused.headers["retry-after"]) == (503, "30")
        head = ask(served.base, "/api/v1/events", "HEAD", token)
        assert (head.status, head.body) == (200, b"")


def test_a_stream_does_not_outlive_its_token(served, monkeypatch):
    monkeypatch.setattr(stream, "_BEAT_EVERY_S", 0.2)
    id_, token = make_token(served.store, Role.READER)
    request = urllib.request.Request(served.base + "/api/v1/events", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.readline() == b"retry: 2000\n"
        assert eventually(lambda: b"still here" in answer.readline(), 5), "it goes on while the token is live"
        RedisTokens(served.store.client).revoke(id_, datetime.now(UTC))
        assert answer.read() is not None  # ends


def test_a_stream_of_this_machine_ends_when_there_is_a_token(open_api, redis_store, monkeypatch):
    monkeypatch.setattr(stream, "_BEAT_EVERY_S", 0.2)
    with open_api() as base, urllib.request.urlopen(base + "/api/v1/events", timeout=20) as answer:
        assert answer.readline() == b"retry: 2000\n"
        make_token(redis_store, Role.READER)
        assert b"ready" in answer.read()
