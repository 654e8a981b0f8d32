"""What a feed says of its hubs, what a hub may ask us, whose documents are believed, and when a lease is renewed."""

import hashlib
import hmac
from datetime import timedelta

import pytest

from tests.fakes import NOW, rss
from worker import websub
from worker.model import Fetched, Hubs, Subscription, SubscriptionState

URL, HUB, TOPIC = "https://wire.example/rss", "https://hub.example/", "https://wire.example/rss"
BODY = b"<rss/>"
WANTED = Subscription("feed_wire", HUB, TOPIC, "token", "secret")
ASKED, _ = websub.asked(WANTED, NOW)
CHALLENGE = {"hub.mode": "subscribe", "hub.topic": TOPIC, "hub.challenge": "abc", "hub.lease_seconds": "864000"}
VERIFIED = websub.verify(ASKED, CHALLENGE, NOW).subscription
ATOM = (
    "<feed xmlns='http://www.w3.org/2005/Atom'>{links}<entry><link rel='hub' href='https://evil.example/'/>"
    "<link rel='self' href='https://evil.example/'/></entry></feed>"
)


@pytest.mark.parametrize(
    ("links", "body", "found"),
    [
        ('<https://hub.example/>; rel="hub", <https://wire.example/rss>; rel="self"', "", (HUB, TOPIC)),
        ("<https://hub.example/>; rel=hub, </rss>; rel=self", "", (HUB, TOPIC)),
        ('</rss>; rel="self", <https://hub.example/>; rel="hub"; title="a, b"', "", (HUB, TOPIC)),
        ('<https://hub.example/>; rel="hub self"', "", (HUB, HUB)),
        ('<https://hub.example/>; rel="hub"', "", None),
        ('<https://wire.example/rss>; rel="self"', "", None),
        ('<javascript:alert(1)>; rel="hub", </rss>; rel="self"', "", None),
        ("", ATOM.format(links=f"<link rel='hub' href='{HUB}'/><link rel='self' href='{TOPIC}'/>"), (HUB, TOPIC)),
        ("", ATOM.format(links=f'<link href="{HUB}" rel="HUB"/><link href="/rss" rel="self"/>'), (HUB, TOPIC)),
        ("", ATOM.format(links=""), None),
        ("", rss().replace("<title>", f"<atom:link rel='hub' href='{HUB}'/><atom:link rel='self' href='{TOPIC}'/><title>"),
         (HUB, TOPIC)),
        ("", f'{{"feed_url": "{TOPIC}", "hubs": [{{"type": "rssCloud", "url": "x"}}, {{"type": "WebSub", "url": "{HUB}"}}]}}',
         (HUB, TOPIC)),
        ("", '{"feed_url": 1, "hubs": {"type": "WebSub"}}', None),
        ("", "[" * 100_000, None),
        ("", "{" * 100_000, None),
    ],
)  # fmt: skip
def test_a_feed_names_its_hub_and_topic_in_headers_or_in_its_head(links, body, found):
    hubs = websub.discover(Fetched(body.encode(), URL, links=links))
    assert (hubs and (hubs.hubs[0], hubs.topic)) == found


def test_headers_go_before_the_document():
    body = ATOM.format(links="<link rel='hub' href='https://old.example/'/><link rel='self' href='/old'/>")
    hubs = websub.discover(Fetched(body.encode(), URL, links=f'<{HUB}>; rel="hub", <{TOPIC}>; rel="self"'))
    assert hubs == Hubs((HUB,), TOPIC)


def test_the_same_advertisement_changes_nothing_and_another_begins_anew():
    hubs = Hubs((HUB,), TOPIC)
    assert websub.begin("feed_wire", hubs, VERIFIED, token="t2", secret="s2") is None
    moved = websub.begin("feed_wire", Hubs(("https://other.example/",), TOPIC), VERIFIED, token="t2", secret="s2")
    assert (moved.state, moved.token, moved.secret) == (SubscriptionState.WANTED, "t2", "s2")


@pytest.mark.parametrize(
    ("subscription", "said", "challenge", "event"),
    [
        (ASKED, CHALLENGE, "abc", "verified"),
        (VERIFIED, CHALLENGE, "abc", "renewed"),
        (WANTED, CHALLENGE, None, "refused"),
        (ASKED, CHALLENGE | {"hub.topic": "https://other.example/"}, None, "refused"),
        (ASKED, CHALLENGE | {"hub.challenge": ""}, None, "refused"),
        (ASKED, CHALLENGE | {"hub.mode": "unsubscribe"}, None, "refused"),
        (VERIFIED, CHALLENGE | {"hub.mode": "unsubscribe"}, None, "refused"),
        (ASKED, CHALLENGE | {"hub.mode": "publish"}, None, "refused"),
        (ASKED, {}, None, "refused"),
        (ASKED, {"hub.mode": "denied", "hub.topic": TOPIC, "hub.reason": "no"}, "", "denied"),
        (ASKED, {"hub.mode": "denied", "hub.topic": "other"}, None, "refused"),
    ],
)
def test_a_hub_is_answered_only_what_we_asked_for(subscription, said, challenge, event):
    made = websub.verify(subscription, said, NOW)
    assert (made.challenge, made.event) == (challenge, event)


