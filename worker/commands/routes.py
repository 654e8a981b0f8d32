"""`tocsin routes`: see where alerts go."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from worker.commands.shared import Config, Json, config_directory, print_json, read_moment
from worker.errors import InputError

app = typer.Typer(no_args_is_help=True, help="See where alerts go.")


@app.command(name="test")
def routes_test(
    labels: Annotated[
        list[str], typer.Argument(help="Labels of the alert, such as severity=high watch=arms-transfer desk=sanctions.")
    ],
    at: Annotated[
        str | None, typer.Option(help="As of when: 2026-11-24T22:00+01:00; now where it is not given.")
    ] = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Show where an alert with these labels would go and when: by routes, time intervals, digests and silences.

    A watch's own labels and severity are filled in where `watch` names one of the configuration. Silences are those of
    the running Tocsin.
    """
    from worker import onward
    from worker.watchlist import load_configuration

    configuration = load_configuration(config_directory(config), is_sending=False)
    now = read_moment(at) if at else datetime.now(UTC)
    given = _read(labels)
    watch = next((one for one in configuration.watches if one.id == given.get("watch")), None)
    if watch:
        given = {**dict(watch.labels), "severity": watch.severity.value, **given}
    silence, note = _silence(given, now)
    is_shadow = watch is not None and watch.is_shadow
    steps = [] if is_shadow else onward.plan(configuration, given, now)
    places = dict(_places(configuration.route))
    plans = [{"route": places[one.route.key], **_describe(one, now, watch.rate if watch else None)} for one in steps]
    endpoints = list(dict.fromkeys(plan["endpoint"] for plan in plans))
    told = {"labels": given, "at": now.isoformat(timespec="seconds"), "silence": silence, "endpoints": endpoints}
    if as_json:
        print_json({**told, "is_shadow": is_shadow, "routes": plans, "note": note})
        return
    if is_shadow:
        from worker.present import SHADOW

        typer.echo(f"{given['watch']} is in {SHADOW}")
    if silence:
        typer.echo(
            f"{silence['id']} by {silence['author']} ({silence['comment']}) keeps it back until {silence['ends_at']}"
        )
    for plan in plans:
        of = f" ({plan['matchers']})" if plan["matchers"] else ""
        typer.echo(f"{plan['route']}{of}: {'would go ' if silence else ''}{_say(plan)}")
    if note:
        typer.echo(note, err=True)


def _places(route: Any, place: str = "route") -> Iterator[tuple[str, str]]:
    """Each route's key with where the configuration has it: `route.routes[0]`."""
    yield route.key, place
    for i, child in enumerate(route.routes):
        yield from _places(child, f"{place}.routes[{i}]")


def _read(labels: list[str]) -> dict[str, str]:
    found = {}
    for label in labels:
        parts = re.fullmatch(r"([a-zA-Z_][\w-]*)=(.*)", label)
        if not parts:
            msg = f"“{label}” is not a label; write name=value, such as severity=high"
            raise InputError(msg)
        found[parts[1]] = parts[2].strip('"')
    return found


def _silence(labels: dict[str, str], now: datetime) -> tuple[dict[str, Any] | None, str]:
    """The silence that would keep the alert back, and what to say where the store cannot be asked."""
    from worker import silence
    from worker.errors import StoreUnavailable
    from worker.runtime.process import open_silences

    try:
        found = silence.find(open_silences().silences(), labels, now)
    except StoreUnavailable as error:
        return None, f"silences are left aside: {error}"
    return (silence.describe(found, now) if found else None), ""


def _describe(plan: Any, now: datetime, rate: Any) -> dict[str, Any]:
    from worker import matchers, onward

    route, zones = plan.route, [interval.zone for interval in (*plan.route.timing.mute, *plan.route.timing.active)]
    zone = plan.route.timing.digest.zone if plan.route.timing.digest else (zones or ["UTC"])[0]
    told: dict[str, Any] = {
        "matchers": ", ".join(map(matchers.write, route.matchers)),
        "endpoint": plan.endpoint,
        "continue": route.is_continued,
        "how": plan.key.kind if plan.key else "at once",
        "group_labels": dict(plan.key.labels) if plan.key else {},
        "at": plan.at.isoformat(timespec="seconds"),
        "local": plan.at.astimezone(ZoneInfo(zone)).strftime("%a %d %b %Y %H:%M:%S %Z"),
        "why": plan.why,
    }
    if rate and (plan.key is None or plan.key.kind != "digest"):
        _, overflow_at = onward.overflow(plan, "", rate, now)
        told["beyond_rate"] = {"max": rate.most, "per_s": rate.per.total_seconds(), "at": overflow_at.isoformat()}
    return told


def _say(plan: dict[str, Any]) -> str:
    how = {
        "at once": "at once",
        "group": f"with others of its group at {plan['local']} ({plan['why']})",
        "digest": f"in the digest at {plan['local']}",
        "quiet": f"held, since the route is silent, until {plan['local']}",
    }[plan["how"]]
    of = ", ".join(f'{name}="{value}"' for name, value in plan["group_labels"].items())
    cap = plan.get("beyond_rate")
    beyond = f"; beyond {cap['max']} in {cap['per_s']:g} s in a digest at {cap['at']}" if cap else ""
    return f"to {plan['endpoint']} {how}" + (f", group {of}" if of else "") + beyond
