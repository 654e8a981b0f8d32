"""Adding a test to a watch: the file changes by exactly that test, whatever its layout and the test's words."""

import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from worker.errors import InputError
from worker.watchlist import load_configuration
from worker.watchlist.add_test import NewTest, place_test, render_test, write_test

NEW = NewTest("Norland delivers: “tanks”", "Forty tanks went to Sudmark.\n\nMore # are to follow.", fires=True)
SNIPPET = """\
tests:
  - title: "Norland delivers: “tanks”"
    text: |-
      Forty tanks went to Sudmark.

      More # are to follow.
    expect: {fires: true}
"""


def indented(text: str, by: int) -> str:
    return "".join(" " * by + line if line.strip() else line for line in text.splitlines(keepends=True))


LAYOUTS = {
    "a watch without tests, followed by another": (
        "# Ümlaut first\nwatches:\n  - id: arms   # stable\n    title: Waffen für Ößlingen\n    match: {phrase: [tank]}  # why\n"
        "\n  # the next\n  - {id: b, title: B, match: {phrase: [x]}}\n",
        "# Ümlaut first\nwatches:\n  - id: arms   # stable\n    title: Waffen für Ößlingen\n    match: {phrase: [tank]}  # why\n"
        + indented(SNIPPET, 4)
        + "\n  # the next\n  - {id: b, title: B, match: {phrase: [x]}}\n",
    ),
    "tests in block style, keys after them": (
        "watches:\n- tests:\n  - title: old\n    expect: {fires: false}   # the old one\n\n  # now the rest\n  id: arms\n"
        "  title: A\n  match: {phrase: [tank]}\n",
        "watches:\n- tests:\n  - title: old\n    expect: {fires: false}   # the old one\n"
        + indented(SNIPPET.partition("\n")[2], 0)
        + "\n  # now the rest\n  id: arms\n  title: A\n  match: {phrase: [tank]}\n",
    ),
    "no line feed at the end": (
        "watches:\n  - match: {phrase: [tank]}\n    title: A\n    id: arms",
        "watches:\n  - match: {phrase: [tank]}\n    title: A\n    id: arms\n" + indented(SNIPPET, 4),
    ),
    "the last value is a block of text": (
        "watches:\n  - id: arms\n    match: {phrase: [tank]}\n    title: |\n      A title\n\n\n# end\n",
        "watches:\n  - id: arms\n    match: {phrase: [tank]}\n    title: |\n      A title\n"
        + indented(SNIPPET, 4)
        + "\n\n# end\n",
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_test_is_added_and_nothing_else_changes(tmp_path, layout):
    before, after = LAYOUTS[layout]
    file = tmp_path / "watches.yaml"
    file.write_text(before, "utf-8")
    made = place_test(tmp_path, "arms", NEW)
    assert file.read_text("utf-8") == before, "nothing is written before it is asked for"
    write_test(made)
    assert file.read_text("utf-8") == after
    watch = next(w for w in load_configuration(tmp_path).watches if w.id == "arms")
    test = watch.tests[-1]
    assert (test.title, test.text, test.fires) == (NEW.title, NEW.text, True)
    assert after.splitlines()[made.line - 1].strip() == made.snippet.splitlines()[0].strip()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "watches: [{id: arms, title: A, match: {phrase: [tank]} }]  # all\n",
            "watches: [{id: arms, title: A, match: {phrase: [tank]}, tests: [ITEM] }]  # all\n",
        ),
        (
            "watches:\n  - id: arms\n    title: A\n    tests: []  # none yet\n    match: {phrase: [tank]}\n",
            "watches:\n  - id: arms\n    title: A\n    tests: [ITEM]  # none yet\n    match: {phrase: [tank]}\n",
        ),
        (
            "watches:\n  - {id: arms, title: A, match: {phrase: [tank]}, tests: [\n    {title: x, expect: {}},\n  ]}\n",
            "watches:\n  - {id: arms, title: A, match: {phrase: [tank]}, tests: [\n    {title: x, expect: {}},ITEM\n  ]}\n",
        ),
    ],
)
def test_a_test_is_added_within_brackets(tmp_path, before, after):
    file = tmp_path / "watches.yaml"
    file.write_text(before, "utf-8")
    write_test(place_test(tmp_path, "arms", NewTest("T", "a\nb", fires=False)))
    item = '{title: "T", text: "a\\nb", expect: {fires: false}}'
    assert file.read_text("utf-8") == after.replace("ITEM", item)
    assert load_configuration(tmp_path).watches[0].tests[-1].text == "a\nb"


