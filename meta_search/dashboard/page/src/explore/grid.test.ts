import { expect, it } from "vitest";
import type { Niches } from "../api";
import { axisName, covered, gridOf, shade } from "./grid";
import { chosenColumns, usualColumns } from "./columns";

const cell = (x: number, y: number, score: number) => ({ x, y, agents: 2, best: { agent: `${x}${y}`, name: "", score, low: 0, high: 1 } });
const niches: Niches = { axes: [], x: "operator", y: "tokens_per_item", x_bins: ["novel", "mutate"], y_bins: ["low", "middle", "high"], cells: [cell(0, 0, 0.2), cell(1, 2, 0.9), cell(7, 9, 0.5)] };

it("puts the highest bin on top and drops cells outside", () => {
  const grid = gridOf(niches);
  expect(grid[0]?.[1]?.best.score).toBe(0.9);
  expect(grid[2]?.[0]?.best.score).toBe(0.2);
  expect(grid.flat().filter(Boolean)).toHaveLength(2);
});
it("shades between the worst and the best, and not where all are equal", () => {
  expect([shade(0.2, niches.cells), shade(0.9, niches.cells), shade(0.4, [cell(0, 0, 0.4)])]).toEqual([0, 4, 2]);
  expect(covered({ ...niches, cells: niches.cells.slice(0, 2) })).toBe("2 of 6 niches hold 4 agents.");
  expect(axisName("tokens_per_item")).toBe("tokens per item");
});
it("keeps a remembered choice of columns, but never hides the name", () => {
  expect(chosenColumns({ name: false, test: false, gone: true, score: "yes" }, false)).toEqual({ ...usualColumns(false), test: false });
  expect(chosenColumns(null, true)).toMatchObject({ name: true, score: true, author: false });
});
