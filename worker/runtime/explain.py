"""What went wrong on the way to a server, as a reason and a sentence for a person."""

import errno

import aiohttp

from worker.model import PollFailed, PollFailure
from worker.runtime.http import BlockedAddressError

_EXPIRED, _SELF_SIGNED, _WRONG_HOST = 10, (18, 19), (62, 64)
"""OpenSSL's X509_V_ERR_* (verify(1))."""


def explain(error: Exception, where: str, timeout: aiohttp.ClientTimeout) -> PollFailed:
    """The outcome of a fetch that raised `error`; addresses in messages are `where` only."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, BlockedAddressError):
            message = f"{where}: {cause}; set allow_private on the feed if it is meant"
            return PollFailed(PollFailure.BLOCKED_ADDRESS, message)
        if code := getattr(cause, "verify_code", 0):
            return _certificate(code, where)
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    if isinstance(error, TimeoutError):
        message = f"{where} took too long: at most {timeout.total} s, and {timeout.sock_read} s without a byte"
        return PollFailed(PollFailure.TIMEOUT, message)
    for kind, reason, message in _FAILURES:
        if isinstance(error, kind):
            return PollFailed(reason, f"{where} {message}")
    return PollFailed(PollFailure.UNREACHABLE, f"{where} {_unreachable(error)}")


def _unreachable(error: Exception) -> str:
    """Why no answer came, in words; the system's error number where it gave one."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, OSError) and cause.errno in _WORDS:
            return _WORDS[cause.errno]
        cause = getattr(cause, "os_error", None) or cause.__cause__
    for kind, words in _ODD_ANSWERS:
        if isinstance(error, kind):
            return words
    return "cannot be reached"


def _certificate(code: int, where: str) -> PollFailed:
    if code == _EXPIRED:
        return PollFailed(PollFailure.CERTIFICATE_EXPIRED, f"{where} has a certificate that is out of date")
    if code in _SELF_SIGNED:
        return PollFailed(PollFailure.TLS, f"{where} has a certificate that nobody vouches for (self-signed)")
    if code in _WRONG_HOST:
        return PollFailed(PollFailure.TLS, f"{where} has a certificate for another host")
    return PollFailed(PollFailure.TLS, f"{where} has a certificate that cannot be trusted")


_WORDS = {
    errno.ECONNREFUSED: "refuses connections: nothing listens at that port",
    errno.ENETUNREACH: "cannot be reached: no route leads to its network",
    errno.EHOSTUNREACH: "cannot be reached: no route leads to its host",
    errno.ETIMEDOUT: "cannot be reached: it did not answer in time",
    errno.ECONNRESET: "cut the connection in the middle of its answer",
    errno.EPIPE: "cut the connection before our request was sent",
    errno.ECONNABORTED: "cut the connection in the middle of its answer",
}
_ODD_ANSWERS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ServerDisconnectedError, "closed the connection without an answer"),
    (aiohttp.ClientResponseError, "answered with something that is not HTTP, or with headers out of all proportion"),
    (aiohttp.ClientConnectorError, "cannot be connected to"),
)


_FAILURES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], PollFailure, str], ...] = (
    (aiohttp.ClientConnectorDNSError, PollFailure.DNS, "has a host name that does not exist"),
    (aiohttp.ClientSSLError, PollFailure.TLS, "speaks no TLS that we trust"),
    (
        (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError),
        PollFailure.BAD_REDIRECT,
        "leads nowhere: not to a web address",
    ),
    (aiohttp.ClientPayloadError, PollFailure.BAD_ENCODING, "broke off before its end"),
    (aiohttp.ClientHttpProxyError, PollFailure.UNREACHABLE, "cannot be reached through its proxy"),
)
"""In the order of asking: a TLS failure is also a failure to connect."""
