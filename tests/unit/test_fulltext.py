"""When a page is read, what is taken for its text, and what is seen through; the feed's text remains in every doubt."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests import pages
from tests.fakes import article, feed
from worker import fulltext
from worker.challenge import name_challenger
from worker.model import Access, Draft, Fetched, PageOutcome, PollFailed, PollFailure, Postponed
from worker.page import read_page

LINK = "https://wire.example/world/tanks"
ENTRY = article(pages.TITLE, pages.SUMMARY, link=LINK)
AUTO = feed(fulltext="auto")


def judged(markup: str, entry=ENTRY, url=LINK, content_type="text/html; charset=utf-8"):
    fetched = Fetched(markup.encode(), url, content_type)
    return fulltext.judge(entry, fetched, read_page(fetched.body, url, content_type))


# --- whether it is wanted ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "body", "link", "why"),
    [
        ("auto", pages.SUMMARY, LINK, "the feed gives 8 words"),
        ("auto", "word " * 119, LINK, "the feed gives 119 words"),
        ("auto", "word " * 120, LINK, ""),
        ("auto", "word " * 300 + "and then…", LINK, "breaks off"),
        ("auto", "word " * 300 + "[...]", LINK, "breaks off"),
        ("auto", "word " * 300 + "Continue reading", LINK, "breaks off"),
        ("auto", "word " * 300 + "Read more " + "- " * 100, LINK, "breaks off"),
        ("auto", "word " * 300 + "[ &hellip; ]", LINK, "breaks off"),
        ("auto", "word " * 300 + "continue reading, he said", LINK, ""),
        ("auto", pages.SUMMARY, "", ""),
        ("auto", pages.SUMMARY, "https://wire.example/", ""),
        ("auto", pages.SUMMARY, "/relative", ""),
        ("always", "word " * 300, LINK, "the feed asks"),
        ("always", "word " * 300, "", ""),
        ("never", pages.SUMMARY, LINK, ""),
    ],
)
def test_a_page_is_wanted_of_summaries_that_name_one(setting, body, link, why):
    wanted = fulltext.wants_page(feed(fulltext=setting), article(pages.TITLE, body, link=link))
    assert why in wanted
    assert bool(why) is bool(wanted)


def test_a_draft_says_why_its_page_is_wanted_and_what_holds_if_it_never_comes():
    made = fulltext.marked(AUTO, Draft(ENTRY, ("a",), "c"))
    assert made.wants_page
    assert made.article.text_from == "feed"
    assert made.article.text_reason == "the feed gives 8 words; its page was not read within 60 s"


@pytest.mark.parametrize("fate", ["baseline", "stale", "rekeyed"])
def test_nothing_is_fetched_for_an_entry_that_is_only_remembered(fate):
    assert not fulltext.marked(AUTO, Draft(ENTRY, ("a",), "c", fate)).wants_page


@pytest.mark.parametrize(
    ("link", "allowed"),
    [
        ("http://intranet.example:8080/a", True),
        ("http://INTRANET.example:8080/a", True),
        ("http://user@intranet.example:8080/a", True),
        ("http://intranet.example/a", False),
        ("http://intranet.example:6379/a", False),
        ("https://intranet.example:8080x/a", False),
        ("http://169.254.169.254/latest", False),
        ("http://intranet.example@10.0.0.1/a", False),
        ("http://intranet.example.evil.example/", False),
    ],
)
def test_a_feed_on_a_private_network_opens_its_own_host_and_no_other(link, allowed):
    source = replace(feed(allow_private=True), url="http://intranet.example:8080/rss")
    assert fulltext.page_feed(source, link).allow_private is allowed


@pytest.mark.parametrize(
    ("link", "allowed"),
    [("http://[fd00::1]/a", True), ("http://[fd00::1]:80/a", True), ("http://[fd00::2]/a", False)],
)
def test_of_two_addresses_of_ipv6_one_is_not_the_other(link, allowed):
    source = replace(feed(allow_private=True), url="http://[fd00::1]/rss")
    assert fulltext.page_feed(source, link).allow_private is allowed


@pytest.mark.parametrize(
    ("link", "is_wanted"),
    [("https://wire.example/a", True), ("https://elsewhere.example/a", False), ("http://10.0.0.1/a", False)],
)
def test_behind_a_proxy_only_pages_at_the_feeds_own_host_are_wanted(link, is_wanted):
    source = replace(feed(fulltext="always", access=Access(proxy="http://proxy:3128")), url="https://wire.example/rss")
    assert bool(fulltext.wants_page(source, article(pages.TITLE, pages.SUMMARY, link=link))) is is_wanted


# --- what it is --------------------------------------------------------------------------------------------


def test_a_storys_page_gives_the_text_without_menu_and_footer():
    decision = judged(pages.story())
    assert decision.outcome is PageOutcome.READ
    assert decision.article.text == f"{pages.TITLE}\n" + "\n\n".join(pages.STORY)
    assert decision.article.text_from == "page"
    assert decision.article.text_reason.startswith("the feed gives 8 words, the page ")
    assert [zone.name for zone in decision.article.zones] == ["title", "lead", *["body"] * 5]
    assert decision.article.id == ENTRY.id


def test_teasers_on_a_page_are_zoned_as_in_a_feed():
    page = pages.story(*pages.STORY, after="<p>Read more: Village choir wins a prize at festival</p>")
    read = judged(page).article
    assert [zone.name for zone in read.zones if "choir" in read.text[zone.start : zone.end]] == ["teaser"]


@pytest.mark.parametrize("markup", pages.PAYWALLS.values(), ids=pages.PAYWALLS)
def test_a_paywalls_stub_is_seen_through(markup):
    decision = judged(markup)
    assert decision.outcome is PageOutcome.PAYWALL
    assert decision.article.text == ENTRY.text
    assert "words" in decision.article.text_reason


def test_a_page_that_gives_its_whole_text_is_no_stub_whatever_it_says_of_subscriptions():
    locked = pages.LONG.replace("<head>", '<head><meta property="article:content_tier" content="metered">')
    locked = locked.replace("</article>", "<p>Already a subscriber? Log in to comment.</p></article>")
    assert judged(locked).outcome is PageOutcome.READ


def test_a_footer_that_offers_a_subscription_makes_no_paywall():
    assert judged(pages.story()).outcome is PageOutcome.READ


@pytest.mark.parametrize("url", [LINK, "https://consent.wire.example/v2/ask", "https://wire.example/consent?back=/a"])
def test_a_cookie_wall_is_seen_through(url):
    assert judged(pages.COOKIE_WALL, url=url).outcome is PageOutcome.COOKIE_WALL


def test_an_article_about_cookies_is_no_cookie_wall():
    lines = [
        "The regulator fined the company because it set cookies without consent of its readers, a court said on Monday.",
        "Judges found that partners had received data although the privacy settings of browsers had refused all cookies.",
        "The company said it would appeal, and that its consent dialogue had been approved by the regulator before.",
        "Privacy groups called the ruling on cookies and consent a turning point for publishers across the continent.",
    ]
    entry = article("Regulator fines company over cookies without consent", lines[0][:80], link=LINK)
    assert judged(pages.story(*lines, title=entry.title), entry).outcome is PageOutcome.READ


@pytest.mark.parametrize("markup", [pages.INDEX, pages.LIST], ids=["teasers", "headlines"])
def test_a_list_of_stories_is_no_story(markup):
    assert judged(markup).outcome is PageOutcome.INDEX_PAGE


def test_a_link_that_leads_to_the_front_page_is_no_story():
    front = pages.story(*pages.STORY[3:])
    assert judged(front, url="https://wire.example/").outcome is PageOutcome.INDEX_PAGE


@pytest.mark.parametrize(("who", "markup"), pages.CHALLENGES.items(), ids=pages.CHALLENGES)
def test_a_riddle_for_browsers_is_named(who, markup):
    decision = judged(markup)
    assert decision.outcome is PageOutcome.CHALLENGE
    assert who in decision.article.text_reason


def test_a_page_that_says_no_more_than_the_feed_is_not_taken():
    assert judged(pages.story(pages.SUMMARY)).outcome is PageOutcome.TOO_LITTLE
    whole = article(pages.TITLE, "\n\n".join(pages.STORY), link=LINK)
    assert judged(pages.story(), whole).outcome is PageOutcome.TOO_LITTLE


def test_another_story_under_the_link_is_not_taken():
    assert judged(pages.OTHER_STORY).outcome is PageOutcome.UNRELATED


@pytest.mark.parametrize(
    ("body", "kind"),
    [("%PDF-1.7", "application/pdf"), ("{}", "application/json"), ("plain words", "text/plain"), ("", "text/html")],
)
def test_what_is_no_web_page_is_not_taken(body, kind):
    assert judged(body, content_type=kind).outcome is PageOutcome.NO_PAGE


def test_a_page_in_a_language_without_spaces_is_compared_by_pairs_of_characters():
    lines = [
        "诺兰政府周日表示已向苏德马克交付四十辆主战坦克，国防部在首都宣布了这一消息。" * 2,
        "反对党议员质问为何议会事先未获通知出口许可。" * 3,
    ]
    entry = article("诺兰向苏德马克交付坦克", "诺兰政府已交付四十辆坦克。", link=LINK)
    assert judged(pages.story(*lines, title=entry.title), entry).outcome is PageOutcome.READ
    assert judged(pages.OTHER_STORY, entry).outcome is PageOutcome.UNRELATED


@pytest.mark.parametrize(
    ("encoding", "header", "meta"),
    [
        ("windows-1251", "text/html; charset=windows-1251", ""),
        ("windows-1251", "text/html", '<meta charset="windows-1251">'),
        ("utf-8", "text/html", ""),
        ("koi8-r", "text/html; charset=utf-8", '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'),
    ],
)
def test_a_page_is_read_in_the_encoding_that_header_or_markup_name(encoding, header, meta):
    line = (
        "Правительство Норландии поставило Судмарку сорок танков, сообщило министерство обороны в воскресенье утром. "
    )
    markup = pages.story(line * 4, line * 3, title="Танки для Судмарка").replace("<meta charset=utf-8>", meta)
    page = read_page(markup.encode(encoding), LINK, header)
    assert "министерство обороны" in page.text


# --- what fails --------------------------------------------------------------------------------------------

TIMED_OUT = PollFailed(PollFailure.TIMEOUT, "https://wire.example/world/tanks took too long")
SERVER_ERROR = PollFailed(PollFailure.HTTP_STATUS, "answered 500", status=500)
MISSING = PollFailed(PollFailure.HTTP_STATUS, "answered 404", status=404)
THROTTLED = PollFailed(PollFailure.THROTTLED, "asks to come back", timedelta(seconds=40), 429)


@pytest.mark.parametrize(
    ("failed", "tries", "age_s", "wait_s", "outcome"),
    [
        (TIMED_OUT, 1, 5, 10, PageOutcome.RETRIED),
        (SERVER_ERROR, 1, 5, 10, PageOutcome.RETRIED),
        (THROTTLED, 1, 5, 40, PageOutcome.RETRIED),
        (THROTTLED, 1, 25, None, PageOutcome.UNREACHABLE),
        (TIMED_OUT, 2, 5, None, PageOutcome.UNREACHABLE),
        (TIMED_OUT, 1, 52, None, PageOutcome.UNREACHABLE),
        (MISSING, 1, 0, None, PageOutcome.UNREACHABLE),
        (PollFailed(PollFailure.BLOCKED_ADDRESS, "is not public"), 1, 0, None, PageOutcome.UNREACHABLE),
        (PollFailed(PollFailure.CDN_CHALLENGE, "guarded"), 1, 0, None, PageOutcome.CHALLENGE),
        (PollFailed(PollFailure.TOO_LARGE, "announces"), 1, 0, None, PageOutcome.HOSTILE),
        (PollFailed(PollFailure.ROBOTS, "keeps us out"), 1, 0, None, PageOutcome.ROBOTS),
        (Postponed(timedelta(seconds=11)), 1, 5, 11, PageOutcome.RETRIED),
        (Postponed(timedelta(seconds=11)), 7, 40, 11, PageOutcome.RETRIED),
        (Postponed(timedelta(seconds=11)), 7, 50, None, PageOutcome.UNREACHABLE),
    ],
)
def test_what_may_pass_is_asked_again_while_there_is_time_and_the_feeds_text_is_kept_otherwise(
    failed, tries, age_s, wait_s, outcome
):
    decision = fulltext.judge_failure(ENTRY, failed, tries=tries, age=timedelta(seconds=age_s))
    assert decision.outcome is outcome
    assert decision.wait == (timedelta(seconds=wait_s) if wait_s else None)
    assert decision.article.text == ENTRY.text
    assert wait_s or decision.article.text_reason


# --- who asks for a browser --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "who"),
    [
        (403, {"cf-mitigated": "challenge"}, "Cloudflare"),
        (202, {"x-amzn-waf-action": "challenge"}, "AWS WAF"),
        (405, {"x-amzn-waf-action": "captcha"}, "AWS WAF"),
        (403, {"x-datadome": "protected"}, "DataDome"),
        (200, {"x-datadome": "protected"}, ""),
        (403, {"x-iinfo": "7-1-0"}, "Imperva"),
        (200, {"x-iinfo": "7-1-0"}, ""),
        (404, {"x-iinfo": "7-1-0"}, ""),
        (403, {}, ""),
    ],
)
def test_a_challenger_is_known_by_its_headers(status, headers, who):
    assert name_challenger(status, headers, b"") == who


@pytest.mark.parametrize(("who", "markup"), pages.CHALLENGES.items(), ids=pages.CHALLENGES)
@pytest.mark.parametrize("status", [200, 403, 503])
def test_a_challenger_is_known_by_its_page(status, who, markup):
    assert name_challenger(status, {}, markup.encode()) == who


def test_a_feed_that_writes_of_challengers_is_no_challenge():
    words = "".join(pages.CHALLENGES.values()).replace("<", "&lt;")
    assert name_challenger(200, {}, f"<?xml version='1.0'?><rss><channel>{words}</channel></rss>".encode()) == ""
