// The columns of the table of agents.
import { columnSizingFeature, columnVisibilityFeature, createColumnHelper, tableFeatures } from "@tanstack/react-table";
import type { ReactNode } from "react";
import type { AgentRow, Interval } from "../api";
import { count, duration, short, usd, when, whole } from "../format";
import { AgentLink, FateMark, IntervalBar, IntervalText } from "../ui";
import type { SortKey } from "./rows";

export const features = tableFeatures({ columnVisibilityFeature, columnSizingFeature });
const helper = createColumnHelper<typeof features, AgentRow>();

interface Made { id: string; head: string; width: number; thin?: number; cell: (row: AgentRow) => ReactNode; sort?: SortKey; right?: boolean; hidden?: boolean; says?: string }

function Score({ of }: { of: Interval | null }) {
  if (!of || of.score === null) return <span className="muted">not evaluated</span>;
  return <span className="x-score"><IntervalBar of={of} width={44} /> <IntervalText of={of} items /></span>;
}

const MADE: Made[] = [
  { id: "name", head: "agent", width: 205, thin: 160, sort: "name", cell: (row) => <><AgentLink agent={row.agent} name={row.name} /><span className="x-thin small"><FateMark fate={row.fate} /></span></> },
  { id: "fate", head: "outcome of its evaluation", width: 130, sort: "fate", cell: (row) => <FateMark fate={row.fate} /> },
  { id: "score", head: "score", width: 247, thin: 185, sort: "score", says: "of the search, with 95 % interval: selection scores, not the result", cell: (row) => <Score of={row} /> },
  { id: "items", head: "items", width: 75, sort: "items", right: true, hidden: true, cell: (row) => whole(row.items) },
  { id: "validation", head: "validation", width: 255, sort: "validation", hidden: true, cell: (row) => <Score of={row.validation} /> },
  { id: "test", head: "test", width: 148, sort: "test", says: "fresh items of the final report", cell: (row) => (row.test ? <IntervalText of={row.test} /> : <span className="muted">not tested</span>) },
  { id: "operator", head: "operator", width: 98, sort: "operator", cell: (row) => row.operator },
  { id: "author", head: "author", width: 100, sort: "author", cell: (row) => row.author },
  { id: "model", head: "model", width: 150, hidden: true, cell: (row) => row.model || "–" },
  { id: "generation", head: "generation", width: 105, sort: "generation", right: true, cell: (row) => whole(row.generation) },
  { id: "tokens_per_item", head: "tokens/item", width: 108, sort: "tokens_per_item", right: true, cell: (row) => whole(row.tokens_per_item) },
  { id: "calls_per_item", head: "calls/item", width: 95, right: true, hidden: true, cell: (row) => count(row.calls_per_item) },
  { id: "cost_usd_per_item", head: "$/item", width: 80, sort: "cost_usd_per_item", right: true, cell: (row) => usd(row.cost_usd_per_item) },
  { id: "seconds_per_item", head: "time/item", width: 100, right: true, hidden: true, cell: (row) => duration(row.seconds_per_item) },
  { id: "source_lines", head: "lines of code", width: 115, right: true, hidden: true, cell: (row) => whole(row.source_lines) },
  { id: "parents", head: "parents", width: 170, hidden: true, cell: (row) => row.parents.map((parent, index) => <span key={parent}>{index > 0 && ", "}<AgentLink agent={parent} /></span>) },
  { id: "stopped", head: "why it was stopped", width: 290, hidden: true, cell: (row) => row.stopped || "–" },
  { id: "same_as", head: "same as", width: 115, hidden: true, cell: (row) => (row.same_as ? <AgentLink agent={row.same_as} /> : "–") },
  { id: "status", head: "status", width: 110, hidden: true, cell: (row) => row.status },
  { id: "created_at", head: "written", width: 170, sort: "created_at", hidden: true, cell: (row) => when(row.created_at) },
  { id: "agent", head: "id", width: 115, hidden: true, cell: (row) => <span className="mono" title={row.agent}>{short(row.agent)}</span> },
];

export const COLUMNS = MADE.map((made) =>
  helper.display({ id: made.id, header: made.head, size: made.width, enableHiding: made.id !== "name", cell: (context) => made.cell(context.row.original) }),
);
const byId = new Map(MADE.map((made) => [made.id, made]));
export const made = (id: string): Made => byId.get(id) ?? MADE[0]!;

/** What is shown until a person chooses; a phone gets what fits. */
export function usualColumns(narrow: boolean): Record<string, boolean> {
  const few = new Set(["name", "score"]); // outcome of its evaluation stands below the name
  return Object.fromEntries(MADE.map((column) => [column.id, narrow ? few.has(column.id) : !column.hidden]));
}

/** A remembered choice: a record of known columns; what an older page knew is dropped, what is new takes its default. */
export function chosenColumns(remembered: unknown, narrow: boolean): Record<string, boolean> {
  const usual = usualColumns(narrow);
  if (!remembered || typeof remembered !== "object") return usual;
  const kept = Object.entries(remembered as Record<string, unknown>).filter(([id, shown]) => id in usual && typeof shown === "boolean");
  return { ...usual, ...Object.fromEntries(kept), name: true } as Record<string, boolean>;
}
