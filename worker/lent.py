"""What a turn was lent by the store, and gives back where it is ended before it was done."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from worker import ports

Loan: TypeAlias = tuple[str, int]
"""An article's id and its claim's number."""


class Lender(Protocol):
    """Takes articles back. What was finished meanwhile, or lent anew, stays as it is."""

    def give_back(self, loans: Sequence[Loan], *, is_counted: bool) -> int:
        """Make articles due now; where the claim is not counted they are as if never lent. How many came back."""


class Loans:
    """The articles that one turn was lent, batch by batch; their texts are not kept."""

    def __init__(self, lender: Lender | None) -> None:
        self._lender = lender
        self._earlier: list[Loan] = []
        self._newest: list[Loan] = []

    def note(self, claims: Sequence[ports.ArticleClaim]) -> list[ports.ArticleClaim]:
        """Keep in mind a batch that was just lent; the same claims."""
        self._earlier += self._newest
        self._newest = [(claim.article.id, claim.fence) for claim in claims]
        return list(claims)

    def take_up(self, claims: Sequence[ports.ArticleClaim]) -> None:
        """Keep in mind that these, of what was lent, are in hand now, and no others."""
        in_hand = {(claim.article.id, claim.fence) for claim in claims}
        every = [*self._earlier, *self._newest]
        self._earlier = [loan for loan in every if loan not in in_hand]
        self._newest = [loan for loan in every if loan in in_hand]

    def give_back(self) -> int:
        """Give back what is not finished; how many that were.

        What is in hand was being read when the time was up: its claims count as when a worker dies, so that an article
        that takes a model for ever is at last lent alone, and then set aside. All others are as if never lent.
        """
        if not self._lender:
            return 0
        return self._lender.give_back(self._earlier, is_counted=False) + self._lender.give_back(
            self._newest, is_counted=True
        )
