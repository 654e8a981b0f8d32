"""The learnt judgement of modality: a small encoder reads the sentence with its trigger marked, and may overrule the rules.

Its likeliest modality stands where it is `MARGIN` times as likely as the rules' answer. It is surer than it is right, so the
probability that is told of it is p(m)^(1/2) / sum of p^(1/2), over the seven. What is almost surely no event is dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Final, get_args
from zipfile import BadZipFile

import numpy as np

from worker.enrich.events.encoder import Encoder, Floats, Pieces
from worker.errors import ModelError
from worker.model import EventType, Modality

PACKAGED: Final = Path(__file__).parent.parent / "en_tocsin_news_modality"
NONE: Final = "none"
"""The class of a trigger that tells no event."""
_MODALITIES: Final[tuple[Modality, ...]] = get_args(Modality)
CLASSES: Final[tuple[str, ...]] = (*_MODALITIES, NONE)
_NEGATED, _DENIED = _MODALITIES.index("negated"), _MODALITIES.index("denied")
"""Who says that it is not so, a party to it or another, the rules know better: what they take for negated is not made denied."""
MARGIN: Final = 5.0
"""With less, hardly more is gained on publishers that were left out, and plain sentences are lost that the rules read rightly."""
NO_EVENT: Final = 0.9
"""From this probability of telling no event on, a trigger tells none."""
AT_ONCE: Final = 8
"""More in one pass of the encoder are no cheaper each."""
_LEFT, _RIGHT = 42, 24
"""So many word pieces before and behind the trigger are read: four of five sentences are whole within them."""
_MARK: Final = "*"


class ModalityModelError(ModelError):
    """The folder of weights cannot be used: which, and why."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"the weights of modality in {folder} cannot be used: {reason}; install tocsin anew")


@dataclass(frozen=True, slots=True)
class Judgement:
    """A modality; `probability` is how sure the learnt judgement is that overruled the rules, None where they stand."""

    modality: Modality
    probability: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """An event of which the modality is asked: `sentence[start:stop]` is its trigger, `by_rules` what the rules say."""

    type: EventType
    sentence: str
    start: int
    stop: int
    by_rules: Modality


Judge = Callable[[Sequence[Question]], Sequence[Judgement | None]]
"""Gives the modality of each event, None where it is no event."""


def by_rules(questions: Sequence[Question]) -> list[Judgement | None]:
    """What the rules say stands."""
    return [Judgement(question.by_rules) for question in questions]


@dataclass(frozen=True, slots=True)
class LearntJudge:
    """Weighs what the encoder reads against what the rules say."""

    encoder: Encoder

    @classmethod
    def load(cls, folder: Path = PACKAGED) -> "LearntJudge":
        """The judge whose weights the folder holds. Raises ModalityModelError where it does not, or not for this version."""
        try:
            encoder = Encoder.load(folder / "weights.npz")
        except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
            raise ModalityModelError(folder, str(error)) from error
        if encoder.classes != CLASSES:
            raise ModalityModelError(folder, "its modalities are not those of this version")
        return cls(encoder)

    def __call__(self, questions: Sequence[Question]) -> list[Judgement | None]:
        """The modality of each event; None where it is none."""
        pieces = self.encoder.pieces
        texts = [cut(pieces, asked.type, asked.sentence, asked.start, asked.stop) for asked in questions]
        found = [self.encoder.score(texts[i : i + AT_ONCE]) for i in range(0, len(texts), AT_ONCE)]
        return [
            weigh(shares, asked.by_rules) for shares, asked in zip(chain.from_iterable(found), questions, strict=True)
        ]


def weigh(shares: Floats, by_rules: Modality) -> Judgement | None:
    """What stands of `shares` (of `CLASSES`) and the rules' answer; None where there is hardly an event."""
    if shares[-1] >= NO_EVENT:
        return None
    modality = best(shares, by_rules)
    if modality == by_rules:
        return Judgement(modality)
    told = np.sqrt(shares[: len(_MODALITIES)])
    return Judgement(modality, float(told[_MODALITIES.index(modality)] / told.sum()))


def best(shares: Floats, by_rules: Modality) -> Modality:
    """The modality that stands, whatever is told."""
    told = shares[: len(_MODALITIES)].copy()
    if by_rules == "negated":
        told[_NEGATED] += told[_DENIED]
        told[_DENIED] = 0
    likeliest = int(told.argmax())
    is_sure = told[likeliest] > MARGIN * told[_MODALITIES.index(by_rules)]
    return _MODALITIES[likeliest] if is_sure else by_rules


def cut(pieces: Pieces, type_: str, sentence: str, start: int, stop: int) -> tuple[list[int], int, int]:
    """The pieces that the encoder reads, and where among them the trigger's begin and end: [CLS] type [SEP] … * trigger * … [SEP]."""
    mark = pieces.cut(_MARK)
    left, trigger = pieces.cut(sentence[:start])[-_LEFT:], pieces.cut(sentence[start:stop])
    right = pieces.cut(sentence[stop:])[:_RIGHT]
    lead = [pieces.start, *pieces.cut(type_), pieces.end, *left, *mark]
    first = len(lead)
    return [*lead, *trigger, *mark, *right, pieces.end], first, first + len(trigger)


@cache
def packaged(folder: Path = PACKAGED) -> Judge:
    """The judge that is shipped, loaded once in a process; the rules alone where its folder was left out."""
    return LearntJudge.load(folder) if folder.is_dir() else by_rules
