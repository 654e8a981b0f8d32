"""Errors as problem+json (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from pydantic import ValidationError
from starlette.responses import Response

from worker.api.answers import FieldProblem, Problem

Row = TypeVar("Row")


class Refusal(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The request is answered with an error. `detail` says what is wrong and how to mend it."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.detail, self.errors, self.headers = status, detail, errors, dict(headers or {})

    def respond(self) -> Response:
        """The answer. Its type is about:blank: the status says which error it is."""
        title = HTTPStatus(self.status).phrase
        body = Problem(
            type="about:blank", title=title, status=self.status, detail=self.detail, errors=list(self.errors)
        )
        return Response(body.model_dump_json(), self.status, self.headers, "application/problem+json")


def invalid(error: ValidationError, where: str) -> Refusal:
    """What a model refused, field by field. What was sent is not repeated: it may be secret."""
    errors = [
        FieldProblem(where=[where, *(str(part)[:100] for part in found["loc"])], message=_spoken(found))
        for found in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    places = "; ".join(f"{'.'.join(one.where)}: {one.message}" for one in errors[:5])
    return Refusal(422, places, errors)


def _spoken(found: Any) -> str:
    if found["type"] == "extra_forbidden":
        return "is not known here"
    return str(found["msg"]).removeprefix("Value error, ")


def only(found: Sequence[Row], what: str, name: str) -> Row:
    """The one thing of that name. Raises Refusal (404) where there is none."""
    if not found:
        raise missing(what, name)
    return found[0]


def missing(what: str, name: str) -> Refusal:
    """There is no such thing."""
    return Refusal(404, f"there is no {what} {name}")
