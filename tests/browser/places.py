"""Every view of a run as a link, found by asking the server or the file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Get = Callable[[str], Any]


def places(get: Get, run: str = "run", others: tuple[str, ...] = ()) -> Mapping[str, str]:
    """Name -> place of all views of a run.

    Args:
        get: Answers a path of the API.
        run: The run's id.
        others: Runs to compare it with.
    """
    rows = get(f"/api/run/{run}/agents")["rows"]
    written = [row["agent"] for row in rows if row["fate"] != "seed" and row["score"] is not None]
    seed = next(row["agent"] for row in rows if row["fate"] == "seed")
    agent = written[0] if written else rows[0]["agent"]
    matrix = get(f"/api/run/{run}/items")
    item, of = matrix["items"][0]["item"], matrix["agents"][0]["agent"]
    at = f"#/run/{run}"
    found = {
        **{
            view: f"{at}/{view}"
            for view in ("overview", "agents", "lineage", "niches", "items", "guide", "log")
        },
        "ancestors": f"{at}/lineage?of={agent}",
        "drawer": f"{at}/items?item={item}&agent={of}&split={matrix['split']}",
        "agent": f"{at}/agent?agent={agent}",
        "code": f"{at}/agent?agent={agent}&tab=code",
        "diff": f"{at}/agent?agent={agent}&tab=compare&vs={seed}",
        "attempts": f"{at}/agent?agent={agent}&tab=attempts",
    }
    if others:
        asked = "&".join(f"run={one}" for one in (run, *others))
        found |= {"runs": "#/", "compare": f"#/compare?{asked}"}
    return found
