// What is known of one agent: what it says of itself, where it scores, what its parts do, what it costs, how it raced.
import type { ReactNode } from "react";
import type { AgentPage } from "../../api";
import { count, duration, intervalText, plural, usd, when, whole } from "../../format";
import { href } from "../../router";
import { AgentLink, Card, Empty, Folded, IntervalBar, Table, type Column } from "../../ui";
import { Team } from "./Team";

export function Summary({ page }: { page: AgentPage }) {
  return (
    <div className="grid">
      <Card title="Scores per split" wide><Evaluations page={page} /></Card>
      <div className="stack">
        <Card title="Thought">{page.thought ? <Folded text={page.thought} lines={18} label="Thought" /> : <Empty>The author gave no thought with it.</Empty>}</Card>
        <Card title="The race, block by block"><Race race={page.race} stopped={page.stopped} /></Card>
      </div>
      {page.kinds.length > 0 && <Card title="Scores per kind of item"><Kinds kinds={page.kinds} /></Card>}
      {(page.team || page.components.length > 0) && <Card title="Components" wide><Components page={page} /></Card>}
      {page.calls.length > 0 && <Card title="Cost by call"><Calls calls={page.calls} /></Card>}
      {page.values.length > 0 && <Card title="Tuned values"><Values values={page.values} /></Card>}
      {page.demonstrations.length > 0 && <Card title={plural(page.demonstrations.length, "demonstration")}><Demonstrations of={page.demonstrations} /></Card>}
      {page.children.length > 0 && <Card title={plural(page.children.length, "child", "children")}><Children of={page.children} /></Card>}
    </div>
  );
}

type Evaluation = AgentPage["evaluations"][number];
const outcomes = (of: Record<string, number>): string => Object.entries(of).sort((a, b) => b[1] - a[1]).map(([kind, number]) => `${kind} ${whole(number)}`).join(", ");

function Evaluations({ page }: { page: AgentPage }) {
  const columns: Column<Evaluation>[] = [
    { id: "split", head: "split", cell: (row) => <a href={href({ view: "items", split: row.split, agents: page.row.agent })}>{row.split}</a> },
    { id: "score", head: "score [95 % interval]", cell: (row) => <span className="x-score"><IntervalBar of={row} width={64} /> <span className="number nowrap">{intervalText(row)}</span></span> },
    { id: "items", head: "items", number: true, cell: (row) => `${whole(row.items)}${row.complete ? "" : " (not all)"}` },
    { id: "tokens", head: "tokens/item", number: true, cell: (row) => whole(row.tokens_per_item) },
    { id: "calls", head: "calls/item", number: true, cell: (row) => count(row.calls_per_item) },
    { id: "usd", head: "$/item", number: true, cell: (row) => usd(row.cost_usd_per_item) },
    { id: "outcomes", head: "outcomes", cell: (row) => outcomes(row.outcomes), title: "ok: it returned an answer, right or wrong" },
  ];
  const said = page.evaluations.filter((row) => row.stopped || row.hint);
  return (
    <>
      <Table rows={page.evaluations} columns={columns} rowKey={(row) => row.split} caption="Scores per split" empty="Not evaluated." />
      {said.map((row) => <p key={row.split} className="small"><strong>{row.split}:</strong> {[row.stopped && `stopped: ${row.stopped}`, row.hint].filter(Boolean).join(". ")}</p>)}
    </>
  );
}

type Kind = AgentPage["kinds"][number];
function Kinds({ kinds }: { kinds: Kind[] }) {
  const splits = new Set(kinds.map((kind) => kind.split)).size;
  const columns: Column<Kind>[] = [
    { id: "kind", head: "kind", cell: (row) => row.kind || "without a kind" },
    ...(splits > 1 ? [{ id: "split", head: "split", cell: (row: Kind) => row.split }] : []),
    { id: "score", head: "score [95 % interval]", cell: (row) => <span className="x-score"><IntervalBar of={row} width={64} /> <span className="number nowrap">{intervalText(row)}</span></span> },
    { id: "items", head: "items", number: true, cell: (row) => whole(row.items) },
  ];
  return <Table rows={kinds} columns={columns} rowKey={(row) => `${row.split} ${row.kind}`} caption="Scores per kind of item" />;
}

