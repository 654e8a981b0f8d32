"""Silences in Redis: `silences` is a sorted set of ids by their end (ms), `silence:ID` a hash of record and count."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import redis
from pydantic import TypeAdapter

from worker.model import Silence
from worker.runtime.redis_client import K, Scripts, milliseconds, moment_of, ms_of, translated

KEEP = timedelta(days=90)
_SILENCE = TypeAdapter(Silence)
_SCRIPTS = ("add_silence", "end_silence", "list_silences")


class RedisSilences:
    """See `silence.SilenceStore`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client
        self._run = Scripts(client, *_SCRIPTS).run

    def add_silence(self, silence: Silence) -> None:
        record = _SILENCE.dump_json(silence).decode()
        self._run("add_silence", silence.id, record, ms_of(silence.ends_at), milliseconds(KEEP))

    def end_silence(self, silence_id: str, by: str = "") -> bool:
        return bool(self._run("end_silence", silence_id, by))

    def silences(self, *, ended: bool = True) -> list[Silence]:
        rows = self._run("list_silences", int(ended))
        return [_restore(record, ends_ms, suppressed) for _, record, ends_ms, suppressed in rows]

    def silence(self, silence_id: str) -> Silence | None:
        """One silence; None where there is none with this id."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hmget(K + f"silence:{silence_id}", ["record", "suppressed"])
            pipeline.zscore(K + "silences", silence_id)
            (record, suppressed), ends_ms = pipeline.execute()
        return None if not record or ends_ms is None else _restore(record, ends_ms, suppressed or 0)

    def held(self, now: datetime) -> int:
        """How many have not ended."""
        with translated():
            return int(self._client.zcount(K + "silences", f"({ms_of(now)}", "+inf"))


def _restore(record: str, ends_ms: str | float, suppressed: str | int) -> Silence:
    return replace(_SILENCE.validate_json(record), ends_at=moment_of(ends_ms), suppressed=int(suppressed))
