"""What is decided about subscriptions to hubs (W3C Recommendation WebSub, 23 January 2018). Asks and stores nothing.

feed advertises a hub → WANTED → we ask the hub → ASKED → the hub asks us back → VERIFIED → documents are pushed
the lease is renewed at seven tenths of it, with the same secret
feed removed, or another hub or topic → ENDING → we ask, the hub asks back, gone
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from html import unescape
from urllib.parse import urljoin

from worker.model import Fetched, Hubs, Subscription, SubscriptionState

ASKED_LEASE = timedelta(days=10)
SHORTEST_LEASE, LONGEST_LEASE = timedelta(seconds=30), timedelta(days=60)
RENEW_AT = 0.7
"""A lease is renewed when so much of it has passed; the rest is for hubs that are down."""
ANSWER_WITHIN = timedelta(hours=1)
"""A hub that does not ask back in this time is asked again."""
FIRST_RETRY, LONGEST_RETRY = timedelta(minutes=5), timedelta(hours=24)
DENIED_FOR = timedelta(days=7)
STRETCH = 4
"""While a hub delivers, polls come this many times less often; they never end."""
METHODS = ("sha1", "sha256", "sha384", "sha512")
_LOOKED_AT_BYTES = 65_536
_ENTRY = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]", re.IGNORECASE)
_XML_LINK = re.compile(rb"<(?:\w+:)?link\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_HEADER_LINK = re.compile(r"<([^>]*)>((?:\s*;\s*[\w*-]+\s*(?:=\s*(?:\"[^\"]*\"|[^\",;\s]+))?)*)")


# --- discovery (§4) ----------------------------------------------------------------------------------------


def discover(fetched: Fetched) -> Hubs | None:
    """The hubs and the topic that a document's Link headers name, else its own links; None without both."""
    found = _in_headers(fetched.links) or _in_json(fetched.body) or _in_xml(fetched.body)
    hubs = [address for rel, href in found if rel == "hub" and (address := _web(fetched.url, href))]
    topics = [address for rel, href in found if rel == "self" and (address := _web(fetched.url, href))]
    return Hubs(tuple(dict.fromkeys(hubs))[:3], topics[0]) if hubs and topics else None


def _in_headers(links: str) -> list[tuple[str, str]]:
    found = []
    for target, parameters in _HEADER_LINK.findall(links):
        rel = re.search(r"(?:^|;)\s*rel\s*=\s*\"?([^\";]*)", parameters, re.IGNORECASE)
        found += [(name, target.strip()) for name in (rel[1].lower().split() if rel else ())]
    return found if any(rel == "hub" for rel, _ in found) else []


def _in_json(body: bytes) -> list[tuple[str, str]]:
    if body.lstrip()[:1] != b"{":
        return []
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return []
    hubs, topic = document.get("hubs"), document.get("feed_url")
    rows = hubs if isinstance(hubs, list) else []
    named = [hub.get("url") for hub in rows if isinstance(hub, dict) and str(hub.get("type")).lower() == "websub"]
    found = [("hub", url) for url in named if isinstance(url, str)]
    return [*found, ("self", topic)] if isinstance(topic, str) else found


def _in_xml(body: bytes) -> list[tuple[str, str]]:
    head = body[:_LOOKED_AT_BYTES]
    first = _ENTRY.search(head)
    found = []
    for link in _XML_LINK.findall(head[: first.start()] if first else head):
        said = {name.lower(): unescape(a or b) for name, a, b in _ATTRIBUTE.findall(link.decode("utf-8", "replace"))}
        found += [(rel, said.get("href", "")) for rel in said.get("rel", "").lower().split()]
    return found


def _web(base: str, href: str) -> str:
    try:
        address = urljoin(base, href.strip())
    except ValueError:
        return ""
    return address if address.lower().startswith(("http://", "https://")) and len(address) < 2_048 else ""  # noqa: PLR2004


# --- the course of a subscription --------------------------------------------------------------------------


def begin(feed_id: str, hubs: Hubs, known: Subscription | None, *, token: str, secret: str) -> Subscription | None:
    """The subscription that a feed's advertisement asks for; None where the known one is it."""
    if known and (known.hub, known.topic) == (hubs.hubs[0], hubs.topic) and known.state is not SubscriptionState.ENDING:
        return None
    return Subscription(feed_id, hubs.hubs[0], hubs.topic, token, secret)


