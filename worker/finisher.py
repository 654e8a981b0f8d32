"""The end of an article's way through the enricher: what became of it goes to the store, for some at a time.

Each article is an atomic step of its own, with its lease, its fence and its story's version. What a group shares are the
round trips and the write to disk; while the store is at one, the next is made ready.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from worker import ports
from worker.isolation import spared
from worker.telling import Teller, Telling
from worker.triage import Read

_MOST_LOOKS = 12
"""An article whose story others change this often at the same moment is put off for seconds. Each time some other was told."""
_MOST_TOGETHER = 64
"""So many form a group at most: what waits for others costs time with the square of their number."""

Answer = int | Exception


@dataclass(frozen=True, slots=True)
class _Sent:
    """A group that the store was sent, and what it is going to answer."""

    group: Sequence[Telling] = ()
    answers: Future[list[Answer]] | None = None


class Finisher:
    """Tells articles that were read. What comes to nothing comes again when its lease ends."""

    def __init__(
        self,
        teller: Teller,
        store: ports.Store,
        observer: ports.Observer,
        *,
        put_off: Callable[[ports.ArticleClaim], object] | None = None,
        executor: Executor | None = None,
    ) -> None:
        """`put_off` gives back an article whose story others change time and again; without it its lease brings it back.

        The executor waits for the store; without it everybody does.
        """
        self._teller, self._store, self._observer = teller, store, observer
        self._put_off, self._executor = put_off, executor
        self._waiting: list[Telling] = []
        self._ready: list[tuple[Telling, ports.Told]] = []
        self._sent = _Sent()
        self._ended: list[ports.ArticleClaim] = []

    def finish(self, reads: Sequence[Read]) -> int:
        """Tell the articles, and all that `finish_later` left; the number of alerts that were new."""
        with self._dropped_on_failure():
            raised = self._take_up(reads)
            while self._waiting or self._ready:
                raised += self._step()
            return raised

    def finish_later(self, reads: Sequence[Read]) -> int:
        """Tell the articles, the last of them with the next call, and the turn's last with `finish`; the new alerts so far."""
        with self._dropped_on_failure():
            return self._take_up(reads)

    def ended(self) -> list[ports.ArticleClaim]:
        """What was told since this was last asked, or failed, or was put off: nothing is left to be done with it."""
        ended, self._ended = self._ended, []
        return ended

    def drop(self, error: BaseException) -> None:
        """Let go of what is under way, since an error ends the turn; what the store does not finish comes again."""
        dropped = [*self._sent.group, *(one for one, _ in self._ready), *self._waiting]
        self._sent, self._ready, self._waiting = _Sent(), [], []
        for one in dropped:
            with suppress(BaseException):
                one.end(error)

    @contextmanager
    def _dropped_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.drop(error)
            raise

    def _take_up(self, reads: Sequence[Read]) -> int:
        raised = 0
        for read in reads:
            if begun := self._teller.begin(read):
                self._waiting.append(begun)
            else:
                self._ended.append(read.claim)
            while len(self._waiting) >= _MOST_TOGETHER:
                raised += self._step()
        return raised

    def _step(self) -> int:
        """Send what is ready, make ready whom nobody holds back, and hear what the store says; the new alerts.

        Where one cannot bear being made ready with others, each is told alone, so that it costs only itself.
        """
        ready, are_alone = list[tuple[Telling, ports.Told]](), bool(self._waiting)
        if len(self._waiting) > 1:
            with spared(self._observer, "enrich", "a group"):
                looked = self._teller.look(self._waiting, [one for one, _ in self._ready])
                self._send()  # not before: the store answers nobody while it is at a group
                ready, are_alone = self._teller.judge(looked), False
        raised = self._hear()
        if are_alone:
            raised += sum(map(self._tell_alone, self._waiting))
            self._waiting = []
        self._ready, taken = ready, {id(one) for one, _ in ready}
        self._waiting = [one for one in self._waiting if id(one) not in taken]
        return raised

    def _send(self) -> None:
        if not self._ready:
            return
        group, told = [one for one, _ in self._ready], [told for _, told in self._ready]
        answers: Future[list[Answer]] = Future()
        if self._executor:
            answers = self._executor.submit(self._store.finish_articles, told)
        else:
            try:
                answers.set_result(self._store.finish_articles(told))
            except Exception as error:  # noqa: BLE001 - whoever asks for the result gets it
                answers.set_exception(error)
        self._sent, self._ready = _Sent(group, answers), []

    def _hear(self) -> int:
        """Let go of those that the store has finished; the new alerts.

        What others changed meanwhile is told anew with the next group, and the second time alone.
        """
        self._send()
        raised, answers = 0, list[Answer]()
        if self._sent.answers:
            with spared(self._observer, "enrich", "a group"):
                answers = self._sent.answers.result()
        if answers:
            raised = sum(self._note(*one) for one in zip(self._sent.group, answers, strict=True))
        again = [one for one in self._sent.group if one.looks == 1 and not one.is_done]
        self._waiting[:0] = again
        raised += sum(self._tell_alone(one) for one in self._sent.group if one.looks != 1)
        self._sent = _Sent()
        return raised

    def _tell_alone(self, one: Telling) -> int:
        """Tell one until it is through; between looking and storing lie three short trips then.

        Two workers that tell groups of one story would else change it under each other's hands again and again.
        """
        raised = 0
        while not one.is_done:
            raised += self._note(one, self._look_at(one))
        return raised

    def _look_at(self, one: Telling) -> Answer:
        try:
            [(_, told)] = self._teller.judge(self._teller.look([one]))
            [answer] = self._store.finish_articles([told])
        except Exception as error:  # noqa: BLE001 - the article ends with it
            return error
        return answer

    def _note(self, one: Telling, answer: Answer) -> int:
        """Let go of an article that is through, or has failed, or moved too often; its new alerts."""
        one.looks += 1
        if answer == ports.MOVED and one.looks < _MOST_LOOKS:
            return 0
        self._ended.append(one.claim)
        if isinstance(answer, Exception):
            one.end(answer)
            return 0
        if answer == ports.MOVED:
            self._observer.note("story_contended", article=one.claim.article.id)
            if self._put_off:
                self._put_off(one.claim)
        for told in one.alerts if answer > 0 else ():
            self._observer.note("alert", alert=told.id, watch=told.watch_id, severity=told.severity.value)
        one.end()
        return max(answer, 0)
