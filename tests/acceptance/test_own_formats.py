"""Templates and Apprise over real HTTP on loopback: sent, retried, timed out, and no secret told."""

import asyncio
import json
import threading
from datetime import timedelta

import pytest
from aiohttp import web

from tests.fakes import NOW, endpoint
from tests.receiver import serving
from worker.deliver import sample
from worker.model import Format
from worker.onward import delivery
from worker.runtime.http import HttpLoop
from worker.runtime.sender import WebhookSender


@pytest.fixture
def sender():
    loop = HttpLoop()
    yield WebhookSender(loop)
    loop.close()


class Service:
    """Remembers what it got; answers with `status`, a held one when it is told to go on."""

    def __init__(self, status=200, *, is_held=False) -> None:
        self.status, self.got = status, []
        self.may_answer = threading.Event()
        if not is_held:
            self.may_answer.set()

    async def take(self, request):
        self.got.append((request.content_type, await request.text(), dict(request.headers)))
        await asyncio.to_thread(self.may_answer.wait)
        return web.Response(status=self.status)


def apprise_at(url: str, **kwargs):
    return endpoint(url=url.replace("http://", "json://user:topsecret@"), format=Format.APPRISE, **kwargs)


def send(sender, card, to):
    return sender.send(delivery(card, to), to).result(30)


def test_a_template_is_posted_with_its_content_type(sender):
    service = Service()
    with serving(service.take) as url:
        to = endpoint(url=url, format=Format.TEMPLATE, template="{{ title }} <{{ link }}>", content_type="text/plain")
        assert send(sender, sample.cards(NOW)[0], to).is_success
    [(content_type, text, headers)] = service.got
    assert (content_type, text) == ("text/plain", "Test: Norland ships tanks to Sudmark <https://example.com/test>")
    assert "webhook-signature" in headers


def test_apprise_sends_an_alert_and_a_digest(sender):
    service = Service()
    with serving(service.take) as url:
        for card in sample.cards(NOW):
            assert send(sender, card, apprise_at(url)).is_success
    alert, digest = (json.loads(text) for _, text, _ in service.got)
    assert (alert["title"], alert["type"]) == ("info: Test: Norland ships tanks to Sudmark", "info")
    assert "https://example.com/test" in alert["message"]
    assert "Digest: 2 alerts" in digest["title"]


def test_what_a_service_refuses_is_an_attempt_with_a_reason_and_no_secret(sender):
    with serving(Service(status=500).take) as url:
        attempt = send(sender, sample.cards(NOW)[0], apprise_at(url))
    assert (attempt.is_success, attempt.status) == (False, 0)
    assert attempt.reason
    assert "topsecret" not in repr(attempt)


def test_a_slow_service_is_an_attempt_that_timed_out_and_delays_no_other(sender):
    """However long the slow one's connections last: Apprise itself would wait a minute (rto)."""
    slow, quick = Service(is_held=True), Service()
    with serving(slow.take) as slow_url, serving(quick.take) as quick_url:
        to = apprise_at(slow_url + "?rto=60", timeout=timedelta(seconds=1))
        card = sample.cards(NOW)[0]
        stuck = [sender.send(delivery(card, to), to) for _ in range(4)]
        url = quick_url.replace("http://", "json://")
        other = endpoint("other", url, format=Format.APPRISE, timeout=timedelta(seconds=30))
        try:
            assert sender.send(delivery(card, other), other).result(40).is_success, "it waited for the slow one"
            assert {attempt.result(30).reason for attempt in stuck} == {"no answer within 1 s"}
        finally:
            slow.may_answer.set()
