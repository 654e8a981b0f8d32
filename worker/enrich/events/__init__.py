"""Events: who supplied what to whom, who sanctioned whom, who broke whose sanctions, who says so, and how sure it is."""

from worker.enrich.events.extract import extract, may_tell

__all__ = ["extract", "may_tell"]
