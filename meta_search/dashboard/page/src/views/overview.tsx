import { useState } from "react";
import type { Overview, Robustness } from "../api";
import { api, useView } from "../data";
import { ago, duration, intervalText, meters, plural, when, whole } from "../format";
import { href } from "../router";
import { AgentLink, Announce, Answer, Card, Folded, IntervalBar, Meter, useTitle } from "../ui";
import { Steer } from "../ui/Steer";
import type { ViewProps } from "./index";
import { NowCard } from "./overview/Now";
import { ProgressCards } from "./overview/Progress";
import { SpendingCard } from "./overview/Spending";
import { AttemptsCard, Lines, Robust, TestedCard } from "./overview/Tested";
import { LanesCard } from "./overview/Workers";
import "./overview.css";

export default function OverviewView({ run }: ViewProps) {
  const view = useView<Overview>(api(run, "overview"));
  useView(api(run, "progress")); // asked for beside it, not after it
  useView(api(run, "lanes"));
  useTitle(view.data?.run.name || run);
  return <Answer view={view} doing="Loading the overview…" lines={6}>{(data) => <Found run={run} data={data} />}</Answer>;
}

function Found({ run, data }: { run: string; data: Overview }) {
  const going = data.run.state === "searching" || data.run.state === "paused" || data.run.state === "reporting";
  return (
    <>
      <Head data={data} />
      <Steer run={run} />
      <div className="grid">
        <Alarms data={data} />
        <div className="stack">
          <BestCard data={data} />
          {going && <NowCard run={run} />}
        </div>
        <div className="stack">
          <BudgetCard data={data} />
          <SpendingCard spending={data.spending} />
        </div>
        {data.tested.length > 0 && <TestedCard data={data} />}
        {(data.notes.length > 0 || data.outside) && <Card title="Notes" wide><Lines lines={data.outside ? [...data.notes, data.outside] : data.notes} /></Card>}
        <ProgressCards run={run} row={data.run} />
        <LanesCard run={run} />
        {data.robust && <Robust robust={data.robust as Robustness} />}
        {data.attempts && data.attempts.total > 0 && <AttemptsCard attempts={data.attempts} />}
        {data.judge.length > 0 && <Card title="Judge"><Lines lines={data.judge} /></Card>}
        {data.lessons.length > 0 && (
          <Card title="Lessons the meta agent wrote down" wide>
            <p className="small muted">The meta agent's own notes on train scores. Later briefs read them; nobody has checked them.</p>
            {data.lessons.map((lesson, at) => <details key={at} open={at === 0}><summary>After brief {lesson.brief}</summary><Folded text={lesson.text} label={`Lesson after brief ${lesson.brief}`} /></details>)}
          </Card>
        )}
        <ConfigCard data={data} />
      </div>
    </>
  );
}

const OUTCOMES: Record<string, string> = {
  beats: "beats the baseline", not_shown: "not shown to beat the baseline", does_not_beat: "does not beat the baseline",
  no_claim: "not tested at matched cost: no claim", no_verdict: "no verdict", untested: "no comparison",
};

function Head({ data: { run, verdict, end, outcome } }: { data: Overview }) {
  return (
    <div className="overview-head">
      <div className="row"><h1>{run.name || run.id}</h1><span className={`state ${run.state.replace(" ", "-")}`}>{run.state}</span></div>
      {verdict && outcome && OUTCOMES[outcome] && <p className={`outcome ${outcome}`}>{OUTCOMES[outcome]}</p>}
      <p className="verdict">{verdict ?? run.state_text}</p>
      {verdict && run.state_text !== verdict && <p>{run.state_text}</p>}
      {end && end !== run.state_text && <p className="muted">The search ended: {end}.</p>}
      <Announce text={run.state_text} />
      <dl className="facts">
        <div><dt>domain</dt><dd>{run.domain}</dd></div>
        <div><dt>task {run.task_models.length > 1 ? "models" : "model"}</dt><dd>{run.task_models.join(", ") || "–"}</dd></div>
        {run.meta_models.length > 0 && <div><dt>meta agent</dt><dd>{run.meta_models.join(", ")}</dd></div>}
        <div><dt>started</dt><dd>{when(run.started_at)}</dd></div>
        <div><dt>last heard of</dt><dd>{ago(run.heartbeat_at)}</dd></div>
        {run.fork_of && <div><dt>goes on from</dt><dd>{run.fork_of.run}{run.fork_of.agent ? `, agent ${run.fork_of.agent}` : ""}</dd></div>}
      </dl>
    </div>
  );
}

function Alarms({ data }: { data: Overview }) {
  const lines = [...data.run.attention, ...data.alarms.map((alarm) => alarm.line)].filter((line, at, all) => all.indexOf(line) === at);
  if (lines.length === 0) return null;
  return <Card title="Needs attention" wide><div className="notice"><Lines lines={lines} /></div></Card>;
}

function BestCard({ data: { run, take, counts, behaviour } }: { data: Overview }) {
  const best = run.best;
  return (
    <Card title={best?.selection === false ? "Best, on the test" : "Best so far"}>
      {best ? (
        <>
          <div className="big">{intervalText(best)}</div>
          <p><IntervalBar of={best} width={220} /></p>
          <p><AgentLink agent={best.agent} name={best.name} /> on {plural(best.items, "item")} of {best.split}</p>
          {best.selection && <p className="notice">A selection score, not the result: the best agent was chosen on these items, so it is too high. {run.state === "done" ? "" : "The test comes at the end."}</p>}
        </>
      ) : <p className="empty">No agent has an evaluation yet.</p>}
      {take && <p><strong>Take <AgentLink agent={take.agent} name={take.name} /></strong> – {take.why}</p>}
      <p className="muted">{plural(counts.agents, "agent")}: {whole(counts.complete)} evaluated in full, {whole(counts.failed)} failed, {whole(counts.in_flight)} in flight; {plural(counts.briefs, "brief")}. <a href={href({ view: "agents" })}>All agents</a></p>
      {behaviour && <p className="muted">{behaviour} <a href={href({ view: "items" })}>Who solves what</a></p>}
    </Card>
  );
}

function BudgetCard({ data: { run } }: { data: Overview }) {
  const rows = meters(run.spent, run.limits, run.elapsed_s);
  return (
    <Card title="Budget">
      {rows.map((row) => <Meter key={row.name} label={row.name} share={row.share} text={row.text} />)}
      {rows.length === 0 && <p className="empty">No limit is set.</p>}
      {run.limits.wall_s === null && <p className="muted">{duration(run.elapsed_s)} so far.</p>}
    </Card>
  );
}

function ConfigCard({ data }: { data: Overview }) {
  const [open, setOpen] = useState(false);
  return (
    <Card title="Config" wide>
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>The full configuration, without keys</summary>
        {open && <pre tabIndex={0} aria-label="Config">{data.config}</pre>}
      </details>
    </Card>
  );
}
