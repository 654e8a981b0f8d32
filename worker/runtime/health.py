"""Whether work can be done: the checks behind `/readyz` and `tocsin doctor`."""

from collections.abc import Mapping
from typing import Any

import redis
from redis.sentinel import SentinelConnectionPool

from worker.errors import StoreUnavailable
from worker.ports import STAGES, Stage
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore

_OLDEST_REDIS = (6, 2)
_STUCK_MS = 60_000


def readiness(store: RedisStore) -> list[dict[str, Any]]:
    """Each check as {name, ok, message}; the message says what to do where it is not ok."""
    try:
        with translated():
            info: dict[str, Any] = store.client.info()
            policy: Any = store.client.config_get("maxmemory-policy")
            stuck = _stuck_stages(store)
            held = {stage: store.client.zcard(K + f"quarantine:{stage}") for stage in STAGES}
    except StoreUnavailable as error:
        return [_check("redis", ok=False, message=str(error))]
    version = str(info["redis_version"])
    evicts = policy.get("maxmemory-policy", "noeviction")
    return [
        _check("redis", ok=_is_new_enough(version), message=f"{info.get('server_name', 'redis')} {version} (6.2 or newer is needed)"),
        _check("cluster", ok=not info.get("cluster_enabled"), message="a single server or Sentinel; Celery needs no cluster"),
        _check("eviction", ok=evicts == "noeviction", message=f"maxmemory-policy is {evicts}; it must be noeviction"),
        _check("writes", ok=info.get("aof_last_write_status") != "err" and info.get("rdb_last_bgsave_status") != "err",
               message="the last write to disk succeeded, or else look at the server's disk"),
        _check("progress", ok=not stuck, message=f"stuck for over a minute: {', '.join(stuck)}" if stuck else "work due is being done"),
        _check("quarantine", ok=True, message=_held(held)),
    ]  # fmt: skip


def _held(held: Mapping[Stage, int]) -> str:
    """What is set aside; it makes nothing unready, since all other work goes on."""
    found = ", ".join(f"{number} of {stage}" for stage, number in held.items() if number)
    return f"set aside: {found}; `tocsin quarantine list` says why" if found else "nothing is set aside"


def sentinels(store: RedisStore) -> list[dict[str, Any]]:
    """What of a setup behind Sentinels would not survive a failover, as `readiness` tells it; nothing elsewhere."""
    pool = store.client.connection_pool
    if not isinstance(pool, SentinelConnectionPool):
        return []
    known = [found for asked in pool.sentinel_manager.sentinels if (found := _known_to(asked, pool.service_name))]
    needed = max((int(one["quorum"]) for one in known), default=1)
    asked = len(pool.sentinel_manager.sentinels)
    with translated():
        replicas = store.client.info("replication")["connected_slaves"]
        least = int(store.client.config_get("min-replicas-to-write").get("min-replicas-to-write", 0))
    return [
        _check("sentinels", ok=len(known) >= max(needed, asked // 2 + 1),
               message=f"{len(known)} of {asked} Sentinels answer and see the primary; {needed} must agree on a failover"),
        _check("replicas", ok=replicas > 0, message=f"{replicas} replicas follow; without one nobody can take over"),
        _check("cut off", ok=replicas < 2 or least > 0,  # noqa: PLR2004
               message=f"min-replicas-to-write is {least}; with two replicas or more set 1, or a primary that was cut off "
               "goes on taking writes which are lost later"),
    ]  # fmt: skip


def _known_to(sentinel: Any, name: str) -> dict[str, Any] | None:
    try:
        return dict(sentinel.sentinel_master(name))
    except redis.exceptions.RedisError:
        return None


def persistence(store: RedisStore) -> str:
    """What the server keeps on disk, and when: "no", or its `appendfsync` ("" where it does not tell)."""
    with translated():
        info: dict[str, Any] = store.client.info("persistence")
        if not info.get("aof_enabled"):
            return "no"
        try:
            return str(store.client.config_get("appendfsync").get("appendfsync", ""))
        except redis.exceptions.ResponseError:  # a hosted server that keeps its configuration to itself
            return ""


def _stuck_stages(store: RedisStore) -> list[str]:
    client: Any = store.client
    seconds, micros = client.time()
    now = seconds * 1000 + micros // 1000
    progress = client.hgetall(K + "progress")
    stuck = []
    for stage, key in (("poll", "feeds:due"), ("enrich", "articles:due")):
        first = client.zrange(K + key, 0, 0, withscores=True)
        waits = now - first[0][1] if first else 0
        if waits > _STUCK_MS and now - int(progress.get(stage, 0)) > _STUCK_MS:
            stuck.append(stage)
    return stuck


def _is_new_enough(version: str) -> bool:
    return tuple(int(part) for part in version.split(".")[:2]) >= _OLDEST_REDIS


def _check(name: str, *, ok: bool, message: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "message": message}
