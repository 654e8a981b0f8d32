"""A served API over the real store, a configuration whose ids are like real ones, and tokens of every role."""

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.desk import CONFIGURATION, Desk, serving
from worker.api import token as tokens
from worker.api.token import Role
from worker.client import Client
from worker.runtime.token_store import RedisTokens

CONFIGURED = replace(
    CONFIGURATION, feeds=tuple(replace(feed, id=feed.id.replace(" ", "-").lower()) for feed in CONFIGURATION.feeds)
)
WATCH = "arms-transfer"


@dataclass
class Served:
    """Where the API answers, what is behind it, and the tokens' texts by role."""

    base: str
    store: object
    tokens: dict[Role, str]

    def client(self, role: Role = Role.OPERATOR) -> Client:
        return Client(self.base, self.tokens[role])


def make_token(store, role: Role, *, lives: timedelta | None = None, watch: str = "") -> tuple[str, str]:
    """A kept token's id and text."""
    now = datetime.now(UTC)
    ends = now + lives if lives else None
    is_bound = role is Role.SUBSCRIBER
    token, text = tokens.create(
        role.value, role, now=now, random=secrets.token_bytes, expires_at=ends, watch=watch or WATCH * is_bound
    )
    RedisTokens(store.client).add(token)
    return token.id, text


@pytest.fixture
def desk(redis_store):
    return Desk(redis_store)


@pytest.fixture
def open_api(redis_store):
    """Serves the API; a function, so that a test can say how many requests fit in a minute."""

    @contextmanager
    def opened(per_minute: int = 1_000_000):
        with serving(redis_store, configuration_=CONFIGURED, requests_per_minute=per_minute) as base:
            yield base

    return opened


@pytest.fixture
def served(open_api, redis_store):
    with open_api() as base:
        yield Served(base, redis_store, {role: make_token(redis_store, role)[1] for role in Role})
