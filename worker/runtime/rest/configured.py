"""What is configured, how it fares, and the steering of feeds."""

from typing import Any

from worker import __version__
from worker.api.answers import Feed, FeedPage, Health, Steered, Watch, WatchPage
from worker.ports import Steering
from worker.runtime.feed_view import describe_feeds
from worker.runtime.health import readiness
from worker.runtime.overview import list_watches as watch_rows
from worker.runtime.overview import pulse
from worker.runtime.rest.call import Call, Desk
from worker.runtime.rest.problem import Refusal, only


def list_feeds(desk: Desk, _: Call) -> FeedPage:
    rows = describe_feeds(desk.store, desk.configuration.feeds)
    return FeedPage(feeds=[Feed.model_validate(row) for row in rows])


def get_feed(desk: Desk, call: Call) -> Feed:
    return Feed.model_validate(_feed(desk, call.names["feed"]))


def pause_feed(desk: Desk, call: Call) -> Steered:
    return _steer(desk, call, "pause")


def resume_feed(desk: Desk, call: Call) -> Steered:
    return _steer(desk, call, "resume")


def poll_feed(desk: Desk, call: Call) -> Steered:
    return _steer(desk, call, "hurry")


def list_watches(desk: Desk, _: Call) -> WatchPage:
    return WatchPage(watches=[Watch.model_validate(row) for row in watch_rows(desk.store, desk.configuration)])


def get_watch(desk: Desk, call: Call) -> Watch:
    id_ = call.names["watch"]
    rows = [row for row in watch_rows(desk.store, desk.configuration) if row["id"] == id_]
    return Watch.model_validate(only(rows, "watch", id_))


def health(desk: Desk, _: Call) -> Health:
    checks = readiness(desk.store)
    is_ready = all(check["ok"] for check in checks)
    numbers = pulse(desk.store, desk.configuration)
    return Health.model_validate({"ready": is_ready, "version": __version__, "checks": checks, "numbers": numbers})


def _steer(desk: Desk, call: Call, action: Steering) -> Steered:
    id_ = call.names["feed"]
    _feed(desk, id_)
    if not desk.store.steer_feed(id_, action, call.caller.name):
        raise Refusal(409, f"feed {id_} is paused; resume it first")
    return Steered(id=id_, action=action, health=_feed(desk, id_)["health"])


def _feed(desk: Desk, id_: str) -> dict[str, Any]:
    feed = only([feed for feed in desk.configuration.feeds if feed.id == id_], "feed", id_)
    return describe_feeds(desk.store, [feed])[0]
