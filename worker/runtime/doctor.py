"""`tocsin doctor`: each thing that must be right, whether it is, and what to do."""

import platform
import pyexpat
import socket
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from worker.deliver.breaker import Circuit
from worker.errors import ConfigError, ModelError, StoreUnavailable
from worker.lanes import LONGEST_ASIDE
from worker.model import Configuration, Format, LanguageModel
from worker.plural import counted
from worker.runtime.counts import broken_counts
from worker.runtime.fetcher import TIMEOUT
from worker.runtime.health import persistence, readiness, sentinels
from worker.runtime.http import is_public
from worker.runtime.politeness import PATIENCE
from worker.runtime.process import demo_configuration, has_store, open_store
from worker.runtime.redis_client import translated
from worker.runtime.settings import load_settings
from worker.runtime.trends import read_budgets
from worker.runtime.views import list_endpoints, list_feeds
from worker.watchlist import load_configuration

Finding = dict[str, str]
_OLDEST_PYTHON = (3, 11)
_SAFE_EXPAT = (2, 4, 1)
_NAMED, _SHOWN = 3, 40
_LOSSES = {
    "no": "appendonly is no: a restart of Redis loses work; set appendonly yes",
    "everysec": "appendfsync is everysec: after a power cut the alerts of the last second are sent again, under their"
    " ids with another time; set appendfsync always",
    "": "the server does not tell when it writes to disk; appendonly yes and appendfsync always are meant",
}


def examine(config: Path) -> Iterator[Finding]:
    """Findings as {name, status: ok | warning | failure, message}."""
    yield _python()
    yield from _redis()
    configuration, finding = _configuration(config)
    yield finding
    yield _model(configuration.nlp if configuration else LanguageModel())
    if configuration:
        yield from _endpoints(configuration)
    if has_store():
        yield from _reloads()
        yield from _counts()
        if configuration:
            yield from _feeds(configuration)
            yield from _circuits(configuration)
            yield from _budgets(configuration)


def _python() -> Finding:
    version = platform.python_version()
    if sys.version_info < _OLDEST_PYTHON:
        return _finding("python", "failure", f"Python {version}; 3.11 or newer is needed")
    expat = tuple(pyexpat.version_info)
    if expat < _SAFE_EXPAT:
        return _finding("python", "warning", f"{pyexpat.EXPAT_VERSION} does not stop entity bombs; use 2.4.1 or newer")
    return _finding("python", "ok", f"Python {version}, {pyexpat.EXPAT_VERSION}")


def _redis() -> Iterator[Finding]:
    settings = load_settings()
    yield from _lease(settings.lease)
    if settings.redis_url is None and not has_store():
        from worker.runtime.valkey import find_server

        try:
            yield _finding(
                "redis", "ok", f"TOCSIN_REDIS_URL is not set: `tocsin up` will start {Path(find_server()).name}"
            )
        except StoreUnavailable as error:
            yield _finding("redis", "failure", str(error))
        return
    store = open_store()
    checks = readiness(store)
    if settings.redis_url is None and checks[0]["ok"]:
        yield _finding("up", "ok", "`tocsin up` runs here" + (": the demonstration" if demo_configuration() else ""))
    for check in checks:
        yield _finding(str(check["name"]), "ok" if check["ok"] else "failure", str(check["message"]))
    if checks[0]["ok"]:
        kept = persistence(store)
        for check in sentinels(store):
            yield _finding(str(check["name"]), "ok" if check["ok"] else "warning", str(check["message"]))
        yield _finding("persistence", "warning" if kept in _LOSSES else "ok", _LOSSES.get(kept, "each step is on disk"))


def _lease(lease: timedelta) -> Iterator[Finding]:
    """Whether work is lent for as long as a healthy feed may take; a shorter lease brings a dead worker's back sooner."""
    longest = timedelta(seconds=TIMEOUT.total or 0) + 2 * PATIENCE + LONGEST_ASIDE
    if lease < longest:
        taken, needed = lease.total_seconds(), longest.total_seconds()
        told = f"TOCSIN_LEASE is {taken:g} s; a slow feed may take {needed:g} s with its turn, and is asked anew meanwhile,"
        told += f" holds up others, and may be set aside; say {needed:g}s or more"
        yield _finding("lease", "warning", told)


def _model(wanted: LanguageModel) -> Finding:
    from worker.enrich.enricher import load

    try:
        return _finding("model", "ok", f"{load(wanted).model} is loaded")
    except ModelError as error:
        return _finding("model", "failure", str(error))


def _configuration(directory: Path) -> tuple[Configuration | None, Finding]:
    if not directory.exists():
        hint = f"{directory} is not there: `tocsin up` runs the demonstration; `tocsin init DIR` writes a configuration"
        if demo := demo_configuration():
            hint = f"{directory} is not there; the demonstration that runs here has its own: -c {demo}"
        return None, _finding("configuration", "warning", hint)
    try:
        found = load_configuration(directory)
    except ConfigError as error:
        count = len(error.problems)
        return None, _finding(
            "configuration", "failure", f"{counted(count, 'problem')}, the first: {error.problems[0]}"
        )
    return found, _finding(
        "configuration",
        "ok",
        f"{counted(len(found.feeds), 'feed')}, {counted(len(found.watches), 'watch')} ({directory})",
    )


