"""What libraries say goes where our own lines go: warnings, in our form, without what is secret."""

import io
import json
import logging

import pytest

from worker.runtime import log


def lines(capsys) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://me:planted@127.0.0.1:1/0", "redis://…@127.0.0.1:1/0"),
        ("sentinel://:planted@a:1/0;sentinel://:planted@b:2/0", "sentinel://…@a:1/0;sentinel://…@b:2/0"),
        ("sentinel://a:1/0?master=m&sentinel_password=planted", "sentinel://a:1/0?…"),
        ("https://feed.example/rss?key=planted", "https://feed.example/rss?…"),
    ],
)
def test_a_library_is_heard_though_it_muted_itself_and_its_addresses_tell_no_secret(capsys, address, shown):
    log.configure("info")
    library = logging.getLogger("kombu.of-this-test")
    library.addHandler(logging.NullHandler())
    library.warning("Cannot connect to %s", address)
    [line] = lines(capsys)
    assert (line["event"], line["level"]) == (f"Cannot connect to {shown}", "warning")


def test_no_level_makes_libraries_say_more_than_warnings_and_no_second_call_doubles_them(capsys):
    for _ in range(2):
        log.configure("debug")
    logging.getLogger("of-this-test").info("payload")
    logging.getLogger("of-this-test").error("once")
    assert [line["event"] for line in lines(capsys)] == ["once"]


def test_the_trace_of_a_failure_is_redacted_too(capsys):
    log.configure("info")
    try:
        int("https://me:planted@hook.example/?token=planted")
    except ValueError:
        logging.getLogger("of-this-test").exception("failed")
    assert "planted" not in json.dumps(lines(capsys))


def test_our_own_lines_go_where_errors_go_now(capsys, monkeypatch):
    gone = io.StringIO()
    with monkeypatch.context() as while_running:
        while_running.setattr("sys.stderr", gone)
        log.configure()
    gone.close()
    log.LogObserver().note("feed_failed", feed="f")
    assert lines(capsys)[0]["event"] == "feed_failed"
