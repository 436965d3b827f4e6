"""The wording of output fields that domains share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["WORDING"]

# Few words: the smallest models follow short ones best, and every call pays for them.
WORDING: Mapping[str, str] = MappingProxyType(
    {
        "": "Answer in exactly the form that the question asks for.",
        "answer": "only the final answer, nothing else",
        "thinking": "a few short steps",
        "program": "a short Python program that computes and prints only the final answer",
        "code": "a short Python program that computes and prints only the final answer",
        "feedback": "what is wrong, in one short sentence",
        "correct": "True or False",
        "principle": "the rule that solves it, in one short sentence",
        "choice": "one of the given names, nothing else",
    }
)