def _endpoints(configuration: Configuration) -> Iterator[Finding]:
    for endpoint in configuration.endpoints:
        if endpoint.format is Format.APPRISE:
            yield _finding(
                f"endpoint {endpoint.name}", "ok", f"is Apprise's; try it: `tocsin endpoints test {endpoint.name}`"
            )
            continue
        parts = urlsplit(endpoint.url)
        place = (parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
        try:
            if not endpoint.allow_private and not _is_any_public(*place):
                message = "has a private address, and deliveries are refused; say `allow_private: true` if it is meant"
                yield _finding(f"endpoint {endpoint.name}", "failure", message)
                continue
            socket.create_connection(place, timeout=5).close()
        except OSError as error:
            message = f"cannot be reached: {error.strerror or type(error).__name__}; alerts will wait for it"
            yield _finding(f"endpoint {endpoint.name}", "warning", message)
        else:
            yield _finding(f"endpoint {endpoint.name}", "ok", "accepts connections")


def _is_any_public(host: str, port: int) -> bool:
    """Whether the guard over deliveries lets any address of the host pass. Raises OSError where it has none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return any(is_public(str(address[0])) for *_, address in found)


def _reloads() -> Iterator[Finding]:
    try:
        states = open_store().configuration_states()
    except StoreUnavailable:
        return
    refused: dict[str, list[str]] = {}
    for process, state in states.items():
        if not state.is_ok:
            message = f"the last reload was refused and {state.hash} stays in force: {state.reason}"
            refused.setdefault(message, []).append(process)
    for message, processes in refused.items():
        yield _finding("reload", "failure", f"{', '.join(processes)}: {message}")


def _counts() -> Iterator[Finding]:
    """Counts that held no number: nothing of Tocsin's writes such a thing."""
    try:
        with translated():
            broken = broken_counts(open_store().client)
    except StoreUnavailable:
        return
    if broken:
        shown = [f"{place} held “{text[:_SHOWN]}”" for place, text in sorted(broken.items())[:_NAMED]]
        more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
        message = f"{', '.join(shown)}{more}: no number; counted anew from 0. Who writes into Redis beside Tocsin?"
        yield _finding("counts", "warning", message)


def _budgets(configuration: Configuration) -> Iterator[Finding]:
    """Watches that are louder than their configuration says they should be."""
    try:
        budgets = read_budgets(open_store(), configuration)
    except StoreUnavailable:
        return
    for budget in budgets:
        if budget.alerts > budget.most:
            message = f"raised {counted(budget.alerts, 'alert')} in 24 h; its max_alerts_per_day is {budget.most:g}"
            yield _finding(f"watch {budget.watch}", "warning", f"{message}. None was dropped: make it ask for more")


def _feeds(configuration: Configuration) -> Iterator[Finding]:
    """How many feeds do not get on, and the first of them by name."""
    try:
        rows = list_feeds(open_store(), configuration.feeds)
    except StoreUnavailable:
        return
    for health in ("failing", "gone", "quarantined"):
        names = [row["name"] for row in rows if row["health"] == health]
        if names:
            told = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
            message = f"{len(names)} of {counted(len(rows), 'feed')} {health}: {told}; `tocsin feeds list` says why"
            yield _finding("feeds", "warning", message)


def _circuits(configuration: Configuration) -> Iterator[Finding]:
    """Endpoints whose circuit is not closed, and those that are no more, where the store can be asked."""
    try:
        rows = list_endpoints(open_store(), configuration)
    except StoreUnavailable:
        return
    for row in rows:
        yield from _circuit(row)


def _circuit(row: dict[str, Any]) -> Iterator[Finding]:
    name, waiting = f"endpoint {row['name']}", f"{counted(row['waiting'], 'delivery')} waiting"
    if not row["is_configured"]:
        remedy = (
            f"`tocsin endpoints left {row['name']}` shows it; then configure it again,"
            f" `tocsin endpoints redirect {row['name']} ANOTHER`, or `tocsin endpoints drop {row['name']} --reason WHY`"
        )
        yield _finding(
            name, "failure", f"is no longer configured, and nobody sends: {waiting}, {row['dead']} dead; {remedy}"
        )
        return
    if row["state"] == Circuit.PAUSED:
        remedy = f"`tocsin endpoints resume {row['name']}` when it is back"
        yield _finding(name, "failure", f"is paused: {row['reason']}; {waiting}; {remedy}")
    elif row["state"] != Circuit.CLOSED:
        yield _finding(name, "warning", f"keeps failing ({row['reason']}); {waiting}; it is tried every minute")
    if row["held_until"]:
        yield _finding(name, "warning", f"asked to be left alone until {row['held_until']}; {waiting}")
    if row["dead"]:
        remedy = f"`tocsin alerts replay --endpoint {row['name']}` sends them again"
        yield _finding(name, "warning", f"has {counted(row['dead'], 'dead letter')}; {remedy}")


def _finding(name: str, status: str, message: str) -> Finding:
    return {"name": name, "status": status, "message": message}
