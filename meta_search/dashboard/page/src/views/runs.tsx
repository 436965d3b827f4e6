import { useEffect, useMemo } from "react";
import type { RunRow, Runs } from "../api";
import { useView } from "../data";
import { ago, duration, meters, percent, plural, usd, whole } from "../format";
import { useKeys } from "../keys";
import { useRemembered } from "../remembered";
import { go, href, useRoute } from "../router";
import { Announce, Answer, Button, Empty, IntervalBar, IntervalText, SearchField, sorted, Table, useTitle, type Column, type Sorting } from "../ui";
import "./runs.css";

const GOING_ON = new Set(["searching", "paused", "reporting"]);
const POLL_MS = 5000;

/** Every word must be somewhere in what the row says. */
export function matches(row: RunRow, q: string): boolean {
  const text = [row.id, row.name, row.domain, row.state, row.state_text, row.kind, row.verdict, row.best?.name, ...row.task_models, ...row.meta_models, ...row.attention].join(" ").toLowerCase();
  return q.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The share of the limit that is nearest to its end, which is what will stop the run. */
export const nearestLimit = (row: RunRow) => meters(row.spent, row.limits, row.elapsed_s).sort((a, b) => b.share - a.share)[0];

export default function RunsView() {
  const route = useRoute();
  const view = useView<Runs>("/api/runs");
  useTitle("Runs");
  const going = view.data?.runs.some((row) => GOING_ON.has(row.state)) ?? false;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || view.reload(), going ? POLL_MS : 4 * POLL_MS);
    return () => clearInterval(timer);
  }, [going, view.reload]);
  return (
    <>
      <h1 className="hidden">Runs</h1>
      <Answer view={view} doing="Looking for runs in the folder…" lines={6}>
        {(data) => <Found data={data} q={route.query.q ?? ""} picked={(route.query.pick ?? "").split("\n").filter(Boolean)} />}
      </Answer>
    </>
  );
}

function Found({ data, q, picked }: { data: Runs; q: string; picked: string[] }) {
  const [sorting, setSorting] = useRemembered<Sorting | null>("runs.sorting", null, (value) => value !== null && typeof value === "object");
  const pick = (id: string) => go({ pick: (picked.includes(id) ? picked.filter((one) => one !== id) : [...picked, id]).join("\n") }, { replace: true });
  const compare = () => picked.length > 1 && go({ view: "compare", runs: picked });
  const columns = useMemo(() => columnsOf(picked, pick), [picked.join("\n")]);
  const rows = sorted(data.runs.filter((row) => matches(row, q)), columns, sorting);
  const attention = data.runs.filter((row) => row.attention.length > 0).length;
  useKeys([{ key: "c", does: "compare the runs that are ticked", run: compare }]);
  if (data.runs.length === 0) return <Empty>No run in {data.folder} yet. Start one with: meta-search run</Empty>;
  return (
    <>
      <div className="runs-head">
        <SearchField label="Search the runs" value={q} onChange={(next) => go({ q: next }, { replace: true })} />
        <span className="muted">{rows.length === data.runs.length ? plural(rows.length, "run") : `${rows.length} of ${plural(data.runs.length, "run")}`} in {data.folder}{attention ? `, ${attention} to look at` : ""}</span>
        {sorting && <Button kind="quiet" onClick={() => setSorting(null)}>Those that need attention first</Button>}
      </div>
      <Table rows={rows} columns={columns} rowKey={(row) => row.id} caption="Runs, those that need attention first" cards
        sorting={sorting} onSort={setSorting} onOpen={(row) => go({ run: row.id })} empty={`No run matches “${q}”.`} />
      <Announce text={q ? `${rows.length} runs match` : ""} />
      {picked.length > 0 && (
        <div className="picked">
          <span>{plural(picked.length, "run")} ticked</span>
          <Button kind="main" disabled={picked.length < 2} onClick={compare}>Compare</Button>
          <Button kind="quiet" onClick={() => go({ pick: null }, { replace: true })}>Untick all</Button>
          {picked.length < 2 && <span className="muted">Tick a second one to compare.</span>}
        </div>
      )}
    </>
  );
}

function columnsOf(picked: string[], pick: (id: string) => void): Column<RunRow>[] {
  return [
    { id: "pick", head: <span className="hidden">Compare</span>, cell: (row) => <input type="checkbox" checked={picked.includes(row.id)} onChange={() => pick(row.id)} aria-label={`Compare ${row.name || row.id}`} /> },
    { id: "name", head: "Run", sort: (row) => row.name || row.id, cell: (row) => (
      <div className="run-cell">
        <a href={href({ run: row.id })}>{row.name || row.id}</a>
        {row.kind === "evaluate" && <span className="muted"> evaluation</span>}
        {row.fork_of && <div className="small muted">from {row.fork_of.run}</div>}
        {row.attention.length > 0 && <ul className="attention">{row.attention.map((line) => <li key={line}>{line}</li>)}</ul>}
      </div>
    ) },
    { id: "state", head: "State", sort: (row) => row.state, cell: (row) => <div><span className={`state ${row.state.replace(" ", "-")}`} title={row.state_text}>{row.state}</span>{GOING_ON.has(row.state) && <div className="small muted nowrap">heard {ago(row.heartbeat_at)}</div>}</div> },
    { id: "domain", head: "Domain", sort: (row) => row.domain, cell: (row) => row.domain },
    { id: "models", head: "Models", title: "of the tasks; of the meta agent", sort: (row) => row.task_models.join(" "), cell: (row) => <div className="models small">{row.task_models.join(", ") || "–"}{row.meta_models.length > 0 && <div className="muted">meta: {row.meta_models.join(", ")}</div>}</div> },
    { id: "agents", head: "Agents", number: true, sort: (row) => row.agents, cell: (row) => whole(row.agents) },
    { id: "best", head: "Best", title: "Score of the best agent, with its 95 % interval", number: true, sort: (row) => row.best?.score ?? null, cell: (row) => row.best ? <div><IntervalBar of={row.best} width={70} /> <IntervalText of={row.best} /><div className="small muted">{row.best.selection ? `${row.best.split}, a selection score` : row.best.split}</div></div> : "–" },
    { id: "budget", head: "Spent", title: "Of the limit that is nearest to its end", number: true, sort: (row) => nearestLimit(row)?.share ?? null, cell: (row) => { const limit = nearestLimit(row); return limit ? <span title={limit.text}>{percent(limit.share, 0)} <span className="muted">of {limit.name}</span><div className="small muted">{usd(row.spent.cost_usd)}, {whole(row.spent.calls)} calls</div></span> : <span>{usd(row.spent.cost_usd)}<div className="small muted">{whole(row.spent.calls)} calls</div></span>; } },
    { id: "time", head: "Time", number: true, sort: (row) => row.elapsed_s, cell: (row) => duration(row.elapsed_s) },
    { id: "started", head: "Started", number: true, sort: (row) => row.started_at, cell: (row) => ago(row.started_at) },
  ];
}
