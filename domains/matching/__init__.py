"""Comparing free-text answers with targets. Matchers by name stand in `domains.matching.registry`.

Nothing here evaluates an answer, and no answer makes it slow: only the last characters of one are looked at.
"""

from __future__ import annotations

from domains.matching.exact import exact
from domains.matching.final import final_answer
from domains.matching.matcher import Matcher
from domains.matching.numeric import number, numeric

__all__ = ["Matcher", "exact", "final_answer", "number", "numeric"]