type Block = AgentPage["race"][number];
const interval = (row: Block) => ({ score: row.score, low: row.low ?? null, high: row.high ?? null });
function Race({ race, stopped }: { race: Block[]; stopped: string }) {
  const begun = race[0]?.at ?? 0;
  const columns: Column<Block>[] = [
    { id: "block", head: "block", cell: (row) => whole(row.block) },
    { id: "items", head: "items", number: true, cell: (row) => <>{whole(row.to)} <span className="muted">+{whole(row.items)}</span></>, title: "up to the block's end, and how many of them are its own" },
    { id: "score", head: "score so far", cell: (row) => <span className="x-score"><IntervalBar of={interval(row)} width={64} /> <span className="number nowrap">{intervalText(interval(row))}</span></span> },
    { id: "verdict", head: "decision", cell: (row) => row.verdict },
    { id: "at", head: "after", number: true, cell: (row) => <span title={when(row.at)}>{duration(row.at - begun)}</span>, title: "since the first decision" },
  ];
  return (
    <>
      {stopped && <p><strong>Where and why it was stopped:</strong> {stopped}</p>}
      <Table rows={race} columns={columns} rowKey={(row) => `${row.block} ${row.at}`} caption="The race, block by block" empty="No decision of the race is recorded for this agent." />
    </>
  );
}

type Component = AgentPage["components"][number];
function Components({ page }: { page: AgentPage }) {
  const columns: Column<Component>[] = [
    { id: "component", head: "component", cell: (row) => row.component },
    { id: "value", head: "importance", number: true, cell: (row) => row.value.toFixed(3) },
    { id: "method", head: "measured by", cell: (row) => row.method },
    { id: "items", head: "items", number: true, cell: (row) => whole(row.items) },
    { id: "calls", head: "calls paid", number: true, cell: (row) => whole(row.calls) },
    { id: "tokens", head: "tokens paid", number: true, cell: (row) => whole(row.tokens) },
  ];
  return (
    <>
      {page.team && <Team team={page.team} />}
      {page.components.length > 0 && <Table rows={[...page.components].sort((a, b) => b.value - a.value)} columns={columns} rowKey={(row) => `${row.component} ${row.method}`} caption="Components with their importance" />}
    </>
  );
}

type CallCost = AgentPage["calls"][number];
function Calls({ calls }: { calls: CallCost[] }) {
  const most = Math.max(1, ...calls.map((call) => call.tokens_per_item));
  const columns: Column<CallCost>[] = [
    { id: "component", head: "component", cell: (row) => row.component },
    { id: "calls", head: "calls/item", number: true, cell: (row) => count(row.calls_per_item) },
    { id: "tokens", head: "tokens/item", cell: (row) => <span className="x-score"><IntervalBar of={{ score: row.tokens_per_item / most, low: null, high: null }} width={64} /> <span className="number">{whole(row.tokens_per_item)}</span></span> },
    { id: "usd", head: "$/item", number: true, cell: (row) => usd(row.cost_usd_per_item) },
    { id: "latency", head: "latency", number: true, cell: (row) => duration(row.latency_s) },
  ];
  return <Table rows={[...calls].sort((a, b) => b.tokens_per_item - a.tokens_per_item)} columns={columns} rowKey={(row) => row.component} caption="Cost by call" />;
}

function Values({ values }: { values: AgentPage["values"] }) {
  const columns: Column<AgentPage["values"][number]>[] = [
    { id: "name", head: "parameter", cell: (row) => <span className="mono">{row.name}</span> },
    { id: "value", head: "value", cell: (row) => <Folded text={row.value} lines={4} label={`Value of ${row.name}`} /> },
    { id: "note", head: "note", cell: (row) => <span className="muted">{row.note}</span> },
  ];
  return <Table rows={values} columns={columns} rowKey={(row) => row.name} caption="Tuned values" />;
}

function Demonstrations({ of }: { of: AgentPage["demonstrations"] }) {
  return (
    <ol className="x-demos">
      {of.map((one, index) => (
        <li key={index}>
          <p className="muted small">{[one.kind, one.teacher && `written by ${one.teacher}`].filter(Boolean).join(", ")}</p>
          <Folded text={one.question} lines={5} label={`Question ${index + 1}`} />
          <Folded text={one.reply} lines={5} label={`Reply ${index + 1}`} />
        </li>
      ))}
    </ol>
  );
}

const MANY = 60;
function Children({ of }: { of: AgentPage["children"] }): ReactNode {
  return (
    <p>
      {of.slice(0, MANY).map(({ agent, name }, index) => <span key={agent}>{index > 0 && ", "}<AgentLink agent={agent} name={name} /></span>)}
      {of.length > MANY && ` and ${whole(of.length - MANY)} more`}
    </p>
  );
}
