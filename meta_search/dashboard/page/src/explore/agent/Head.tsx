// Who this agent is, in a few lines.
import type { AgentPage, Split } from "../../api";
import { count, duration, intervalText, plural, short, usd, when, whole } from "../../format";
import { href } from "../../router";
import { AgentLink, FateMark, IntervalBar } from "../../ui";
import { SteerAgent } from "../../ui/Steer";

const SPLITS: Split[] = ["train", "validation", "test", "perturbed", "examples"];

export function Head({ page, run }: { page: AgentPage; run: string }) {
  const { row } = page;
  const scored = SPLITS.flatMap((split) => page.evaluations.filter((evaluation) => evaluation.split === split));
  return (
    <header className="card x-head">
      <div className="row">
        <h1>{row.name}</h1>
        <FateMark fate={row.fate} />
        <span className="mono muted" title={row.agent}>{short(row.agent)}</span>
        <span className="grow" />
        <SteerAgent run={run} agent={row.agent} name={row.name} />
      </div>
      <p className="muted">
        {row.operator}{row.author && <> by {row.author}{row.model && ` (${row.model})`}</>}, generation {whole(row.generation)}, written {when(row.created_at)}
        {page.parents.length > 0 && <>, from {page.parents.map((parent, index) => <span key={parent.agent}>{index > 0 && " and "}<AgentLink agent={parent.agent} name={parent.name} /></span>)}</>}
        {page.children.length > 0 && `, ${plural(page.children.length, "child", "children")}`}.{" "}
        <a href={href({ view: "lineage", run, of: row.agent })}>Its ancestors</a>
        {row.same_as && <> · behaves like <AgentLink agent={row.same_as} /></>}
      </p>
      {scored.length ? (
        <dl className="x-scores">
          {scored.map((evaluation) => (
            <div key={evaluation.split}>
              <dt>{evaluation.split}{evaluation.split !== "test" && evaluation.split !== "perturbed" && <span className="muted small"> selection score</span>}</dt>
              <dd>
                <strong className="number">{intervalText(evaluation)}</strong> <IntervalBar of={evaluation} width={110} />
                <span className="muted small"> {plural(evaluation.items, "item")}{!evaluation.complete && ", not all"}</span>
              </dd>
            </div>
          ))}
          <div>
            <dt>cost per item</dt>
            <dd className="number">{whole(row.tokens_per_item)} tokens · {count(row.calls_per_item)} {row.calls_per_item === 1 ? "call" : "calls"} · {usd(row.cost_usd_per_item)} · {duration(row.seconds_per_item)}</dd>
          </div>
        </dl>
      ) : (
        <p className="muted">Not evaluated.</p>
      )}
      {(page.stopped || row.stopped) && <p className="notice"><strong>Stopped:</strong> {page.stopped || row.stopped}</p>}
    </header>
  );
}