def is_active(subscription: Subscription, now: datetime) -> bool:
    """Whether documents may be taken from the hub: it has verified, and its lease has not ended."""
    is_known = subscription.state in (SubscriptionState.VERIFIED, SubscriptionState.ASKED)
    return is_known and subscription.expires_at is not None and now < subscription.expires_at


def asked(subscription: Subscription, now: datetime) -> tuple[Subscription, timedelta]:
    """As our request goes out, and when to look again. The failures stay, until the hub verifies."""
    state = subscription.state
    if state is not SubscriptionState.ENDING:
        state = SubscriptionState.ASKED
    return replace(subscription, state=state, asked_at=now), ANSWER_WITHIN


def refused(subscription: Subscription, reason: str, draw: float) -> tuple[Subscription, timedelta]:
    """After the hub did not take our request: `5 min · 2^failures`, at most a day, shortened by up to a tenth.

    5 m, 10 m, 20 m, 40 m … 24 h. A lease that still runs goes on.
    """
    wait = min(FIRST_RETRY * 2 ** min(subscription.failures, 12), LONGEST_RETRY) * (1 - draw / 10)
    return replace(subscription, failures=subscription.failures + 1, reason=reason[:300]), wait


@dataclass(frozen=True, slots=True)
class Verification:
    """What to answer the hub: a `challenge` to echo, or None for 404; and what the subscription becomes by it.

    Without a `subscription` it is over. `wait` is the time until something is to be done; None for never.
    """

    challenge: str | None
    subscription: Subscription | None
    wait: timedelta | None
    event: str


def verify(subscription: Subscription, said: Mapping[str, str], now: datetime) -> Verification:
    """Answer a hub that asks back (§5.3) or denies (§5.2). What we did not ask for, or of another topic, is refused."""
    mode, topic, challenge = said.get("hub.mode", ""), said.get("hub.topic", ""), said.get("hub.challenge", "")
    refusal = Verification(None, subscription, None, "refused")
    if topic != subscription.topic:
        return refusal
    if mode == "denied":
        denied = replace(
            subscription, state=SubscriptionState.DENIED, expires_at=None, reason=said.get("hub.reason", "")[:300]
        )
        return Verification("", denied, DENIED_FOR, "denied")
    if not challenge:
        return refusal
    if mode == "unsubscribe" and subscription.state is SubscriptionState.ENDING:
        return Verification(challenge, None, None, "unsubscribed")
    if mode == "subscribe" and subscription.state in (SubscriptionState.ASKED, SubscriptionState.VERIFIED):
        lease = _lease(said.get("hub.lease_seconds", ""))
        event = "renewed" if subscription.verified_at else "verified"
        verified = replace(
            subscription,
            state=SubscriptionState.VERIFIED,
            verified_at=now,
            expires_at=now + lease,
            failures=0,
            reason="",
        )
        return Verification(challenge, verified, lease * RENEW_AT, event)
    return refusal


def _lease(text: str) -> timedelta:
    """The hub's lease between half a minute and sixty days; ten days where it names none that can be read."""
    is_number = text.isascii() and text.isdigit() and 0 < len(text) < 12  # noqa: PLR2004
    lease = timedelta(seconds=min(int(text), 10**9)) if is_number else ASKED_LEASE
    return min(max(lease, SHORTEST_LEASE), LONGEST_LEASE)


def request_form(subscription: Subscription, callback: str) -> dict[str, str]:
    """What to post to the hub (§5.1)."""
    is_ending = subscription.state is SubscriptionState.ENDING
    form = {
        "hub.callback": callback,
        "hub.mode": "unsubscribe" if is_ending else "subscribe",
        "hub.topic": subscription.topic,
    }
    if not is_ending:
        form |= {
            "hub.secret": subscription.secret,
            "hub.lease_seconds": str(round(ASKED_LEASE.total_seconds())),
        }
    return form


def is_genuine(secret: str, header: str, body: bytes) -> bool:
    """Whether `X-Hub-Signature: method=hex` is that of the body (§8), compared in constant time."""
    method, _, given = header.strip().partition("=")
    if method.lower() not in METHODS:
        return False
    expected = hmac.new(secret.encode(), body, getattr(hashlib, method.lower())).hexdigest()
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "replace"))


def stretched(wait: timedelta, delivers_until: datetime | None, now: datetime) -> timedelta:
    """The wait until the next poll while a hub delivers: four times, at most a day, and to the end of the lease."""
    if delivers_until is None or delivers_until <= now:
        return wait
    return max(wait, min(wait * STRETCH, timedelta(hours=24), delivers_until - now))
