"""Silences in plain Python: the same promises as the scripts."""

from dataclasses import replace


class MemorySilences:
    def __init__(self, clock) -> None:
        self.clock, self.kept = clock, {}

    def add_silence(self, silence) -> None:
        self.kept[silence.id] = silence

    def end_silence(self, silence_id: str, by: str = "") -> bool:
        found, now = self.kept.get(silence_id), self.clock.now()
        if found is None or found.ends_at <= now:
            return False
        self.kept[silence_id] = replace(found, ends_at=now)
        return True

    def silences(self, *, ended=True):
        now = self.clock.now()
        kept = [silence for silence in self.kept.values() if ended or silence.ends_at > now]
        return sorted(kept, key=lambda silence: silence.ends_at, reverse=True)

    def suppress(self, silence_id: str) -> None:
        if found := self.kept.get(silence_id):
            self.kept[silence_id] = replace(found, suppressed=found.suppressed + 1)
