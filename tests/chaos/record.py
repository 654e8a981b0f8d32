"""Reads an export of the audit record as docs/audit.md describes it, in plain Python and none of Tocsin's code."""

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

_LINE = re.compile(rb'(.*),"link":"([0-9a-f]{40})"\}', re.DOTALL)


@dataclass
class Record:
    """What the lines say of deliveries, and where the chain is broken."""

    broken: list[str] = field(default_factory=list)
    digests: dict[str, str] = field(default_factory=dict)
    """By delivery, the SHA-1 of the bytes that were to go out."""
    raised: Counter = field(default_factory=Counter)
    answered: Counter = field(default_factory=Counter)
    """By delivery, the attempts that got an answer of any status."""
    delivered: Counter = field(default_factory=Counter)


def read(export: bytes) -> Record:
    """The record of one exported file that begins with the record."""
    record = Record()
    first, *rows, last = export.splitlines(keepends=True) if export.count(b"\n") > 1 else (b"", b"")
    head = _facts(first)
    seq, link = head.get("after_seq", -1), head.get("after_link", "")
    sealed = (seq, head.get("after_seal", ""))
    bodies: dict[int, bytes] = {}
    for place, row in enumerate(rows, 2):
        parts = _LINE.fullmatch(row.rstrip(b"\n"))
        if parts is None:
            record.broken.append(f"line {place} is not as a line is written")
            continue
        body, stated = parts[1] + b"}", parts[2].decode()
        facts = _facts(body)
        link = hashlib.sha1(link.encode() + b"\n" + body).hexdigest()
        if (facts.get("seq"), stated) != (seq + 1, link):
            record.broken.append(f"line {place} is line {facts.get('seq')} after {seq}, or its link does not fit")
        seq, link = facts.get("seq", 0), stated
        bodies[seq] = body
        if facts.get("kind") == "seal":
            sealed = _check_seal(record, facts, sealed, bodies)
        _take(record, facts)
    closing = _facts(last)
    whole = hashlib.sha256(b"".join([first, *rows])).hexdigest()
    if (closing.get("end_seq"), closing.get("lines"), closing.get("sha256")) != (seq, len(rows), whole):
        record.broken.append("the closing line does not fit")
    return record


def _facts(raw: bytes) -> dict:
    try:
        return json.loads(raw)
    except ValueError:
        return {}


def _check_seal(record: Record, facts: dict, sealed: tuple[int, str], bodies: dict[int, bytes]) -> tuple[int, str]:
    covered = [bodies.get(number, b"") + b"\n" for number in range(facts["from"], facts["to"] + 1)]
    sha256 = hashlib.sha256(sealed[1].encode() + b"\n" + b"".join(covered)).hexdigest()
    if facts["from"] != sealed[0] + 1 or sha256 != facts["sha256"]:
        record.broken.append(f"the seal in line {facts['seq']} does not fit")
    return facts["to"], facts["sha256"]


def _take(record: Record, facts: dict) -> None:
    if facts.get("kind") == "raised":
        record.raised[facts["alert"]] += 1
        record.digests |= {one["id"]: one["sha1"] for one in facts.get("deliveries", ())}
    elif facts.get("kind") == "told":
        record.digests[facts["delivery"]] = facts["sha1"]
    elif facts.get("kind") == "attempted":
        record.answered[facts["delivery"]] += bool(facts.get("status"))
        record.delivered[facts["delivery"]] += facts["outcome"] == "delivered"


def compare(record: Record, accepted: Sequence, arrived: Sequence) -> dict[str, list[str]]:
    """How the record and the receiver's webhooks differ.

    A receiver may have more copies of a webhook than the record has attempts: a worker that dies after it was answered notes
    nothing, and sends again. It never has fewer.
    """
    last = {hook.id: hook.body for hook in accepted}
    seen = Counter(hook.id for hook in arrived)
    copies = defaultdict(int, Counter(hook.id for hook in accepted))
    return {
        "broken_record": record.broken,
        "unrecorded": sorted(id_ for id_ in last if not record.delivered[id_] or id_ not in record.digests),
        "other_digest": sorted(
            id_ for id_, body in last.items() if record.digests.get(id_, "") not in ("", hashlib.sha1(body).hexdigest())
        ),
        "recorded_only": sorted(
            {id_ for id_, number in record.answered.items() if number > max(seen[id_], copies[id_])}
            | {id_ for id_, number in record.delivered.items() if number and id_ not in last}
        ),
        "recorded_twice": sorted(
            [id_ for id_, number in record.delivered.items() if number > 1]
            + [alert for alert, number in record.raised.items() if number > 1]
        ),
    }
