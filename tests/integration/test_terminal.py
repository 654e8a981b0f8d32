"""What `tocsin up` prints of alerts, over a configuration of one's own, and what `doctor` says of a running one."""

import io
import threading

import pytest
from rich.console import Console

from tests.desk import CONFIGURATION, Desk
from tests.integration.world import eventually
from worker.ports import ConfigurationState
from worker.runtime import doctor
from worker.runtime.demo import compose
from worker.runtime.terminal import AlertPrinter, SteadyFile

pytestmark = pytest.mark.integration


@pytest.fixture
def desk(redis_store):
    return Desk(redis_store)


@pytest.fixture
def terminal(redis_store):
    console = Console(file=io.StringIO(), width=200, highlight=False, color_system=None)
    return AlertPrinter(redis_store, console), console.file


def test_each_alert_is_printed_once_as_it_comes(desk, terminal):
    printer, out = terminal
    desk.publish(*(compose(position) for position in range(4)))
    raised = desk.store.client.zcard("{tocsin}:alerts")
    assert raised
    printer.print_new()
    printed = out.getvalue()
    assert printed.count("ALERT ") == raised
    assert "because: “" in printed
    printer.print_new()
    assert out.getvalue() == printed


def test_what_was_raised_before_the_start_is_not_printed(desk, redis_store):
    desk.publish(compose(0))
    out = io.StringIO()
    AlertPrinter(redis_store, Console(file=out)).print_new()
    assert out.getvalue() == ""


def test_of_a_burst_the_newest_are_printed_and_the_others_counted(desk, terminal, monkeypatch):
    monkeypatch.setattr("worker.runtime.terminal._MOST_AT_ONCE", 1)
    printer, out = terminal
    desk.publish(*(compose(position) for position in range(8)))
    raised = desk.store.client.zcard("{tocsin}:alerts")
    printer.print_new()
    assert out.getvalue().count("ALERT ") == 1
    assert f"{raised - 1} more alert" in out.getvalue()


def test_markup_in_a_title_is_printed_as_it_stands(desk, terminal):
    printer, out = terminal
    desk.publish(compose(0) | {"title": "[bold]The government delivered forty battle tanks[/] to the army"})
    printer.print_new()
    assert "[bold]The government delivered forty battle tanks[/]" in out.getvalue()


class _Gone(io.StringIO):
    """A terminal that was closed."""

    def write(self, _text):
        raise BrokenPipeError


def test_a_terminal_that_is_gone_stops_nobody(desk, redis_store):
    console = Console(file=SteadyFile(_Gone()))
    printer = AlertPrinter(redis_store, console)
    desk.publish(compose(0))
    printer.print_new()
    console.print("stopping")


def test_a_letter_that_the_terminal_lacks_is_a_question_mark(desk, redis_store):
    raw = io.BytesIO()
    console = Console(file=SteadyFile(io.TextIOWrapper(raw, encoding="ascii")), width=200)
    printer = AlertPrinter(redis_store, console)
    desk.publish(compose(0))
    printer.print_new()
    assert b"because: ?" in raw.getvalue()


def test_alerts_are_printed_beside_whoever_asked_for_it(desk, terminal):
    printer, out = terminal
    ends = threading.Event()
    printer.begin(ends.is_set)
    desk.publish(compose(0))
    eventually(lambda: "ALERT " in out.getvalue(), 10, "an alert")
    ends.set()
    eventually(lambda: all(thread.name != "alerts" for thread in threading.enumerate()), 10, "the printer's end")


def test_doctor_says_once_why_several_processes_refused_a_reload(desk, monkeypatch):
    monkeypatch.setattr(doctor, "open_store", lambda: desk.store)
    for process in ("poll", "enrich", "web"):
        desk.store.report_configuration(process, ConfigurationState(process == "web", "abc", "a.yaml:3:1: no"))
    [finding] = doctor._reloads()
    assert finding["message"].startswith("enrich, poll: the last reload was refused and abc stays in force: a.yaml:3:1")


def test_doctor_names_feeds_that_fail(desk, monkeypatch):
    monkeypatch.setattr(doctor, "open_store", lambda: desk.store)
    desk.publish(compose(0))
    [finding] = doctor._feeds(CONFIGURATION)
    assert finding["status"] == "warning"
    assert finding["message"].startswith("1 of 3 feeds failing: Broken Times; `tocsin feeds list`")
