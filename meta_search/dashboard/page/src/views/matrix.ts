// The matrix of agents × items: what a cell says, and which items are shown in which order.

import type { Matrix } from "../api";

export type Cell = number | null | string;
export type Look = "right" | "part" | "wrong" | "failed" | "never";

/** Never run is apart from wrong, and a run that ended without a score is apart from both. */
export function look(cell: Cell): Look {
  if (cell === null || cell === undefined) return "never";
  if (typeof cell === "string") return "failed";
  if (cell >= 0.9995) return "right";
  return cell <= 0.0005 ? "wrong" : "part";
}

/** One or two letters that say the same as the colour. */
export function sign(cell: Cell): string {
  switch (look(cell)) {
    case "right":
      return "✓";
    case "wrong":
      return "✕";
    case "failed":
      return "!";
    case "never":
      return "";
    case "part":
      return String(Math.min(99, Math.max(1, Math.round(100 * (cell as number)))));
  }
}

/** What a cell says in words: for its tooltip, and for who hears the page. */
export function said(cell: Cell): string {
  switch (look(cell)) {
    case "right":
      return "right";
    case "wrong":
      return "wrong";
    case "failed":
      return `no score: ${cell as string}`;
    case "never":
      return "never run";
    case "part":
      return `scored ${(100 * (cell as number)).toFixed(0)} %`;
  }
}

export type Order = "worst" | "disputed" | "name";
export const ORDERS: { key: Order; label: string }[] = [
  { key: "worst", label: "Worst first" },
  { key: "disputed", label: "Most disputed first" },
  { key: "name", label: "By name" },
];

export interface Choice {
  kinds: readonly string[]; // none: all
  hideSolved: boolean;
  q: string;
  order: Order;
}

/** Whether all agents that ran an item, of those shown, got it right. */
export function solved(cells: readonly Cell[]): boolean {
  const ran = cells.filter((cell) => cell !== null);
  return ran.length > 0 && ran.every((cell) => look(cell) === "right");
}

/** How much agents disagree on an item: variance of their scores, a run without a score counted as wrong. */
export function dispute(cells: readonly Cell[]): number {
  const scores = cells.filter((cell) => cell !== null).map((cell) => (typeof cell === "number" ? cell : 0));
  if (scores.length < 2) return 0;
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / scores.length;
}

export function kindsOf(matrix: Matrix): { kind: string; items: number }[] {
  const counts = new Map<string, number>();
  for (const item of matrix.items) counts.set(item.kind, (counts.get(item.kind) ?? 0) + 1);
  return [...counts].map(([kind, items]) => ({ kind, items })).sort((a, b) => b.items - a.items || (a.kind < b.kind ? -1 : 1));
}

const byName = new Intl.Collator("en", { numeric: true });

/** Places in `matrix.items` of the items to show, in order. The server gives the worst first. */
export function rowsOf(matrix: Matrix, choice: Choice): number[] {
  const kinds = new Set(choice.kinds);
  const wanted = choice.q.trim().toLowerCase();
  const rows = matrix.items
    .map((_, place) => place)
    .filter((place) => {
      const item = matrix.items[place]!;
      if (kinds.size && !kinds.has(item.kind)) return false;
      if (choice.hideSolved && solved(matrix.cells[place] ?? [])) return false;
      return !wanted || item.item.toLowerCase().includes(wanted) || item.question.toLowerCase().includes(wanted);
    });
  if (choice.order === "name") {
    rows.sort((a, b) => byName.compare(matrix.items[a]!.item, matrix.items[b]!.item));
  } else if (choice.order === "disputed") {
    const how = matrix.cells.map(dispute);
    rows.sort((a, b) => how[b]! - how[a]! || a - b);
  }
  return rows;
}

/** How the shown cells of one item are spread, for the line beside it. */
export function tally(cells: readonly Cell[]): Record<Look, number> {
  const counts: Record<Look, number> = { right: 0, part: 0, wrong: 0, failed: 0, never: 0 };
  for (const cell of cells) counts[look(cell)]++;
  return counts;
}

export interface Place {
  row: number;
  column: number;
}

/** Where a key leads from a cell; `null` for keys that do not move. */
export function moved(key: string, from: Place, rows: number, columns: number, page: number, far: boolean): Place | null {
  const clamp = (value: number, size: number) => Math.max(0, Math.min(size - 1, value));
  const to = { ...from };
  switch (key) {
    case "ArrowDown":
    case "j":
      to.row += 1;
      break;
    case "ArrowUp":
    case "k":
      to.row -= 1;
      break;
    case "ArrowRight":
    case "l":
      to.column += 1;
      break;
    case "ArrowLeft":
    case "h":
      to.column -= 1;
      break;
    case "PageDown":
      to.row += page;
      break;
    case "PageUp":
      to.row -= page;
      break;
    case "Home":
      to.column = 0;
      if (far) to.row = 0;
      break;
    case "End":
      to.column = columns - 1;
      if (far) to.row = rows - 1;
      break;
    default:
      return null;
  }
  return { row: clamp(to.row, rows), column: clamp(to.column, columns) };
}

/** The next agent of the matrix, to the right or left of one, that ran an item; `""` where there is none. */
export function neighbour(matrix: Matrix, place: number, agent: string, by: 1 | -1): string {
  const cells = matrix.cells[place] ?? [];
  let column = matrix.agents.findIndex((one) => one.agent === agent);
  if (column < 0 && by < 0) return "";
  do column += by;
  while (column >= 0 && column < matrix.agents.length && (cells[column] ?? null) === null);
  return matrix.agents[column]?.agent ?? "";
}
