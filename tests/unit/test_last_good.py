"""While the configuration on disk is wrong, a process starts with the last good one; without one it does not start."""

import pytest

from tests.fakes import FakeClock, PhraseEnricher, SilentObserver
from tests.memory_store import MemoryStore
from tests.unit.test_reload import GOOD, TESTED, write
from worker.errors import ConfigError
from worker.runtime.first_start import load_running, refuse_failing_tests, refuse_wrong_start
from worker.runtime.last_good import LastGood
from worker.runtime.process import refuse_failing_tests as refuse
from worker.runtime.reload import LiveConfiguration, Refused
from worker.runtime.settings import load_settings
from worker.watchlist import load_configuration
from worker.watchtest import run_tests

WRONG = "watches: [{id: x, title: t, match: {topik: y}}]\n"
LISTED = "lists: {l: {file: lists/l.txt}}\nwatches: [{id: listed, title: t, match: {entity: {list: l}}}]\n"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "config"
    made.mkdir()
    return made


class Process:
    """A process that is born, and may be born again, over one directory, one store and one data folder."""

    def __init__(self, folder, store, process="enrich") -> None:
        self.folder, self.store, self.process = folder, store, process
        self.kept = LastGood(folder.parent / "data", process, folder)

    def adopt(self, configuration) -> None:
        if self.process == "enrich" and configuration.hash != self.kept.hash:
            refuse(list(run_tests(configuration, PhraseEnricher())))

    def start(self):
        self.live = LiveConfiguration(
            self.process, self.folder, self.store, load_configuration, self.adopt, SilentObserver().note,
            self.process == "enrich", self.kept,
        )  # fmt: skip
        self.live.start()
        return [watch.id for watch in self.live.current.watches]

    @property
    def state(self):
        return self.store.configuration_states()[self.process]


@pytest.fixture
def process(folder):
    return Process(folder, MemoryStore(FakeClock()))


def test_a_start_where_reading_breaks_is_one_with_the_last_good(process, folder, monkeypatch):
    write(folder, GOOD % "first")
    process.start()

    def fail(_):
        raise OverflowError

    monkeypatch.setattr("tests.unit.test_last_good.load_configuration", fail)
    assert process.start() == ["first"]
    assert "cannot be read: OverflowError" in process.state.reason


def test_a_first_start_with_a_wrong_configuration_is_refused(process, folder):
    write(folder, WRONG)
    with pytest.raises(ConfigError, match="unknown key `topik`"):
        process.start()


def test_a_first_start_whose_tests_fail_is_refused(process, folder):
    write(folder, TESTED % "ship")
    with pytest.raises(Refused, match="1 test of a watch fails"):
        process.start()


@pytest.mark.parametrize("bad", [WRONG, TESTED % "ship", "watches: ["])
def test_a_process_born_again_while_the_configuration_is_bad_goes_on_with_the_last_good_one(process, folder, bad):
    write(folder, GOOD % "first")
    process.start()
    good = process.live.current.hash
    write(folder, bad)
    assert process.start() == ["first"]
    assert (process.state.is_ok, process.state.hash) == (False, good)
    assert process.state.reason
    write(folder, GOOD % "mended")
    process.live.refresh()
    assert ([watch.id for watch in process.live.current.watches], process.state.is_ok) == (["mended"], True)


def test_the_files_of_lists_are_kept_and_secrets_are_not(process, folder, monkeypatch):
    (folder / "lists").mkdir()
    write(folder, "Acme Trading\n", "lists/l.txt")
    write(folder, LISTED)
    (folder / "secret").write_text("https://desk.example/", "utf-8")
    write(folder, "endpoints: {desk: {url: {file: secret}, format: slack}}\n", "b.yaml")
    process.start()
    kept = [file.name for file in (folder.parent / "data").rglob("*") if file.is_file()]
    assert sorted(kept) == ["a.yaml", "b.yaml", "enrich", "l.txt"]
    (folder / "lists" / "l.txt").unlink()
    assert process.start() == ["listed"]
    assert process.live.current.endpoints[0].url == "https://desk.example/", "read where the configuration has it"
    assert "cannot be read" in process.state.reason


def test_only_what_some_process_last_ran_is_kept(folder):
    store = MemoryStore(FakeClock())
    enrich, poll = Process(folder, store), Process(folder, store, "poll")
    for number in range(3):
        write(folder, GOOD % f"w{number}")
        enrich.start()
        if number == 0:
            poll.start()
    assert len(list((folder.parent / "data").glob("last-good/*/sources/*"))) == 2


def test_a_poller_born_again_waits_until_an_enricher_has_run_the_tests(folder):
    store = MemoryStore(FakeClock())
    poll, enrich = Process(folder, store, "poll"), Process(folder, store)
    write(folder, GOOD % "first")
    poll.start()
    enrich.start()
    write(folder, TESTED % "tank")
    assert poll.start() == ["first"]
    assert "still to be run" in poll.state.reason
    assert enrich.start() == ["tested"]
    poll.live.refresh()
    assert ([watch.id for watch in poll.live.current.watches], poll.state.is_ok) == (["tested"], True)


def test_directories_do_not_share_what_is_kept(process, folder, tmp_path):
    write(folder, GOOD % "first")
    process.start()
    other = tmp_path / "other"
    other.mkdir()
    assert LastGood(folder.parent / "data", "enrich", other).load() is None


@pytest.fixture
def settings(folder):
    return load_settings({"TOCSIN_CONFIG": str(folder), "TOCSIN_DATA": str(folder.parent / "data")})


def test_a_worker_refuses_to_start_the_first_time_only(settings, folder, process):
    write(folder, WRONG)
    with pytest.raises(ConfigError):
        refuse_wrong_start(settings, ["enrich"])
    with pytest.raises(ConfigError):
        load_running(settings, "enrich")
    write(folder, GOOD % "first")
    process.start()
    write(folder, WRONG)
    refuse_wrong_start(settings, ["enrich"])
    assert [watch.id for watch in load_running(settings, "enrich").watches] == ["first"]
    with pytest.raises(ConfigError):
        refuse_wrong_start(settings, ["enrich", "deliver"])


def test_a_start_names_the_test_that_fails(settings, folder):
    write(folder, TESTED % "ship")
    with pytest.raises(ConfigError, match=r"a\.yaml:1:1: the test “A tank” of watch tested fails: expected an alert"):
        refuse_failing_tests(settings, load_configuration(folder))
    write(folder, TESTED % "tank")
    refuse_failing_tests(settings, load_configuration(folder))
