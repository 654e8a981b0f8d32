"""A request becomes a call: parameters and bodies are checked here, once."""

import asyncio
import re
from collections import Counter

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from worker.api.answers import FieldProblem
from worker.api.fields import NAME
from worker.api.openapi import KEY_PATTERN
from worker.api.operations import LARGEST_BODY_BYTES, Operation
from worker.runtime.rest.admission import Caller
from worker.runtime.rest.call import Call
from worker.runtime.rest.problem import Refusal, invalid

_PATIENCE_S = 20
_EVENT_ID = "^[0-9]{1,16}$"


async def read_call(request: Request, operation: Operation, caller: Caller) -> tuple[Call, bytes]:
    """The call and the body's bytes. Raises Refusal: 400, 413, 415 or 422."""
    body = await _read_body(request) if operation.body else b""
    base = f"{request.url.scheme}://{request.headers.get('host', '')}"
    call = Call(
        operation, caller, _names(request, operation), _query(request, operation), _body(request, operation, body),
        base, _header(request, "idempotency-key", KEY_PATTERN) if operation.is_write else "",
    )  # fmt: skip
    return call, body


def last_event(request: Request) -> int | None:
    """Where a live stream goes on; None where it begins."""
    text = _header(request, "last-event-id", _EVENT_ID)
    return int(text) if text else None


def _names(request: Request, operation: Operation) -> dict[str, str]:
    names = {name: request.path_params[name] for name in operation.names}
    wrong = [name for name, value in names.items() if not re.fullmatch(NAME, value, re.ASCII)]
    if wrong:
        errors = [FieldProblem(where=["path", name], message="is no id") for name in wrong]
        raise Refusal(422, f"path.{wrong[0]}: is no id", errors)
    return names


def _query(request: Request, operation: Operation) -> BaseModel:
    given = request.query_params.multi_items()
    twice = [name for name, number in Counter(name for name, _ in given).items() if number > 1]
    if twice:
        name = twice[0][:100]
        raise Refusal(
            422, f"query.{name}: is given twice", [FieldProblem(where=["query", name], message="is given twice")]
        )
    try:
        return operation.query.model_validate(dict(given))
    except ValidationError as error:
        raise invalid(error, "query") from None


def _body(request: Request, operation: Operation, raw: bytes) -> BaseModel | None:
    if operation.body is None:
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refusal(415, "the body must be JSON: Content-Type: application/json")
    try:
        return operation.body.model_validate_json(raw)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            told = error.errors(include_input=False)[0]["msg"]
            raise Refusal(400, f"the body is not JSON: {told}") from None
        raise invalid(error, "body") from None


async def _read_body(request: Request) -> bytes:
    told = f"the body may have {LARGEST_BODY_BYTES:,} bytes"
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:15]) > LARGEST_BODY_BYTES:
        raise Refusal(413, told)
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY_BYTES:
                    raise Refusal(413, told)
    except TimeoutError:
        raise Refusal(400, f"the body did not arrive within {_PATIENCE_S} s") from None
    return bytes(body)


def _header(request: Request, name: str, pattern: str) -> str:
    value = request.headers.get(name)
    if value is None:
        return ""
    if not re.fullmatch(pattern.strip("^$"), value, re.ASCII):
        error = FieldProblem(where=["header", name], message=f"does not match {pattern}")
        raise Refusal(422, f"header.{name}: does not match {pattern}", [error])
    return value
