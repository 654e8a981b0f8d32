"""Alerts as CSV (RFC 4180) that is safe to open: no cell is a formula."""

import csv
import io
import re
from typing import Any

from worker.deliver.payload import moment
from worker.deliver.shared_alert import SharedAlert

COLUMNS = (
    "raised_at", "severity", "watch", "title", "source", "published", "language", "topics", "countries", "people",
    "organisations", "evidence", "independent_sources", "link", "story", "alert_id", "is_shadow", "acknowledged_at",
    "verdict", "reason",
)  # fmt: skip
_STARTS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
"""What begins a formula, also in the wide letters of East Asia."""
_FORMULA = re.compile(f"^(?=[\\s\ufeff\u200b]*[{_STARTS}])|(?<=;)(?=[\\s\ufeff\u200b]*[{_STARTS}])")
_BREAKS = re.compile(r"[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]+")
_COUNTRY_ID = 2


def header() -> str:
    """The first line."""
    return write_line(COLUMNS)


def line(alert: SharedAlert) -> str:
    """One alert, ended by CR LF."""
    data = alert.data
    article = data["article"]
    cells: dict[str, Any] = {
        "raised_at": alert.payload["timestamp"],
        "severity": data["severity"],
        "watch": data["watch"]["id"],
        "title": article["title"],
        "source": article["source"],
        "published": article["published"],
        "language": article["language"],
        "topics": _list(topic["topic"] for topic in data["topics"]),
        "countries": _list(e["id"] for e in data["entities"] if len(e["id"] or "") == _COUNTRY_ID),
        "people": _list(e["text"] for e in data["entities"] if e["label"] == "PERSON"),
        "organisations": _list(e["text"] for e in data["entities"] if e["label"] == "ORG"),
        "evidence": _list(piece["text"] for piece in data["evidence"]),
        "independent_sources": data["independent_sources"],
        "link": article["link"],
        "story": data["story"]["id"],
        "alert_id": data["alert_id"],
        "is_shadow": "yes" if alert.is_shadow else "no",
        "acknowledged_at": moment(alert.acknowledged_at),
        "verdict": alert.verdict,
        "reason": alert.reason,
    }
    return write_line(cells[column] for column in COLUMNS)


def write_line(cells: Any) -> str:
    """A line of cells, each quoted where it must be."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(safe_cell(cell) for cell in cells)
    return text.getvalue()


def safe_cell(value: object) -> str:
    """The cell's text, on one line; what a spreadsheet would take for a formula gets an apostrophe in front (OWASP).

    So does what stands behind a semicolon, at which a spreadsheet of another country divides cells.
    """
    text = "" if value is None else str(value).replace("\0", "")  # some readers end at NUL
    return _FORMULA.sub("'", _BREAKS.sub(" ", text))


def _list(values: Any) -> str:
    return " | ".join(dict.fromkeys(value for value in values if value))
