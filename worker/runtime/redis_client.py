"""The way to Redis: its connection, its keys' prefix, its scripts, and its refusals in our words."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel

from worker.errors import StoreUnavailable
from worker.runtime.primary import PrimaryConnection
from worker.runtime.sentinel import ANSWER_S, ASK_S, HEALTH_CHECK_S, is_sentinel, parse_address

K = "{tocsin}:"
_SHARED = ("prelude", "hold", "queue", "kin", "pages")
"""What stands before every script."""
Call = tuple[str, Sequence[str | float | bytes]]
"""A script's name and its arguments."""


def connect(url: str) -> redis.Redis:
    """A client that gives up in seconds, notices dead connections and decodes text.

    Through Sentinels it asks them for the primary whenever it connects, and goes away from one that became a replica.
    """
    retry = Retry(ExponentialBackoff(cap=1, base=0.05), 3)
    if is_sentinel(url):
        address = parse_address(url)
        sentinels: Any = Sentinel(address.nodes, sentinel_kwargs=address.asking)  # type: ignore[no-untyped-call]
        primary: redis.Redis = sentinels.master_for(
            address.master,
            connection_class=PrimaryConnection,
            db=address.db,
            decode_responses=True,
            socket_timeout=ANSWER_S,
            socket_connect_timeout=ASK_S,
            health_check_interval=HEALTH_CHECK_S,
            retry=retry,
            **address.credentials,
        )
        return primary
    return redis.Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=30,
        socket_connect_timeout=5,
        health_check_interval=25,
        retry=retry,
    )


_REFUSALS = {
    "OOM": "Redis is at its memory limit and refuses writes; raise maxmemory or shorten retention",
    "READONLY": "Redis is a read-only replica; point TOCSIN_REDIS_URL at the primary",
    "NOREPLICAS": "Redis refuses writes while fewer replicas than its min-replicas-to-write follow it; look at them",
    "MISCONF": "Redis cannot write its append-only file; look at its disk",
    "NOSPACE": "Redis cannot write its append-only file; look at its disk",
    "WRONGPASS": "Redis refuses the password in TOCSIN_REDIS_URL",
}
"""By the code that begins an error of the server."""
_IN_A_SCRIPT = re.compile(r"-(READONLY|NOREPLICAS|OOM|MISCONF) ")
"""Servers before 7.0 put the code of an error inside a script into its text."""


@contextmanager
def translated() -> Iterator[None]:
    """Redis's refusals as one error that says what to do."""
    try:
        yield
    except MasterNotFoundError as error:
        msg = "the Sentinels of TOCSIN_REDIS_URL know no primary that works under the name after master="
        if "AuthenticationError" in str(error):
            msg = "a Sentinel of TOCSIN_REDIS_URL refuses the password after sentinel_password="
        raise StoreUnavailable(msg) from error
    except redis.exceptions.AuthenticationError as error:
        raise StoreUnavailable(_REFUSALS["WRONGPASS"]) from error
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
        msg = f"Redis cannot be reached ({type(error).__name__}); is it running, and is TOCSIN_REDIS_URL right?"
        if not os.environ.get("TOCSIN_REDIS_URL"):
            msg = "nothing runs here; start `tocsin up`, or set TOCSIN_REDIS_URL"
        raise StoreUnavailable(msg) from error
    except redis.exceptions.ResponseError as error:
        if msg := _refusal(error):
            raise StoreUnavailable(msg) from error
        raise


def _raise_refusals(answers: Sequence[Any]) -> None:
    """Where the server refuses one part of some work it refuses all."""
    for answer in answers:
        if isinstance(answer, redis.exceptions.ResponseError) and _refusal(answer):
            raise answer


def _refusal(error: redis.exceptions.ResponseError) -> str:
    """What to do about a refusal, "" where it is a mistake of ours."""
    code = {redis.exceptions.OutOfMemoryError: "OOM", redis.exceptions.ReadOnlyError: "READONLY"}.get(type(error))
    if code is None:
        inside = _IN_A_SCRIPT.search(str(error))
        code = inside[1] if inside else str(error).partition(" ")[0]
    return _REFUSALS.get(code, "")


def script(client: Any, name: str) -> Any:
    """One of the scripts under `lua/`, with what they share before it, to be called with `args`."""
    return client.register_script(script_source(name))


class Scripts:
    """Some of the scripts under `lua/`, by name."""

    def __init__(self, client: Any, *names: str) -> None:
        self._client = client
        self._scripts = {name: script(client, name) for name in names}

    def run(self, name: str, *args: str | float) -> Any:
        """What the script answers. Raises StoreUnavailable."""
        with translated():
            return self._scripts[name](args=args)

    def run_each(self, name: str, *args: str | float | bytes) -> list[Any]:
        """What a script answers for each of its parts: a ResponseError is that part's failure. Raises StoreUnavailable."""
        with translated():
            answers = list(self._scripts[name](args=args))
            _raise_refusals(answers)
        return answers

    def run_all(self, calls: Sequence[Call]) -> list[Any]:
        """What each call answers, in order, or the ResponseError it failed with.

        They are sent as one transaction, so that the server commits them to its disk together; each is still a step of its
        own, which no other's failure undoes. Raises StoreUnavailable, after which all, some or none were made.
        """
        with translated():
            answers = self._send(calls)
            if lacking := [
                place for place, answer in enumerate(answers) if isinstance(answer, redis.exceptions.NoScriptError)
            ]:
                for name in {calls[place][0] for place in lacking}:
                    self._client.script_load(self._scripts[name].script)
                for place, answer in zip(lacking, self._send([calls[place] for place in lacking]), strict=True):
                    answers[place] = answer
            _raise_refusals(answers)
        return answers

    def _send(self, calls: Sequence[Call]) -> list[Any]:
        batch = self._client.pipeline(transaction=len(calls) > 1)
        for name, args in calls:
            batch.evalsha(self._scripts[name].sha, 0, *args)
        return list(batch.execute(raise_on_error=False))


@cache
def script_source(script: str) -> str:
    """The text of a script, what all share before it included."""
    folder = files("worker.runtime") / "lua"
    return "".join((folder / f"{name}.lua").read_text("utf-8") for name in (*_SHARED, script))


def moment_of(ms: str | float) -> datetime:
    """Milliseconds since 1970 as a moment."""
    return datetime.fromtimestamp(float(ms) / 1000, UTC)


def ms_of(moment: datetime) -> int:
    """A moment as milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def milliseconds(duration: timedelta) -> int:
    """A duration for a script, which reads 0 as none: at least 1."""
    return max(round(duration.total_seconds() * 1000), 1)


def fields(flat: Sequence[str]) -> dict[str, str]:
    """A hash as a script returns it: names and values by turns."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
