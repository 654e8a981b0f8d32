"""Who is asking, and whether they may: tokens, the loopback exception, and how many requests fit in a minute.

While no token was ever made, whoever asks from this machine and under its own name may do what an analyst may, as on
the page; from elsewhere nothing is answered. The first token ends that for good, also on loopback, and also when it is
revoked: the last token's end must not open the door.
"""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from worker.api import token as tokens
from worker.api.operations import OPERATIONS, Operation
from worker.api.token import Role, Token
from worker.runtime.access import NAMES, is_from_here, name_of
from worker.runtime.redis_client import Scripts
from worker.runtime.rest.problem import Refusal
from worker.runtime.token_store import Tokens

_ASK = {"WWW-Authenticate": 'Bearer realm="tocsin"'}
_PAGE_DATA = next(operation for operation in OPERATIONS if operation.id == "list_alerts")
_BURST_PART = 5
"""A fifth of a minute's requests may come at once."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: their role, their name for the record, and the key under which what they do is counted."""

    role: Role | None
    name: str
    key: str
    token: str = ""
    """The id of their token; "" without one."""


class Limit:
    """How many requests a caller may make in a minute."""

    def __init__(self, client: Any, per_minute: int) -> None:
        self._per_minute, self._burst = per_minute, max(per_minute // _BURST_PART, 1)
        self._run = Scripts(client, "limit").run

    def spend(self, key: str) -> None:
        """Count a request. Raises Refusal (429) where it is one too many."""
        if wait_ms := int(self._run("limit", key, self._per_minute, self._burst)):
            seconds = -(-wait_ms // 1000)
            told = f"more than {self._per_minute} requests a minute; the next fits in {seconds} s"
            raise Refusal(429, told, headers={"Retry-After": str(seconds)})


class Door:
    """Lets callers in. `now` is the clock."""

    def __init__(self, kept: Tokens, limit: Limit, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._kept, self._limit, self._now = kept, limit, now

    def admit(self, request: Request, operation: Operation) -> Caller:
        """The caller. Raises Refusal: 401 who is not known, 403 who may not, 429 who asks too often."""
        text, is_in_address = _token_of(request, operation)
        token, is_any = self._kept.find(tokens.read_id(text))
        known = token if token and tokens.is_genuine(text, token) else None
        key = f"token:{known.id}" if known else f"address:{_network(request)}"
        self._limit.spend(key)
        if operation.role is None:
            return Caller(None, "anybody", key)
        if known is None:
            _refuse_strangers(request, is_any=is_any, is_tokenless=not text)
            _require(Role.ANALYST, operation)
            return Caller(Role.ANALYST, "this machine", key)
        self._check(known, operation, request, is_in_address=is_in_address)
        self._kept.note_use(known, self._now())
        return Caller(known.role, known.name, key, known.id)

    def admit_to_page(self, request: Request) -> None:
        """Let a caller read the page's own JSON. Raises Refusal as `admit` does.

        This machine reads it like the page; from elsewhere it is asked for as the API is, once there are tokens.
        """
        if not is_from_here(request) and self._kept.find("")[1]:
            self.admit(request, _PAGE_DATA)

    def holds(self, caller: Caller) -> bool:
        """Whether a caller who was let in would be let in still: for streams, which go on."""
        token, is_any = self._kept.find(caller.token)
        if not caller.token:
            return not is_any
        return token is not None and token.state(self._now()) == "live"

    def _check(self, token: Token, operation: Operation, request: Request, *, is_in_address: bool) -> None:
        state = token.state(self._now())
        if state != "live":
            raise Refusal(401, f"this token is {state}", headers=_ASK)
        if is_in_address and token.role is not Role.SUBSCRIBER:
            told = (
                "only a subscriber's token may stand in an address, where it is easily seen; send this one in a header"
            )
            raise Refusal(403, told)
        _require(token.role, operation)
        if token.role is Role.SUBSCRIBER and request.path_params.get("watch") != token.watch:
            raise Refusal(403, "this token reads the feed of another watch")


def _require(role: Role, operation: Operation) -> None:
    assert operation.role is not None
    if not role.includes(operation.role):
        raise Refusal(403, f"{operation.id} needs the role {operation.role}, and yours is {role}")


def _refuse_strangers(request: Request, *, is_any: bool, is_tokenless: bool) -> None:
    if not is_tokenless:
        raise Refusal(401, "this token is not known", headers=_ASK)
    if is_any:
        told = "a token is needed: Authorization: Bearer …; `tocsin tokens add` makes one"
        raise Refusal(401, told, headers=_ASK)
    if reason := _foreign(request):
        told = (
            f"as long as there is no token only this machine is answered, and {reason}; `tocsin tokens add` makes one"
        )
        raise Refusal(401, told, headers=_ASK)


def _token_of(request: Request, operation: Operation) -> tuple[str, bool]:
    """The token's text, and whether it stood in the address."""
    header = request.headers.get("authorization", "")
    if header:
        scheme, _, text = header.partition(" ")
        return (text.strip() if scheme.lower() == "bearer" else "?"), False
    if "token" in operation.query.model_fields and "token" in request.query_params:
        return request.query_params["token"] or "?", True
    return "", False


def _foreign(request: Request) -> str:
    """Why a request without a token is not from this machine and its user; "" where it is.

    Names that were rebound to 127.0.0.1 stand in `Host`; pages of other sites are told by what browsers say of them.
    """
    if not is_from_here(request):
        return "this request comes from elsewhere"
    host = request.headers.get("host", "")
    if name_of(f"//{host}") not in NAMES:
        return "the server was not asked under a name of this machine"
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    own = (None, "same-origin") if request.method not in ("GET", "HEAD") else (None, "same-origin", "none")
    if site not in own or (origin is not None and urlsplit(origin).netloc != host):
        return "another site's page made this request"
    return ""


def _network(request: Request) -> str:
    """The address that is counted: of IPv6 the /64, which is one subscriber's."""
    try:
        address = ipaddress.ip_address(request.client.host if request.client else "")
    except ValueError:
        return "unknown"
    return str(ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address)  # noqa: PLR2004
