"""Where tokens are kept: `token:ID` (hash of fields), `tokens` (ids by the time they were made). Never their text."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from worker.api.token import Role, Token
from worker.runtime.redis_client import K, Scripts, moment_of, ms_of, translated

_USE_NOTED_EVERY = timedelta(minutes=1)


class Tokens(Protocol):
    """What the API asks of the tokens."""

    def find(self, id_: str) -> tuple[Token | None, bool]:
        """The token of that id, and whether there has ever been any token."""

    def note_use(self, token: Token, now: datetime) -> None:
        """Remember, to the minute, that it was used."""


class RedisTokens:
    """Tokens in the store. Revoked and expired ones stay, so that the list tells what there was."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._scripts = Scripts(client, "tokens")

    def find(self, id_: str) -> tuple[Token | None, bool]:
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hgetall(K + f"token:{id_}")
            pipeline.exists(K + "tokens")
            fields, is_any = pipeline.execute()
        return (_restore(id_, fields) if fields else None), bool(is_any)

    def list(self) -> list[Token]:
        """All tokens, the oldest first."""
        with translated():
            ids = self._client.zrange(K + "tokens", 0, -1)
            pipeline = self._client.pipeline(transaction=False)
            for id_ in ids:
                pipeline.hgetall(K + f"token:{id_}")
            rows = pipeline.execute()
        return [_restore(id_, fields) for id_, fields in zip(ids, rows, strict=True) if fields]

    def add(self, token: Token) -> None:
        """Keep a new token."""
        self._run("add", token.id, *_flat(token))

    def revoke(self, id_: str, now: datetime) -> bool:
        """Make it open nothing any more, at once; False if there is no such token, or it was revoked before."""
        return bool(self._run("revoke", id_, ms_of(now)))

    def rotate(self, id_: str, successor: Token, until: datetime) -> bool:
        """Keep the successor, and end the token at `until` or when it would have ended; False if it is not live."""
        return bool(
            self._run("rotate", id_, ms_of(successor.created_at), ms_of(until), successor.id, *_flat(successor))
        )

    def note_use(self, token: Token, now: datetime) -> None:
        if token.used_at is None or now - token.used_at >= _USE_NOTED_EVERY:
            with translated():
                self._client.hset(K + f"token:{token.id}", "used_at", ms_of(now))

    def _run(self, *arguments: str | int) -> int:
        return int(self._scripts.run("tokens", *arguments))


def _flat(token: Token) -> list[str | int]:
    fields: dict[str, str | int] = {
        "name": token.name,
        "role": token.role.value,
        "digest": token.digest,
        "watch": token.watch,
        "created_at": ms_of(token.created_at),
    }
    if token.expires_at:
        fields["expires_at"] = ms_of(token.expires_at)
    return [part for pair in fields.items() for part in pair]


def _restore(id_: str, fields: Mapping[str, str]) -> Token:
    def at(name: str) -> datetime | None:
        return moment_of(fields[name]) if name in fields else None

    created_at = at("created_at")
    assert created_at is not None
    return Token(
        id_,
        fields["name"],
        Role(fields["role"]),
        fields["digest"],
        created_at,
        at("expires_at"),
        at("revoked_at"),
        fields["watch"],
        at("used_at"),
    )
