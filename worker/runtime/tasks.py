"""The doorbells. Each wakes one worker of the spine, and rings the next where there is work for it."""

from collections.abc import Callable

from celery import Task
from kombu.exceptions import OperationalError

from worker.errors import StoreUnavailable
from worker.pipeline import Pipeline
from worker.ports import Stage
from worker.runtime.app import DOORBELL_EXPIRES_S, app
from worker.runtime.audit_store import AuditStore
from worker.runtime.log import LogObserver
from worker.runtime.process import open_store, refreshed_pipeline, refreshed_screener


@app.task(name="tocsin.poll")
def poll() -> None:
    """Poll what is due; wake the enricher if articles came."""
    _work("poll", lambda pipeline: pipeline.poll_due(), then=enrich)


@app.task(name="tocsin.enrich")
def enrich() -> None:
    """Enrich what is due; wake the deliverer if alerts were raised."""
    _work("enrich", lambda pipeline: pipeline.enrich_due(), then=deliver)


@app.task(name="tocsin.screen")
def screen() -> None:
    """Screen stored articles for what came onto lists; wake the deliverer if alerts were raised."""
    _work("enrich", lambda _: refreshed_screener().step(), then=deliver)


@app.task(name="tocsin.deliver")
def deliver() -> None:
    """Deliver what is due."""
    _work("deliver", lambda pipeline: pipeline.deliver_due(), then=None)


@app.task(name="tocsin.seal")
def seal() -> None:
    """Seal what was added to the audit record, and tell the log, which can be kept where the server's owner cannot write."""
    try:
        for made in AuditStore(open_store()).seal():
            LogObserver().note("audit_sealed", line=made.seq, sha256=made.seal)
    except (StoreUnavailable, OperationalError) as error:
        LogObserver().note("store_failed", message=str(error))


def _work(stage: Stage, work: Callable[[Pipeline], int], then: Task | None) -> None:
    try:
        if work(refreshed_pipeline(stage)) and then is not None:
            then.apply_async(expires=DOORBELL_EXPIRES_S, retry=False)
    except (StoreUnavailable, OperationalError) as error:
        LogObserver().note("store_failed", message=str(error))
