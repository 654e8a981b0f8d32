"""`tocsin silences` over a real store."""

import json

import pytest
from typer.testing import CliRunner

from worker.cli import app
from worker.runtime import process


@pytest.fixture
def tocsin(redis_store, server, monkeypatch):
    monkeypatch.setenv("TOCSIN_REDIS_URL", server.url)
    process.open_store.cache_clear()

    def run(*arguments):
        result = CliRunner().invoke(app, arguments)
        return result.exit_code, result.stdout, str(result.exception)

    yield run
    process.open_store().client.close()
    process.open_store.cache_clear()


def test_a_silence_is_added_listed_and_ended(tocsin):
    code, out, _ = tocsin("silences", "add", 'watch="arms"', 'source=~"Blog.*"', "--for", "2h", "-m", "known", "--json")
    made = json.loads(out)
    assert (code, made["state"], made["matchers"]) == (0, "active", ['watch="arms"', 'source=~"Blog.*"'])
    assert json.loads(tocsin("silences", "list", "--json")[1])["silences"] == [made]
    assert "known" in tocsin("silences", "list")[1]
    assert tocsin("silences", "end", made["id"])[0] == 0
    assert json.loads(tocsin("silences", "list", "--json")[1])["silences"] == []
    [ended] = json.loads(tocsin("silences", "list", "--all", "--json")[1])["silences"]
    assert ended["state"] == "ended"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("watch=a", "-m", "x"), "say how long"), (("watch=a", "-m", "x", "--for", "soon"), "is not a duration"),
     (("watch=a", "-m", "x", "--until", "tomorrow"), "is not a moment"), (("what", "-m", "x", "--for", "2h"), "matcher"),
     (("watch=a", "-m", "x", "--until", "2001-01-01"), "in the future")],
)  # fmt: skip
def test_a_mistake_is_told_with_the_remedy(tocsin, arguments, told):
    code, _, error = tocsin("silences", "add", *arguments)
    assert code != 0
    assert told in error


WATCHES = "watches:\n  - {id: arms, title: Arms, labels: {desk: sanctions}, match: {phrase: tanks}}\n"


@pytest.mark.parametrize(
    ("matcher", "told"),
    [("watch=arm", "there is no watch arm in the configuration; did you mean `arms`?"),
     ("wach=arms", "no watch has a label wach; did you mean `watch`?"),
     ("severity=hihg", "there is no severity hihg; did you mean `high`?"),
     ("watch=arms", ""), ('desk="sanctions"', ""), ("watch=~ar.*", ""), ("source!=x", "")],
)  # fmt: skip
def test_a_label_that_no_alert_can_have_is_a_warning(tocsin, tmp_path, monkeypatch, matcher, told):
    (tmp_path / "config.yaml").write_text(WATCHES, "utf-8")
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path))
    ended = CliRunner().invoke(
        app, ["silences", "add", matcher, "watch=~.+", "--for", "2h", "-m", "x", "--author", "a"]
    )
    assert ended.exit_code == 0
    assert ended.stderr == (f"warning: {told}\n" if told else "")


def test_a_watch_that_is_not_there_is_told_by_tokens_and_export(tocsin, tmp_path, monkeypatch):
    (tmp_path / "config.yaml").write_text(WATCHES, "utf-8")
    token = ("tokens", "add", "ann", "--role", "subscriber", "--watch")
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path / "nowhere"))
    assert tocsin(*token, "arm")[0] == 0, "without a configuration any name may be right"
    monkeypatch.setenv("TOCSIN_CONFIG", str(tmp_path))
    code, _, error = tocsin(*token, "arm")
    assert code != 0
    assert "did you mean `arms`?" in error
    assert tocsin(*token, "arms")[0] == 0
    ended = CliRunner().invoke(app, ["alerts", "export", "--watch", "arm"])
    assert (ended.exit_code, ended.stdout) == (0, "")
    assert ended.stderr.startswith("warning: there is no watch arm in the configuration; did you mean `arms`?")


def test_there_is_no_ending_what_is_not_there(tocsin):
    assert "there is no silence sil_x" in tocsin("silences", "end", "sil_x")[2]
