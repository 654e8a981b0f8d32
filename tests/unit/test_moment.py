"""A date is read as people mean it, to the second in UTC, or not at all."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.moment import _ENGLISH_DAYS, _months, read_moment

NOON = "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T13:00:00.123456789+01:00", NOON),
        ("2026-03-01 13:00 +0100", NOON),
        ("2026-03-01t12:00:00z", NOON),
        ("20260301T120000", NOON),
        ("2026-03", "2026-03-01T00:00:00+00:00"),
        ("Sun, 01 Mar 2026 12:00:00 GMT", NOON),
        ("Sunday, 01-Mar-26 12:00:00 GMT", NOON),
        ("Sun Mar  1 12:00:00 2026", NOON),
        ("Sun Mar 1 12:00:00 UTC 2026", NOON),
        ("1 Mar 2026 07:00:00 EST", NOON),
        ("Sun, 01 Mar 2026 13:00:00 CET", NOON),
        ("Sun, 01 Mar 2026 13:00:00 (CET)", NOON),
        ("Sun, 01 Mar 2026 13:00:00 GMT+0100", NOON),
        ("Sun, 01 Mar 2026 13:00:00 +01:00", NOON),
        ("March 1, 2026 12:00 PM", NOON),
        ("March 1, 2026 12:30 a.m.", "2026-03-01T00:30:00+00:00"),
        ("dom, 1 marzo 2026 13:00:00 +0100", NOON),
        ("So, 01 Mär 2026 13:00:00 +0100", NOON),
        ("1 août 2026", "2026-08-01T00:00:00+00:00"),
        ("вс, 1 марта 2026 15:00:00 +0300", NOON),
        ("01.03.2026 12:00", NOON),
        ("2026/03/01 12:00:00", NOON),
        ("13/03/2026", "2026-03-13T00:00:00+00:00"),
        ("03/13/2026", "2026-03-13T00:00:00+00:00"),
        ("1772366400", NOON),
        ("1772366400000", NOON),
        ("Sat, 28 Feb 2026 24:00:00 GMT", "2026-03-01T00:00:00+00:00"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00+00:00"),
    ],
)
def test_what_a_date_means(text, moment):
    assert read_moment(text).isoformat() == moment


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-02-30", "Mon, 30 Feb 2026 10:00:00 GMT", "0000-01-01", "2026-03-01T25:00:00Z", "12:00",
     "1 Foo 2026", "99999999999999999999", "2026-13-01"],
)  # fmt: skip
def test_what_no_calendar_has_is_no_date(text):
    assert read_moment(text) is None


@given(st.datetimes(), st.integers(-14 * 60, 14 * 60))
def test_iso_dates_come_back(moment, east):
    sign = "-" if east < 0 else "+"
    written = moment.replace(microsecond=0)
    text = f"{written.isoformat()}{sign}{abs(east) // 60:02}:{abs(east) % 60:02}"
    found = read_moment(text)
    if found is not None:  # at the ends of the calendar there is no UTC
        assert (written - found.replace(tzinfo=None)).total_seconds() == east * 60


@given(st.text(max_size=60))
def test_no_text_makes_it_fail(text):
    read_moment(text)


def test_a_date_in_english_loads_no_other_languages_names():
    """They take a third of a second, which the first article of a process would wait."""
    code = (
        "import sys; from worker.moment import read_moment; "
        "assert read_moment('Sun, 01 Mar 2026 11:00:00 GMT') and read_moment('1 September 2026'); "
        "assert 'babel' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("day", sorted(_ENGLISH_DAYS))
def test_an_english_weekday_is_a_month_in_no_language(day):
    assert day not in _months()


@given(
    st.sampled_from(["", "Mon, ", "Sat, "]), st.integers(0, 32), st.sampled_from(["Jan", "Feb", "Dec"]),
    st.integers(1, 2100), st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    st.sampled_from(["GMT", "UTC", "+0100", "-0830", "+2359", "-2400", "+0575"]),
)  # fmt: skip
def test_a_date_in_the_common_form_is_what_it_is_with_its_parts_spaced_otherwise(weekday, day, month, year, time, zone):
    clock = "{:02}:{:02}:{:02}".format(*time)
    plain = f"{weekday}{day} {month} {year:04} {clock} {zone}"
    assert read_moment(plain) == read_moment(plain.replace(" ", "  "))


@given(
    st.tuples(st.integers(1, 2100), st.integers(0, 13), st.integers(0, 32)),
    st.tuples(st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    st.sampled_from(["Z", ".5Z", "+01:30", ".123456789-08:00", "+24:00", "+23:59", "+10:75"]),
)
def test_the_common_iso_form_is_what_it_is_with_a_space_in_it(day, time, zone):
    written = "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}".format(*day, *time) + zone
    assert read_moment(written) == read_moment(written.replace("T", " "))
