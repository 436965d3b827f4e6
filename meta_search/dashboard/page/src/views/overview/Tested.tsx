import type { Drop, Overview, Robustness, Tested } from "../../api";
import { count, NONE, percent, points, pValue, usd, whole } from "../../format";
import { AgentLink, Card, IntervalBar, IntervalText, Table, type Column } from "../../ui";

export const Lines = ({ lines }: { lines: readonly string[] }) => <ul className="lines">{lines.map((line, at) => <li key={at}>{line}</li>)}</ul>;

/** The final report's table: finalists and baselines on the test split. */
export function TestedCard({ data }: { data: Overview }) {
  return (
    <Card title="The test" wide>
      <Table rows={data.tested} columns={COLUMNS} rowKey={(row) => `${row.role} ${row.agent}`} caption="Finalists and baselines on the test split" cards />
      <p className="small muted">Brackets: 95 % intervals. Points: the paired difference from the baseline named below, in percentage points, with its interval. How p allows for several finalists stands in the notes.</p>
      <ul className="lines small">
        {data.tested.map((row) => ({ row, notes: row.notes.filter((note) => note !== row.role) })).filter(({ notes }) => notes.length > 0).map(({ row, notes }) => <li key={`${row.role} ${row.agent}`}>{row.name}: {notes.join("; ")}</li>)}
      </ul>
    </Card>
  );
}

const COLUMNS: Column<Tested>[] = [
  { id: "agent", head: "Agent", cell: (row) => <AgentLink agent={row.agent} name={row.name} /> },
  { id: "role", head: "Role", cell: (row) => row.role },
  { id: "score", head: "Score", number: true, cell: (row) => <span className="nowrap"><IntervalBar of={row} /> <IntervalText of={row} items /></span> },
  { id: "points", head: "Points", number: true, title: "Paired difference from the baseline it was compared with, in percentage points", cell: (row) => row.points === null ? NONE : `${points(row.points)} [${points(row.points_low)}, ${points(row.points_high)}]` },
  { id: "p", head: "p", number: true, cell: (row) => pValue(row.p) },
  { id: "tokens", head: "Tokens per item", number: true, cell: (row) => count(row.tokens_per_item) },
  { id: "cost", head: "Money per item", number: true, cell: (row) => usd(row.cost_usd_per_item) },
];

/** What perturbed items did to the scores: a paired difference with its interval. */
export function Robust({ robust }: { robust: Robustness }) {
  const drops = robust.drops ?? [];
  return (
    <Card title="The same on perturbed test items" wide>
      <Table rows={drops} columns={DROPS} rowKey={(row) => `${row.perturbation} ${row.agent}`} caption="Scores on perturbed test items" cards empty="No perturbed item was run." />
      {robust.notes && robust.notes.length > 0 && <Lines lines={robust.notes} />}
    </Card>
  );
}
const DROPS: Column<Drop>[] = [
  { id: "perturbation", head: "Perturbation", cell: (row) => row.perturbation },
  { id: "agent", head: "Agent", cell: (row) => <AgentLink agent={row.agent} name={row.name} /> },
  { id: "role", head: "Role", cell: (row) => row.role },
  { id: "items", head: "Items", number: true, cell: (row) => whole(row.items) },
  { id: "plain", head: "Original", number: true, cell: (row) => (row.items ? percent(row.plain) : NONE) },
  { id: "perturbed", head: "Perturbed", number: true, cell: (row) => (row.items ? percent(row.perturbed) : NONE) },
  { id: "difference", head: "Points", number: true, title: "Paired, item by item", cell: (row) => (row.items ? `${points(row.difference)} [${points(row.low)}, ${points(row.high)}]` : NONE) },
  { id: "p", head: "p", number: true, cell: (row) => (row.items ? pValue(row.p) : NONE) },
];

type Attempts = NonNullable<Overview["attempts"]>;
/** Attempts that came to no agent, by the stage at which they failed. */
export function AttemptsCard({ attempts }: { attempts: Attempts }) {
  return (
    <Card title={`Failed attempts: ${whole(attempts.total)}`} wide>
      <Table rows={attempts.stages} columns={STAGES} rowKey={(row) => row.stage} caption="Failed attempts by stage" cards empty="None." />
    </Card>
  );
}
const STAGES: Column<Attempts["stages"][number]>[] = [
  { id: "stage", head: "Stage", cell: (row) => row.stage },
  { id: "count", head: "Attempts", number: true, cell: (row) => whole(row.count) },
  { id: "authors", head: "Authors", cell: (row) => row.authors.map(([name, n]) => `${name} ${whole(n)}`).join(", ") },
  { id: "messages", head: "Most frequent reasons", cell: (row) => <ul className="bare small">{row.messages.map(([text, n]) => <li key={text}>{text} <span className="muted">× {whole(n)}</span></li>)}</ul> },
];
