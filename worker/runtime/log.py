"""Logs: JSON lines for machines, aligned text on a terminal, and nothing secret in either; libraries' warnings too."""

import logging
import re
import sys

import structlog

_USERINFO = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"((?:https?|sentinel|rediss?)://[^\s?\"']+)\?[^\s\"']+")
_HOOK_PATH = re.compile(r"(https?://hooks\.[^/\s]+/)[^\s\"']+")
_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


def redact(text: str) -> str:
    """`text` without credentials in addresses, query strings, hook paths and webhook secrets."""
    text = _SECRET.sub("whsec_…", _USERINFO.sub("…@", text))
    return _HOOK_PATH.sub(r"\1…", _QUERY.sub(r"\1?…", text))


def configure(level: str = "info") -> None:
    """Set up logging for this process; the same for our own events and for libraries'."""
    is_terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if is_terminal else structlog.processors.JSONRenderer()
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _redact_event,
    ]
    _take_libraries([*shared, structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer])
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),  # what it is now, as for libraries
    )


class _Libraries(logging.Handler):
    """Writes what libraries say to where our own lines go."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr, flush=True)  # noqa: T201 - this is the log


def _take_libraries(processors: list[structlog.typing.Processor]) -> None:
    """Libraries' warnings in our form: kombu and Celery give their loggers a handler that writes nothing.

    Nobody gets less than warnings, and nobody more: below that, libraries write down addresses and payloads.
    """
    handler = _Libraries()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=processors))
    root = logging.getLogger()
    for before in [one for one in root.handlers if isinstance(one, _Libraries)]:
        root.removeHandler(before)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)
    logging.captureWarnings(capture=True)


class LogObserver:
    """Writes what the pipeline notes."""

    def note(self, event: str, **facts: object) -> None:
        """Failures as warnings, the rest as information."""
        logger = structlog.get_logger()
        write = logger.warning if event.endswith("_failed") else logger.info
        write(event, **facts)


def _redact_event(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}
