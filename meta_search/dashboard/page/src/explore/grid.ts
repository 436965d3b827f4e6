// Niches as a grid: rows from the top are the highest bins of y.
import type { Niches } from "../api";

export type Cell = Niches["cells"][number];

/** `grid[row][column]`, the highest bin of y first; null where no agent is. */
export function gridOf(niches: Niches): (Cell | null)[][] {
  const grid = niches.y_bins.map(() => niches.x_bins.map((): Cell | null => null));
  for (const cell of niches.cells) {
    const row = grid[niches.y_bins.length - 1 - cell.y];
    if (row && cell.x >= 0 && cell.x < row.length) row[cell.x] = cell;
  }
  return grid;
}

/** Where a score lies between the worst and the best of the grid, in five steps (0..4): the shade of its cell. */
export function shade(score: number, cells: readonly Cell[]): number {
  const scores = cells.map((cell) => cell.best.score);
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  return high > low ? Math.min(4, Math.floor((5 * (score - low)) / (high - low))) : 2;
}

/** How full the grid is, in one line. */
export function covered(niches: Niches): string {
  const all = niches.x_bins.length * niches.y_bins.length;
  const agents = niches.cells.reduce((sum, cell) => sum + cell.agents, 0);
  return `${niches.cells.length} of ${all} niches hold ${agents.toLocaleString("en-US")} ${agents === 1 ? "agent" : "agents"}.`;
}

const AXES: Record<string, string> = {
  behaviour_1: "behaviour, first axis",
  behaviour_2: "behaviour, second axis",
  tokens_per_item: "tokens per item",
  calls_per_item: "calls per item",
  source_lines: "lines of code",
};
export const axisName = (axis: string): string => AXES[axis] ?? axis.replaceAll("_", " ");
