"""What is checked of an endpoint when the configuration is read: its address, and its template with an invented alert."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from worker.model import Endpoint, Format
from worker.watchlist.schema import EndpointSection

CONTENT_TYPES: Mapping[str, str] = {
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
    "html": "text/html; charset=utf-8",
}
_OPEN_ADDRESSES = ("json", "jsons", "xml", "xmls", "form", "forms", "apprise", "apprises")
"""Apprise's own webhooks: they post to any address, and the guard against private ones does not see them."""


def check_url(url: str, section: EndpointSection) -> str:
    """What is wrong with an endpoint's address, without saying it; "" where nothing is, or none was found."""
    if not url:
        return ""
    if section.format is Format.APPRISE:
        return _check_apprise(url, section)
    if not url.lower().startswith(("http://", "https://")):
        return "leads to something that is not an http or https address"
    if not url.lower().startswith("https://") and not section.allow_private:
        return (
            "leads to an http address, where alerts could be read on their way; use https, or say `allow_private: true`"
        )
    return ""


def _check_apprise(url: str, section: EndpointSection) -> str:
    try:
        import apprise
    except ImportError:
        return "needs Apprise, which is not installed: pip install 'tocsin[apprise]'"
    if urlsplit(url).scheme.lower() in _OPEN_ADDRESSES and not section.allow_private:
        return "leads to one of Apprise's own webhooks, which no guard watches; say `allow_private: true`, or use another format"
    if not apprise.Apprise().add(url):
        return "leads to something that is not an address of Apprise; see https://appriseit.com"
    return ""


def read_template(file: Path) -> str | None:
    """The text of a template's file; None where there is none."""
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def try_template(endpoint: Endpoint) -> str:
    """What is wrong with an endpoint's template, tried on an invented alert and on a digest of two; "" if nothing is."""
    from worker.deliver import sample, template
    from worker.deliver.body import template_values

    now = datetime(2026, 1, 1, tzinfo=UTC)
    try:
        for card in sample.cards(now):
            template.render(endpoint.template, endpoint.content_type, template_values(card))
    except template.TemplateError as error:
        return str(error)
    return ""
