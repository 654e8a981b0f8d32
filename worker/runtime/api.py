"""What machines read: JSON of the same rows that the page shows, metrics and readiness."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from worker.errors import InputError
from worker.model import Configuration
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.health import readiness
from worker.runtime.metrics import StoreCollector
from worker.runtime.overview import describe_endpoints, list_watches
from worker.runtime.redis_client import translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import list_alerts, list_feeds

_FEW, _MOST = 50, 200


class Api:
    """One method for each address."""

    def __init__(self, store: RedisStore, configuration: Callable[[], Configuration]) -> None:
        self._store, self._newest = store, configuration
        self._registry = CollectorRegistry()
        self._registry.register(StoreCollector(store, configuration))

    @property
    def _configuration(self) -> Configuration:
        return self._newest()

    def alerts(self, request: Request) -> Response:
        query = request.query_params
        limit, before = query.get("limit", str(_FEW)), query.get("before", "0")
        if not limit.isdecimal() or not 1 <= int(limit) <= _MOST:
            msg = f"limit must be a number from 1 to {_MOST}"
            raise InputError(msg)
        if not before.isdecimal():
            msg = "before must be the raised_ms of an alert"
            raise InputError(msg)
        rows = list_alerts(self._store, int(limit), AlertFilter.from_query(query), int(before[:15]) or None)
        return JSONResponse({"alerts": rows})

    def feeds(self, _: Request) -> Response:
        return JSONResponse({"feeds": list_feeds(self._store, self._configuration.feeds)})

    def watches(self, _: Request) -> Response:
        return JSONResponse({"watches": list_watches(self._store, self._configuration)})

    def endpoints(self, _: Request) -> Response:
        return JSONResponse({"endpoints": describe_endpoints(self._store, self._configuration)})

    def metrics(self, request: Request) -> Response:
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        with translated():
            return Response(encode(self._registry), headers={"content-type": content_type})

    def ready(self, _: Request) -> Response:
        checks = readiness(self._store)
        is_ready = all(check["ok"] for check in checks)
        return JSONResponse({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)
