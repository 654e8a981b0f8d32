"""Pages are read where their host's robots.txt allows it; it is asked once, under the limits of any page."""

import asyncio
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import ClientTimeout

from tests.fakes import feed
from tests.network.test_fetcher import loop, serve  # noqa: F401 - fixtures
from worker.model import Fetched, PollFailed, PollFailure
from worker.poll import PollRequest
from worker.runtime.fetcher import HttpFetcher
from worker.runtime.politeness import Turns
from worker.runtime.robots import LIFETIME, RobotsRules

RULES = b"User-agent: *\nDisallow: /premium/\n"


@pytest.fixture
def fetcher(loop):  # noqa: F811
    return HttpFetcher(loop, "https://contact.example", Turns(time.monotonic, pause=timedelta(0)))


def site(rules=RULES, status="200 OK", **headers):
    async def answer(talk):
        if talk.path == "/robots.txt":
            await talk.answer(status, rules, **headers)
        elif talk.path == "/moved":
            await talk.answer("302 Found", Location="/premium/a")
        else:
            await talk.answer(body=b"<p>A page.</p>", Content_Type="text/html")

    return answer


def ask(fetcher, server, *paths, is_page=True, **changes):
    base = server.url.removesuffix("/feed")
    own = replace(feed(), **({"url": server.url, "allow_private": True} | changes))
    asked = [fetcher.fetch(PollRequest(own, url=base + path, is_page=is_page)) for path in paths]
    return [future.result(50) for future in asked]


def paths(server) -> list[str]:
    return [talk.path for talk in server.asked]


def test_a_page_that_the_rules_keep_us_out_of_is_not_asked_for(fetcher, serve):  # noqa: F811
    server = serve(site())
    open_, shut = ask(fetcher, server, "/open/a", "/premium/a?key=s3cret")
    assert isinstance(open_, Fetched)
    assert isinstance(shut, PollFailed)
    assert shut.reason is PollFailure.ROBOTS
    assert shut.message.endswith("/premium/a: its robots.txt keeps us out (Disallow: /premium/)")
    assert "/premium/a?key=s3cret" not in paths(server)


def test_the_rules_are_asked_for_once_by_name_whoever_wants_pages_meanwhile(fetcher, serve):  # noqa: F811
    server = serve(site())
    assert all(isinstance(one, Fetched) for one in ask(fetcher, server, "/a", "/b", "/c"))
    ask(fetcher, server, "/d")
    assert paths(server).count("/robots.txt") == 1
    assert paths(server)[0] == "/robots.txt"
    assert server.asked[0].headers["user-agent"].startswith("Tocsin/")


def test_a_redirect_to_where_the_rules_keep_us_out_is_not_followed(fetcher, serve):  # noqa: F811
    server = serve(site())
    [outcome] = ask(fetcher, server, "/moved")
    assert outcome.reason is PollFailure.ROBOTS
    assert "/premium/a" not in paths(server)


def test_a_feed_itself_is_read_whatever_the_rules_say(fetcher, serve):  # noqa: F811
    server = serve(site(b"User-agent: *\nDisallow: /\n"))
    [outcome] = ask(fetcher, server, "/feed", is_page=False)
    assert isinstance(outcome, Fetched)
    assert paths(server) == ["/feed"]


def test_who_was_allowed_by_the_publisher_may_ignore_the_rules(fetcher, serve):  # noqa: F811
    server = serve(site())
    [outcome] = ask(fetcher, server, "/premium/a", robots="ignore")
    assert isinstance(outcome, Fetched)
    assert paths(server) == ["/premium/a"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("404 Not Found", None),
        ("401 Unauthorized", None),
        ("403 Forbidden", None),
        ("410 Gone", None),
        ("429 Too Many Requests", PollFailure.THROTTLED),
        ("500 Oh", PollFailure.HTTP_STATUS),
        ("503 Later", PollFailure.THROTTLED),
    ],
)
def test_no_rules_allow_all_and_no_answer_allows_nothing(fetcher, serve, status, reason):  # noqa: F811
    server = serve(site(b"", status))
    [outcome] = ask(fetcher, server, "/a")
    assert getattr(outcome, "reason", None) is reason
    assert ("/a" in paths(server)) is (reason is None)
    assert reason is None or "/robots.txt" in outcome.message


def test_where_there_was_no_answer_it_is_asked_again(fetcher, serve):  # noqa: F811
    server = serve(site(b"", "500 Oh"))
    ask(fetcher, server, "/a")
    server.script = site()
    [outcome] = ask(fetcher, server, "/a")
    assert isinstance(outcome, Fetched)


def test_rules_out_of_all_proportion_keep_us_out(fetcher, serve):  # noqa: F811
    server = serve(site(b"#" * 1_000, Content_Encoding="gzip"))
    [outcome] = ask(fetcher, server, "/a")
    assert outcome.reason is PollFailure.BAD_ENCODING


def test_a_private_host_is_not_even_asked_for_its_rules(fetcher, serve):  # noqa: F811
    server = serve(site())
    [outcome] = ask(fetcher, server, "/a", allow_private=False, url="https://wire.example/feed")
    assert isinstance(outcome, PollFailed)
    assert outcome.reason is PollFailure.BLOCKED_ADDRESS
    assert server.asked == []


@pytest.mark.parametrize(("later", "asked"), [(timedelta(seconds=-1), 1), (timedelta(0), 2)])
def test_rules_are_kept_for_a_day(loop, later, asked):  # noqa: F811
    now, requests = [0.0], []

    async def answer(request):
        requests.append(request.address)
        return Fetched(RULES, request.address)

    async def twice():
        rules, request = RobotsRules(lambda: now[0]), PollRequest(feed(), url="https://x.example/a", is_page=True)
        assert await rules.judge(request, request.address, answer) is None
        now[0] += (LIFETIME + later).total_seconds()
        assert await rules.judge(request, request.address, answer) is None

    loop.submit(twice()).result(10)
    assert requests == ["https://x.example/robots.txt"] * asked


def test_rules_that_a_redirect_led_to_have_no_more_time_than_a_page(loop, serve):  # noqa: F811
    async def dawdle(talk):
        await asyncio.sleep(0.4)
        await talk.answer("302 Found", Location=talk.path + "x")

    server = serve(dawdle)
    fetcher = HttpFetcher(loop, turns=Turns(time.monotonic, pause=timedelta(0)), timeout=ClientTimeout(total=0.6))
    asked = PollRequest(replace(feed(), url=server.url, allow_private=True, robots="ignore"), is_page=True)
    outcome = loop.submit(fetcher._ask_rules_at_once(asked)).result(50)
    assert outcome.reason is PollFailure.TIMEOUT
    assert len(server.asked) <= 2
