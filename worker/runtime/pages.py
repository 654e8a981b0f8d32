"""The HTML pages: every value passes through autoescaping, nothing is script or style but our own files."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from worker import __version__, silence, trend
from worker.errors import InputError
from worker.model import TOPICS, Configuration, Severity
from worker.ports import STAGES
from worker.runtime import highlight, overview, plots
from worker.runtime.alert_filter import STATES, AlertFilter
from worker.runtime.case import find_case
from worker.runtime.feed_view import HOURS, describe_feeds
from worker.runtime.held import list_held
from worker.runtime.redis_store import RedisStore
from worker.runtime.silence_store import RedisSilences
from worker.runtime.trends import Trends, in_steps, read_trends
from worker.runtime.views import list_alerts, list_refusals, show_alert
from worker.why import answer

_ON_PAGE = 60
_DAY, _WEEK = 24, 168
_MOST_COUNTRIES = 30
_NARROW = 450
_MOST_HELD = 100
_MOST_SAID, _LONGEST_ASKED = 50, 2_048
_MOST_LABELS = 30
_LENGTHS = (
    ("30m", "half an hour"), ("2h", "2 hours"), ("8h", "8 hours"), ("1d", "a day"), ("3d", "3 days"), ("7d", "a week"),
    ("30d", "30 days"),
)  # fmt: skip
_DONE = {
    "resumed": "The endpoint is resumed; what waited is being sent.",
    "was_open": "The endpoint was neither failing nor paused.",
    "replayed": "Queued again, with the same ids and bytes: {}.",
    "released": "Released, with five attempts before it: {}.",
    "silenced": "The silence holds from now on.",
    "ended": "The silence has ended; what it kept back stays stored.",
    "was_ended": "There is no such silence, or it has ended.",
    "tests_run": "Tests run: {}.",
}


class Pages:
    """One method for each address."""

    def __init__(self, store: RedisStore, configuration: Callable[[], Configuration]) -> None:
        self._store, self._newest = store, configuration
        self._silences = RedisSilences(store.client)
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("worker.runtime", "page"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"ago": ago, "country": country_name}
        self._templates.globals |= {"version": __version__, "plots": plots, "is_country": trend.is_country}

    @property
    def _configuration(self) -> Configuration:
        return self._newest()

    def card(self, row: dict[str, Any]) -> str:
        """One alert as it stands in the stream."""
        return self._templates.get_template("card.html").render(alert=row, now=datetime.now(UTC))

    def alerts(self, request: Request) -> Response:
        if request.query_params.get("part") == "day":
            return self._page("day.html", request, severities=[severity.value for severity in Severity], **self._day())
        wanted = AlertFilter.from_query(request.query_params)
        before = request.query_params.get("before", "0")
        rows = list_alerts(self._store, _ON_PAGE, wanted, int(before[:15]) if before.isdecimal() else None)
        older = {**wanted.as_query(), "before": str(rows[-1]["raised_ms"])} if len(rows) == _ON_PAGE else None
        values = {
            "alerts": rows,
            "wanted": wanted,
            "is_newest": before == "0",
            "since": rows[0]["raised_ms"] if rows else 0,
            "older": urlencode(older) if older else "",
        }
        if "part" in request.query_params:
            return self._page("stream.html", request, **values)
        return self._page("alerts.html", request, **values, **self._choices(), **self._day())

    def alert(self, request: Request) -> Response:
        found = show_alert(self._store, request.path_params["alert"])
        if found is None:
            return self.problem(request, 404, "There is no such alert.")
        id_ = found["alert"]["alert_id"]
        held = list_held(self._store.client, self._configuration, [id_], datetime.now(UTC))[id_]
        return self._page("alert.html", request, **found, held=held)

    def trends(self, request: Request) -> Response:
        is_day = request.query_params.get("range") == "day"
        found = read_trends(self._store, _DAY if is_day else _WEEK)
        step = 1 if is_day else 4
        return self._page(
            "trends.html",
            request,
            is_day=is_day,
            articles=_columns(found, trend.ARTICLES, step, "Articles read"),
            alerts=_severities(found, step),
            topics=sorted((_row(found, trend.TOPIC, topic, step) for topic in TOPICS), key=lambda row: -row["total"]),
            countries=[
                _row(found, trend.COUNTRY, code, step)
                for code, _ in found.totals(trend.COUNTRY).most_common(_MOST_COUNTRIES)
            ],
        )

    def feeds(self, request: Request) -> Response:
        trends = read_trends(self._store, HOURS)
        rows = [
            feed | {"rhythm": trends.of(trend.FEED + feed["id"])}
            for feed in describe_feeds(self._store, self._configuration.feeds, trends)
        ]
        health = Counter(row["health"] for row in rows)
        return self._page("feeds.html", request, feeds=sorted(rows, key=_by_trouble), health=health)

    def watches(self, request: Request) -> Response:
        trends = read_trends(self._store, _WEEK)
        rows = [
            watch | {"rhythm": in_steps(trends.of(trend.WATCH + watch["id"]), 4)}
            for watch in overview.list_watches(self._store, self._configuration)
        ]
        tested = [watch["tests"] for watch in rows if watch["tests"]["number"]]
        return self._page(
            "watches.html",
            request,
            watches=rows,
            tests=sum(tests["number"] for tests in tested),
            failed=sum(tests.get("failed", 0) for tests in tested),
            ran_at=max((tests["at"] for tests in tested if "at" in tests), default=None),
        )

    def endpoints(self, request: Request) -> Response:
        return self._page(
            "endpoints.html", request, endpoints=overview.describe_endpoints(self._store, self._configuration)
        )

    def silences(self, request: Request) -> Response:
        now = datetime.now(UTC)
        labels = sorted({f'{key}="{value}"' for watch in self._configuration.watches for key, value in watch.labels})
        return self._page(
            "silences.html",
            request,
            silences=[silence.describe(one, now) for one in self._silences.silences()],
            matchers=request.query_params.get("matchers", "")[:500],
            labels=labels[:_MOST_LABELS],
            lengths=_LENGTHS,
        )

    def quarantine(self, request: Request) -> Response:
        held = self._store.quarantined()
        return self._page(
            "quarantine.html",
            request,
            stages=[(stage, [item for item in held if item.stage == stage]) for stage in STAGES],
            most=_MOST_HELD,
        )

    def why(self, request: Request) -> Response:
        """What became of an article: of its address, its id, or that of an alert on it."""
        of = request.query_params.get("of", "").strip()[:_LONGEST_ASKED]
        found, problem = None, ""
        try:
            found = answer(find_case(self._store, self._configuration, of), datetime.now(UTC)) if of else None
        except InputError as error:
            problem = str(error)
        return self._page("why.html", request, of=of, found=found, problem=problem, shown=_MOST_SAID)

    def playground(self, request: Request) -> Response:
        return self._page("playground.html", request, question={}, shown=None, kept=None)

    def kept(self, request: Request, kept: dict[str, Any]) -> Response:
        """An article as a test, where it belongs, and what became of it."""
        name = "kept.html" if "part" in request.query_params else "playground.html"
        return self._page(name, request, question={}, shown=None, kept=kept)

    def tried(self, request: Request, question: dict[str, str], shown: dict[str, Any]) -> Response:
        evidence = [span for match in shown["matches"] for span in spans(match["explanation"])]
        mentions = [highlight.Mention(e["start"], e["end"], e["label"], e["id"]) for e in shown["entities"]]
        teasers = [(z["start"], z["end"]) for z in shown["article"]["zones"] if z["name"] == "teaser"]
        pieces = highlight.cut(shown["article"]["text"], evidence, mentions, teasers)
        name = "result.html" if "part" in request.query_params else "playground.html"
        title = shown["article"]["title"]
        return self._page(
            name,
            request,
            question=question,
            shown=shown,
            pieces=pieces,
            text=shown["article"]["text"][len(title) + 1 :],
            kept=None,
        )

    def problem(self, request: Request, status: int, reason: str) -> Response:
        """An error as a page, or as problem+json (RFC 9457) for machines."""
        if request.url.path.startswith("/api/") or "text/html" not in request.headers.get("accept", ""):
            body = {"title": reason, "status": status}
            return JSONResponse(body, status, media_type="application/problem+json")
        return self._page("problem.html", request, status, reason=reason, status_code=status)

    def _page(self, name: str, request: Request, status: int = 200, /, **values: object) -> Response:
        values |= {"now": datetime.now(UTC), "path": request.url.path}
        if "part" not in request.query_params:
            values["pulse"] = overview.pulse(self._store, self._configuration)
            values["refusals"] = list_refusals(self._store)
            values["done"] = _say_done(request)
        return HTMLResponse(self._templates.get_template(name).render(**values), status)

    def _choices(self) -> dict[str, Any]:
        countries = read_trends(self._store, _WEEK).totals(trend.COUNTRY)
        return {
            "topics": TOPICS,
            "severities": [severity.value for severity in Severity],
            "watches": self._configuration.watches,
            "sources": sorted({feed.name for feed in self._configuration.feeds}),
            "states": STATES,
            "countries": sorted(countries, key=country_name),
        }

    def _day(self) -> dict[str, Any]:
        day = read_trends(self._store, _DAY)
        return {
            "day_alerts": _severities(day, 1, _NARROW),
            "day_articles": _columns(day, trend.ARTICLES, 1, "Articles read", _NARROW),
            "top_topics": day.totals(trend.TOPIC).most_common(8),
            "top_countries": day.totals(trend.COUNTRY).most_common(8),
        }


def _say_done(request: Request) -> str:
    """What the action that led here did; the address only chooses among our own words."""
    number = request.query_params.get("number", "")
    words = _DONE.get(request.query_params.get("did", ""), "")
    return words.format(int(number[:9]) if number.isdecimal() else 0)


def spans(finding: dict[str, Any]) -> list[tuple[int, int]]:
    """All places that a finding's true conditions rest on."""
    if finding["truth"] != "true" or finding["kind"] == "none":
        return []
    own = [(start, end) for start, end in finding.get("spans", ())]
    return own + [span for child in finding.get("children", ()) for span in spans(child)]


