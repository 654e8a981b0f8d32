"""How tables look in a pipe and on a narrow terminal."""

import io

from rich.console import Console

from worker.present import show_article, show_rows

ROW = {
    "raised_at": "2026-11-23T04:22:30.123456+00:00",
    "title": "Norland delivers forty tanks to Southland after months of talks behind closed doors",
    "watch": "arms-transfer",
    "tags": ["a", "b"],
    "alerts": 0,
    "note": None,
    "alert_id": "alrt_0123456789abcdef0123",
}
COLUMNS = tuple(ROW)


def table(rows, columns=COLUMNS, **options):
    console = Console(file=io.StringIO(), highlight=False, **options)
    show_rows(console, rows, columns)
    return console.file.getvalue().splitlines()


def test_in_a_pipe_a_row_is_one_line_and_nothing_is_cut():
    long = ROW["title"] * 20
    _, line = table([ROW | {"title": long}], width=80)
    assert line == f"2026-11-23T04:22Z  {long}  arms-transfer  a, b  0       alrt_0123456789abcdef0123"


def test_on_a_terminal_only_the_title_is_shortened_to_its_width():
    head, line = table([ROW], width=100, force_terminal=True, color_system=None)
    assert len(line) <= 100
    assert "…" in line
    assert line.startswith("2026-11-23T04:22Z  Norland")
    assert line.endswith("  alrt_0123456789abcdef0123")
    assert head.split() == ["raised_at", "title", "watch", "tags", "alerts", "alert_id"]


def test_where_even_that_is_too_little_ids_stay_whole():
    [_, line] = table([ROW], width=40, force_terminal=True, color_system=None)
    assert "…" in line
    assert line.endswith("alrt_0123456789abcdef0123")


def test_try_names_what_it_found_and_says_that_a_shadow_sends_nothing():
    shown = {
        "article": {"text": "Norland ships.\nNorland\nsails.", "zones": []},
        "entities": [
            {"text": "Norland", "label": "GPE", "id": "NX", "start": 0, "end": 7},
            {"text": "Norland", "label": "GPE", "id": "NX", "start": 15, "end": 22},
            {"text": "Ann\nOther", "label": "PERSON", "id": None, "start": 0, "end": 3},
        ],
        "topics": [],
        "events": [],
        "matches": [
            {
                "watch": {"id": "ships", "is_shadow": is_shadow},
                "severity": "high",
                "explanation": {"truth": "true", "asks": "the word ships", "kind": "phrase"},
            }
            for is_shadow in (True, False)
        ],
        "misses": [],
    }
    console = Console(file=io.StringIO(), highlight=False)
    show_article(console, shown)
    lines = console.file.getvalue().splitlines()
    names = lines.index("Names")
    assert lines[names + 1 : names + 3] == ["  Norland  GPE  NX  2 times", "  Ann Other  PERSON"]
    assert "  ships (high; shadow: nothing is sent)" in lines
    assert "  ships (high)" in lines


def test_no_rows_are_one_line():
    assert table([]) == ["none"]


def test_wide_characters_keep_the_columns_in_line():
    lines = table([{"title": "战争", "id": "x"}, {"title": "wars", "id": "y"}], ("title", "id"))
    assert lines == ["title  id", "战争   x", "wars   y"]
