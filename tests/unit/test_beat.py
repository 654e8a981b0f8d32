"""Beat rings on, whatever is done to the wall clock."""

from datetime import timedelta

import pytest
from celery import Celery

from worker.runtime import beat


class Recorder(beat.SteadyScheduler):
    """Writes down what it would send."""

    def apply_entry(self, entry, producer=None):
        self.sent.append(entry.name)


@pytest.fixture
def scheduler():
    app = Celery(set_as_current=False)
    app.conf.update(
        timezone="UTC", beat_schedule={"poll": {"task": "tocsin.poll", "schedule": 1.0}}, beat_max_loop_interval=1
    )
    Recorder.sent = []
    made = Recorder(app)
    made.tick()
    return made


def set_back(scheduler, by: timedelta):
    """As if the clock had been right until now and were set back: what ran last ran in what is now the future."""
    for entry in scheduler.schedule.values():
        entry.last_run_at = entry.default_now() + by
    scheduler.populate_heap()


def test_a_clock_that_is_set_back_does_not_silence_it(scheduler, monkeypatch):
    set_back(scheduler, timedelta(hours=1))
    before = beat._offset()
    monkeypatch.setattr(beat, "_offset", lambda: before - 3_600)
    assert scheduler.tick() <= 1
    assert all(entry.last_run_at <= entry.default_now() for entry in scheduler.schedule.values())


def test_celerys_own_would_wait_for_the_old_time(scheduler):
    set_back(scheduler, timedelta(hours=1))
    scheduler.tick()
    entry = scheduler.schedule["poll"]
    assert entry.is_due().next > 3_000


def test_a_clock_that_runs_a_little_off_changes_nothing(scheduler, monkeypatch):
    entry = scheduler.schedule["poll"]
    before, ran_at = beat._offset(), entry.last_run_at
    monkeypatch.setattr(beat, "_offset", lambda: before + 1)
    scheduler.tick()
    assert scheduler.schedule["poll"].last_run_at <= ran_at + timedelta(seconds=2)
