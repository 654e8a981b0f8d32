"""Events: who supplied what to whom, who sanctioned whom, who broke whose sanctions, who says so, and how sure it is."""

from worker.enrich.events.extract import event_cues, extract, may_tell
from worker.enrich.events.learnt import Judge, by_rules

__all__ = ["Judge", "by_rules", "event_cues", "extract", "may_tell"]