def test_line_ends_mark_and_rights_of_a_file_are_kept(tmp_path):
    file = tmp_path / "watches.yaml"
    file.write_bytes(
        b"\xef\xbb\xbfwatches:\r\n  - id: arms\r\n    title: A\r\n    match: {phrase: [tank]}\r\n# end\r\n"
    )
    file.chmod(0o640)
    link = tmp_path / "watchlists" / "linked.yaml"
    link.parent.mkdir()
    file.rename(tmp_path / "elsewhere.txt")
    link.symlink_to(tmp_path / "elsewhere.txt")
    write_test(place_test(tmp_path, "arms", NEW))
    raw = link.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbfwatches:\r\n")
    assert raw.count(b"\n") == raw.count(b"\r\n") == 5 + 7
    assert link.is_symlink()
    assert stat.S_IMODE(link.stat().st_mode) == 0o640
    assert load_configuration(tmp_path).watches[0].tests[0].text == NEW.text


TEXTS = st.text(max_size=80) | st.text(
    st.sampled_from("a:#-{}[]'\"\\|> \t\n\r\x85\u2028\ufeff\x00&*!%@`,"), max_size=40
)


@given(TEXTS, TEXTS, st.booleans(), st.sampled_from(sorted(LAYOUTS)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
def test_words_come_back_to_the_letter_or_are_refused(tmp_path, title, text, fires, layout):
    file = tmp_path / "watches.yaml"
    file.write_text(LAYOUTS[layout][0], "utf-8")
    try:
        made = place_test(tmp_path, "arms", NewTest(title, text, fires))
    except InputError:
        assert not title.strip() or not text or not title.isprintable() or any(0xD800 <= ord(c) < 0xE000 for c in text)
        return
    from worker.watchlist import yaml

    tree = yaml.read("f", made.after)
    assert not tree.problems
    found = next(watch for watch in tree.value["watches"] if watch["id"] == "arms")["tests"][-1]
    assert (found.get("title", ""), found.get("text", "")) == (title, text)


def test_what_cannot_be_added_is_refused_with_the_reason(tmp_path):
    file = tmp_path / "watches.yaml"
    file.write_text("watches:\n  - {id: arms, title: A, match: {phrase: [tank]}}\n", "utf-8")
    for watch, test, reason in (
        ("other", NEW, "no file of the configuration has a watch other"),
        ("arms", NewTest("", "", fires=True), "cannot be a test"),
        ("arms", NewTest("x", "y" * 100_001, fires=True), "cannot be a test: text"),
    ):
        with pytest.raises(InputError, match=reason):
            place_test(tmp_path, watch, test)
    made = place_test(tmp_path, "arms", NEW)
    file.write_text("watches: []\n", "utf-8")
    with pytest.raises(InputError, match="changed meanwhile"):
        write_test(made)
    assert file.read_text("utf-8") == "watches: []\n"
    file.write_text("watches:\n  - id: arms\n  - id: arms\n    id: x\n", "utf-8")
    with pytest.raises(InputError, match="mistakes of its own"):
        place_test(tmp_path, "arms", NEW)


def test_a_test_can_be_shown_without_a_file():
    assert render_test(NewTest("T", "", fires=False)) == '- title: "T"\n  expect: {fires: false}\n'
