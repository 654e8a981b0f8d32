"""The pure parts of the page: marked texts, filters, plots, trends, colours, and who may change something."""

import re
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from tests.fakes import analysis, article
from worker.errors import InputError
from worker.precision import wilson_interval
from worker.runtime.access import refusal, refuse_name
from worker.runtime.alert_filter import AlertFilter
from worker.runtime.highlight import Mention, cut
from worker.runtime.plots import columns, interval, meter, nice_top, sparkline
from worker.runtime.trends import in_steps
from worker.trend import counted

SPANS = st.lists(st.tuples(st.integers(-5, 60), st.integers(-5, 60)), max_size=8)


@given(st.text(max_size=50), SPANS, SPANS, SPANS)
def test_pieces_joined_are_the_text_whatever_the_spans(text, evidence, mentions, teasers):
    pieces = cut(text, evidence, [Mention(s, e, "ORG") for s, e in mentions], teasers)
    assert "".join(piece.text for piece in pieces) == text


def test_marks_overlap_and_pieces_do_not():
    pieces = cut("North Korean coal. Read more", [(0, 12), (6, 18)], [Mention(0, 12, "NORP", "KP")], [(19, 28)])
    assert [(p.text, p.is_evidence, p.label, p.is_teaser) for p in pieces] == [
        ("North Korean", True, "NORP", False),
        (" coal.", True, "", False),
        (" ", False, "", False),
        ("Read more", False, "", True),
    ]


ROW = {
    "alert_id": "alrt_1", "severity": "high", "watch": {"id": "arms", "title": "Arms"},
    "article": {"title": "Tanks for Norland", "source": "Wire"}, "topics": [{"topic": "arms-transfer"}],
    "entities": [{"text": "Norland", "id": "NO"}], "evidence": [{"text": "forty tanks"}],
    "verdict": "true", "acknowledged_at": "2026-03-01T12:00:00+00:00",
}  # fmt: skip


@pytest.mark.parametrize(
    ("query", "passes"),
    [
        ({}, True),
        ({"topic": "arms-transfer"}, True),
        ({"topic": "terrorism"}, False),
        ({"severity": "medium"}, True),  # at least
        ({"severity": "high"}, True),
        ({"severity": "critical"}, False),
        ({"watch": "arms"}, True),
        ({"watch": "other"}, False),
        ({"country": "NO"}, True),
        ({"country": "KP"}, False),
        ({"source": "Wire"}, True),
        ({"source": "Herald"}, False),
        ({"text": "FORTY"}, True),
        ({"text": "norland"}, True),
        ({"text": "choir"}, False),
        ({"state": "open"}, False),
        ({"state": "acknowledged"}, True),
        ({"state": "true"}, True),
        ({"state": "false"}, False),
        ({"topic": "arms-transfer", "country": "KP"}, False),  # all must pass
    ],
)
def test_a_filter_lets_through_what_passes_every_field(query, passes):
    assert AlertFilter.from_query(query).matches(ROW) is passes


@pytest.mark.parametrize("query", [{"severity": "urgent"}, {"state": "done"}])
def test_a_filter_that_cannot_be_is_refused(query):
    with pytest.raises(InputError, match="must be one of"):
        AlertFilter.from_query(query)


def request(client="127.0.0.1", version="1.1", **headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request(
        {
            "type": "http", "http_version": version, "client": (client, 5), "headers": pairs, "method": "POST",
            "path": "/",
        }
    )  # fmt: skip


HERE = {"host": "127.0.0.1:8787"}


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (request(**HERE), ""),  # curl
        (request(**HERE, sec_fetch_site="same-origin", origin="http://127.0.0.1:8787"), ""),
        (request("::1", host="[::1]:8787", origin="http://[::1]:8787"), ""),
        (request(host="localhost"), ""),
        (request("192.0.2.7", **HERE), "this machine"),
        (request(**HERE, x_forwarded_for="192.0.2.7"), "this machine"),
        (request(**HERE, forwarded="for=192.0.2.7"), "this machine"),
        (request(**HERE, via="1.1 proxy"), "this machine"),
        (request(**HERE, x_forwarded_host="tocsin.example"), "this machine"),
        (request(**HERE, x_forwarded_proto="https"), "this machine"),
        (request(**HERE, cf_connecting_ip="192.0.2.7"), "this machine"),
        (request(**HERE, version="1.0"), "this machine"),  # nginx, when nothing else is said
        (request(host="evil.example:8787", origin="http://evil.example:8787"), "names"),  # a rebound name
        (request(), "names"),
        (request(**HERE, origin="http://evil.example"), "own page"),
        (request(**HERE, origin="null"), "own page"),
        (request(**HERE, origin="http://127.0.0.1:9999"), "own page"),
        (request(**HERE, sec_fetch_site="cross-site"), "own page"),
        (request(**HERE, sec_fetch_site="same-site"), "own page"),
        (request(**HERE, sec_fetch_site="none"), "own page"),
    ],
)
def test_only_a_person_at_this_machine_may_change_something(asked, reason):
    said = refusal(asked)
    assert (reason in said) if reason else said == ""


