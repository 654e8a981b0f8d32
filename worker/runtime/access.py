"""Who may change something by way of the web process: a person at this machine, from our own page."""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

NAMES = ("localhost", "127.0.0.1", "::1")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip")


def refusal(request: Request) -> str:
    """Why this request may change nothing; "" where it may.

    The connection must come from loopback and not through a proxy. `Host` must be a loopback name, against names that
    are rebound to 127.0.0.1. What a browser says of where the request arose must be our own page, against other sites.
    """
    if not is_from_here(request):
        return "changes are accepted from this machine only"
    host = request.headers.get("host", "")
    if name_of(f"//{host}") not in NAMES:
        return "changes are accepted under the names localhost, 127.0.0.1 and [::1] only"
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site not in (None, "same-origin") or (origin is not None and urlsplit(origin).netloc != host):
        return "changes are accepted from Tocsin's own page only"
    return ""


def is_from_here(request: Request) -> bool:
    """Whether the connection comes from loopback, and not through a proxy that says so."""
    is_loopback = _is_loopback(request.client.host if request.client else "")
    return is_loopback and not any(name in request.headers for name in _FORWARDED)


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def name_of(url: str) -> str:
    """The host in an address; "" where there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
