import { useCallback, useMemo, useState } from "react";
import type { Agents } from "../api";
import { insideFile } from "../data";
import { FATE_NAMES } from "../fates";
import { whole } from "../format";
import { useRemembered } from "../remembered";
import { go, useRoute } from "../router";
import { Announce, Button, Empty, ErrorLine, SearchField, Skeleton, useTitle } from "../ui";
import { AgentsTable } from "../explore/AgentsTable";
import { COLUMNS, chosenColumns, made, usualColumns } from "../explore/columns";
import { REACH, WITHOUT_FAILED, choiceOf, isHidingFailed, type Choice, type Order, type SortKey } from "../explore/rows";
import { useNarrow } from "../explore/useNarrow";
import { useRows } from "../explore/useRows";
import "../explore/explore.css";

export default function AgentsView({ run }: { run: string }) {
  useTitle("Agents");
  const { query } = useRoute();
  const narrow = useNarrow(700);
  const choice = useMemo(() => choiceOf(query), [query]);
  const [[from, to], setWindow] = useState<[number, number]>([0, 40]);
  const [remembered, remember] = useRemembered<Record<string, boolean> | null>(narrow ? "agents.columns.narrow" : "agents.columns", null, (value) => typeof value === "object");
  const shown = useMemo(() => chosenColumns(remembered, narrow), [remembered, narrow]);
  const rows = useRows(run, choice, from, to);
  const head = rows.head;
  const onWindow = useCallback((first: number, last: number) => setWindow((now) => (now[0] === first && now[1] === last ? now : [first, last])), []);
  const onSort = useCallback((sort: SortKey, order: Order) => go({ sort: sort === "score" && order === "desc" ? null : sort, order: sort === "score" && order === "desc" ? null : order }), []);
  const filtered = isFiltered(choice);

  return (
    <div className="stack">
      <h1 className="hidden">Agents</h1>
      <div className="row x-filters">
        <SearchField label="Filter by name or id" value={choice.q} onChange={(q) => go({ q }, { replace: true })} />
        {head && !narrow && <Filters head={head} choice={choice} shown={shown} narrow={narrow} onColumns={remember} />}
        {head && narrow && (
          <details>
            <summary>Filters and columns</summary>
            <div className="row"><Filters head={head} choice={choice} shown={shown} narrow={narrow} onColumns={remember} /></div>
          </details>
        )}
      </div>
      <ErrorLine error={rows.error} retry={rows.reload} />
      {head ? (
        <>
          <p className="muted small">
            {head.matching === head.total ? `${whole(head.total)} agents` : `${whole(head.matching)} of ${whole(head.total)} agents`}
            {`. Scores are of the ${head.split} items, with 95 % intervals.`}
            {insideFile() && head.rows.length < head.matching && ` This file holds ${whole(head.rows.length)} of them.`}
            {head.matching > REACH && ` The table reaches the first ${whole(REACH)}: filter to see others.`}
            {rows.slow && <span role="status"> Reading more rows…</span>}
          </p>
          {head.matching ? <AgentsTable rows={rows} choice={choice} shown={shown} narrow={narrow} onSort={onSort} onWindow={onWindow} /> : <Empty>{head.total ? "No agent matches these filters." : "No agent is written yet."}</Empty>}
          <Announce text={filtered ? `${whole(head.matching)} agents match` : ""} />
        </>
      ) : (
        !rows.error && <Skeleton slow={rows.slow} doing="Loading the agents…" lines={8} />
      )}
    </div>
  );
}

const isFiltered = (choice: Choice): boolean => Boolean(choice.q || choice.status.length || choice.author || choice.operator);

function Filters({ head, choice, shown, narrow, onColumns }: { head: Agents; choice: Choice; shown: Record<string, boolean>; narrow: boolean; onColumns(next: Record<string, boolean>): void }) {
  const { facets } = head;
  const hiding = isHidingFailed(choice.status);
  return (
    <>
      <Facet label="operator" value={choice.operator} counts={facets.operator} onChange={(operator) => go({ operator })} />
      <Facet label="author" value={choice.author} counts={facets.author} onChange={(author) => go({ author })} />
      <Facet label="status" value={hiding ? "" : choice.status.join(",")} counts={facets.status} onChange={(status) => go({ status })} fates />
      <label className="x-check">
        <input type="checkbox" checked={hiding} onChange={(event) => go({ status: event.target.checked ? WITHOUT_FAILED : null })} /> hide failed
      </label>
      <Columns shown={shown} narrow={narrow} onChange={onColumns} />
      {isFiltered(choice) && <Button kind="quiet" onClick={() => go({ q: null, status: null, author: null, operator: null })}>Show all</Button>}
    </>
  );
}

/** One value of many, with how many agents have it. A choice of several (from a link) shows as such. */
function Facet({ label, value, counts, fates = false, onChange }: { label: string; value: string; counts: Record<string, number>; fates?: boolean; onChange(value: string): void }) {
  const names = Object.keys(counts).sort((a, b) => (counts[b] ?? 0) - (counts[a] ?? 0) || a.localeCompare(b));
  const became: string[] = FATE_NAMES.filter((fate) => !names.includes(fate));
  return (
    <label className="x-check">
      {label}
      <select value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">all</option>
        {value && !names.includes(value) && !(fates && became.includes(value)) && <option value={value}>{value}</option>}
        {names.map((name) => <option key={name} value={name}>{`${name || "none"} (${whole(counts[name])})`}</option>)}
        {fates && <optgroup label="outcome of its evaluation">{became.map((fate) => <option key={fate} value={fate}>{fate}</option>)}</optgroup>}
      </select>
    </label>
  );
}

function Columns({ shown, narrow, onChange }: { shown: Record<string, boolean>; narrow: boolean; onChange(next: Record<string, boolean>): void }) {
  return (
    <details className="x-menu" onKeyDown={(event) => {
      if (event.key !== "Escape" || !event.currentTarget.open) return;
      event.currentTarget.open = false;
      event.currentTarget.querySelector("summary")?.focus();
      event.stopPropagation();
    }}>
      <summary>Columns</summary>
      <div className="x-menu-body">
        {COLUMNS.map((column) => made(column.id as string)).filter((column) => column.id !== "name").map((column) => (
          <label key={column.id} className="x-check">
            <input type="checkbox" checked={shown[column.id] ?? false} onChange={(event) => onChange({ ...shown, [column.id]: event.target.checked })} /> {column.head}
          </label>
        ))}
        <Button kind="quiet" onClick={() => onChange(usualColumns(narrow))}>Default columns</Button>
      </div>
    </details>
  );
}