@pytest.mark.parametrize(
    ("asked", "may_read"),
    [
        (request(**HERE), True),
        (request("::1", host="[::1]:8787"), True),
        (request(host="tocsin.example"), True),  # what TOCSIN_PUBLIC_URL says
        (request(host="evil.example:8787"), False),
        (request(host="evil.example:8787", x_forwarded_for="1"), False),  # which a script may set
        (request(), False),
        (request("192.0.2.7", host="desk.lan:8787"), True),
    ],
)
def test_a_rebound_name_reads_nothing(asked, may_read):
    assert (refuse_name(asked, "tocsin.example") == "") is may_read


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.text(max_size=20))
def test_plots_are_well_formed_whatever_the_numbers_and_titles(values, title):
    title = re.sub("[^\t\n -\ud7ff]", "", title)
    starts = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=i) for i in range(len(values))]
    assert ET.fromstring(interval(0.5, 0.2, 1.0)) is not None
    for svg in (sparkline(values, title), meter(values[0] / 5_000, title), columns([("count", values)], starts, title)):
        ET.fromstring(svg)
        assert "style=" not in svg


@pytest.mark.parametrize(
    ("true", "false", "low", "high"),
    [  # Wilson's interval, as R's prop.test(correct = FALSE) gives it
        (9, 1, 0.596, 0.982), (1, 0, 0.207, 1.0), (0, 1, 0.0, 0.793), (50, 50, 0.404, 0.596), (0, 0, 0.0, 1.0),
    ],
)  # fmt: skip
def test_few_verdicts_say_little(true, false, low, high):
    assert wilson_interval(true, false) == pytest.approx((low, high), abs=0.0006)


@pytest.mark.parametrize(("highest", "top"), [(0, 3), (3, 3), (4, 6), (10, 15), (16, 30), (100, 150), (4_000, 6_000)])
def test_an_axis_ends_at_a_round_number(highest, top):
    assert nice_top(highest) == top


def test_hours_are_summed_in_steps_from_the_newest():
    assert in_steps([1, 2, 3, 4, 5], 2) == [1, 5, 9]
    assert in_steps([1, 2], 2) == [3]


def test_an_article_counts_each_name_once():
    art = article("Iran and Iran", "Iranian exports from Acme")
    seen = analysis(art, {"arms-transfer": 0.9, "terrorism": 0.1}, {"Iran": ("GPE", "IR"), "Acme": ("ORG", "AC")})
    assert counted(art, seen) == ("articles", "country:IR", "feed:feed_wire", "topic:arms-transfer")


def _colours(theme: int) -> dict[str, str]:
    css = (files("worker.runtime") / "page" / "style.css").read_text("utf-8")
    pairs = re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\)", css)
    return {name: both[theme] for name, *both in pairs}


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_reach_wcag_aa(theme):
    colours = _colours(theme)
    text = ("ink", "muted", "accent", "critical", "high", "medium", "low", "info", "good")
    pairs = [(name, ground, 4.5) for name in text for ground in ("bg", "panel", "raised")]
    pairs += [("panel", "critical", 4.5), ("panel", "accent", 4.5), ("mark-ink", "mark", 4.5)]
    pairs += [(name, "panel", 3.0) for name in colours if name.startswith("fill-")]
    poor = {
        (a, b): round(contrast(colours[a], colours[b]), 2)
        for a, b, least in pairs
        if contrast(colours[a], colours[b]) < least
    }
    assert poor == {}
