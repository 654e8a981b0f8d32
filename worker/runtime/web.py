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
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import list_alerts, list_feeds, show_alert

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_MOST_ALERTS = 200


def create_web(store: RedisStore, configuration: Configuration) -> Starlette:
    """The ASGI application over a store."""
    registry = CollectorRegistry()
    registry.register(StoreCollector(store, configuration))
    pages = jinja2.Environment(
        loader=jinja2.PackageLoader("worker.runtime", "page"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    pages.filters["ago"] = _ago

    def home(_: Request) -> Response:
        alerts, feeds = list_alerts(store, 50), list_feeds(store, configuration)
        page = pages.get_template("home.html").render(
            alerts=alerts, feeds=feeds, watches=configuration.watches, version=__version__, now=datetime.now(UTC)
        )
        return HTMLResponse(page)

    def alert(request: Request) -> Response:
        found = show_alert(store, request.path_params["alert"])
        if found is None:
            return PlainTextResponse("There is no such alert.\n", 404)
        return HTMLResponse(pages.get_template("alert.html").render(**found, version=__version__))

    def alerts_json(request: Request) -> Response:
        limit = request.query_params.get("limit", "50")
        if not limit.isdigit() or not 1 <= int(limit) <= _MOST_ALERTS:
            problem = {"title": "limit must be a number from 1 to 200", "status": 400}
            return JSONResponse(problem, 400, media_type="application/problem+json")
        return JSONResponse({"alerts": list_alerts(store, int(limit))})

    def feeds_json(_: Request) -> Response:
        return JSONResponse({"feeds": list_feeds(store, configuration)})

    def metrics(request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(registry), headers={"content-type": content_type})

    def ready(_: Request) -> Response:
        checks = readiness(store)
        is_ready = all(check["ok"] for check in checks)
        return JSONResponse({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)

    def health(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    def version(_: Request) -> Response:
        return JSONResponse({"version": __version__})

    def style(_: Request) -> Response:
        text = (files("worker.runtime") / "page" / "style.css").read_text("utf-8")
        return Response(text, media_type="text/css")

    routes = {
        "/": home,
        "/alerts/{alert}": alert,
        "/api/alerts": alerts_json,
        "/api/feeds": feeds_json,
        "/metrics": metrics,
        "/readyz": ready,
        "/healthz": health,
        "/version": version,
        "/style.css": style,
    }
    return Starlette(routes=[Route(path, _safely(view)) for path, view in routes.items()])


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

