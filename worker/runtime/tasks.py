"""The doorbells. Each wakes one worker of the spine, and rings the next where there is work for it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic

from celery import Task
from kombu.exceptions import OperationalError

from worker import series
from worker.errors import StoreUnavailable, TurnOver
from worker.pipeline import Pipeline
from worker.ports import Stage
from worker.runtime.app import app
from worker.runtime.audit_store import AuditStore
from worker.runtime.deadline import within_soft_limit
from worker.runtime.log import LogObserver
from worker.runtime.process import open_store, refreshed_pipeline, refreshed_screener

LONGEST_REFRESH_S = 30.0
"""After a refresh that took longer, what is left of the soft limit may not do for a turn."""


@app.task(name="tocsin.poll")
def poll() -> None:
    """Poll what is due; wake the reader and the enricher if articles came."""
    _work("poll", lambda pipeline: pipeline.poll_due(), then=(read, enrich))


@app.task(name="tocsin.subscribe")
def subscribe() -> None:
    """Ask hubs for what feeds advertise."""
    _work("poll", lambda pipeline: pipeline.subscribe_due(), then=())


@app.task(name="tocsin.read")
def read() -> None:
    """Read the pages that are due; wake the enricher if articles became due with it."""
    _work("read", lambda pipeline: pipeline.read_due(), then=(enrich,))


@app.task(name="tocsin.enrich")
def enrich() -> None:
    """Enrich what is due; wake the deliverer if alerts were raised."""
    _work("enrich", lambda pipeline: pipeline.enrich_due(), then=(deliver,))


@app.task(name="tocsin.screen")
def screen() -> None:
    """Screen stored articles for what came onto lists; wake the deliverer if alerts were raised."""
    _work("enrich", lambda _: refreshed_screener().step(), then=(deliver,))


@app.task(name="tocsin.deliver")
def deliver() -> None:
    """Deliver what is due."""
    _work("deliver", lambda pipeline: pipeline.deliver_due(), then=())


@app.task(name="tocsin.seal")
def seal() -> None:
    """Seal what was added to the audit record, and tell the log, which can be kept where the server's owner cannot write."""
    try:
        for made in AuditStore(open_store()).seal():
            LogObserver().note("audit_sealed", line=made.seq, sha256=made.seal)
    except (StoreUnavailable, OperationalError) as error:
        LogObserver().note("store_failed", message=str(error))


def _work(stage: Stage, work: Callable[[Pipeline], int], then: Sequence[Task]) -> None:
    began = monotonic()
    try:
        # outside of the limit: a configuration that takes too long to adopt is refused, not tried again in every turn
        pipeline = refreshed_pipeline(stage)
        if monotonic() - began > LONGEST_REFRESH_S:
            return  # the next doorbell has a whole turn's time
        with within_soft_limit():
            is_fruitful = bool(work(pipeline))
        if is_fruitful:
            for task in then:
                task.apply_async(retry=False)
    except TurnOver:
        _note_cut(stage)
    except (StoreUnavailable, OperationalError) as error:
        LogObserver().note("store_failed", message=str(error))


def _note_cut(stage: Stage) -> None:
    LogObserver().note(
        "turn_failed", stage=stage, error="it took longer than the soft time limit; the rest is done later"
    )
    open_store().hang_up()
    with suppress(StoreUnavailable):
        open_store().count([(series.series(series.TURNS_CUT, stage=stage), 1.0)])
