"""The last worker of the spine: claim due deliveries → send → store what follows.

What is in flight outlives the call that started it, so that a receiver which takes its full time-out is waited for
by nobody: the next call finds the answer. A process that dies forgets it, and the lease brings the delivery back.
"""

from concurrent.futures import FIRST_COMPLETED, Future, wait
from datetime import timedelta

from worker import ports, series
from worker.deliver import breaker, notice, retry
from worker.isolation import spared
from worker.model import Attempt, Configuration, Delivery

_LOOK_AGAIN_S = 0.25
"""While attempts are in flight, new due deliveries are looked for this often."""
_ANSWER_ROOM = timedelta(seconds=2)
"""How long an answer may lie before it is handed in. What is lent anew sooner would be sent twice, and its answer void."""
_OUTCOMES = {
    retry.Delivered: "delivered",
    retry.RetryIn: "retried",
    retry.Exhausted: "dead",
    retry.EndpointGone: "gone",
}


class Dispatcher:
    """Sends what is due, to each endpoint at most `breaker.AT_ONCE` at a time over all processes."""

    def __init__(  # noqa: PLR0913 - the ports it needs
        self,
        store: ports.Store,
        sender: ports.Sender,
        clock: ports.Clock,
        observer: ports.Observer,
        configuration: Configuration,
        *,
        lease: timedelta,
        budget: timedelta,
        tracer: ports.Tracer = ports.UNTRACED,
    ) -> None:
        self._tracer = tracer
        self._store, self._sender, self._clock, self._observer = store, sender, clock, observer
        self._endpoints = {endpoint.name: endpoint for endpoint in configuration.endpoints}
        self._lease, self._budget = lease, budget
        self._in_flight: dict[Future[Attempt], ports.DeliveryClaim] = {}

    def adopt(self, configuration: Configuration) -> None:
        """Send to the endpoints of a new configuration; what is in flight stays so."""
        self._endpoints = {endpoint.name: endpoint for endpoint in configuration.endpoints}

    def deliver_due(self) -> int:
        """Send due deliveries until none is due or in flight, or the budget is spent; the number of answers."""
        deadline = self._clock.now() + self._budget
        answers = 0
        self._start_due()
        while self._in_flight:
            answers += self._collect()
            if self._clock.now() >= deadline:
                break
            self._start_due()
        return answers

    def drain(self, timeout: timedelta) -> None:
        """Wait for what is in flight, and start nothing: for a process that is asked to stop."""
        deadline = self._clock.now() + timeout
        while self._in_flight and self._clock.now() < deadline:
            self._collect()

    def _start_due(self) -> None:
        for name, endpoint in self._endpoints.items():
            lease = max(self._lease, endpoint.timeout + _ANSWER_ROOM)
            for claim in self._store.claim_deliveries(name, breaker.AT_ONCE, lease):
                self._in_flight[self._sender.send(claim.delivery, endpoint)] = claim

    def _collect(self) -> int:
        done, _ = wait(self._in_flight, timeout=_LOOK_AGAIN_S, return_when=FIRST_COMPLETED)
        for future in done:
            claim = self._in_flight.pop(future)
            with spared(self._observer, "deliver", claim.delivery.id, self._store, claim):
                self._finish(claim, future.result())
        return len(done)

    def _finish(self, claim: ports.DeliveryClaim, attempt: Attempt) -> None:
        now = self._clock.now()
        age = now - claim.queued_at
        decision = retry.decide(attempt, claim.number, self._clock.draw(), is_probe=claim.is_probe, age=age)
        endpoint, outcome = claim.delivery.endpoint, _OUTCOMES[type(decision)]
        counts = [(series.series(series.ATTEMPTS, endpoint=endpoint, outcome=outcome), 1.0)]
        counts += series.observation(series.STAGE_SECONDS, attempt.duration, stage="deliver")
        notices: list[Delivery] = []
        if isinstance(decision, retry.Delivered):
            counts += series.observation(series.FRESHNESS_SECONDS, age, span="raised_to_delivered")
            if claim.fetched_at:
                counts += series.observation(
                    series.FRESHNESS_SECONDS, now - claim.fetched_at, span="fetched_to_webhook"
                )
        if isinstance(decision, retry.EndpointGone):
            others = [other for name, other in self._endpoints.items() if name != endpoint]
            notices = notice.endpoint_paused(claim.delivery, claim.fence, decision.reason, others, now)
        facts: dict[str, str | int] = {"endpoint": endpoint, "outcome": outcome, "status": attempt.status}
        facts |= {"alert": claim.delivery.alert_id, "delivery": claim.delivery.id, "attempt": claim.number}
        with self._tracer.span("deliver", claim.trace, now - attempt.duration, facts):
            self._store.finish_delivery(claim, attempt, decision, counts, notices)
        if not isinstance(decision, retry.Delivered):
            self._observer.note(
                "delivery_failed",
                delivery=claim.delivery.id,
                endpoint=endpoint,
                attempt=claim.number,
                outcome=outcome,
                reason=attempt.reason,
            )
