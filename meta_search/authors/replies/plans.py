"""The plan in a reply of the meta model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_search.authors.plan import Plan, plan_from
from meta_search.authors.replies.objects import fault_of, objects_in

__all__ = ["read_plan"]

WRAPPERS = ("plan", "agent", "answer", "json")


def read_plan(text: str) -> Plan | str:
    """A plan from the last JSON object of a reply that is one, or one line on what is wrong with it."""
    found = objects_in(text)
    if not found:
        return fault_of(text)
    fault = ""
    for data in reversed(found):
        try:
            return plan_from(_unwrapped(data))
        except (ValueError, TypeError) as error:
            fault = fault or str(error)
    return fault


def _unwrapped(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object itself, its keys in lower case, without another one around it: {"plan": {…}}."""
    lowered = {str(key).strip().lower(): value for key, value in data.items()}
    for name in WRAPPERS:
        if isinstance(lowered.get(name), Mapping) and not {"way", "routes"} & set(lowered):
            return _unwrapped(lowered[name])
    return lowered
