// @vitest-environment node
import { expect, test } from "vitest";
import { filtered, itemOf, merged, nextPage, ordered, steeredBy, steeringCommand, steeringId, toggled, withoutWho, type Row } from "./logbook";

const row = (seq: number, kind: string, text = "", data: unknown = {}): Row => ({ seq, at: seq, kind, text, agent: "", data });

test("steering says who and when, other events nobody", () => {
  expect(steeredBy(row(1, "steer", "", { who: "ann", at: 5, command: "pause" }))).toEqual({ who: "ann", at: 5 });
  expect(steeredBy(row(1, "ask", "", { who: "ann" }))).toBeNull();
  expect(steeredBy(row(1, "steer", "", null))).toEqual({ who: "somebody", at: null });
  expect(steeringId(row(1, "steer", "", { id: "x" }))).toBe("x");
  expect(steeringCommand(row(1, "steer", "", { command: "pause" }))).toBe("pause");
});

test("rows are filtered by kinds and words", () => {
  const rows = [row(1, "ask", "Brief 1"), row(2, "race", "stopped"), row(3, "steer", "paused")];
  expect(filtered(rows, "ask,race", "").map((r) => r.seq)).toEqual([1, 2]);
  expect(filtered(rows, "", "STOP").map((r) => r.seq)).toEqual([2]);
  expect(filtered(rows, "", "").length).toBe(3);
});

test("rows are in the journal's order or the newest first", () => {
  const rows = [row(2, "a"), row(1, "a"), row(3, "a")];
  expect(ordered(rows, true).map((r) => r.seq)).toEqual([3, 2, 1]);
  expect(ordered(rows, false).map((r) => r.seq)).toEqual([1, 2, 3]);
});

test("kinds are chosen and let go one by one", () => {
  expect(toggled("", "race")).toBe("race");
  expect(toggled("race", "ask")).toBe("ask,race");
  expect(toggled("ask,race", "race")).toBe("ask");
});

test("pages come together, newest first, each event once", () => {
  const known = [row(5, "a"), row(4, "a")];
  expect(merged(known, [row(6, "a"), row(5, "a")], true).map((r) => r.seq)).toEqual([6, 5, 4]);
  expect(merged(known, [row(3, "a")], false).map((r) => r.seq)).toEqual([5, 4, 3]);
});

test("where something may be missing between, what was known is let go", () => {
  expect(merged([row(5, "a")], [row(600, "a")], true).map((r) => r.seq)).toEqual([600]);
  expect(merged([], [row(600, "a")], true).map((r) => r.seq)).toEqual([600]);
});

test("the next page ends before the oldest row, or where the search in the journal stopped", () => {
  const of = (rows: Row[], more = {}) => ({ total: 9, kinds: {}, rows, ...more });
  expect(nextPage(of([row(9, "a"), row(8, "a")]), 2)).toBe(8);
  expect(nextPage(of([row(9, "a")], { searched_from: 5 }), 2)).toBe(5);
  expect(nextPage(of([row(9, "a")], { searched_from: 1 }), 2)).toBe(0);
  expect(nextPage(of([row(2, "a"), row(1, "a")]), 2)).toBe(0);
});

test("a name that stands beside an event is not said twice", () => {
  expect(withoutWho(row(1, "steer", "ann: pause", { who: "ann" }))).toBe("pause");
  expect(withoutWho(row(1, "ask", "ann: pause", { who: "ann" }))).toBe("ann: pause");
});

test("an event of an item leads to it", () => {
  expect(itemOf({ ...row(1, "delivery", "", { item: "q-1", split: "train" }), agent: "a" })).toEqual({ item: "q-1", split: "train", agent: "a" });
  expect(itemOf(row(1, "delivery", "", { split: "train" }))).toBeNull();
  expect(itemOf(row(1, "decision", "", { what: "items", value: 6 }))).toBeNull();
});
