// A layered layout by generation: the path to the best is a straight line, everything else lies below it.
import type { Lineage } from "../api";

export type LineageNode = Lineage["nodes"][number];
export type LineageEdge = Lineage["edges"][number];
export interface Place { x: number; y: number }

const SWEEPS = 4;

/** Where each node lies: column = generation, row = its place within it, ordered by the mean row of its parents and
 * children (barycentre method: Sugiyama, Tagawa and Toda 1981), the path to the best in row 0. */
export function layers(nodes: readonly LineageNode[], edges: readonly LineageEdge[], gap = { x: 150, y: 54 }): Map<string, Place> {
  const columns = new Map<number, LineageNode[]>();
  for (const node of nodes) {
    const column = columns.get(node.generation);
    if (column) column.push(node);
    else columns.set(node.generation, [node]);
  }
  const generations = [...columns.keys()].sort((a, b) => a - b);
  const near = neighbours(nodes, edges);
  const row = new Map<string, number>();
  const settle = (column: LineageNode[]) => {
    // Nodes off the path start in row 1 where a node of the path is in the column, so that the spine stays straight.
    let next = column.some((node) => node.on_path) ? 0 : 1;
    for (const node of column) row.set(node.agent, next++);
  };
  for (const generation of generations) {
    const column = columns.get(generation) ?? [];
    column.sort((a, b) => Number(b.on_path) - Number(a.on_path));
    settle(column);
  }
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    for (const generation of sweep % 2 ? [...generations].reverse() : generations) {
      const column = columns.get(generation) ?? [];
      const wish = new Map(column.map((node) => [node.agent, meanRow(near.get(node.agent), row) ?? row.get(node.agent) ?? 0]));
      column.sort((a, b) => Number(b.on_path) - Number(a.on_path) || (wish.get(a.agent) ?? 0) - (wish.get(b.agent) ?? 0));
      settle(column);
    }
  }
  const places = new Map<string, Place>();
  generations.forEach((generation, index) => {
    for (const node of columns.get(generation) ?? []) places.set(node.agent, { x: index * gap.x, y: (row.get(node.agent) ?? 0) * gap.y });
  });
  return places;
}

function neighbours(nodes: readonly LineageNode[], edges: readonly LineageEdge[]): Map<string, string[]> {
  const near = new Map<string, string[]>(nodes.map((node) => [node.agent, []]));
  for (const edge of edges) {
    near.get(edge.parent)?.push(edge.child);
    near.get(edge.child)?.push(edge.parent);
  }
  return near;
}

function meanRow(ids: string[] | undefined, row: Map<string, number>): number | null {
  const rows = (ids ?? []).flatMap((id) => row.get(id) ?? []);
  return rows.length ? rows.reduce((sum, value) => sum + value, 0) / rows.length : null;
}

/** Edges whose two ends are both there: what is left out at the bound must not draw lines to nowhere. */
export function drawable(lineage: Lineage): LineageEdge[] {
  const known = new Set(lineage.nodes.map((node) => node.agent));
  return lineage.edges.filter((edge) => edge.parent !== edge.child && known.has(edge.parent) && known.has(edge.child));
}

/** As many as a person can see in a drawing: the path to the best, then the highest scores, each with what led to it. */
export function fewer(lineage: Lineage, most: number): Lineage {
  if (lineage.nodes.length <= most) return lineage;
  const byId = new Map(lineage.nodes.map((node) => [node.agent, node]));
  const parent = new Map<string, string>();
  for (const edge of drawable(lineage)) if (!parent.has(edge.child)) parent.set(edge.child, edge.parent);
  const kept = new Set<string>();
  for (const node of order(lineage.nodes)) {
    const line: string[] = [];
    for (let at: string | undefined = node.agent; at && byId.has(at) && !kept.has(at) && !line.includes(at); at = parent.get(at)) line.push(at);
    if (kept.size + line.length <= most) line.forEach((agent) => kept.add(agent));
    if (kept.size >= most) break;
  }
  return { ...lineage, nodes: lineage.nodes.filter((node) => kept.has(node.agent)) };
}

export interface TreeRow { node: LineageNode; depth: number; others: LineageNode[]; children: number }

/** The same as a list: each agent once, below the first of its parents that is there, the path to the best first;
 * `others` are its further parents. */
export function treeRows(lineage: Lineage): TreeRow[] {
  const byId = new Map(lineage.nodes.map((node) => [node.agent, node]));
  const parents = new Map<string, string[]>();
  for (const edge of drawable(lineage)) {
    const known = parents.get(edge.child) ?? [];
    if (!known.includes(edge.parent)) known.push(edge.parent);
    parents.set(edge.child, known);
  }
  const children = new Map<string, LineageNode[]>();
  const roots: LineageNode[] = [];
  for (const node of lineage.nodes) {
    const own = parents.get(node.agent);
    const first = own && mainParent(node, own, byId);
    if (!first) roots.push(node);
    else children.set(first, [...(children.get(first) ?? []), node]);
  }
  const rows: TreeRow[] = [];
  const seen = new Set<string>();
  const waiting = order(roots).reverse().map((node) => ({ node, depth: 0 }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { node, depth } = next;
    if (seen.has(node.agent)) continue;
    seen.add(node.agent);
    const own = order(children.get(node.agent) ?? []);
    const main = depth ? mainParent(node, parents.get(node.agent) ?? [], byId) : undefined;
    const others = (parents.get(node.agent) ?? []).filter((id) => id !== main).flatMap((id) => byId.get(id) ?? []);
    rows.push({ node, depth, others, children: own.length });
    for (const child of own.reverse()) waiting.push({ node: child, depth: depth + 1 });
  }
  // A circle of parents (a damaged archive) has no root: its agents are shown all the same.
  for (const node of lineage.nodes) if (!seen.has(node.agent)) rows.push({ node, depth: 0, others: [], children: 0 });
  return rows;
}

function mainParent(node: LineageNode, ids: string[], byId: Map<string, LineageNode>): string | undefined {
  return (node.on_path && ids.find((id) => byId.get(id)?.on_path)) || ids[0];
}

function order(nodes: LineageNode[]): LineageNode[] {
  return [...nodes].sort((a, b) => Number(b.on_path) - Number(a.on_path) || (b.score ?? -1) - (a.score ?? -1));
}