def ago(moment: str | None, now: datetime) -> str:
    """How long ago an ISO moment was, or how soon it will be, in one unit."""
    if not moment:
        return "never"
    seconds = (now - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.0f} {unit} ago" if seconds > 0 else f"in {-seconds / size:.0f} {unit}"
    return "just now" if seconds >= 0 else "in seconds"


@cache
def country_name(code: str) -> str:
    """The English name of an ISO 3166-1 alpha-2 code; the code itself where there is none."""
    from babel import Locale

    return str(Locale("en").territories.get(code, code))


def _by_trouble(feed: dict[str, Any]) -> tuple[int, str]:
    order = ("quarantined", "gone", "failing", "waiting")
    return (order.index(feed["health"]) if feed["health"] in order else len(order), feed["name"].casefold())


def _columns(trends: Trends, name: str, step: int, title: str, width: int = plots.WIDTH) -> str:
    return plots.columns([("count", in_steps(trends.of(name), step))], _starts(trends, step), title, width)


def _severities(trends: Trends, step: int, width: int = plots.WIDTH) -> str:
    layers = [(f"fill-{s.value}", in_steps(trends.of(trend.SEVERITY + s.value), step)) for s in reversed(Severity)]
    return plots.columns(layers, _starts(trends, step), "Alerts raised", width)


def _starts(trends: Trends, step: int) -> list[datetime]:
    starts = trends.starts()
    head = len(starts) % step
    return ([starts[0]] if head else []) + starts[head::step]


def _row(trends: Trends, prefix: str, id_: str, step: int) -> dict[str, Any]:
    """One name's total, its course, and the total of the second half of the time against the first."""
    values = trends.of(prefix + id_)
    half = len(values) // 2
    return {
        "id": id_,
        "total": sum(values),
        "course": in_steps(values, step),
        "before": sum(values[:half]),
        "after": sum(values[half:]),
    }
