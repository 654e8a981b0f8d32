"""Silences in Redis: `silences` is a sorted set of ids by their end (ms), `silence:ID` a hash of record and count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from pydantic import TypeAdapter

from worker.model import Silence
from worker.runtime.redis_client import K, script, translated

KEEP = timedelta(days=90)
_SILENCE = TypeAdapter(Silence)
_SCRIPTS = ("add_silence", "end_silence", "list_silences")


class RedisSilences:
    """See `silence.SilenceStore`."""

    def __init__(self, client: redis.Redis) -> None:
        self._client: Any = client
        self._scripts = {name: script(client, name) for name in _SCRIPTS}

    def add_silence(self, silence: Silence) -> None:
        record = _SILENCE.dump_json(silence).decode()
        keep_ms = round(KEEP.total_seconds() * 1000)
        with translated():
            self._scripts["add_silence"](args=[silence.id, record, _to_ms(silence.ends_at), keep_ms])

    def end_silence(self, silence_id: str, by: str = "") -> bool:
        with translated():
            return bool(self._scripts["end_silence"](args=[silence_id, by]))

    def silences(self, *, ended: bool = True) -> list[Silence]:
        with translated():
            rows = self._scripts["list_silences"](args=[int(ended)])
        return [
            replace(
                _SILENCE.validate_json(record),
                ends_at=datetime.fromtimestamp(int(ends_ms) / 1000, UTC),
                suppressed=int(suppressed),
            )
            for _, record, ends_ms, suppressed in rows
        ]

    def silence(self, silence_id: str) -> Silence | None:
        """One silence; None where there is none with this id."""
        with translated():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.hmget(K + f"silence:{silence_id}", ["record", "suppressed"])
            pipeline.zscore(K + "silences", silence_id)
            (record, suppressed), ends_ms = pipeline.execute()
        if not record or ends_ms is None:
            return None
        ends_at = datetime.fromtimestamp(int(ends_ms) / 1000, UTC)
        return replace(_SILENCE.validate_json(record), ends_at=ends_at, suppressed=int(suppressed or 0))

    def held(self, now: datetime) -> int:
        """How many have not ended."""
        with translated():
            return int(self._client.zcount(K + "silences", f"({_to_ms(now)}", "+inf"))


def _to_ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
