"""Lineages, an item's communication, and teams as networkx graphs. The only importer of networkx."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal

from meta_search.report.source import Record
from meta_search.text import one_line
from meta_search.types import TeamNetwork, TraceCall

if TYPE_CHECKING:
    import networkx


__all__ = ["communication", "depth", "lineage", "team", "team_graph", "to_text"]


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
    """Graph of an item's calls, an edge from a call to each that its answer went into.

    Returns:
        Nodes are call indices with `author`, `role`, `fields`, `tokens`, `latency_s` (seconds), and `final`:
        whether the answer is the item's, or stands in it. Edges carry `kind`: `info` where the answer was
        passed as `Info`, `text` where it was pasted into a prompt. They lead to later calls only.
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
            final=call.final,
        )
    for call in rows:
        graph.add_edges_from((i, call.index, {"kind": kind}) for i, kind in _sources(call) if i in graph)
    return graph


def _sources(call: TraceCall) -> list[tuple[int, str]]:
    """What went into a call and how; traces come out of the sandbox, so a graph trusts no later index."""
    found = dict.fromkeys(call.pasted, "text") | dict.fromkeys(call.inputs, "info")
    return sorted((i, kind) for i, kind in found.items() if i < call.index)


def team(
    traces: Iterable[Sequence[TraceCall]], of: Literal["author", "component"] = "author"
) -> networkx.DiGraph:
    """Graph of who listens to whom, over the traces of any number of items.

    Args:
        traces: Of one agent. of: What the nodes are: authors, or components, which also tell authors of one
            name apart.

    Returns:
        Nodes are authors (or components) with `calls`, `tokens`, and `final`, how often their answer was an
        item's, or stood in it; edges carry `weight`, the number of answers passed on, as `Info` or as text.
    """
    import networkx

    graph = networkx.DiGraph()
    for trace in traces:
        name = {c.index: (c.component or c.author) if of == "component" else c.author for c in trace}
        for call in trace:
            graph.add_node(name[call.index])
            node = graph.nodes[name[call.index]]
            node["calls"] = node.get("calls", 0) + 1
            node["tokens"] = node.get("tokens", 0) + call.tokens
            node["final"] = node.get("final", 0) + call.final
            for source in (name[i] for i, _ in _sources(call) if i in name):
                weight = graph.get_edge_data(source, name[call.index], {}).get("weight", 0)
                graph.add_edge(source, name[call.index], weight=weight + 1)
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
        shown.add_node(node, label=one_line(text, 120))
    shown.add_edges_from(graph.edges)
    return "\n".join(networkx.generate_network_text(shown, with_labels=True))


def team_graph(network: TeamNetwork) -> networkx.DiGraph:
    """Graph of a team's work on one item (DyLAN, arXiv 2310.02170): who weighed whose reply how.

    Returns:
        Nodes are (round, agent), both from 0, of those who answered, with `role`, `answer` and `importance`
        (0..1); edges go from a reply to those who read it, with the `weight` they gave it (0..1; those of one
        reader sum to 1). The graph's own `final`, `calls` and `scores` (per agent, over rounds).
    """
    import networkx

    graph = networkx.DiGraph(final=network.final, calls=network.calls, scores=network.scores)
    for r, row in enumerate(network.answers):
        for i, answer in enumerate(row):
            if answer is not None:
                told = {"role": network.roles[i], "answer": answer}
                graph.add_node((r, i), **told, importance=network.importance[r][i])
    for r, rows in enumerate(network.weights):
        for i, given in enumerate(rows):
            for j, weight in enumerate(given):
                if (r - 1, j) in graph and (r, i) in graph:
                    graph.add_edge((r - 1, j), (r, i), weight=weight)
    return graph
