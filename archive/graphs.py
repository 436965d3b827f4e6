"""Lineages, an item's communication, and teams as networkx graphs. The only importer of networkx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from archive.records import Record
from meta_search.types import TraceCall

if TYPE_CHECKING:
    import networkx


__all__ = ["communication", "depth", "lineage", "team", "to_text"]


def lineage(records: Iterable[Record]) -> networkx.DiGraph:
    """Graph of descent, edges from parent to child.

    Args:
        records: As of `Archive.lineage` or `Archive.agents`. Edges to agents that are not among them are
            left out; a very long lineage is better queried from the archive.

    Returns:
        Nodes are agent ids with `name`, `operator`, `author`, `generation`, `status`, and `score`: split ->
        score.
    """
    import networkx

    rows = list(records)
    graph = networkx.DiGraph()
    for record in rows:
        graph.add_node(
            record.agent.id,
            name=record.agent.name,
            operator=record.operator,
            author=record.author,
            generation=record.generation,
            status=record.status,
            score={split: e.score for split, e in record.evaluations.items()},
        )
    for record in rows:
        graph.add_edges_from((p, record.agent.id) for p in record.parents if p in graph)
    return graph


def communication(trace: Iterable[TraceCall]) -> networkx.DiGraph:
    """Graph of an item's calls, an edge from a call to each that read its answer.

    Returns:
        Nodes are call indices with `author`, `role`, `fields`, `tokens`, `latency_s` (seconds).
    """
    import networkx

    rows = list(trace)
    graph = networkx.DiGraph()
    for call in rows:
        graph.add_node(
            call.index,
            author=call.author,
            role=call.role,
            fields=call.fields,
            tokens=call.tokens,
            latency_s=call.latency_s,
        )
    for call in rows:
        graph.add_edges_from((i, call.index) for i in call.inputs if i in graph)
    return graph


def team(traces: Iterable[Sequence[TraceCall]]) -> networkx.DiGraph:
    """Graph of who listens to whom, over the traces of any number of items.

    Returns:
        Nodes are authors with `calls` and `tokens`; edges carry `weight`, the number of answers passed on.
    """
    import networkx

    graph = networkx.DiGraph()
    for trace in traces:
        author = {call.index: call.author for call in trace}
        for call in trace:
            graph.add_node(call.author)
            node = graph.nodes[call.author]
            node["calls"] = node.get("calls", 0) + 1
            node["tokens"] = node.get("tokens", 0) + call.tokens
            for source in (author[i] for i in call.inputs if i in author):
                weight = graph.get_edge_data(source, call.author, {}).get("weight", 0)
                graph.add_edge(source, call.author, weight=weight + 1)
    return graph


def depth(trace: Iterable[TraceCall]) -> int:
    """Calls that had to wait for one another: the longest path of the communication graph, in calls."""
    import networkx

    graph = communication(trace)
    return int(networkx.dag_longest_path_length(graph)) + 1 if graph else 0


def to_text(graph: networkx.DiGraph, label: str = "name") -> str:
    """A graph as indented lines, each node's label shown; for terminals.

    Args:
        graph: One of the above.
        label: Node attribute to show beside the node's own name.
    """
    import networkx

    shown = networkx.DiGraph()
    for node, data in graph.nodes(data=True):
        text = f"{node} {data.get(label, '')}".rstrip()
        shown.add_node(node, label="".join(c if c.isprintable() else " " for c in text))
    shown.add_edges_from(graph.edges)
    return "\n".join(networkx.generate_network_text(shown, with_labels=True))
