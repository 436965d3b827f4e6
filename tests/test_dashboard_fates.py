"""What became of an agent is the same wherever the page says it."""

from __future__ import annotations

from pathlib import Path

from archive.records import Archive
from meta_search.dashboard import agents_index
from meta_search.dashboard.views import agent, agents, lineage, progress
from tests.data.record_run import unpack


def test_every_view_says_the_same_of_every_agent(tmp_path: Path) -> None:
    folder = unpack(tmp_path)
    with Archive(folder) as archive:
        table = agents.agents(folder, archive, limit=500)["rows"]
        fates = {row["agent"]: row["fate"] for row in table}
        assert {"better", "not better", "seed", "paused"} <= set(fates.values())
        marks = {mark["agent"]: mark["fate"] for mark in progress.progress(folder, archive)["marks"]}
        nodes = {node["agent"]: node["fate"] for node in lineage.lineage(folder, archive)["nodes"]}
        assert marks == {one: fates[one] for one in marks}
        assert nodes == {one: fates[one] for one in nodes}
        for row in table:
            page = agent.agent(folder, archive, agent=row["agent"])["row"]
            assert {**page, "fate": fates[row["agent"]]} == row
            assert page["fate"] == fates[row["agent"]]
    agents_index.forget_idle(0.0)
