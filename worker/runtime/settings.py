"""What the environment says: `TOCSIN_*`, each with a default that works on a laptop."""

import ipaddress
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from platformdirs import user_config_path, user_state_path

from worker.errors import ConfigError, Problem
from worker.runtime.sentinel import is_sentinel, parse_address
from worker.watchlist.schema import parse_duration


@dataclass(frozen=True, slots=True)
class Settings:
    """The effective settings; every field is the variable `TOCSIN_` and its name in capitals."""

    config: Path
    data: Path
    redis_url: str | None
    web_host: str
    web_port: int
    api_rate: int
    web_edits: bool
    lease: timedelta
    tick: timedelta
    watchdog: timedelta
    contact: str
    public_url: str
    log_level: str
    traces: bool


def load_settings(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the environment. Raises ConfigError naming every variable that cannot be used."""
    problems: list[Problem] = []

    def duration(name: str, default: str) -> timedelta:
        try:
            value = parse_duration(environ.get(name) or default)
        except ValueError as error:
            problems.append(Problem(f"environment variable {name}", 0, 0, str(error)))
            return timedelta(0)
        assert isinstance(value, timedelta)
        return value

    port = environ.get("TOCSIN_WEB_PORT") or "8787"
    if not port.isdigit() or int(port) > 65_535:  # noqa: PLR2004
        problems.append(Problem("environment variable TOCSIN_WEB_PORT", 0, 0, f"“{port}” is not a port number"))
    rate = environ.get("TOCSIN_API_RATE") or "600"
    if not rate.isdecimal() or not 1 <= int(rate) <= 1_000_000:  # noqa: PLR2004
        message = f"“{rate}” is no number of requests a minute"
        problems.append(Problem("environment variable TOCSIN_API_RATE", 0, 0, message))
    host = environ.get("TOCSIN_WEB_HOST") or "127.0.0.1"
    traces = (environ.get("TOCSIN_TRACES") or "no").lower()
    if traces not in ("yes", "no"):
        problems.append(Problem("environment variable TOCSIN_TRACES", 0, 0, f"“{traces}” is neither yes nor no"))
    edits = (environ.get("TOCSIN_WEB_EDITS") or ("yes" if _is_loopback(host) else "no")).lower()
    if edits not in ("yes", "no"):
        problems.append(Problem("environment variable TOCSIN_WEB_EDITS", 0, 0, f"“{edits}” is neither yes nor no"))
    redis_url = environ.get("TOCSIN_REDIS_URL") or None
    if redis_url and (message := _fault_of(redis_url)):
        problems.append(Problem("environment variable TOCSIN_REDIS_URL", 0, 0, message))
    public_url = environ.get("TOCSIN_PUBLIC_URL") or ""
    if public_url and not re.fullmatch(r"https?://[^\s?#@]+", public_url):
        message = "is no web address; it begins with https:// and has neither name, query nor fragment"
        problems.append(Problem("environment variable TOCSIN_PUBLIC_URL", 0, 0, message))
    settings = Settings(
        config=Path(environ.get("TOCSIN_CONFIG") or user_config_path("tocsin")),
        data=Path(environ.get("TOCSIN_DATA") or user_state_path("tocsin")),
        redis_url=redis_url,
        web_host=host,
        web_port=int(port) if port.isdigit() else 0,
        api_rate=int(rate) if rate.isdecimal() else 0,
        web_edits=edits == "yes",
        lease=duration("TOCSIN_LEASE", "90s"),
        tick=duration("TOCSIN_TICK", "1s"),
        watchdog=duration("TOCSIN_WATCHDOG", "60s"),
        contact=environ.get("TOCSIN_CONTACT") or "",
        public_url=public_url.rstrip("/"),
        log_level=(environ.get("TOCSIN_LOG_LEVEL") or "info").lower(),
        traces=traces == "yes",
    )
    if problems:
        raise ConfigError(tuple(problems))
    return settings


def _fault_of(redis_url: str) -> str:
    """What is wrong with an address of Redis, "" where nothing is."""
    if is_sentinel(redis_url):
        try:
            parse_address(redis_url)
        except ValueError as error:
            return str(error)
    elif not redis_url.startswith(("redis://", "rediss://", "unix://")):
        return "is no address of a Redis; it begins with redis://, rediss://, sentinel:// or unix://"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
