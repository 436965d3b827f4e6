// Which rows of the table are asked for, and the same choice made in the page where all rows are inside (report.html).
import type { AgentRow, Agents } from "../api";
import { api } from "../data";
import { FATE_NAMES } from "../fates";

export const PAGE = 200;
/** Rows beyond this are not scrolled to: browsers end a scroll area near 17 million pixels. */
export const REACH = 300_000;

export const SORTS = ["score", "name", "fate", "author", "operator", "generation", "created_at", "items", "tokens_per_item", "cost_usd_per_item", "validation", "test"] as const;
export type SortKey = (typeof SORTS)[number];
export type Order = "asc" | "desc";

export interface Choice {
  sort: SortKey;
  order: Order;
  q: string;
  status: string[];
  author: string;
  operator: string;
}

/** The order a header starts with: numbers of success from the top, costs and words from the bottom. */
export function firstOrder(sort: SortKey): Order {
  return sort === "score" || sort === "validation" || sort === "test" || sort === "created_at" || sort === "items" || sort === "generation" ? "desc" : "asc";
}

/** What the link asks for; anything unknown in it falls back to the default. */
export function choiceOf(query: Record<string, string | undefined>): Choice {
  const sort = SORTS.find((key) => key === query.sort) ?? "score";
  const order = query.order === "asc" || query.order === "desc" ? query.order : firstOrder(sort);
  return {
    sort,
    order,
    q: query.q ?? "",
    status: (query.status ?? "").split(",").filter(Boolean),
    author: query.author ?? "",
    operator: query.operator ?? "",
  };
}

/** The endpoint's path for one page of rows; defaults are left out, so that equal choices have equal paths. */
export function agentsPath(run: string, choice: Choice, offset: number, limit = PAGE): string {
  const usual = choice.sort === "score" && choice.order === "desc";
  return api(run, "agents", {
    sort: usual ? "" : choice.sort,
    order: usual ? "" : choice.order,
    q: choice.q.trim(),
    status: choice.status,
    author: choice.author,
    operator: choice.operator,
    offset: offset || "",
    limit,
  });
}

/** The first rows' offsets of the pages that show rows `from` to `to` (inclusive). */
export function pagesFor(from: number, to: number, matching: number): number[] {
  const pages: number[] = [];
  const last = Math.min(to, matching - 1);
  for (let page = Math.floor(Math.max(0, from) / PAGE); page * PAGE <= last; page += 1) pages.push(page * PAGE);
  return pages;
}

function valueOf(row: AgentRow, sort: SortKey): string | number | null {
  if (sort === "validation") return row.validation?.score ?? null;
  if (sort === "test") return row.test?.score ?? null;
  return row[sort];
}

/** Sorted as the server sorts: what has no value comes last in either order, by score complete evaluations come first,
 * equal values keep their order. */
export function sortRows(rows: readonly AgentRow[], sort: SortKey, order: Order): AgentRow[] {
  const sign = order === "asc" ? 1 : -1;
  return [...rows].sort((a, b) => {
    if (sort === "score" && a.complete !== b.complete) return a.complete ? -1 : 1;
    const left = valueOf(a, sort);
    const right = valueOf(b, sort);
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
    if (typeof left === "string" || typeof right === "string") return sign * String(left).localeCompare(String(right), "en", { numeric: true, sensitivity: "base" });
    return sign * (left - right);
  });
}

/** True where the name holds every word of `q`, or the id begins with it: as the server finds them. */
export function matches(row: AgentRow, q: string): boolean {
  const text = q.trim().toLowerCase();
  const name = row.name.toLowerCase();
  return row.agent.toLowerCase().startsWith(text) || text.split(/\s+/).every((word) => name.includes(word));
}

/** The whole table cut and sorted in the page, with the counts that the server would give. */
export function chooseRows(all: Agents, choice: Choice): Agents {
  const found = all.rows.filter(
    (row) =>
      matches(row, choice.q) &&
      (!choice.status.length || choice.status.includes(row.status) || choice.status.includes(row.fate)) &&
      (!choice.author || row.author === choice.author) &&
      (!choice.operator || row.operator === choice.operator),
  );
  return { ...all, matching: found.length, offset: 0, rows: sortRows(found, choice.sort, choice.order) };
}

/** Everything but what failed: the choice behind "hide the failed". A status may be a fate, for the server as well. */
export const WITHOUT_FAILED: string[] = FATE_NAMES.filter((fate) => fate !== "failed");

export function isHidingFailed(chosen: readonly string[]): boolean {
  return chosen.length > 1 && WITHOUT_FAILED.every((fate) => chosen.includes(fate)) && !chosen.includes("failed");
}
