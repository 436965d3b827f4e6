// One agent beside another: what changed in the code, and on which items it did better or worse.
import { Suspense, lazy, useMemo, useState } from "react";
import type { AgentPage, Agents, Lineage, Overview, Source } from "../../api";
import { api, useView } from "../../data";
import { intervalText, plural, short } from "../../format";
import { useRemembered } from "../../remembered";
import { go, href, useRoute } from "../../router";
import { AgentLink, Answer, Button, Card, Empty, Skeleton, Table, type Column } from "../../ui";
import { matches } from "../rows";
import { anchors, changedValues, chosenVersion, versions, type ChangedValue, type Version } from "../versions";
import { VersusItems } from "./VersusItems";

const Diff = lazy(() => import("../Diff"));

/** The agents worth comparing with: parents, the best, the seeds, then the ones with the highest scores. */
function useVersions(run: string, page: AgentPage): Version[] {
  const overview = useView<Overview>(api(run, "overview"));
  const lineage = useView<Lineage>(api(run, "lineage"));
  const top = useView<Agents>(api(run, "agents", { limit: 20 }));
  return useMemo(() => {
    const { best, seeds } = anchors(lineage.data);
    const reported = overview.data?.run.best;
    const first = reported ? { agent: reported.agent, name: reported.name, why: "best" } : best;
    return versions(page, first, seeds.slice(0, 20), top.data?.rows.slice(0, 20));
  }, [page, overview.data, lineage.data, top.data]);
}

export function Compare({ run, page }: { run: string; page: AgentPage }) {
  const { query } = useRoute();
  const list = useVersions(run, page);
  const self = page.row.agent;
  const vs = chosenVersion(list, query.vs, self);
  return (
    <div className="stack">
      <Picker run={run} list={list} vs={vs} self={self} />
      {vs ? (
        <>
          <CodeChange run={run} self={self} vs={vs} />
          <VersusItems run={run} page={page} vs={vs} name={list.find((version) => version.agent === vs)?.name ?? short(vs)} />
        </>
      ) : (
        <Empty>There is no other agent to compare with yet.</Empty>
      )}
    </div>
  );
}

const GROUPS: [string, string][] = [["parent", "Parents"], ["best", "The best"], ["seed", "Seeds"], ["", "Highest scores"]];

function Picker({ run, list, vs, self }: { run: string; list: Version[]; vs: string | null; self: string }) {
  const [q, setQ] = useState("");
  const known = list.some((version) => version.agent === vs);
  return (
    <div className="row">
      <label className="x-check">
        Compare with
        <select value={vs ?? ""} onChange={(event) => go({ vs: event.target.value })}>
          {vs && !known && <option value={vs}>{short(vs)}</option>}
          {GROUPS.map(([why, label]) => {
            const group = list.filter((version) => version.why === why);
            return group.length > 0 && <optgroup key={why} label={label}>{group.map((version) => <option key={version.agent} value={version.agent}>{version.name}</option>)}</optgroup>;
          })}
        </select>
      </label>
      {vs && <a href={href({ agent: vs, vs: self })}>Swap</a>}
      <label className="x-check">
        or find another
        <input type="search" value={q} spellCheck={false} onChange={(event) => setQ(event.target.value)} />
      </label>
      {q.trim() && <Found run={run} q={q.trim()} self={self} onChoose={(agent) => { setQ(""); go({ vs: agent }); }} />}
    </div>
  );
}

const FOUND = 8;
function Found({ run, q, self, onChoose }: { run: string; q: string; self: string; onChoose(agent: string): void }) {
  const view = useView<Agents>(api(run, "agents", { q, limit: FOUND + 1 }), { keep: true });
  // In report.html the answer is the whole table, whatever was asked.
  const rows = view.data?.rows.filter((row) => row.agent !== self && matches(row, q)).slice(0, FOUND);
  if (!rows) return view.error ? <span className="muted">{view.error}</span> : null;
  if (!rows.length) return <span className="muted">No other agent matches “{q}”.</span>;
  return (
    <ul className="x-found" aria-label="Agents found">
      {rows.map((row) => <li key={row.agent}><Button kind="quiet" onClick={() => onChoose(row.agent)}>{row.name} <span className="muted">{intervalText(row)}</span></Button></li>)}
    </ul>
  );
}

function CodeChange({ run, self, vs }: { run: string; self: string; vs: string }) {
  const ours = useView<Source>(api(run, `source/${self}`), { still: true });
  const theirs = useView<Source>(api(run, `source/${vs}`), { still: true });
  const [whole, setWhole] = useRemembered("diff.whole", false);
  const both = { data: ours.data && theirs.data && { ours: ours.data, theirs: theirs.data }, error: ours.error ?? theirs.error, slow: ours.slow || theirs.slow, reload: () => { ours.reload(); theirs.reload(); } };
  return (
    <Card title="What changed in the code" tools={<label className="x-check"><input type="checkbox" checked={whole} onChange={(event) => setWhole(event.target.checked)} /> show unchanged lines</label>}>
      <Answer view={both} doing="Reading both versions…">
        {({ ours: after, theirs: before }) => (
          <>
            <Suspense fallback={<Skeleton slow doing="Comparing…" lines={6} />}>
              <Diff before={before.source} after={after.source} beforeName={before.name} afterName={after.name} whole={whole} />
            </Suspense>
            <Values before={before} after={after} />
          </>
        )}
      </Answer>
    </Card>
  );
}

function Values({ before, after }: { before: Source; after: Source }) {
  const changed = changedValues(before.values, after.values);
  const columns: Column<ChangedValue>[] = [
    { id: "name", head: "tuned value", cell: (row) => <span className="mono">{row.name}</span> },
    { id: "before", head: before.name, cell: (row) => row.before ?? "–" },
    { id: "after", head: after.name, cell: (row) => row.after ?? "–" },
  ];
  return (
    <>
      {changed.length > 0 && <Table rows={changed} columns={columns} rowKey={(row) => row.name} caption="Tuned values that differ" />}
      {(before.demonstrations > 0 || after.demonstrations > 0) && (
        <p className="muted"><AgentLink agent={before.agent} name={before.name} /> carries {plural(before.demonstrations, "demonstration")}, {after.name} carries {plural(after.demonstrations, "demonstration")}.</p>
      )}
    </>
  );
}
