"""Writes that are repeated under one Idempotency-Key are done once, and answered as the first time for a day.

`idempotency:CALLER:KEY` holds a claim while the first is being answered, then its answer. A claim whose process died
ends by itself; every step can be done twice without harm, which makes a repetition after that safe as well.
"""

import hashlib
import json
from typing import Any

from worker.runtime.redis_client import K, translated
from worker.runtime.rest.call import Call
from worker.runtime.rest.problem import Refusal

_KEPT_S, _CLAIMED_S = 86_400, 60

Kept = tuple[int, str]
"""Status and body of an answer."""


class Idempotency:
    """What was answered to whom under which key."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def recall(self, call: Call, body: bytes) -> Kept | None:
        """The answer that was given before; None where the call is to be done now, which it is claimed for.

        Raises Refusal: 409 while the first is being answered, 422 where the key was another request's.
        """
        mark = _fingerprint(call, body)
        claim = json.dumps({"mark": mark})
        with translated():
            if self._client.set(_place(call), claim, nx=True, ex=_CLAIMED_S):
                return None
            found = json.loads(self._client.get(_place(call)) or claim)
        if found["mark"] != mark:
            raise Refusal(422, "this Idempotency-Key was used for another request")
        if "status" not in found:
            told = "the first request with this Idempotency-Key is still being answered"
            raise Refusal(409, told, headers={"Retry-After": "1"})
        return found["status"], found["body"]

    def keep(self, call: Call, body: bytes, answer: Kept) -> None:
        """Remember the answer for a day."""
        kept = json.dumps({"mark": _fingerprint(call, body), "status": answer[0], "body": answer[1]})
        with translated():
            self._client.set(_place(call), kept, ex=_KEPT_S)

    def forget(self, call: Call) -> None:
        """Nothing was done: the next request under the key is the first."""
        with translated():
            self._client.delete(_place(call))


def _place(call: Call) -> str:
    digest = hashlib.sha256(call.key.encode()).hexdigest()[:32]
    return K + f"idempotency:{call.caller.key}:{digest}"


def _fingerprint(call: Call, body: bytes) -> str:
    names = json.dumps([call.operation.id, *call.names.values()])
    return hashlib.sha256(names.encode() + b"\0" + body).hexdigest()
