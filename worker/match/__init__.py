"""Which watches an analysed article fires, which it nearly fires, and why.

Conditions are three-valued. A topic or entity condition is unknown where no model speaks the article's language, an
age condition where there is no date; unknown never fires, and a verdict says so.
"""

from worker.match.conditions import SURE
from worker.match.explain import find_missing, leaves
from worker.match.matcher import Matcher
from worker.match.names import NameIndex

__all__ = ["SURE", "Matcher", "NameIndex", "find_missing", "leaves"]