def test_what_a_person_removed_is_confirmed_and_gone():
    from dataclasses import replace

    ending = replace(VERIFIED, state=SubscriptionState.ENDING)
    made = websub.verify(ending, CHALLENGE | {"hub.mode": "unsubscribe"}, NOW)
    assert (made.challenge, made.subscription, made.event) == ("abc", None, "unsubscribed")
    assert websub.verify(ending, CHALLENGE, NOW).challenge is None
    assert websub.request_form(ending, "c") == {"hub.callback": "c", "hub.mode": "unsubscribe", "hub.topic": TOPIC}


@pytest.mark.parametrize(
    ("seconds", "lease"),
    [
        ("864000", timedelta(days=10)),
        ("60", timedelta(minutes=1)),
        ("1", timedelta(seconds=30)),
        ("0", timedelta(seconds=30)),
        ("99999999999", timedelta(days=60)),
        ("9" * 50, timedelta(days=10)),
        ("-5", timedelta(days=10)),
        ("soon", timedelta(days=10)),
        ("", timedelta(days=10)),
    ],
)
def test_a_lease_is_what_the_hub_says_within_reason_and_renewed_at_seven_tenths(seconds, lease):
    made = websub.verify(ASKED, CHALLENGE | {"hub.lease_seconds": seconds}, NOW)
    assert made.subscription.expires_at == NOW + lease
    assert made.wait == lease * 0.7


def test_documents_are_taken_while_the_lease_runs_also_while_it_is_renewed():
    renewing, _ = websub.asked(VERIFIED, NOW + timedelta(days=7))
    assert websub.is_active(VERIFIED, NOW + timedelta(days=9))
    assert websub.is_active(renewing, NOW + timedelta(days=9))
    assert not websub.is_active(VERIFIED, NOW + timedelta(days=10))
    assert not websub.is_active(ASKED, NOW), "never verified"
    assert not websub.is_active(websub.verify(VERIFIED, CHALLENGE | {"hub.mode": "denied"}, NOW).subscription, NOW)


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_document_with_the_secrets_signature_is_believed(method):
    digest = hmac.new(b"secret", BODY, getattr(hashlib, method)).hexdigest()
    assert websub.is_genuine("secret", f"{method}={digest}", BODY)
    assert websub.is_genuine("secret", f"{method.upper()}={digest.upper()}", BODY)
    assert not websub.is_genuine("secret", f"{method}={digest}", BODY + b" ")
    assert not websub.is_genuine("other", f"{method}={digest}", BODY)
    assert not websub.is_genuine("secret", f"{method}={digest[:-1]}", BODY)


@pytest.mark.parametrize(
    "header", ["", "sha256", "sha256=", "md5=" + "0" * 32, "=", "sha256=ü", "new=1", "__class__=x"]
)
def test_nothing_else_is_believed(header):
    assert not websub.is_genuine("secret", header, BODY)


def test_a_hub_that_refuses_is_asked_ever_more_rarely_and_for_ever():
    subscription, waits = ASKED, []
    for _ in range(12):
        subscription, wait = websub.refused(subscription, "answered 500", 0.0)
        waits.append(wait.total_seconds() / 60)
    assert waits[:5] == [5, 10, 20, 40, 80]
    assert waits[-1] == 24 * 60


@pytest.mark.parametrize(
    ("wait_m", "until_m", "stretched_m"),
    [
        (15, None, 15),
        (15, -1, 15),
        (15, 10_000, 60),
        (15, 30, 30),
        (15, 5, 15),
        (600, 10_000, 1_440),
        (1_440, 9_999, 1_440),
    ],
)
def test_polls_come_less_often_while_a_hub_delivers_and_never_end(wait_m, until_m, stretched_m):
    until = None if until_m is None else NOW + timedelta(minutes=until_m)
    assert websub.stretched(timedelta(minutes=wait_m), until, NOW) == timedelta(minutes=stretched_m)


def test_neither_token_nor_secret_stand_in_a_repr():
    assert "token" not in repr(WANTED).replace("token=", "")
    assert "secret" not in repr(WANTED).replace("secret=", "")
