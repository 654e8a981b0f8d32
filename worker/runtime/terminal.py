"""Alerts on the terminal of `tocsin up`: each once, as it is raised."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape

from worker.errors import StoreUnavailable
from worker.plural import counted
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import read_alerts

_MOST_AT_ONCE, _NAMED = 20, 8


class AlertPrinter:
    """Prints what is raised from now on."""

    def __init__(self, store: RedisStore, console: Console) -> None:
        self._store, self._console = store, console
        self._printed = self._newest()

    def print_new(self) -> None:
        """Print what came since the last call; of a burst the newest, and how many more there were."""
        try:
            newest = self._newest()
            if newest <= self._printed:  # a smaller number: a server that lost its newest writes
                self._printed = newest
                return
            with translated():
                found = self._store.client.zrange(K + "alerts:log", f"({self._printed}", newest, byscore=True)
            rows = read_alerts(self._store, found[-_MOST_AT_ONCE:])
        except StoreUnavailable:  # it is restarted, and then asked again
            return
        if more := len(found) - len(rows):
            self._console.print(f"\n{counted(more, 'more alert')} on the page")
        for row in rows:
            print_alert(self._console, row, "shadow: told to nobody" if row["is_shadow"] else "")
        self._printed = newest

    def _newest(self) -> int:
        with translated():
            last = self._store.client.zrange(K + "alerts:log", 0, 0, desc=True, withscores=True)
        return int(last[0][1]) if last else 0


def print_alert(console: Console, alert: Mapping[str, Any], note: str = "") -> None:
    """An alert in a few lines; `note` is said beside its watch."""
    console.print()
    console.print(f"[bold red]ALERT[/] [bold]{escape(alert['article']['title'])}[/]")
    said = [alert["severity"], alert["watch"]["title"], alert["article"]["source"], note, alert["alert_id"]]
    console.print("  " + " · ".join(escape(part) for part in said if part))
    for evidence in alert["evidence"][:2]:
        console.print(f"  because: “{escape(evidence['text'])}”", style="dim")
    names = dict.fromkeys(e["text"] + (f" ({e['id']})" if e["id"] else "") for e in alert["entities"])
    if names:
        console.print(f"  names:   {escape(', '.join(list(names)[:_NAMED]))}", style="dim")
