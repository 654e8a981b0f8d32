"""Where hubs ask back and push to: one address for each subscription, which nobody can guess. Part of the web process."""

from datetime import UTC, datetime

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from worker import websub
from worker.errors import StoreUnavailable
from worker.runtime.subscription_store import RedisSubscriptionStore
from worker.subscriber import Kept

PREFIX = "/websub/"
LARGEST_BYTES = 5_000_000
_LONGEST_CHALLENGE = 4_096


def callback_address(public_url: str, token: str) -> str:
    """The callback of the subscription with this token."""
    return f"{public_url.rstrip('/')}{PREFIX}{token}"


class Callback:
    """Answers hubs. A token that is not known is told nothing: 404, as for any other address."""

    def __init__(self, store: RedisSubscriptionStore) -> None:
        self._store = store

    def routes(self) -> list[Route]:
        """GET to verify and deny, POST to push."""
        return [Route(PREFIX + "{token}", self._answer, methods=["GET", "POST"])]

    async def _answer(self, request: Request) -> Response:
        try:
            kept = await run_in_threadpool(self._store.find, request.path_params["token"])
            if kept is None:
                return PlainTextResponse("not found\n", 404)
            if request.method == "POST":
                return await self._receive(request, kept)
            return await run_in_threadpool(self._verify, dict(request.query_params), kept)
        except StoreUnavailable as error:
            return PlainTextResponse(f"{error}\n", 503)

    def _verify(self, said: dict[str, str], kept: Kept) -> Response:
        made = websub.verify(kept.subscription, said, datetime.now(UTC))
        if made.challenge is None or len(made.challenge) > _LONGEST_CHALLENGE:
            self._store.count("refused")
            return PlainTextResponse("not found\n", 404)
        feed_id = kept.subscription.feed_id
        if not self._store.save(feed_id, made.subscription, kept.version, made.wait, made.event):
            return PlainTextResponse("changed at this moment; ask again\n", 503)
        return PlainTextResponse(made.challenge, headers={"X-Content-Type-Options": "nosniff"})

    async def _receive(self, request: Request, kept: Kept) -> Response:
        if not websub.is_active(kept.subscription, datetime.now(UTC)):
            return PlainTextResponse("this subscription has ended\n", 410)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LARGEST_BYTES:
                await run_in_threadpool(self._store.count, "too_large")
                return PlainTextResponse(f"more than {LARGEST_BYTES} bytes\n", 413)
        raw = bytes(body)
        if not websub.is_genuine(kept.subscription.secret, request.headers.get("x-hub-signature", ""), raw):
            await run_in_threadpool(self._store.count, "forged")
            return PlainTextResponse("the signature is missing or not ours\n", 403)
        content_type = request.headers.get("content-type", "")[:200]
        if not await run_in_threadpool(self._store.push, kept, raw, content_type):
            return PlainTextResponse("no document is taken now\n", 503, headers={"Retry-After": "60"})
        return PlainTextResponse("accepted\n", 202)
