"""Email and the other services that Apprise knows. Needs `tocsin[apprise]`.

Apprise opens its own connections: it follows redirects, and the guard against private addresses does not see them.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from urllib.parse import unquote

_SHORTEST_SECRET = 4


def notify(url: str, body: str) -> str:
    """Send the message in `body` ({title, body, type}); why it was not taken, "" where it was."""
    import apprise

    message = json.loads(body)
    service = apprise.Apprise()
    if not service.add(url):
        return "Apprise does not understand the endpoint's address"
    with _listening() as said:
        is_taken = service.notify(
            title=message["title"],
            body=message["body"],
            notify_type=apprise.NotifyType(message["type"]),
            body_format=apprise.NotifyFormat.TEXT,
            interpret_escapes=False,
        )
    if is_taken:
        return ""
    return _without_secrets("; ".join(said), url) or "the service did not take it"


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What Apprise complains of in this thread: its logger, which all threads share, is the only one to tell."""
    said: list[str] = []
    thread = get_ident()

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                said.append(record.getMessage())

    listener, logger = Listener(logging.WARNING), logging.getLogger("apprise")
    logger.addHandler(listener)
    try:
        yield said
    finally:
        logger.removeHandler(listener)


def _without_secrets(text: str, url: str) -> str:
    """Whatever the address is made of is taken out, since any of it may be a token."""
    parts = {part for piece in (url, unquote(url)) for part in re.split(r"[/:@?&=#,;]+", piece)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, "…")
    return text
