"""What a turn was lent by the store, and gives back where it is ended before it was done."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Protocol, TypeAlias

from worker import ports

Loan: TypeAlias = tuple[str, int]
"""An article's id and its claim's number."""
_PUT_OFF: Final = timedelta(seconds=2)
"""Long enough for whoever is at the same story to be through with it; a lease would keep an alert for a minute and a half."""


class Lender(Protocol):
    """Takes articles back. What was finished meanwhile, or lent anew, stays as it is."""

    def give_back(self, loans: Sequence[Loan], *, is_counted: bool, wait: timedelta = timedelta(0)) -> int:
        """Make articles due after `wait`; where the claim is not counted they are as if never lent. How many came back."""


class Loans:
    """The articles that one turn was lent and has not finished; their texts are not kept."""

    def __init__(self, lender: Lender | None) -> None:
        self._lender = lender
        self._lent: dict[Loan, None] = {}
        self._in_hand: set[Loan] = set()

    def note(self, claims: Sequence[ports.ArticleClaim]) -> list[ports.ArticleClaim]:
        """Keep in mind a batch that was just lent, and is in hand now; the same claims."""
        self.take_up(claims)
        self._lent |= dict.fromkeys(_loans(claims))
        return list(claims)

    def take_up(self, claims: Sequence[ports.ArticleClaim]) -> None:
        """Keep in mind that these, of what was lent, are in hand now, and no others."""
        self._in_hand = set(_loans(claims))

    def forget(self, claims: Sequence[ports.ArticleClaim]) -> None:
        """These are finished, whatever came of it: nothing is left to give back."""
        for loan in _loans(claims):
            self._lent.pop(loan, None)

    def __len__(self) -> int:
        return len(self._lent)

    def give_back(self) -> int:
        """Give back what is not finished; how many that were.

        What is in hand was being read when the time was up: its claims count as when a worker dies, so that an article
        that takes a model for ever is at last lent alone, and then set aside. All others are as if never lent.
        """
        if not self._lender:
            return 0
        others = [loan for loan in self._lent if loan not in self._in_hand]
        in_hand = [loan for loan in self._lent if loan in self._in_hand]
        return self._lender.give_back(others, is_counted=False) + self._lender.give_back(in_hand, is_counted=True)


def put_off(lender: Lender | None, claim: ports.ArticleClaim) -> None:
    """Give back an article that is nobody's fault and cannot be told just now, to be lent again soon."""
    if lender:
        lender.give_back(_loans([claim]), is_counted=False, wait=_PUT_OFF)


def _loans(claims: Sequence[ports.ArticleClaim]) -> list[Loan]:
    return [(claim.article.id, claim.fence) for claim in claims]
