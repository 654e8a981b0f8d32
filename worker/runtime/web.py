"""The web process: addresses, headers and errors. What they show is in `pages`, `api` and `live`."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import cast

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from worker import __version__
from worker.errors import InputError, StoreUnavailable
from worker.model import Configuration
from worker.runtime.access import name_of, refusal, refuse_name
from worker.runtime.actions import Actions, Form
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.api import Api
from worker.runtime.live import Live
from worker.runtime.pages import Pages
from worker.runtime.redis_store import RedisStore
from worker.runtime.rest import application as rest
from worker.runtime.rest.admission import Door, Limit
from worker.runtime.rest.problem import Refusal
from worker.runtime.token_store import RedisTokens

_SECURITY = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # not `no-referrer`, under which a browser sends `Origin: null` with our own forms
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ASSETS = {
    "style.css": "text/css",
    "app.js": "text/javascript",
    "theme.js": "text/javascript",
    "bell.svg": "image/svg+xml",
}
_LARGEST_FORM_BYTES, _MOST_FIELDS = 1_000_000, 20

View = Callable[[Request], Response]
Action = Callable[[Request, Form], Response | Awaitable[Response]]
Answer = Callable[[Request], Awaitable[Response]]
Wrap = Callable[[Answer], Answer]


def create_web(  # noqa: PLR0913 - what it is made of
    store: RedisStore,
    configuration: Callable[[], Configuration],
    config: Path = Path(),
    is_stopping: Callable[[], bool] = lambda: False,
    *,
    may_edit: bool = False,
    requests_per_minute: int = 600,
    callbacks: Sequence[Route] = (),
    public_url: str = "",
) -> Starlette:
    """The ASGI application over a store; `configuration` gives the newest good one, `config` is its directory.

    With `may_edit` the page may add tests to the files there. `callbacks` are where hubs push to. `public_url` is an
    address under which a proxy on this machine may ask.
    """
    pages, api = Pages(store, configuration), Api(store, configuration)
    actions = Actions(store, configuration, pages, config, may_edit=may_edit)
    live = Live(store, configuration, pages.card, is_stopping)
    answering = partial(_answering, pages=pages, public=name_of(public_url))
    door = Door(RedisTokens(store.client), Limit(store.client, requests_per_minute))
    routes = [Route(path, answering(_off_the_loop(view))) for path, view in _views(pages, api).items()]
    routes += [Route(path, answering(_off_the_loop(_asking(door, view)))) for path, view in _data(api).items()]
    routes += [Route(path, _answering(_off_the_loop(view), pages, None)) for path, view in _probes(api).items()]
    routes += [
        Route(path, answering(_guarded(action, pages)), methods=["POST"]) for path, action in _actions(actions).items()
    ]

    async def events(request: Request) -> Response:
        if live.is_full:
            return PlainTextResponse("too many live streams are open\n", 503)
        last = request.headers.get("last-event-id") or request.query_params.get("since", "")
        is_pulse = request.query_params.get("only") == "pulse"
        wanted = None if is_pulse else AlertFilter.from_query(request.query_params)
        stream = live.stream(wanted, int(last) if last.isdecimal() and len(last) < 16 else 0)  # noqa: PLR2004
        return StreamingResponse(stream, media_type="text/event-stream")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await actions.playground.stop()

    routes += rest.routes(store, configuration, is_stopping, per_minute=requests_per_minute)
    routes.append(Route("/events", answering(events)))
    routes += callbacks
    strays = _strays(pages, answering)
    return Starlette(routes=routes, lifespan=lifespan, exception_handlers={404: strays, 405: strays})


def _strays(pages: Pages, answering: Wrap) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Answers for addresses where nothing is, and for methods that an address does not have."""

    async def respond(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        reason = f"There is nothing at {request.url.path[:200]}."
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            reason = f"{request.url.path[:200]} does not take {request.method}."

        def show(request: Request) -> Response:
            return pages.problem(request, error.status_code, reason)

        response = await answering(_off_the_loop(show))(request)
        response.headers.update(error.headers or {})
        return response

    return respond


def _views(pages: Pages, api: Api) -> dict[str, View]:
    return {
        "/": pages.alerts,
        "/alerts/{alert}": pages.alert,
        "/trends": pages.trends,
        "/feeds": pages.feeds,
        "/watches": pages.watches,
        "/endpoints": pages.endpoints,
        "/quarantine": pages.quarantine,
        "/silences": pages.silences,
        "/why": pages.why,
        "/playground": pages.playground,
        "/metrics": api.metrics,
        "/version": lambda _: JSONResponse({"version": __version__}),
        **{f"/{name}": partial(_asset, name, kind) for name, kind in _ASSETS.items()},
    }


def _data(api: Api) -> dict[str, View]:
    return {
        "/api/alerts": api.alerts,
        "/api/feeds": api.feeds,
        "/api/watches": api.watches,
        "/api/endpoints": api.endpoints,
    }


def _probes(api: Api) -> dict[str, View]:
    """What orchestrators ask under whatever name."""
    return {"/readyz": api.ready, "/healthz": lambda _: PlainTextResponse("ok\n")}


def _asking(door: Door, view: View) -> View:
    """The view for whom the door lets through."""

    def respond(request: Request) -> Response:
        try:
            door.admit_to_page(request)
        except Refusal as refusal:
            return refusal.respond()
        return view(request)

    return respond


def _actions(actions: Actions) -> dict[str, Action]:
    return {
        "/alerts/{alert}/mark": actions.mark,
        "/playground": actions.try_,
        "/playground/test": actions.keep_test,
        "/watches/test": actions.run_tests,
        "/endpoints/{endpoint}/resume": actions.resume,
        "/endpoints/{endpoint}/replay": actions.replay,
        "/quarantine/release": actions.release,
        "/silences": actions.silence,
        "/silences/{silence}/end": actions.end_silence,
    }


def serve(application_of: Callable[[Callable[[], bool]], Starlette], host: str, port: int) -> None:
    """Run until a signal comes; open live streams end within a second of it."""
    import uvicorn

    server: uvicorn.Server | None = None
    application = application_of(lambda: server is not None and server.should_exit)
    config = uvicorn.Config(
        application, host=host, port=port, log_level="warning", proxy_headers=False, timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    asyncio.run(server.serve())


def _asset(name: str, kind: str, _: Request) -> Response:
    return Response((files("worker.runtime") / "page" / name).read_bytes(), media_type=kind)


def _off_the_loop(view: View) -> Answer:
    async def respond(request: Request) -> Response:
        return await run_in_threadpool(view, request)

    return respond


def _guarded(action: Action, pages: Pages) -> Answer:
    """The action for whom `access.refusal` lets through; off the event loop unless it waits by itself."""

    async def respond(request: Request) -> Response:
        if reason := refusal(request):
            return await run_in_threadpool(pages.problem, request, 403, reason)
        form = await _form(request)
        if inspect.iscoroutinefunction(action):
            return cast("Response", await action(request, form))
        return cast("Response", await run_in_threadpool(action, request, form))

    return respond


async def _form(request: Request) -> dict[str, str]:
    """The fields of a url-encoded form of bounded size."""
    from urllib.parse import parse_qsl

    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_FORM_BYTES:
            msg = "the form is too large"
            raise InputError(msg)
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        msg = f"the form has more than {_MOST_FIELDS} fields"
        raise InputError(msg) from None


def _answering(view: Answer, pages: Pages, public: str | None) -> Answer:
    """With security headers; 400 for what cannot be used, 503 where Redis does not answer, each with its reason.

    421 for a name that is not ours (`public` is one beside those of loopback), unless `public` is None.
    """

    async def respond(request: Request) -> Response:
        try:
            if public is not None and (reason := refuse_name(request, public)):
                response: Response = PlainTextResponse(f"{reason}\n", 421)
            else:
                response = await view(request)
        except InputError as error:
            response = await run_in_threadpool(pages.problem, request, 400, str(error))
        except StoreUnavailable as error:
            response = PlainTextResponse(f"{error}\n", 503)
        response.headers.update(_SECURITY)
        return response

    return respond
