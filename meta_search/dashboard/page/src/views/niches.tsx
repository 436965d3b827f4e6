import { useEffect } from "react";
import type { Niches } from "../api";
import { api, useView } from "../data";
import { intervalText, plural } from "../format";
import { useRemembered } from "../remembered";
import { go, useRoute } from "../router";
import { AgentLink, Answer, Card, Empty, IntervalBar, Numbers, useTitle, type Column } from "../ui";
import { axisName, covered, gridOf, shade, type Cell } from "../explore/grid";
import "../explore/explore.css";

export default function NichesView({ run }: { run: string }) {
  useTitle("Niches");
  const { query } = useRoute();
  const [axes, remember] = useRemembered<string[]>("niches.axes", [], (value) => Array.isArray(value) && value.every((axis) => typeof axis === "string"));
  const x = query.x ?? axes[0];
  const y = query.y ?? axes[1];
  const view = useView<Niches>(api(run, "niches", { x, y }), { keep: true });
  useEffect(() => {
    if (query.x && query.y) remember([query.x, query.y]);
  }, [query.x, query.y, remember]);
  return (
    <div className="stack">
      <h1 className="hidden">Niches</h1>
      <Answer view={view} doing="Sorting the agents into niches…" lines={8}>{(niches) => <Grid niches={niches} />}</Answer>
    </div>
  );
}

function Grid({ niches }: { niches: Niches }) {
  const grid = gridOf(niches);
  return (
    <>
      <div className="row">
        <Axis label="across" value={niches.x} axes={niches.axes} onChange={(x) => go({ x, y: niches.y })} />
        <Axis label="up" value={niches.y} axes={niches.axes} onChange={(y) => go({ x: niches.x, y })} />
        <span className="muted small">{covered(niches)} Each shows its best agent, with the 95 % interval of its search score and how many agents share the niche. The stronger the colour, the higher the score.</span>
      </div>
      {niches.cells.length ? (
        <Card>
          <div className="table" tabIndex={0} role="region" aria-label="Niches">
            <table className="x-niches">
              <caption className="hidden">The best agent per niche: {axisName(niches.x)} across, {axisName(niches.y)} up</caption>
              <thead>
                <tr><td className="x-corner"><span className="hidden">{axisName(niches.y)}</span></td><th scope="colgroup" colSpan={niches.x_bins.length}>{axisName(niches.x)} →</th></tr>
                <tr><th scope="col">{axisName(niches.y)} ↑</th>{niches.x_bins.map((bin, index) => <th key={index} scope="col">{bin}</th>)}</tr>
              </thead>
              <tbody>
                {grid.map((row, index) => (
                  <tr key={index}>
                    <th scope="row">{niches.y_bins[niches.y_bins.length - 1 - index]}</th>
                    {row.map((cell, column) => <td key={column} className={cell ? `x-niche x-shade-${shade(cell.best.score, niches.cells)}` : "x-niche x-none"}>{cell ? <Niche cell={cell} /> : <span className="hidden">empty</span>}</td>)}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
          <Numbers rows={[...niches.cells].sort((a, b) => b.best.score - a.best.score)} columns={columns(niches)} rowKey={(cell) => `${cell.x} ${cell.y}`} caption="Niches, best first" />
        </Card>
      ) : (
        <Empty>No agent has a score and a value on both axes yet.</Empty>
      )}
    </>
  );
}

/** A name that may break after its underscores too. */
const breakable = (name: string): string => name.replaceAll("_", "_\u200b");

function Niche({ cell }: { cell: Cell }) {
  return (
    <>
      <AgentLink agent={cell.best.agent} name={breakable(cell.best.name)} />
      <span className="number nowrap">{intervalText(cell.best)}</span>
      <IntervalBar of={cell.best} width={80} />
      <span className="muted small">{plural(cell.agents, "agent")}</span>
    </>
  );
}

const columns = (niches: Niches): Column<Cell>[] => [
  { id: "x", head: axisName(niches.x), cell: (cell) => niches.x_bins[cell.x] ?? "" },
  { id: "y", head: axisName(niches.y), cell: (cell) => niches.y_bins[cell.y] ?? "" },
  { id: "best", head: "best agent", cell: (cell) => <AgentLink agent={cell.best.agent} name={cell.best.name} /> },
  { id: "score", head: "score", number: true, cell: (cell) => intervalText(cell.best) },
  { id: "agents", head: "agents", number: true, cell: (cell) => cell.agents },
];

function Axis({ label, value, axes, onChange }: { label: string; value: string; axes: string[]; onChange(axis: string): void }) {
  return (
    <label className="x-check">
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        {axes.map((axis) => <option key={axis} value={axis}>{axisName(axis)}</option>)}
      </select>
    </label>
  );
}
