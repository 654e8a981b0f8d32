"""Who may change something by way of the web process: a person at this machine, from our own page."""

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

NAMES = ("localhost", "127.0.0.1", "::1")
_FORWARDED = (
    "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "cf-connecting-ip",
)  # fmt: skip


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
    """Whether the connection comes from loopback, and not through a proxy that says so.

    No browser speaks HTTP/1.0; nginx does, as long as nobody tells it otherwise.
    """
    is_old = request.scope.get("http_version") == "1.0"
    return _is_loopback_connection(request) and not is_old and not any(name in request.headers for name in _FORWARDED)


def refuse_name(request: Request, public: str = "") -> str:
    """Why a request may not even read, by the name it asked for; "" where it may.

    A name that its owner rebinds to 127.0.0.1 makes another site's script and our page one origin. That script may set
    headers as a proxy would, hence they are not looked at: over loopback the name is a loopback one, or `public`.
    """
    name = name_of(f"//{request.headers.get('host', '')}")
    if not _is_loopback_connection(request) or name in NAMES or (public and name == public.lower()):
        return ""
    return (
        "over loopback this answers under the names localhost, 127.0.0.1, [::1] and that of TOCSIN_PUBLIC_URL only; "
        "let a proxy pass one of them as Host"
    )


def _is_loopback_connection(request: Request) -> bool:
    return _is_loopback(request.client.host if request.client else "")


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
