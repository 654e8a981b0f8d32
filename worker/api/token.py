"""Roles, and the tokens that carry them. What is kept of a token is its digest: nobody can read a token back.

A token's secret is 256 random bits, so that one round of SHA-256 protects it as well as any slow hash would: slow hashes
make guessing of what people choose expensive, and 2^256 cannot be guessed at any price. A slow hash would only let
every request cost tens of milliseconds, and let strangers make us pay them.
"""

import hashlib
import hmac
import re
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

_SECRET_BYTES, _ID_BYTES = 32, 5
_TEXT = re.compile(r"tocsin_(?P<id>[a-z2-7]{8})_(?P<secret>[a-z2-7]{52})")
_NOBODY = "0" * 64


class Role(StrEnum):
    """What a token is good for, from least to most; each may do all that those before it may, but for the first.

    A subscriber reads the Atom feed of one watch and nothing else; its token may stand in an address.
    """

    SUBSCRIBER = "subscriber"
    READER = "reader"
    ANALYST = "analyst"
    OPERATOR = "operator"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do what the other may."""
        if self is Role.SUBSCRIBER:
            return other is Role.SUBSCRIBER
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of a token. `watch` is what a subscriber may read, else empty."""

    id: str
    name: str
    role: Role
    digest: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    watch: str = ""
    used_at: datetime | None = None

    def state(self, now: datetime) -> Literal["live", "expired", "revoked"]:
        """Whether it opens anything at this moment."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"


def create(  # noqa: PLR0913 - what a token is made of
    name: str,
    role: Role,
    *,
    now: datetime,
    random: Callable[[int], bytes],
    expires_at: datetime | None = None,
    watch: str = "",
) -> tuple[Token, str]:
    """A new token and its text, which is shown once. `random` gives so many bytes nobody can foresee."""
    id_, secret = _encode(random(_ID_BYTES)), _encode(random(_SECRET_BYTES))
    return Token(id_, name, role, _digest(secret), now, expires_at, watch=watch), f"tocsin_{id_}_{secret}"


def read_id(text: str) -> str:
    """The id in a token's text; "" where it is none."""
    found = _TEXT.fullmatch(text)
    return found["id"] if found else ""


def is_genuine(text: str, token: Token | None) -> bool:
    """Whether the text is that of the token, found out in a time that depends on neither."""
    found = _TEXT.fullmatch(text)
    digest = _digest(found["secret"] if found else "")
    is_same = hmac.compare_digest(digest, token.digest if token else _NOBODY)
    return is_same and found is not None and token is not None


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _encode(raw: bytes) -> str:
    return b32encode(raw).decode().lower().rstrip("=")
