"""A running Tocsin takes a changed configuration whole or not at all."""

import os
import time

import pytest

from tests.fakes import FakeClock, PhraseEnricher, SilentObserver
from tests.memory_store import MemoryStore
from worker.ports import ConfigurationState
from worker.runtime.process import refuse_failing_tests
from worker.runtime.reload import LiveConfiguration
from worker.watchlist import load_configuration
from worker.watchtest import run_tests

GOOD = "watches: [{id: %s, title: t, match: {phrase: tank}}]\n"
TESTED = "watches: [{id: tested, title: t, match: {phrase: %s}, tests: [{title: A tank, expect: {fires: true}}]}]\n"


class Running:
    """A process that follows a directory."""

    def __init__(self, folder, store, process="enrich", runs_tests=True) -> None:
        self.folder, self.store, self.observer = folder, store, SilentObserver()
        self.adopted = []
        self.live = LiveConfiguration(
            process,
            folder,
            store,
            lambda path: load_configuration(path, {}),
            self.adopt,
            self.observer.note,
            runs_tests,
        )

    def adopt(self, configuration) -> None:
        if self.adopted and self.live.runs_tests:
            refuse_failing_tests(run_tests(configuration, PhraseEnricher()))
        self.adopted.append(configuration.hash)

    @property
    def watches(self):
        return [watch.id for watch in self.live.current.watches]

    @property
    def state(self):
        return self.store.configuration_states()[self.live.process]


def write(folder, text, name="a.yaml"):
    file = folder / name
    file.write_text(text, "utf-8")
    os.utime(file, ns=(time.time_ns() - 5_000_000_000 + write.count, time.time_ns() - 5_000_000_000 + write.count))
    write.count += 1


write.count = 0


@pytest.fixture
def store():
    return MemoryStore(FakeClock())


@pytest.fixture
def running(tmp_path, store):
    write(tmp_path, GOOD % "first")
    made = Running(tmp_path, store)
    made.live.start()
    return made


def test_a_changed_file_is_taken(running, tmp_path):
    write(tmp_path, GOOD % "second")
    running.live.refresh()
    running.live.refresh()
    assert running.watches == ["second"]
    assert len(running.adopted) == 2, "once, not at every look"
    assert running.state == ConfigurationState(is_ok=True, hash=running.live.current.hash)


def test_a_new_file_and_a_list_file_count_too(running, tmp_path):
    (tmp_path / "watchlists").mkdir()
    write(tmp_path, "Acme Trading\n", "list.txt")
    write(tmp_path, "lists: {l: {file: list.txt}}\n" + GOOD % "more", "watchlists/b.yaml")
    running.live.refresh()
    assert running.watches == ["first", "more"]
    before = running.live.current.hash
    write(tmp_path, "Acme Shipping Lines\n", "list.txt")
    running.live.refresh()
    assert running.live.current.hash != before


def test_a_wrong_file_keeps_the_last_good_and_says_why(running, tmp_path):
    good = running.live.current.hash
    write(tmp_path, "watches: [{id: x, title: t, match: {topik: y}}]\n")
    running.live.refresh()
    assert running.watches == ["first"]
    assert not running.state.is_ok
    assert running.state.hash == good
    assert "a.yaml:1:37: unknown key `topik`" in running.state.reason
    write(tmp_path, GOOD % "mended")
    running.live.refresh()
    assert (running.watches, running.state.is_ok) == (["mended"], True)


@pytest.mark.parametrize("error", [OverflowError(), RecursionError(), MemoryError(), KeyError("x"), PermissionError()])
def test_whatever_goes_wrong_in_reading_keeps_the_last_good(running, tmp_path, error, monkeypatch):
    def fail(_):
        raise error

    monkeypatch.setattr(running.live, "load", fail)
    write(tmp_path, GOOD % "second")
    running.live.refresh()
    assert (running.watches, running.state.is_ok) == (["first"], False)
    assert "cannot be read" in running.state.reason
    assert type(error).__name__ in running.state.reason


def test_whatever_goes_wrong_in_adopting_keeps_the_last_good(running, tmp_path, monkeypatch):
    def fail(_):
        raise RecursionError

    monkeypatch.setattr(running.live, "adopt", fail)
    write(tmp_path, GOOD % "second")
    running.live.refresh()
    assert running.watches == ["first"]
    assert "RecursionError" in running.state.reason


def test_a_time_without_end_is_a_mistake_like_any_other(running, tmp_path):
    feeds = "feeds: [{url: 'https://x.example/rss', name: x, backfill: 9999999999999d}]\n"
    write(tmp_path, feeds + GOOD % "second")
    running.live.refresh()
    assert running.watches == ["first"]
    assert "is too long a time" in running.state.reason


def test_a_missing_list_file_is_noticed_when_it_comes(running, tmp_path):
    write(tmp_path, "lists: {l: {file: list.txt}}\n" + GOOD % "second")
    running.live.refresh()
    assert running.watches == ["first"]
    write(tmp_path, "Acme Trading\n", "list.txt")
    running.live.refresh()
    assert running.watches == ["second"]


def test_failing_tests_refuse_a_reload(running, tmp_path):
    write(tmp_path, TESTED % "bicycle")
    running.live.refresh()
    assert running.watches == ["first"]
    assert "1 test of a watch fails" in running.state.reason
    assert "expected an alert, got silence" in running.state.reason
    write(tmp_path, TESTED % "tank")
    running.live.refresh()
    assert running.watches == ["tested"]


def test_processes_without_a_model_wait_for_the_verdict_on_tests(running, tmp_path, store):
    poller = Running(tmp_path, store, "poll", runs_tests=False)
    poller.live.start()
    write(tmp_path, TESTED % "tank")
    poller.live.refresh()
    assert poller.watches == ["first"]
    running.live.refresh()
    poller.live.refresh()
    assert poller.watches == ["tested"]
    write(tmp_path, TESTED % "bicycle")
    running.live.refresh()
    poller.live.refresh()
    assert poller.watches == ["tested"]


def test_a_file_that_is_being_written_waits(running, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD % "second", "utf-8")
    running.live.refresh()
    assert running.watches == ["first"]


def test_a_reload_can_be_asked_for(running, tmp_path):
    (tmp_path / "a.yaml").write_text(GOOD % "second", "utf-8")
    running.store.ask_reload()
    running.live.refresh()
    assert running.watches == ["second"]
