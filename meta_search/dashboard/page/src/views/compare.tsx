import type { Comparison } from "../api";
import { isPaid, PAID, PAID_OPTIONS, spentOf, Stairs, bestAt, type Paid, type Series } from "../charts";
import { useView } from "../data";
import { duration, intervalText, NONE, usd, whole } from "../format";
import { useRemembered } from "../remembered";
import { go, href, useRoute } from "../router";
import { Answer, Card, Choice, Empty, IntervalBar, IntervalText, Numbers, Table, useTitle, type Column } from "../ui";

type Compared = Comparison["runs"][number];
const DASHES = [undefined, "7 4", "2 3", "9 3 2 3", "12 5", "4 2"];
export const lookOf = (at: number) => ({ color: `var(--series-${(at % 6) + 1})`, dash: DASHES[at % 6] });

export default function CompareView() {
  const route = useRoute();
  const ids = [...new Set(route.all.getAll("run"))];
  const view = useView<Comparison>(ids.length > 1 ? `/api/compare?${new URLSearchParams(ids.map((id) => ["run", id]))}` : null, { keep: true });
  useTitle("Compare runs");
  return (
    <div className="stack">
      <div className="row"><h1>Compare {ids.length} runs</h1><a href={href({ view: "runs" })}>All runs</a></div>
      {ids.length < 2
        ? <Empty>Tick two or more runs in the table of runs to compare them.</Empty>
        : <Answer view={view} doing="Reading the runs…">{(data) => <Found data={data} />}</Answer>}
    </div>
  );
}

function Found({ data }: { data: Comparison }) {
  const [over, setOver] = useRemembered<Paid>("paid", "calls", isPaid);
  const series: Series[] = data.runs.map(({ run, steps }, at) => ({ key: run.id, name: run.name || run.id, steps, end: spentOf(run, over), ...lookOf(at) }));
  const open = (agent: string, id?: string) => id && go({ view: "agent", run: id, agent });
  return (
    <>
      {data.warnings.length > 0 && (
        <div className="notice" role="alert">
          <strong>These runs differ. Keep this in mind when you compare their numbers:</strong>
          <ul>{data.warnings.map((line) => <li key={line}>{line}</li>)}</ul>
        </div>
      )}
      <Card title="Runs"><Table rows={data.runs} columns={COLUMNS} rowKey={(one) => one.run.id} caption="The runs compared" cards />
        <details><summary>Verdict of each run</summary><dl>{data.runs.map(({ run }) => <div key={run.id}><dt><strong>{run.name || run.id}</strong></dt><dd>{run.verdict ?? run.state_text}</dd></div>)}</dl></details>
      </Card>
      <Card title={`Best so far over ${PAID[over].axis}`} tools={<Choice label="Over" value={over} options={PAID_OPTIONS} onChange={setOver} />}>
        <div className="legend">
          {series.map((one) => (
            <span key={one.key} className="series">
              <svg width={26} height={10} aria-hidden="true"><line x1={0} x2={26} y1={5} y2={5} style={{ stroke: one.color, strokeWidth: 2.5, strokeDasharray: one.dash }} /></svg>{one.name}
            </span>
          ))}
        </div>
        <Stairs label={`Best so far of ${series.length} runs over ${PAID[over].axis}, with 95 % intervals`} series={series} over={over} onOpen={open} height={380} />
        <p className="small muted">Stairs: score of the best so far on the split it was chosen on (a selection score, which flatters the winner). Bands: 95 % intervals. {bandsSay(data.runs, over)}</p>
        <Numbers rows={stepRows(data.runs)} columns={stepColumns(over)} rowKey={(row) => `${row.run} ${row.step.agent} ${row.step.calls}`} caption="Steps of the best so far" />
      </Card>
    </>
  );
}

/** What the runs had at the last point that all of them reached: the fair place to compare. */
export function bandsSay(runs: readonly Compared[], over: Paid): string {
  const shared = Math.min(...runs.map(({ run }) => spentOf(run, over)));
  if (!(shared > 0)) return "";
  const said = runs.map(({ run, steps }) => `${run.name || run.id} ${intervalText(bestAt(steps, over, shared))}`);
  return `At ${PAID[over].exact(shared)}${over === "calls" || over === "tokens" ? ` ${over}` : ""}, the furthest all of them got: ${said.join("; ")}.`;
}

interface StepRow { run: string; id: string; step: Compared["steps"][number] }
const stepRows = (runs: readonly Compared[]): StepRow[] => runs.flatMap(({ run, steps }) => steps.map((step) => ({ run: run.name || run.id, id: run.id, step })));
const stepColumns = (over: Paid): Column<StepRow>[] => [
  { id: "run", head: "Run", cell: (row) => row.run },
  { id: "over", head: PAID[over].label, number: true, cell: (row) => PAID[over].exact(row.step[over]) },
  { id: "agent", head: "Agent", cell: (row) => <a href={href({ view: "agent", run: row.id, agent: row.step.agent })}>{row.step.name}</a> },
  { id: "score", head: "Score", number: true, cell: (row) => <IntervalText of={row.step} items /> },
];

const COLUMNS: Column<Compared>[] = [
  { id: "run", head: "Run", cell: ({ run }) => <div><a href={href({ run: run.id })}>{run.name || run.id}</a> <span className={`state ${run.state.replace(" ", "-")}`}>{run.state}</span></div> },
  { id: "domain", head: "Domain", cell: ({ run }) => run.domain },
  { id: "models", head: "Models", cell: ({ run }) => <span className="small">{run.task_models.join(", ")}{run.meta_models.length ? `; meta: ${run.meta_models.join(", ")}` : ""}</span> },
  { id: "best", head: "Best in the search", number: true, title: "A selection score: the best was chosen on these items", cell: ({ steps }) => { const last = steps.at(-1); return last ? <div><IntervalText of={last} items /><div className="small muted">{last.name}, a selection score</div></div> : NONE; } },
  { id: "test", head: "Test", number: true, cell: ({ test }) => test ? <div><IntervalBar of={test} width={70} /> <IntervalText of={test} items /><div className="small muted">{test.name}</div></div> : <span className="muted">no test yet</span> },
  { id: "agents", head: "Agents", number: true, cell: ({ run }) => whole(run.agents) },
  { id: "calls", head: "Calls", number: true, cell: ({ run }) => whole(run.spent.calls) },
  { id: "cost", head: "Money", number: true, cell: ({ run }) => usd(run.spent.cost_usd) },
  { id: "time", head: "Time", number: true, cell: ({ run }) => duration(run.elapsed_s) },
];
