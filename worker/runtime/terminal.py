"""Alerts on the terminal of `tocsin up`: each once, as it is raised."""

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO, Any

from rich.console import Console
from rich.markup import escape

from worker.errors import StoreUnavailable
from worker.plural import counted
from worker.runtime.redis_client import K, translated
from worker.runtime.redis_store import RedisStore
from worker.runtime.views import read_alerts

_MOST_AT_ONCE, _NAMED = 20, 8
_LOOK_EVERY_S = 0.2


class AlertPrinter:
    """Prints what is raised from now on."""

    def __init__(self, store: RedisStore, console: Console) -> None:
        self._store, self._console = store, console
        self._printed = self._newest()

    def begin(self, is_stopping: Callable[[], bool]) -> None:
        """Print from now on, beside whoever calls: a Redis that hangs, or a slow terminal, keeps the printer only."""
        threading.Thread(target=self._keep_printing, args=(is_stopping,), name="alerts", daemon=True).start()

    def _keep_printing(self, is_stopping: Callable[[], bool]) -> None:
        while not is_stopping():
            self.print_new()
            time.sleep(_LOOK_EVERY_S)

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


class SteadyFile:
    """A text file that stops nobody: what it has no letter for is a `?`, and where it is gone nothing is written."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        """Write, as far as that is possible."""
        encoding = getattr(self._file, "encoding", None) or "utf-8"
        with suppress(OSError):
            self._file.write(text.encode(encoding, "replace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Flush, as far as that is possible."""
        with suppress(OSError):
            self._file.flush()


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
