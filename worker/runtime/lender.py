"""Articles that a turn could not tell go back to the store; see `lent.Lender`."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from worker.lent import Loan
from worker.runtime.redis_client import Scripts
from worker.runtime.redis_store import RedisStore

_MS: Final = timedelta(milliseconds=1)


class RedisLender:
    """Takes articles back in one step."""

    def __init__(self, store: RedisStore) -> None:
        self._hang_up, self._run = store.hang_up, Scripts(store.client, "give_back").run

    def give_back(self, loans: Sequence[Loan], *, is_counted: bool, wait: timedelta = timedelta(0)) -> int:
        if not loans:
            return 0
        self._hang_up()
        parts = (part for loan in loans for part in loan)
        return int(self._run("give_back", "articles:due", "article:", int(is_counted), round(wait / _MS), *parts))
