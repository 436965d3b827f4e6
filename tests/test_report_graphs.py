"""Lineages, communication and teams as graphs."""

from __future__ import annotations

from archive.records import Record
from meta_search.report import graphs
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


def call(
    index: int, author: str, *inputs: int, pasted: tuple[int, ...] = (), final: bool = False
) -> TraceCall:
    return TraceCall(index, author, "helper", ("answer",), "?", "!", inputs, 10, 0.5, pasted, final)


# Two solvers, a judge that hears both, of one by its text, and a second round. There is no call 99.
TRACE = [
    call(1, "solver"),
    call(2, "solver"),
    call(3, "judge", 1, pasted=(1, 2)),
    call(4, "solver", 3, 99, final=True),
]


def test_a_lineage_goes_from_parents_to_children() -> None:
    graph = graphs.lineage([record("c", "a", "b"), record("a"), record("b", "a", "gone")])
    assert set(graph.edges) == {("a", "c"), ("b", "c"), ("a", "b")}
    assert graph.nodes["b"]["operator"] == "mutate"
    assert graph.nodes["b"]["score"] == {"train": 0.0}
    assert "gone" not in graph


def test_ancestors_are_a_tree_in_which_each_stands_once() -> None:
    rows = [record("a"), record("b", "a"), record("c", "b"), record("d", "c", "a"), record("e")]
    graph = graphs.lineage([*rows, record("f", "e", "d"), record("g", "f", "gone")])
    lines = [f"{branches}{agent}" for branches, agent in graphs.ancestry(graph, "g")]
    assert lines == ["g", "f", "├─╼ e", "└─╼ d", "    c", "    b", "    a"]
    lines = [f"{branches}{agent}" for branches, agent in graphs.ancestry(graph, "f", ascii_only=True)]
    assert lines == ["f", "|-> e", "L-> d", "    c", "    b", "    a"]
    assert graphs.ancestry(graph, "a") == [("", "a")]


def test_a_lineage_of_a_thousand_stays_narrow() -> None:
    graph = graphs.lineage([record("0"), *(record(str(n), str(n - 1)) for n in range(1, 1000))])
    lines = graphs.ancestry(graph, "999")
    assert [agent for _, agent in lines] == [str(n) for n in reversed(range(1000))]
    assert {branches for branches, _ in lines} == {""}


def test_communication_follows_the_answers() -> None:
    graph = graphs.communication(TRACE)
    assert set(graph.edges) == {(1, 3), (2, 3), (3, 4)}
    assert graph.nodes[3]["author"] == "judge"
    assert graph.nodes[3]["tokens"] == 10
    assert {edge: data["kind"] for *edge_, data in graph.edges(data=True) for edge in [tuple(edge_)]} == {
        (1, 3): "info",
        (2, 3): "text",
        (3, 4): "info",
    }
    assert [n for n, final in graph.nodes(data="final") if final] == [4]


def test_a_forged_trace_makes_no_cycle() -> None:
    forged = [call(1, "a", 2, pasted=(1,)), call(2, "b", 1, 2)]
    assert set(graphs.communication(forged).edges) == {(1, 2)}
    assert graphs.depth(forged) == 2
    assert graphs.team([forged]).nodes["a"]["calls"] == 1


def test_depth_counts_calls_that_wait_for_one_another() -> None:
    assert graphs.depth(TRACE) == 3
    assert graphs.depth(TRACE[:2]) == 1
    assert graphs.depth([]) == 0


def test_a_team_sums_over_items() -> None:
    graph = graphs.team([TRACE, TRACE])
    assert graph.nodes["solver"] == {"calls": 6, "tokens": 60, "final": 2}
    assert graph.edges["solver", "judge"]["weight"] == 4
    assert graph.edges["judge", "solver"]["weight"] == 2


def test_a_graph_as_text_has_a_line_a_node_and_no_controls() -> None:
    text = graphs.to_text(graphs.lineage([record("a"), record("b", "a")]))
    assert len(text.splitlines()) == 2
    assert "agent b" in text
    assert "\x1b" not in text
