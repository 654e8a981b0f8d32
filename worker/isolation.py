"""One piece of work may fail without taking the others along."""

from types import TracebackType

from worker import ports
from worker.errors import StoreUnavailable, describe_failure

Claim = ports.FeedClaim | ports.ArticleClaim | ports.DeliveryClaim


class spared:  # noqa: N801 - reads as what is done, as `suppress` does
    """Let one piece of work fail alone: its claim runs out, and the fifth time it is quarantined with the reason."""

    __slots__ = ("_about", "_claim", "_observer", "_store")

    def __init__(
        self,
        observer: ports.Observer,
        stage: ports.Stage,
        subject: str,
        store: ports.Store | None = None,
        claim: Claim | None = None,
    ) -> None:
        self._observer, self._store, self._claim = observer, store, claim
        self._about = (stage, subject)

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, StoreUnavailable):
            return False
        stage, subject = self._about
        reason = describe_failure(error)
        self._observer.note("work_failed", stage=stage, subject=subject, error=reason)
        if self._store and self._claim:
            self._store.note_failure(self._claim, reason)
        return True
