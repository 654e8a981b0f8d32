"""Articles of a turn that was ended early go back to the store; see `lent.Lender`."""

from collections.abc import Sequence

from worker.lent import Loan
from worker.runtime.redis_client import Scripts
from worker.runtime.redis_store import RedisStore


class RedisLender:
    """Takes articles back in one step."""

    def __init__(self, store: RedisStore) -> None:
        self._hang_up, self._run = store.hang_up, Scripts(store.client, "give_back").run

    def give_back(self, loans: Sequence[Loan], *, is_counted: bool) -> int:
        if not loans:
            return 0
        self._hang_up()
        parts = (part for loan in loans for part in loan)
        return int(self._run("give_back", "articles:due", "article:", int(is_counted), *parts))
