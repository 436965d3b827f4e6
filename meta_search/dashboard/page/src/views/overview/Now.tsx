import type { Now } from "../../api";
import { api, useView } from "../../data";
import { duration, short } from "../../format";
import { AgentLink, Answer, Card } from "../../ui";

/** What is being written and evaluated at this moment. */
export function NowCard({ run }: { run: string }) {
  const view = useView<Now>(api(run, "now"));
  return (
    <Card title="At this moment">
      <Answer view={view}>{(now) => (
        <>
          <h3>Being written</h3>
          {now.writing.length === 0 && <p className="empty">Nothing.</p>}
          <ul className="under-way">
            {now.writing.map((one) => (
              <li key={one.brief}>brief {one.brief}: <strong>{one.operator}</strong> by {one.author}{one.parents.length > 0 && <> of {one.parents.map((parent, at) => <span key={parent}>{at > 0 && ", "}<AgentLink agent={parent} name={short(parent)} /></span>)}</>} <span className="muted">for {duration(one.since_s)}</span></li>
            ))}
          </ul>
          <h3>Being evaluated</h3>
          {now.evaluating.length === 0 && <p className="empty">Nothing.</p>}
          <ul className="under-way">
            {now.evaluating.map((one) => (
              <li key={`${one.agent} ${one.split}`}>
                <AgentLink agent={one.agent} name={one.name} /> on {one.split}: {one.done} of {one.planned} items <span className="muted">for {duration(one.since_s)}</span>
                <svg width="100%" height={6} aria-hidden="true"><rect className="bar-back" width="100%" height={6} rx={3} /><rect className="bar-fill" width={`${one.planned > 0 ? Math.min(100, (one.done / one.planned) * 100) : 0}%`} height={6} rx={3} /></svg>
              </li>
            ))}
          </ul>
        </>
      )}</Answer>
    </Card>
  );
}
