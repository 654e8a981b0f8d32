"""What a robots.txt lets us read, by the tables of RFC 9309 and by what publishers write."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker import robots
from worker.robots import MOST_BYTES, parse, robots_address

SITE = "https://wire.example"


def refusal(text: str, path: str) -> str:
    return parse(text.encode()).refusal(SITE + path)


# (robots.txt, path, whether it may be read, why)
TABLE = [
    ("", "/a", True, "no rules"),
    ("<!doctype html><p>Not found", "/a", True, "a page instead of rules has none"),
    ("User-agent: *\nDisallow: /", "/a", False, "all is forbidden to all"),
    ("User-agent: *\nDisallow:", "/a", True, "an empty rule forbids nothing"),
    ("User-agent: *\nDisallow: /a", "/about", False, "a rule fits the start of a path"),
    ("User-agent: *\nDisallow: /a/", "/about", True, "but not another directory"),
    ("User-agent: Tocsin\nDisallow: /\n\nUser-agent: *\nAllow: /", "/a", False, "the group that names us, not that for all"),
    ("User-agent: *\nDisallow: /\n\nUser-agent: tocsin\nDisallow: /x", "/a", True, "the same, in whatever case"),
    ("User-agent: Tocsin/2.0 (news)\nDisallow: /", "/a", False, "the product token counts, not the version"),
    ("User-agent: TocsinBot\nDisallow: /", "/a", True, "another product whose name begins like ours"),
    ("User-agent: GPTBot\nUser-agent: Tocsin\nDisallow: /", "/a", False, "several names before one group"),
    ("User-agent: GPTBot\nDisallow: /", "/a", True, "a group for others only"),
    ("User-agent: Tocsin\nDisallow: /x\n\nUser-agent: *\nDisallow: /\n\nUser-agent: tocsin\nDisallow: /a", "/a", False, "groups of one name are one"),
    ("User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif", "/example/page/disallowed.gif", False, "§5.2: the longest wins"),
    ("User-agent: *\nDisallow: /a\nAllow: /a/open", "/a/open/1", True, "the longest wins, whatever stands first"),
    ("User-agent: *\nDisallow: /page\nAllow: /page", "/page", True, "of two as long the one that allows"),
    ("User-agent: *\nDisallow: /*.pdf$", "/files/a.pdf", False, "§2.2.3: * and $"),
    ("User-agent: *\nDisallow: /*.pdf$", "/files/a.pdf?x=1", True, "$ is the end"),
    ("User-agent: *\nDisallow: /*/premium/", "/2026/11/premium/a", False, "* stands for anything"),
    ("User-agent: *\nDisallow: /*?", "/a?utm_source=rss", False, "a query is part of the path"),
    ("User-agent: *\nDisallow: /*?", "/a", True, "and here there is none"),
    ("User-agent: *\nDisallow: /a$b", "/a$b", False, "$ elsewhere is itself"),
    ("User-agent: *\nDisallow: *", "/a", False, "no slash before a star"),
    ("User-agent: *\nDisallow: /\u30c4", "/%E3%83%84", False, "§2.2.2: other scripts as octets"),
    ("User-agent: *\nDisallow: /bar/%62%61%7A", "/bar/baz", False, "§2.2.2: what need not be encoded"),
    ("User-agent: *\nDisallow: /a%2Fb", "/a/b", True, "an encoded slash is no slash"),
    ("User-agent: *  # everybody\nDisallow: /a # and why", "/a", False, "comments"),
    ("\ufeffUser-agent: *\r\nDisallow: /a\r\n", "/a", False, "a byte order mark, and Windows's line ends"),
    ("user-AGENT : *\n  DISALLOW : /a", "/a", False, "in whatever case, with spaces"),
    ("Disallow: /a", "/a", True, "a rule that belongs to nobody"),
    ("User-agent: *\nCrawl-delay: 10\nSitemap: https://x.example/s\nDisallow: /a", "/a", False, "other lines belong to nothing"),
    ("User-agent: *\nDisallow: /", "/robots.txt", True, "the rules themselves may be read"),
    ("User-agent: *\nDisallow: /x", "", True, "an address without a path"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "may_be_read", "why"), TABLE, ids=[row[3] for row in TABLE])
def test_what_may_be_read(text, path, may_be_read, why):
    assert (not refusal(text, path)) is may_be_read, why


def test_the_reason_names_the_line_that_keeps_us_out():
    assert refusal("User-agent: *\nDisallow: /*/premium/", "/a/premium/b") == (
        "its robots.txt keeps us out (Disallow: /*/premium/)"
    )


def test_the_rules_stand_at_the_root_of_the_origin_and_the_address_tells_no_secret():
    assert robots_address("https://user:word@wire.example:8443/a/b?key=1") == "https://wire.example:8443/robots.txt"


@given(st.text("/ab*$", max_size=12), st.text("/ab", max_size=12))
def test_a_pattern_means_what_the_regular_expression_of_it_means(pattern, path):
    body = f"User-agent: *\nDisallow: {pattern}".encode()
    core = pattern.removesuffix("$")
    meant = "".join(".*" if sign == "*" else re.escape(sign) for sign in core) + ("$" if pattern.endswith("$") else "")
    expected = bool(pattern.strip()) and re.match(meant, "/" + path) is not None
    assert bool(parse(body).refusal(f"{SITE}/{path}")) is expected


def test_rules_written_to_be_slow_are_not():
    line = b"Disallow: /" + b"*a" * 500 + b"$\n"
    body = b"User-agent: *\n" + line * (MOST_BYTES // len(line))
    rules = parse(body)
    started = time.process_time()
    assert rules.refusal(f"{SITE}/{'a' * 2_000}b") == ""
    assert time.process_time() - started < 1


@pytest.mark.parametrize("name", [b"*", b"tocsin", b"a"])
def test_names_repeated_before_the_rules_make_no_more_of_them(name):
    names, rules = b"User-agent: " + name + b"\n", b"Allow: /\n"
    started = time.process_time()
    found = parse(names * 2_000 + rules * 2_000).rules
    assert len(found) == (0 if name == b"a" else 2_000)
    assert time.process_time() - started < 1


@given(st.binary(max_size=300))
def test_no_bytes_bring_it_to_fall(body):
    parse(body).refusal(SITE + "/a")


def test_patterns_are_spelled_out_once_for_a_host_not_for_each_of_its_pages(monkeypatch):
    spelled = []
    plain = robots._normal
    monkeypatch.setattr(robots, "_normal", lambda text: spelled.append(text) or plain(text))
    rules = parse(b"User-agent: *\n" + b"".join(b"Disallow: /%d/*x\n" % number for number in range(500)))
    assert len(spelled) == 500
    assert "Disallow: /7/*x" in rules.refusal("https://a.example/7/box")
    assert rules.refusal("https://a.example/7/bob") == ""
    assert len(spelled) == 502, "an address each"
