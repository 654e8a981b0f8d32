"""Who stands before a site and asks for a browser: told by headers and by marks that the riddle itself must carry."""

import re
from collections.abc import Mapping

LOOKED_AT_BYTES = 60_000
"""Riddles are short pages; in a longer document their words are quoted."""

_HEADERS: tuple[tuple[str, str, str], ...] = (
    # header, pattern of its value, who
    ("cf-mitigated", r"challenge", "Cloudflare"),
    ("x-amzn-waf-action", r"challenge|captcha", "AWS WAF"),
    ("x-datadome", r"protected|challenge|captcha", "DataDome"),
    ("x-iinfo", r".", "Imperva"),
    ("x-px-block", r".", "PerimeterX"),
)
_MARKS: tuple[tuple[bytes, str], ...] = (
    (rb"/cdn-cgi/challenge-platform/|window\._cf_chl_opt|<title>(?:just a moment|attention required! \| cloudflare)", "Cloudflare"),
    (rb"captcha-delivery\.com|\bvar dd\s*=\s*\{", "DataDome"),
    (rb"window\._px(?:appid|uuid|vid)\b|px-captcha|captcha\.px-cdn\.net", "PerimeterX"),
    (rb"_incapsula_resource|incapsula incident id|<title>pardon our interruption", "Imperva"),
    (rb"\.awswaf\.com/|awswafintegration|gokuprops", "AWS WAF"),
    (rb"errors\.edgesuite\.net|<title>access denied</title>.{0,600}reference(?:\s|&#32;)*(?:#|&#35;)|bm-verify=|/_sec/cp_challenge/", "Akamai"),
)  # fmt: skip
_PATTERNS = tuple((re.compile(mark, re.IGNORECASE | re.DOTALL), who) for mark, who in _MARKS)
_REFUSING = frozenset({401, 403, 405, 406, 412, 429, 503, 202})


def name_challenger(status: int, headers: Mapping[str, str], body: bytes) -> str:
    """The network that answered instead of the site, or "". Headers' names are in lower case or a case-blind mapping.

    A refusal is looked at by header and body; a 200 only by the body, and only where it is a short web page.
    """
    is_refusal = status in _REFUSING
    for header, pattern, who in _HEADERS:
        is_own_word = header in ("cf-mitigated", "x-amzn-waf-action")
        value = headers.get(header, "")
        if value and (is_refusal or is_own_word) and re.search(pattern, value, re.IGNORECASE):
            return who
    if len(body) > LOOKED_AT_BYTES or not (is_refusal or _is_web_page(body)):
        return ""
    return next((who for pattern, who in _PATTERNS if pattern.search(body)), "")


def _is_web_page(body: bytes) -> bool:
    start = body[:2_000].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<script")) or b"<html" in start
