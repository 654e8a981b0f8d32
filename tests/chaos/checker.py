"""Compares what had to be alerted with what a receiver wrote down. Knows nothing of how Tocsin works inside."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from tests.chaos.record import compare, read


@dataclass
class Judgement:
    """What is wrong; `repeats` are webhooks that came again under their id and with their bytes, which is allowed."""

    expected: int = 0
    received: int = 0
    repeats: int = 0
    lost: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    second_ids: list[str] = field(default_factory=list)
    changed_bytes: list[str] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)
    broken_record: list[str] = field(default_factory=list)
    unrecorded: list[str] = field(default_factory=list)
    other_digest: list[str] = field(default_factory=list)
    recorded_only: list[str] = field(default_factory=list)
    recorded_twice: list[str] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, int]:
        """The number of each kind of fault."""
        return {name: len(value) for name, value in asdict(self).items() if isinstance(value, list)}

    @property
    def is_clean(self) -> bool:
        """Whether there is no fault at all."""
        return not any(self.faults.values())


def judge(
    expected: set[tuple[str, str]], accepted: Sequence, arrived: Sequence = (), export: bytes | None = None
) -> Judgement:
    """Judge webhooks with `id`, `body` and `is_genuine`.

    `accepted` are those the receiver answered 2xx; `arrived` all it saw, whatever it answered: over these an id must
    always have the same bytes. `export` is the audit record, which must say the same.
    """
    judgement = Judgement(expected=len(expected))
    ids: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    bodies: dict[str, bytes] = {}
    seen: set[str] = set()
    for hook in accepted:
        judgement.received += 1
        judgement.repeats += hook.id in seen
        seen.add(hook.id)
        data = json.loads(hook.body)["data"]
        ids[data["watch"]["id"], data["article"]["link"]].add((data["alert_id"], hook.id))
    judgement.lost = sorted(map(str, expected - set(ids)))
    judgement.unexpected = sorted(map(str, set(ids) - expected))
    judgement.second_ids = sorted(str(story) for story, found in ids.items() if len(found) > 1)
    owners: dict[tuple[str, str], tuple[str, str]] = {}
    for story, found in ids.items():
        for pair in found:
            if owners.setdefault(pair, story) != story:
                judgement.second_ids.append(f"{pair} stands for {owners[pair]} and {story}")
    for hook in (*accepted, *arrived):
        if bodies.setdefault(hook.id, hook.body) != hook.body:
            judgement.changed_bytes.append(hook.id)
        if not hook.is_genuine:
            judgement.forged.append(hook.id)
    if export is not None:
        for kind, found in compare(read(export), accepted, arrived).items():
            setattr(judgement, kind, found)
    return judgement
