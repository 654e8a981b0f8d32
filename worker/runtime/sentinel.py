"""A Redis behind Sentinels: its address, and the spelling that Celery has for it. Opens no connection.

`sentinel://[user:password@]host[:port][,host[:port]…][/DB]?master=NAME[&sentinel_user=…][&sentinel_password=…]`:
name and password are those of the primary and its replicas, what the query says is for the Sentinels themselves.
"""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

SCHEME = "sentinel://"
PORT = 26_379
_NODE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:\[\]@?#]+)(?::(\d{1,5}))?")
_KNOWN = {"master", "sentinel_user", "sentinel_password"}
_EXAMPLE = "write it as sentinel://one:26379,two:26379,three:26379/0?master=mymaster"

ASK_S = 2.0
"""A Sentinel that takes longer is passed over for the next: its host may be the one that is gone."""
ANSWER_S = 10.0
"""A primary that takes longer is left, and the Sentinels are asked for one: a frozen host closes no connection."""
HEALTH_CHECK_S = 5
"""How soon, beyond its one second, an unanswered wait for doorbells counts as the end of a connection."""


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Where the Sentinels are, and which of the primaries that they watch is meant; its secrets are in no repr."""

    nodes: tuple[tuple[str, int], ...]
    master: str
    db: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    sentinel_user: str = ""
    sentinel_password: str = field(default="", repr=False)

    @property
    def credentials(self) -> dict[str, str]:
        """The primary's, as redis-py names them."""
        return _named(self.user, self.password)

    @property
    def asking(self) -> dict[str, Any]:
        """How a Sentinel is asked, as redis-py names it."""
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        # Without a retry: the next one is asked instead, and redis-py's own would wait for up to ten seconds in between.
        limits = {"socket_timeout": ASK_S, "socket_connect_timeout": ASK_S, "retry": Retry(NoBackoff(), 0)}
        return limits | _named(self.sentinel_user, self.sentinel_password)


def is_sentinel(url: str) -> bool:
    """Whether an address leads to Sentinels."""
    return url.startswith(SCHEME)


def parse_address(url: str) -> SentinelAddress:
    """Raises ValueError saying what is wrong and how to mend it, without a word of what may be secret."""
    place, _, query = url.removeprefix(SCHEME).partition("?")
    authority, _, database = place.partition("/")
    credentials, _, hosts = authority.rpartition("@")
    user, _, password = credentials.partition(":")
    options = _options(query)
    if not options.get("master"):
        msg = f"names no primary after ?master=, the name that the Sentinels watch it under; {_EXAMPLE}"
        raise ValueError(msg)
    if database and not database.isdecimal():
        msg = f"has no number as its database; {_EXAMPLE}"
        raise ValueError(msg)
    return SentinelAddress(
        nodes=tuple(_node(text) for text in hosts.split(",")),
        master=options["master"],
        db=int(database or 0),
        user=unquote(user),
        password=unquote(password),
        sentinel_user=options.get("sentinel_user", ""),
        sentinel_password=options.get("sentinel_password", ""),
    )


def celery_settings(address: SentinelAddress) -> tuple[str, dict[str, Any]]:
    """Celery's broker URL and what its transport options are besides.

    Celery goes from one spelling to the next when a connection fails and reads each anew: every one says everything.
    Without `sentinel_kwargs` Sentinels would be waited for as long as the primary, one after the other.
    """
    login = f"{quote(address.user, safe='')}:{quote(address.password, safe='')}@" if address.password else ""
    spelled = [
        f"{SCHEME}{login}{f'[{host}]' if ':' in host else host}:{port}/{address.db}" for host, port in address.nodes
    ]
    options = {
        "master_name": address.master,
        "sentinel_kwargs": address.asking,
        "socket_timeout": ANSWER_S,
        "health_check_interval": HEALTH_CHECK_S,
    }
    return ";".join(spelled), options


def _options(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    except ValueError:
        msg = f"has something after its ? that is not NAME=VALUE; {_EXAMPLE}"
        raise ValueError(msg) from None
    if any(name not in _KNOWN for name, _ in pairs) or len(dict(pairs)) < len(pairs):
        msg = f"may say {', '.join(sorted(_KNOWN))} after its ?, each once; {_EXAMPLE}"
        raise ValueError(msg)
    return dict(pairs)


def _node(text: str) -> tuple[str, int]:
    found = _NODE.fullmatch(text)
    port = int(found[2] or PORT) if found else 0
    if not found or not 1 <= port <= 65_535:  # noqa: PLR2004
        msg = f"has a Sentinel that is no host:port (an @, / or , in a password is written %40, %2F, %2C); {_EXAMPLE}"
        raise ValueError(msg)
    return found[1].strip("[]"), port


def _named(user: str, password: str) -> dict[str, str]:
    return {name: value for name, value in (("username", user), ("password", password)) if value}
