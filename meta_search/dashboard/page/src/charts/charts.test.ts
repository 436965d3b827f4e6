import { expect, test } from "vitest";
import type { Mark, Step } from "../api";
import { bestAt, frontOf, nearest, roomy, stairs } from "./index";

const step = (calls: number, score: number | null): Step => ({ at: 0, calls, tokens: calls * 10, cost_usd: 0, elapsed_s: calls, agent: `a${calls}`, name: "", score, low: score === null ? null : score - 0.1, high: null, items: 5 });

test("stairs hold to the end of what was paid", () => {
  const corners = stairs([step(10, 0.5), step(20, null), step(30, 0.7)], "calls", 100);
  expect(corners.map((corner) => [corner.x, corner.score])).toEqual([[10, 0.5], [30, 0.7], [100, 0.7]]);
  expect(corners[0]).toMatchObject({ low: 0.4, high: 0.5 });
  expect(bestAt([step(10, 0.5), step(30, 0.7)], "tokens", 299)?.score).toBe(0.5);
  expect(bestAt([step(10, 0.5)], "calls", 5)).toBeUndefined();
});
test("the front runs by cost and leaves out what has no score", () => {
  const mark = (agent: string, cost: number, score: number | null, on_front: boolean) => ({ ...step(1, score), agent, tokens_per_item: cost, cost_usd_per_item: 0, fate: "seed", on_front }) as Mark;
  expect(frontOf([mark("b", 20, 0.9, true), mark("a", 10, 0.5, true), mark("c", 15, 0.4, false), mark("d", 1, null, true)], "tokens_per_item").map((one) => one.agent)).toEqual(["a", "b"]);
});
test("the nearest mark within reach", () => {
  const spots = [{ key: "a", x: 0, y: 0 }, { key: "b", x: 10, y: 0 }];
  expect(nearest(spots, 7, 0)?.key).toBe("b");
  expect(nearest(spots, 100, 0)).toBeUndefined();
});
test("a narrow range gets room, within 0 and 1", () => {
  const [low, high] = roomy(0.98, 1);
  expect(high).toBe(1);
  expect(low).toBeLessThan(0.92);
});
