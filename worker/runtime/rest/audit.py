"""The audit record, slice by slice."""

from datetime import UTC
from itertools import islice

from worker.api.answers import AuditLine, AuditSlice
from worker.audit import Line
from worker.runtime.audit_store import AuditStore
from worker.runtime.redis_client import moment_of
from worker.runtime.rest.call import Call, Desk


def read(desk: Desk, call: Call) -> AuditSlice:
    """Lines are given with the words that were hashed, so that a reader can check the chain."""
    query = call.query
    since = query.since.astimezone(UTC) if query.since and query.since.year > 1970 else None  # noqa: PLR2004
    found = list(islice(AuditStore(desk.store).read(since, query.after), query.limit))
    lines = [_line(line) for line in found]
    return AuditSlice(lines=lines, next_after=lines[-1].seq if len(lines) == query.limit else None)


def _line(line: Line) -> AuditLine:
    facts = line.facts()
    at = moment_of(facts["at_ms"])
    return AuditLine(seq=facts["seq"], at=at, kind=facts["kind"], facts=facts, line=line.body.decode(), link=line.link)
