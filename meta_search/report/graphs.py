"""Lineages and what agents' components pass on, as networkx graphs. The only importer of networkx.

Reports and commands ask here for ancestors as a tree, for columns of calls that wait for one another, and for
who hears whom. (`importance.flow` walks a trace by itself: that is a rule of its own, over weighted edges in
the order of the calls, and no algorithm of networkx.)
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from meta_search.importance import sources
from meta_search.report.source import Record
from meta_search.text import one_line
from meta_search.types import TraceCall

if TYPE_CHECKING:
    import networkx

__all__ = ["Graph", "ancestry", "columns", "communication", "depth", "lineage", "team", "to_text"]

Graph: TypeAlias = "networkx.DiGraph"  # for those who may not import networkx

MOST_LABEL = 120  # characters of a node in a text
INDENT = 4  # columns of a branch


def lineage(records: Iterable[Record]) -> Graph:
    """Graph of descent, edges from parent to child.

    Args:
        records: As of `Archive.lineage` or `Archive.agents`. Edges to agents that are not among them are
            left out.

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


def ancestry(graph: Graph, agent: str, ascii_only: bool = False) -> list[tuple[str, str]]:
    """An agent and its ancestors as a tree for terminals: its parents below it, and so on.

    A line of single parents is not indented, so that long lineages stay narrow. An ancestor by several ways
    stands where it is met first, going down by best parents.

    Args:
        graph: As of `lineage`.
        agent: Id of the agent.
        ascii_only: Whether to draw with ASCII characters only.

    Returns:
        (branches, id) for each line: what is drawn before an agent, and whom.
    """
    import networkx

    tree, waiting = networkx.DiGraph(), [(agent, "")]
    while waiting:
        node, child = waiting.pop()
        if node in tree:
            continue
        tree.add_node(node, label=f"\0{node}")
        if child:
            tree.add_edge(child, node)
        waiting += [(parent, node) for parent in reversed(list(graph.predecessors(node)))]
    drawn = networkx.generate_network_text(
        tree, sources=[agent], with_labels=True, vertical_chains=True, ascii_only=ascii_only
    )
    parts = (line[INDENT:].partition("\0") if i else ("", "\0", agent) for i, line in enumerate(drawn))
    return [(branches, node) for branches, mark, node in parts if mark]


def communication(trace: Iterable[TraceCall]) -> Graph:
    """Graph of an item's calls, an edge from a call to each that its answer went into.

    Returns:
        Nodes are call indices with `author`, `role`, `fields`, `tokens`, `latency_s` (seconds), and `final`:
        whether the answer is the item's, or stands in it. Edges carry `kind`: `info` where the answer was
        passed as `Info`, `text` where it was pasted into a prompt. They lead to later calls only: traces come
        out of the sandbox, and a forged one makes no cycle.
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
        for source in sources(call):
            if source in graph:
                graph.add_edge(source, call.index, kind="info" if source in call.inputs else "text")
    return graph


def columns(graph: Graph) -> dict[int, int]:
    """How many calls wait for one another up to each: 1 for those that wait for none.

    Args:
        graph: As of `communication`.

    Returns:
        Call -> number of calls on the longest path that ends in it.
    """
    import networkx

    return {
        call: number
        for number, calls in enumerate(networkx.topological_generations(graph), start=1)
        for call in calls
    }


def depth(trace: Iterable[TraceCall]) -> int:
    """Calls that had to wait for one another: the longest path of the communication graph, in calls."""
    return max(columns(communication(trace)).values(), default=0)


def team(traces: Iterable[Sequence[TraceCall]]) -> Graph:
    """Graph of who hears whom, over the traces of any number of items of one agent.

    Returns:
        Nodes are components with `calls`, `tokens`, and `final`, how often their answer was an item's, or
        stood in it; edges carry `weight`, the number of answers passed on, as `Info` or as text.
    """
    import networkx

    graph = networkx.DiGraph()
    for trace in traces:
        _add(graph, trace, communication(trace), {call.index: _component(call) for call in trace})
    return graph


def _component(call: TraceCall) -> str:
    return call.component or call.author


def _add(
    graph: Graph,
    trace: Sequence[TraceCall],
    calls: Graph,
    names: Mapping[int, Hashable],
) -> None:
    """Add the calls of an item to the nodes that `names` gives them; those without a name are left out."""
    for call in trace:
        if (name := names.get(call.index)) is None:
            continue
        graph.add_node(name)
        node = graph.nodes[name]
        node["calls"] = node.get("calls", 0) + 1
        node["tokens"] = node.get("tokens", 0) + call.tokens
        node["final"] = node.get("final", 0) + call.final
        for source in (names[i] for i in calls.predecessors(call.index) if i in names):
            weight = graph.get_edge_data(source, name, {}).get("weight", 0)
            graph.add_edge(source, name, weight=weight + 1)


def to_text(graph: Graph, label: str = "name", ascii_only: bool = False) -> str:
    """A graph as indented lines, each node's label shown; for terminals.

    Args:
        graph: One of the above.
        label: Node attribute to show beside the node's own name.
        ascii_only: Whether to draw with ASCII characters only.
    """
    import networkx

    shown = networkx.DiGraph()
    for node, data in graph.nodes(data=True):
        shown.add_node(node, label=one_line(f"{node} {data.get(label, '')}", MOST_LABEL))
    shown.add_edges_from(graph.edges)
    return "\n".join(networkx.generate_network_text(shown, with_labels=True, ascii_only=ascii_only))
