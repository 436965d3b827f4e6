import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { GuidePage } from "../api";
import { NONE, percent, plural, whole } from "../format";
import { go, useRoute } from "../router";
import { AgentLink, Card, Choice, Empty, SearchField, Table } from "../ui";
import { clicked, shown, sorted, type Sorting, type Value } from "./guide-table";

export interface Tuning {
  agent: string;
  trials: number;
  doubt: string;
  parameters: { parameter: string; about: string; score: number | null; cost: number | null }[];
  settings: { agent: string; trial: number | null; values: string; score: number | null; items: number; cost: number | null; stopped: string }[];
  tried: number;
}

/** What tuning found out about single agents' own parameters. */
export function Tunings({ tunings }: { tunings: Tuning[] }) {
  if (!tunings.length) return null;
  return (
    <Card title="Tuned parameters of agents" wide>
      <div className="stack">
        {tunings.map((tuning) => (
          <details key={tuning.agent} open={tunings.length === 1}>
            <summary>
              {plural(tuning.parameters.length, "parameter")}, {plural(tuning.tried, "setting")} tried
            </summary>
            <p>
              Agent <AgentLink agent={tuning.agent} />. {tuning.doubt}
            </p>
            <Table
              caption="Parameters and their importance"
              rows={tuning.parameters}
              rowKey={(row) => row.parameter}
              columns={[
                { id: "parameter", head: "Parameter", cell: (row) => <span className="mono">{row.parameter}</span> },
                { id: "about", head: "Range", cell: (row) => row.about },
                { id: "score", head: "Importance for score", number: true, cell: (row) => percent(row.score, 0) },
                { id: "cost", head: "Importance for cost", number: true, cell: (row) => percent(row.cost, 0) },
              ]}
            />
            <Table
              caption="Settings tried, best first"
              rows={tuning.settings}
              rowKey={(row) => `${row.agent} ${row.trial}`}
              columns={[
                { id: "agent", head: "Agent", cell: (row) => <AgentLink agent={row.agent} /> },
                { id: "values", head: "Values", cell: (row) => row.values },
                { id: "score", head: "Score", number: true, cell: (row) => <>{percent(row.score)}<span className="muted"> on {row.items}</span></> },
                { id: "cost", head: "Cost", number: true, cell: (row) => whole(row.cost), title: "tokens and calls per item" },
                { id: "stopped", head: "Stopped", cell: (row) => row.stopped || "" },
              ]}
            />
          </details>
        ))}
      </div>
    </Card>
  );
}

/** The trials of a study as the archive has them. */
export function Studies({ page }: { page: GuidePage }) {
  const { query } = useRoute();
  const study = page.studies.find((one) => one.study === query.study) ?? page.studies[0];
  if (!study) {
    return (
      <Card title="Trials" wide>
        <Empty>No study has any trials yet.</Empty>
      </Card>
    );
  }
  return (
    <Card
      title={`Trials of ${study.study}`}
      wide
      tools={
        page.studies.length > 1 && page.studies.length <= 5 ? (
          <Choice
            label="Study"
            value={study.study}
            options={page.studies.map((one) => ({ value: one.study, label: `${one.study} (${one.trials})` }))}
            onChange={(value) => go({ study: value }, { replace: true })}
          />
        ) : page.studies.length > 1 ? (
          <label>
            Study{" "}
            <select value={study.study} onChange={(event) => go({ study: event.target.value }, { replace: true })}>
              {page.studies.map((one) => (
                <option key={one.study} value={one.study}>
                  {one.study} ({one.trials})
                </option>
              ))}
            </select>
          </label>
        ) : null
      }
    >
      <Trials key={study.study} study={study} />
    </Card>
  );
}

/** A study's trials; of many, only the rows in sight are in the page. */
function Trials({ study }: { study: GuidePage["studies"][number] }) {
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const [q, setQ] = useState("");
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => {
    const wanted = q.trim().toLowerCase();
    const kept = wanted
      ? study.rows.filter((row) => row.some((value) => value !== null && String(value).toLowerCase().includes(wanted)))
      : study.rows;
    return sorted(kept, sorting);
  }, [study.rows, sorting, q]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => 34,
    overscan: 20,
  });
  const seen = virtual.getVirtualItems();
  const before = seen[0]?.start ?? 0;
  const after = Math.max(0, virtual.getTotalSize() - (seen.at(-1)?.end ?? 0));
  const numeric = study.columns.map((_, column) => study.rows.some((row) => typeof row[column] === "number"));
  const agents = study.columns.indexOf("agent");
  const cell = (value: Value, column: number) =>
    column === agents && typeof value === "string" && value ? <AgentLink agent={value} /> : value === "" ? NONE : shown(value);
  return (
    <div className="stack">
      <div className="filters">
        <SearchField label="Filter trials" value={q} onChange={setQ} />
        <span className="small muted">
          {rows.length < study.rows.length && `${whole(rows.length)} of `}
          {plural(study.rows.length, "trial")}
          {study.trials > study.rows.length && `, the newest of ${whole(study.trials)}`}
        </span>
      </div>
      <div className="table trials" ref={box} tabIndex={0} role="region" aria-label={`Trials of ${study.study}`}>
        <table aria-rowcount={rows.length + 1}>
          <caption className="hidden">Trials of {study.study}</caption>
          <thead>
            <tr>
              {study.columns.map((column, place) => {
                const on = sorting?.column === place;
                return (
                  <th
                    key={place}
                    scope="col"
                    className={numeric[place] ? "number" : undefined}
                    aria-sort={on ? (sorting.descending ? "descending" : "ascending") : undefined}
                  >
                    <button type="button" className="sort" onClick={() => setSorting(clicked(sorting, place))}>
                      {column}
                      <span aria-hidden="true">{on ? (sorting.descending ? " ↓" : " ↑") : ""}</span>
                    </button>
                  </th>
                );
              })}
            </tr>
          </thead>
          <tbody>
            {before > 0 && (
              <tr aria-hidden="true">
                <td colSpan={study.columns.length} style={{ height: before, padding: 0 }} />
              </tr>
            )}
            {seen.map((row) => (
              <tr key={row.key} aria-rowindex={row.index + 2}>
                {study.columns.map((_, place) => (
                  <td key={place} className={numeric[place] ? "number" : undefined}>
                    {cell(rows[row.index]?.[place] ?? null, place)}
                  </td>
                ))}
              </tr>
            ))}
            {after > 0 && (
              <tr aria-hidden="true">
                <td colSpan={study.columns.length} style={{ height: after, padding: 0 }} />
              </tr>
            )}
          </tbody>
        </table>
      </div>
    </div>
  );
}
