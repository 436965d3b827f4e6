"""Lineages, communication and teams as graphs."""

from __future__ import annotations

from archive import graphs
from archive.records import Record
from meta_search.types import Agent, Evaluation, TraceCall


def record(name: str, *parents: str) -> Record:
    evaluation = Evaluation.of(name, "train", [])
    return Record(
        Agent(name, f"agent {name}\x1b[31m", ""),
        "llm",
        "mutate",
        1,
        "",
        parents,
        evaluations={"train": evaluation},
    )


def call(index: int, author: str, *inputs: int) -> TraceCall:
    return TraceCall(index, author, "helper", ("answer",), "?", "!", inputs, 10, 0.5)


# Two solvers, a judge that hears both, and a second round.
TRACE = [call(1, "solver"), call(2, "solver"), call(3, "judge", 1, 2), call(4, "solver", 3, 99)]


def test_a_lineage_goes_from_parents_to_children() -> None:
    graph = graphs.lineage([record("c", "a", "b"), record("a"), record("b", "a", "gone")])
    assert set(graph.edges) == {("a", "c"), ("b", "c"), ("a", "b")}
    assert graph.nodes["b"]["operator"] == "mutate"
    assert graph.nodes["b"]["score"] == {"train": 0.0}
    assert "gone" not in graph


def test_communication_follows_the_answers() -> None:
    graph = graphs.communication(TRACE)
    assert set(graph.edges) == {(1, 3), (2, 3), (3, 4)}
    assert graph.nodes[3]["author"] == "judge"
    assert graph.nodes[3]["tokens"] == 10


def test_depth_counts_calls_that_wait_for_one_another() -> None:
    assert graphs.depth(TRACE) == 3
    assert graphs.depth(TRACE[:2]) == 1
    assert graphs.depth([]) == 0


def test_a_team_sums_over_items() -> None:
    graph = graphs.team([TRACE, TRACE])
    assert graph.nodes["solver"] == {"calls": 6, "tokens": 60}
    assert graph.edges["solver", "judge"]["weight"] == 4
    assert graph.edges["judge", "solver"]["weight"] == 2


def test_a_graph_as_text_has_a_line_a_node_and_no_controls() -> None:
    text = graphs.to_text(graphs.lineage([record("a"), record("b", "a")]))
    assert len(text.splitlines()) == 2
    assert "agent b" in text
    assert "\x1b" not in text
