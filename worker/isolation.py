"""One piece of work may fail without taking the others along."""

from collections.abc import Iterator
from contextlib import contextmanager

from worker import ports
from worker.errors import StoreUnavailable, describe_failure


@contextmanager
def spared(
    observer: ports.Observer,
    stage: ports.Stage,
    subject: str,
    store: ports.Store | None = None,
    claim: ports.FeedClaim | ports.ArticleClaim | ports.DeliveryClaim | None = None,
) -> Iterator[None]:
    """Let one piece of work fail alone: its claim runs out, and the fifth time it is quarantined with the reason."""
    try:
        yield
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - any failure of one piece, so that the others go on
        reason = describe_failure(error)
        observer.note("work_failed", stage=stage, subject=subject, error=reason)
        if store and claim:
            store.note_failure(claim, reason)
