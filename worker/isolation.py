"""One piece of work may fail without taking the others along."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker import ports
from worker.errors import StoreUnavailable


@contextmanager
def spared(observer: ports.Observer, stage: ports.Stage, subject: str) -> Iterator[None]:
    """Let one piece of work fail alone: its claim runs out, and the fifth time it is quarantined."""
    try:
        yield
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - any failure of one piece, so that the others go on
        observer.note("work_failed", stage=stage, subject=subject, error=f"{type(error).__name__}: {error}"[:300])
