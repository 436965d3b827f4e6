import { expect, test } from "vitest";
import type { RunRow } from "../api";
import { sorted } from "../ui";
import { bandsSay } from "./compare";
import { matches, nearestLimit } from "./runs";
import { busy } from "./overview/Workers";

const row = (id: string, more: Partial<RunRow> = {}): RunRow => ({
  id, name: id, kind: "search", domain: "mgsm", task_models: ["small-model"], meta_models: ["big-model"], state: "searching", state_text: "searching", attention: [],
  started_at: 1, heartbeat_at: 2, elapsed_s: 60, agents: 3, best: null, spent: { calls: 90, tokens: 10, cost_usd: 0.5 }, limits: { calls: 100, tokens: null, usd: 10, wall_s: null }, verdict: null, fork_of: null, ...more,
});

test("search finds every word anywhere in the row", () => {
  expect(matches(row("night"), "BIG night")).toBe(true);
  expect(matches(row("night"), "night day")).toBe(false);
  expect(matches(row("x", { attention: ["killed without a report"] }), "killed")).toBe(true);
});
test("the limit that ends the run first", () => {
  expect(nearestLimit(row("a"))).toMatchObject({ name: "calls", share: 0.9 });
  expect(nearestLimit(row("a", { limits: { calls: null, tokens: null, usd: null, wall_s: null } }))).toBeUndefined();
});
test("what is not known sorts last both ways", () => {
  const columns = [{ id: "n", head: "n", cell: () => null, sort: (one: { n: number | null }) => one.n }];
  const rows = [{ n: 2 }, { n: null }, { n: 1 }];
  expect(sorted(rows, columns, { id: "n", desc: false }).map((one) => one.n)).toEqual([1, 2, null]);
  expect(sorted(rows, columns, { id: "n", desc: true }).map((one) => one.n)).toEqual([2, 1, null]);
});
test("two runs are compared where both have been", () => {
  const step = (calls: number, score: number) => ({ at: 0, calls, tokens: 0, cost_usd: 0, elapsed_s: 0, agent: "a", name: "a", score, low: score - 0.1, high: score + 0.1, items: 10 });
  const said = bandsSay([
    { run: row("one", { spent: { calls: 50, tokens: 0, cost_usd: 0 } }), steps: [step(10, 0.5)], test: null },
    { run: row("two", { spent: { calls: 500, tokens: 0, cost_usd: 0 } }), steps: [step(20, 0.4), step(400, 0.9)], test: null },
  ], "calls");
  expect(said).toContain("At 50 calls");
  expect(said).toContain("two 40.0 % [30, 50]");
});
test("how busy the lanes were", () => {
  const span = (from_s: number, to_s: number) => ({ from_s, to_s, kind: "task", agent: "a", item: "1" });
  expect(busy({ from_at: 0, to_at: 0, left_out: 0, lanes: [{ name: "1", spans: [span(0, 5), span(5, 10)] }, { name: "2", spans: [span(0, 5)] }] }).map((one) => one.share)).toEqual([1, 0.5]);
});
