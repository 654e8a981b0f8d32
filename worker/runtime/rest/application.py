"""The API's addresses: each request is let in, read, done and answered here."""

import hashlib
from collections.abc import Callable, Mapping

from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from worker.api.operations import JSON, ROOT, Operation, by_path
from worker.errors import StoreUnavailable
from worker.model import Configuration
from worker.runtime.redis_store import RedisStore
from worker.runtime.rest.admission import Door, Limit
from worker.runtime.rest.call import Call, Desk
from worker.runtime.rest.handlers import HANDLERS
from worker.runtime.rest.idempotency import Idempotency
from worker.runtime.rest.problem import Refusal
from worker.runtime.rest.reading import last_event, read_call
from worker.runtime.rest.stream import Stream
from worker.runtime.token_store import RedisTokens
from worker.series import API_REQUESTS, series

_OUTCOMES = {401: "unknown", 403: "forbidden", 429: "limited"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization",
}


def routes(
    store: RedisStore,
    configuration: Callable[[], Configuration],
    is_stopping: Callable[[], bool] = lambda: False,
    *,
    per_minute: int = 600,
) -> list[Route]:
    """The routes of the API; `per_minute` is how many requests one caller may make."""
    api = _Api(store, configuration, is_stopping, per_minute)
    found = [_route(path, _Resource(api, operations)) for path, operations in by_path().items()]
    return [*found, _route(ROOT + "/{rest:path}", _Resource(api, {}))]


def _route(path: str, resource: "_Resource") -> Route:
    return Route(path, resource, methods=None)


class _Api:
    def __init__(
        self,
        store: RedisStore,
        configuration: Callable[[], Configuration],
        is_stopping: Callable[[], bool],
        per_minute: int,
    ) -> None:
        self._desk = Desk(store, configuration)
        self._door = Door(RedisTokens(store.client), Limit(store.client, per_minute))
        self._idempotency = Idempotency(store.client)
        self._stream = Stream(store, is_stopping)

    async def answer(self, request: Request, operation: Operation) -> Response:
        caller = await run_in_threadpool(self._door.admit, request, operation)
        call, body = await read_call(request, operation, caller)
        if operation.id == "stream_alerts" and request.method == "HEAD":
            return Response(media_type=operation.media)
        if operation.id == "stream_alerts":
            events = await self._stream.open(call.query, last_event(request), lambda: self._door.holds(caller))
            return StreamingResponse(events, media_type=operation.media)
        if call.key:
            return await run_in_threadpool(self._do_once, call, body)
        return await run_in_threadpool(self._do, call, request.headers.get("if-none-match", ""))

    def count(self, status: int) -> None:
        """Count an answer; a store that is away counts nothing."""
        outcome = _OUTCOMES.get(status, "done" if status < 400 else "refused" if status < 500 else "failed")  # noqa: PLR2004
        try:
            self._desk.store.count([(series(API_REQUESTS, outcome=outcome), 1)])
        except StoreUnavailable:
            pass

    def _do(self, call: Call, known: str = "") -> Response:
        body = _dump(HANDLERS[call.operation.id](self._desk, call))
        if call.operation.is_write:
            return Response(body, call.operation.status, media_type=call.operation.media)
        etag = f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'
        is_known = etag in known or known.strip() == "*"
        if is_known:
            return Response(status_code=304, headers={"ETag": etag})
        return Response(body, call.operation.status, {"ETag": etag}, call.operation.media)

    def _do_once(self, call: Call, body: bytes) -> Response:
        if kept := self._idempotency.recall(call, body):
            return Response(kept[1], kept[0], {"Idempotency-Replayed": "true"}, JSON)
        try:
            response = self._do(call)
        except BaseException:
            self._idempotency.forget(call)
            raise
        self._idempotency.keep(call, body, (response.status_code, bytes(response.body).decode()))
        return response


class _Resource:
    """One address with its methods, as an ASGI application. HEAD is GET, whose body the server leaves out."""

    def __init__(self, api: _Api, operations: Mapping[str, Operation]) -> None:
        self._api, self._operations = api, operations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._api.answer(request, self._operation(request))
        except Refusal as refusal:
            response = refusal.respond()
        except StoreUnavailable as error:
            response = Refusal(503, str(error), headers={"Retry-After": "5"}).respond()
        except ClientDisconnect:
            return
        await run_in_threadpool(self._api.count, response.status_code)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        await response(scope, receive, send)

    def _operation(self, request: Request) -> Operation:
        if not self._operations:
            raise Refusal(404, f"there is nothing at {request.url.path[:200]}; {ROOT}/openapi.json says what there is")
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self._operations:
            allowed = [*self._operations, *(["HEAD"] if "GET" in self._operations else [])]
            raise Refusal(405, f"here is only {', '.join(allowed)}", headers={"Allow": ", ".join(allowed)})
        return self._operations[method]


def _dump(answer: BaseModel | str) -> str:
    return answer if isinstance(answer, str) else answer.model_dump_json()
