import { Suspense, lazy, useMemo, useState } from "react";
import type { Fate, Lineage } from "../api";
import { api, useView } from "../data";
import { FATES, FATE_NAMES, fateOf } from "../fates";
import { percent, whole } from "../format";
import { useRemembered } from "../remembered";
import { go, href, useRoute } from "../router";
import { Answer, Button, Card, Choice, Empty, Skeleton, useTitle } from "../ui";
import type { GraphEdge, GraphNode } from "../explore/Graph";
import { LineageList } from "../explore/LineageList";
import { drawable, fewer, layers } from "../explore/layers";
import { useNarrow } from "../explore/useNarrow";
import { anchors } from "../explore/versions";
import "../explore/explore.css";

const Graph = lazy(() => import("../explore/Graph"));
const SHOWN = ["graph and list", "graph", "list"] as const;
const MOST_DRAWN = 200; // at first: more are specks, and take a second
type Shown = (typeof SHOWN)[number];

export default function LineageView({ run }: { run: string }) {
  useTitle("Lineage");
  const { query } = useRoute();
  const view = useView<Lineage>(api(run, "lineage", { agent: query.of }), { keep: true });
  return (
    <div className="stack">
      <h1 className="hidden">Lineage</h1>
      <Answer view={view} doing="Loading the lineage…" lines={8}>{(lineage) => <Drawn lineage={lineage} of={query.of} selected={query.agent} />}</Answer>
    </div>
  );
}

function Drawn({ lineage, of, selected }: { lineage: Lineage; of?: string; selected?: string }) {
  const narrow = useNarrow(900);
  const [chosen, choose] = useRemembered<Shown>(narrow ? "lineage.narrow" : "lineage", narrow ? "list" : "graph and list", (value) => SHOWN.includes(value as Shown));
  const shown = narrow && chosen === "graph and list" ? "list" : chosen;
  const { best } = useMemo(() => anchors(lineage), [lineage]);
  const fates = useMemo(() => FATE_NAMES.map((fate) => [fate, lineage.nodes.filter((node) => node.fate === fate).length] as const).filter(([, count]) => count > 0), [lineage]);
  const [all, drawAll] = useState(false);
  const drawn = useMemo(() => graphOf(all ? lineage : fewer(lineage, MOST_DRAWN)), [lineage, all]);
  if (!lineage.nodes.length) return <Empty>No agent is written yet.</Empty>;
  const path = lineage.nodes.filter((node) => node.on_path).length;
  const of_name = of && (lineage.nodes.find((node) => node.agent === of)?.name ?? of);
  return (
    <>
      <div className="row">
        <Choice label="Show the lineage as" value={shown} options={narrow ? ["list", "graph"] : SHOWN} onChange={choose} />
        <Legend fates={fates} />
      </div>
      <p className="muted small">
        {of ? <>The ancestors of {of_name}: {whole(lineage.nodes.length)} agents. <a href={href({ of: null })}>Show the whole tree</a>.</> : `${whole(lineage.nodes.length)} agents, a column per generation, the oldest left.`}
        {best && !of && <> {path > 1 ? "The thick line is the path to the best," : "The best is"} <a href={href({ view: "agent", agent: best.agent })}>{best.name}</a>{path > 1 && <>, {whole(path)} agents long</>}.</>}
        {lineage.left_out > 0 && ` ${whole(lineage.left_out)} agents are left out.`} Scores come from the search: selection scores, not the result.
      </p>
      <div className={`x-lineage ${shown === "graph and list" ? "x-two" : ""}`}>
        {shown !== "list" && (
          <Card title="Who came from whom">
            {drawn.nodes.length < lineage.nodes.length && (
              <p className="muted small">
                Drawn are {whole(drawn.nodes.length)} of them: the path to the best and the highest scores, with what led to them.{" "}
                <Button kind="quiet" onClick={() => drawAll(true)}>Draw all {whole(lineage.nodes.length)} (takes a moment)</Button>
              </p>
            )}
            <Suspense fallback={<Skeleton slow doing="Drawing…" lines={6} />}>
              <Graph nodes={drawn.nodes} edges={drawn.edges} selected={selected} tall onOpen={(agent) => go({ view: "agent", agent })}
                label={`Lineage of ${whole(drawn.nodes.length)} agents in layers by generation. The list has the same.`} />
            </Suspense>
          </Card>
        )}
        {shown !== "graph" && <Card title="As a list"><LineageList lineage={lineage} best={best?.agent} selected={selected} /></Card>}
      </div>
    </>
  );
}

/** Nodes and edges as drawn: score in the label, the path to the best strong, second parents dashed. */
function graphOf(lineage: Lineage): { nodes: GraphNode[]; edges: GraphEdge[] } {
  const edges = drawable(lineage);
  const places = layers(lineage.nodes, edges);
  const onPath = new Set(lineage.nodes.filter((node) => node.on_path).map((node) => node.agent));
  const fed = new Set<string>();
  return {
    nodes: lineage.nodes.map((node) => {
      const look = fateOf(node.fate);
      const place = places.get(node.agent) ?? { x: 0, y: 0 };
      const score = node.score === null ? "" : `${percent(node.score, 0)} `; // first: long names are cut, the list has them whole
      return { id: node.agent, label: `${score}${node.name}`, ...place, colour: look.color.slice("var(".length, -1), shape: look.shape, hollow: look.shape === "ring", strong: node.on_path };
    }),
    edges: edges.map((edge) => {
      const second = fed.has(edge.child) && !(onPath.has(edge.parent) && onPath.has(edge.child));
      fed.add(edge.child);
      return { from: edge.parent, to: edge.child, strong: onPath.has(edge.parent) && onPath.has(edge.child), dashed: second };
    }),
  };
}

function Legend({ fates }: { fates: readonly (readonly [Fate, number])[] }) {
  return (
    <ul className="x-legend" aria-label="Outcomes">
      {fates.map(([fate, count]) => (
        <li key={fate} title={FATES[fate].says}><span style={{ color: FATES[fate].color }} aria-hidden="true">{FATES[fate].glyph}</span> {fate} <span className="muted">{whole(count)}</span></li>
      ))}
    </ul>
  );
}
