"""The web process: a page of recent alerts and feeds, the same as JSON, metrics and health. Reads; changes nothing."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from importlib.resources import files

import jinja2
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from worker import __version__
from worker.errors import StoreUnavailable
from worker.model import Configuration
from worker.runtime.health import readiness
from worker.runtime.metrics import StoreCollector
from worker.runtime.redis_store import RedisStore, translated
from worker.runtime.views import list_alerts, list_feeds, show_alert

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_ON_PAGE, _MOST_ALERTS = 50, 200


def create_web(store: RedisStore, configuration: Configuration) -> Starlette:
    """The ASGI application over a store."""
    views = _Views(store, configuration)
    routes = {
        "/": views.home,
        "/alerts/{alert}": views.alert,
        "/api/alerts": views.alerts_json,
        "/api/feeds": views.feeds_json,
        "/metrics": views.metrics,
        "/readyz": views.ready,
        "/healthz": lambda _: PlainTextResponse("ok\n"),
        "/version": lambda _: JSONResponse({"version": __version__}),
        "/style.css": lambda _: Response(_read_page("style.css"), media_type="text/css"),
    }
    return Starlette(routes=[Route(path, _safely(view)) for path, view in routes.items()])


class _Views:
    """One method for each address."""

    def __init__(self, store: RedisStore, configuration: Configuration) -> None:
        self._store, self._configuration = store, configuration
        self._registry = CollectorRegistry()
        self._registry.register(StoreCollector(store, configuration))
        self._pages = jinja2.Environment(
            loader=jinja2.PackageLoader("worker.runtime", "page"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        self._pages.filters["ago"] = _ago

    def home(self, _: Request) -> Response:
        return self._page(
            "home.html",
            alerts=list_alerts(self._store, _ON_PAGE),
            feeds=list_feeds(self._store, self._configuration.feeds),
            watches=self._configuration.watches,
            now=datetime.now(UTC),
        )

    def alert(self, request: Request) -> Response:
        found = show_alert(self._store, request.path_params["alert"])
        return self._page("alert.html", **found) if found else PlainTextResponse("There is no such alert.\n", 404)

    def alerts_json(self, request: Request) -> Response:
        limit = request.query_params.get("limit", str(_ON_PAGE))
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST_ALERTS:
            problem = {"title": f"limit must be a number from 1 to {_MOST_ALERTS}", "status": 400}
            return JSONResponse(problem, 400, media_type="application/problem+json")
        return JSONResponse({"alerts": list_alerts(self._store, int(limit))})

    def feeds_json(self, _: Request) -> Response:
        return JSONResponse({"feeds": list_feeds(self._store, self._configuration.feeds)})

    def metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        with translated():
            return Response(encode(self._registry), headers={"content-type": content_type})

    def ready(self, _: Request) -> Response:
        checks = readiness(self._store)
        is_ready = all(check["ok"] for check in checks)
        return JSONResponse({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)

    def _page(self, name: str, **values: object) -> Response:
        return HTMLResponse(self._pages.get_template(name).render(version=__version__, **values))


def _read_page(name: str) -> str:
    return (files("worker.runtime") / "page" / name).read_text("utf-8")


def _safely(view: Callable[[Request], Response]) -> Callable[[Request], Awaitable[Response]]:
    """Off the event loop, with security headers, and 503 where Redis does not answer."""

    async def respond(request: Request) -> Response:
        try:
            response = await run_in_threadpool(view, request)
        except StoreUnavailable as error:
            response = PlainTextResponse(f"{error}\n", 503)
        response.headers.update(_SECURITY)
        return response

    return respond


def _ago(moment: str | None, now: datetime) -> str:
    if not moment:
        return "never"
    seconds = (now - datetime.fromisoformat(moment)).total_seconds()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if abs(seconds) >= size:
            return f"{seconds / size:.0f} {unit} ago" if seconds > 0 else f"in {-seconds / size:.0f} {unit}"
    return "just now" if seconds >= 0 else "in seconds"
