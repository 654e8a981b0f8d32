"""The OpenAPI 3.1 document, made of the table of operations and the models they name."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from worker import __version__
from worker.api.answers import Problem
from worker.api.fields import NAME
from worker.api.operations import JSON, LARGEST_BODY_BYTES, OPERATIONS, Operation

_PROBLEM = "application/problem+json"
_INTRODUCTION = (
    "Alerts, and what they rest on, of a Tocsin. Every operation names the least role that may call it. Lists go on "
    "with `next_cursor`; writes take an Idempotency-Key, which is kept for a day; errors are problem+json (RFC 9457)."
)
_REASONS = {
    400: "The request cannot be read.",
    401: "A token is needed, or the one that was sent is not known, expired or revoked.",
    403: "The token's role may not do this.",
    404: "There is no such thing.",
    409: "The step does not apply now, or a request with this Idempotency-Key is still being answered.",
    413: f"The body has more than {LARGEST_BODY_BYTES:,} bytes.",
    415: "The body is not application/json.",
    422: "A parameter or field is missing, wrong or unknown, or the Idempotency-Key was used for another request.",
    429: "Too many requests; Retry-After says when the next may come.",
    503: "Redis does not answer, or too many live streams are open.",
}
KEY_PATTERN = "^[!-~]{1,128}$"


def document() -> dict[str, Any]:
    """The whole document."""
    schemas, components = _schemas()
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin",
            "version": __version__,
            "description": _INTRODUCTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made with `tocsin tokens add`."},
                "subscription": {"type": "apiKey", "in": "query", "name": "token"},
            },
        },
    }


_Schemas = Mapping[Any, dict[str, Any]]


def _schemas() -> tuple[_Schemas, dict[str, Any]]:
    asked: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for operation in OPERATIONS:
        asked += [(operation.answer, "serialization")] if operation.answer else []
        asked += [(operation.body, "validation")] if operation.body else []
    schemas, components = models_json_schema(asked, ref_template="#/components/schemas/{model}")
    return schemas, components["$defs"]


def _describe(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    role = f"Least role: {operation.role.value}." if operation.role else "Open to all."
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "description": role,
        "security": _security(operation),
        "parameters": list(_parameters(operation)),
        "responses": _responses(operation, schemas),
    }
    if operation.body:
        schema = schemas[operation.body, "validation"]
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": schema}}}
    return described


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    if operation.role is None:
        return []
    also: list[dict[str, list[str]]] = [{"subscription": []}] if "token" in operation.query.model_fields else []
    return [{"token": []}, *also]


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    made = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "pattern": f"^{NAME}$"}}
        for name in operation.names
    ]
    for name, schema in operation.query.model_json_schema().get("properties", {}).items():
        if name != "token":  # that is the security scheme's
            made.append({"name": name, "in": "query", "required": False, "schema": _without_null(schema)})
    if operation.is_write:
        told = "The same request under the same key within a day is done once, and answered as the first time."
        schema = {"type": "string", "pattern": KEY_PATTERN}
        made.append({"name": "Idempotency-Key", "in": "header", "description": told, "schema": schema})
    if operation.id == "stream_alerts":
        told = "The id of the last event that was read."
        schema = {"type": "string", "pattern": "^[0-9]{1,16}$"}
        made.append({"name": "Last-Event-ID", "in": "header", "description": told, "schema": schema})
    return made


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema; one that may be left out cannot be null in a query."""
    kept = {key: value for key, value in schema.items() if key not in ("title", "anyOf")}
    kept |= next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), {})
    if kept.get("default", "") is None:
        del kept["default"]
    return kept


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    content = {"schema": schemas[operation.answer, "serialization"] if operation.answer else _foreign(operation)}
    done: dict[str, Any] = {"description": operation.summary, "content": {operation.media: content}}
    responses = {str(operation.status): done}
    if not operation.is_write and operation.media == JSON:
        done["headers"] = {"ETag": {"schema": {"type": "string"}}}
        responses["304"] = {"description": "Nothing has changed since the ETag in If-None-Match."}
    problem = {"schema": schemas[Problem, "serialization"]}
    for status in statuses(operation):
        responses[str(status)] = {"description": _REASONS[status], "content": {_PROBLEM: problem}}
    responses["429"]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "In seconds."}}
    return responses


def _foreign(operation: Operation) -> dict[str, Any]:
    return {"type": "object"} if operation.media == JSON else {"type": "string"}


def statuses(operation: Operation) -> list[int]:
    """The errors that the operation may answer with."""
    found = {400, 422, 429, 503}
    found |= {401, 403} if operation.role else set()
    found |= {409, 413} if operation.is_write else set()
    found |= {415} if operation.body else set()
    found |= {404} if operation.can_miss else set()
    found |= {409} if operation.can_clash else set()
    return sorted(found)
