"""The plan in a reply of the meta model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from meta_search.authors.plan import BY_KIND, Plan, plan_from
from meta_search.authors.replies.objects import fault_of, objects_in, unwrapped

__all__ = ["normal", "read_plan"]

ROUTE = {"words", "way"}  # all that one has


def read_plan(text: str) -> Plan | str:
    """A plan from the last JSON object of a reply that is one, or one line on what is wrong with it."""
    found = [
        data for data in objects_in(text) if not ROUTE <= set(data) <= {*ROUTE, *BY_KIND}
    ]  # of a plan that was cut
    if not found:
        return fault_of(text)
    fault = ""
    for data in reversed(found):
        try:
            return plan_from(normal(data))
        except (ValueError, TypeError) as error:
            fault = fault or str(error)
    return fault


def normal(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """A plan's object as it was asked for.

    Undone are an object around it, another case of ways, routes as {words: way} or a single one, and their
    words in a list.
    """
    plan = dict(unwrapped(data))
    rows = plan.get("routes")
    if isinstance(rows, Mapping):
        rows = [rows] if "way" in rows else [{"words": words, "way": way} for words, way in rows.items()]
    if isinstance(rows, list):
        plan["routes"] = [_route(row) for row in rows if isinstance(row, Mapping)]
    if isinstance(plan.get("way"), str):
        plan["way"] = plan["way"].strip().lower()
    return plan


def _route(row: Mapping[str, Any]) -> Mapping[str, Any]:
    route = {str(key).strip().lower(): value for key, value in row.items()}
    if isinstance(route.get("way"), str):
        route["way"] = route["way"].strip().lower()
    if isinstance(route.get("words"), list):
        route["words"] = " ".join(map(str, route["words"]))
    return route
