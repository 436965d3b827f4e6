// The team inside one agent: who speaks to whom, and how much each matters.
import { Suspense, lazy, useMemo } from "react";
import type { AgentPage } from "../../api";
import { count, plural } from "../../format";
import { Skeleton, Table, type Column } from "../../ui";
import { ranks } from "../ranks";

type TeamGraph = NonNullable<AgentPage["team"]>;
const Graph = lazy(() => import("../Graph"));

export function Team({ team }: { team: TeamGraph }) {
  const drawn = useMemo(() => {
    const places = ranks(team.nodes.map((node) => node.name), team.edges);
    const most = Math.max(1e-9, ...team.nodes.map((node) => node.importance ?? 0));
    const heaviest = Math.max(1e-9, ...team.edges.map((edge) => edge.weight));
    return {
      nodes: team.nodes.map((node) => ({
        id: node.name, label: node.importance === null ? node.name : `${node.name} ${node.importance.toFixed(2)}`, ...(places.get(node.name) ?? { x: 0, y: 0 }),
        colour: "--accent", shape: "circle" as const, hollow: node.importance === null, strong: false, size: 14 + (22 * Math.max(0, node.importance ?? 0)) / most,
      })),
      edges: team.edges.map((edge) => ({ from: edge.from, to: edge.to, strong: false, dashed: false, width: 1 + (4 * edge.weight) / heaviest })),
    };
  }, [team]);
  return (
    <>
      <Suspense fallback={<Skeleton slow doing="Drawing…" />}>
        <Graph nodes={drawn.nodes} edges={drawn.edges} label={`The team: ${plural(team.nodes.length, "component")}, ${plural(team.edges.length, "connection")}. The larger, the more important.`} />
      </Suspense>
      <details className="numbers">
        <summary>The numbers of this figure</summary>
        <Table rows={team.nodes} columns={NODES} rowKey={(node) => node.name} caption="Components of the team" />
        <Table rows={team.edges} columns={EDGES} rowKey={(edge) => `${edge.from} ${edge.to}`} caption="Who speaks to whom" />
      </details>
    </>
  );
}

const EDGES: Column<TeamGraph["edges"][number]>[] = [
  { id: "from", head: "from", cell: (edge) => edge.from },
  { id: "to", head: "to", cell: (edge) => edge.to },
  { id: "weight", head: "weight", number: true, cell: (edge) => count(edge.weight) },
];
const NODES: Column<TeamGraph["nodes"][number]>[] = [
  { id: "name", head: "component", cell: (node) => node.name },
  { id: "calls", head: "calls/item", number: true, cell: (node) => count(node.calls_per_item) },
  { id: "importance", head: "importance", number: true, cell: (node) => (node.importance === null ? "–" : node.importance.toFixed(3)) },
];
