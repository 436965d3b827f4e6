// @vitest-environment node
import { expect, test } from "vitest";
import type { Matrix } from "../api";
import { dispute, kindsOf, look, moved, neighbour, rowsOf, said, sign, solved, type Cell } from "./matrix";

function matrix(cells: Cell[][], kinds: string[] = []): Matrix {
  return {
    split: "train",
    splits: ["train"],
    over: "",
    agents: (cells[0] ?? []).map((_, n) => ({ agent: `a${n}`, name: `agent ${n}`, score: 0.5 })),
    items: cells.map((_, n) => ({ item: `item-${n + 1}`, kind: kinds[n] ?? "", question: `What is ${n}?`, right: 0, ran: 0 })),
    cells,
  };
}
const all = { kinds: [], hideSolved: false, q: "", order: "worst" as const };

test("never run, wrong and a run without a score look and read differently", () => {
  expect([null, 0, "timeout", 1, 0.5].map(look)).toEqual(["never", "wrong", "failed", "right", "part"]);
  expect(new Set([null, 0, "timeout", 1, 0.5].map(sign)).size).toBe(5);
  expect(said("timeout")).toBe("no score: timeout");
  expect(said(null)).toBe("never run");
});

test("a score in part never reads as all or nothing", () => {
  expect(sign(0.998)).toBe("99");
  expect(sign(0.001)).toBe("1");
});

test("an item that nobody ran is not solved", () => {
  expect(solved([null, null])).toBe(false);
  expect(solved([1, null])).toBe(true);
  expect(solved([1, "timeout"])).toBe(false);
});

test("hiding the solved, kinds and words leave the rest in the server's order", () => {
  const some = matrix([[0, 0], [1, 1], [1, 0], [1, null]], ["algebra", "algebra", "logic", "logic"]);
  expect(rowsOf(some, all)).toEqual([0, 1, 2, 3]);
  expect(rowsOf(some, { ...all, hideSolved: true })).toEqual([0, 2]);
  expect(rowsOf(some, { ...all, kinds: ["logic"] })).toEqual([2, 3]);
  expect(rowsOf(some, { ...all, q: "ITEM-2" })).toEqual([1]);
  expect(rowsOf(some, { ...all, q: "is 3" })).toEqual([3]);
});

test("the most disputed item comes first, and names are ordered as numbers", () => {
  const some = matrix([[0, 0], [1, 1], [1, 0]]);
  expect(rowsOf(some, { ...all, order: "disputed" })[0]).toBe(2);
  expect(dispute([1, "timeout"])).toBeGreaterThan(dispute([1, 1]));
  const many = matrix(Array.from({ length: 11 }, () => [0]));
  expect(rowsOf(many, { ...all, order: "name" })).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("kinds come with their number of items, the largest first", () => {
  expect(kindsOf(matrix([[0], [0], [0]], ["b", "a", "a"]))).toEqual([
    { kind: "a", items: 2 },
    { kind: "b", items: 1 },
  ]);
});

test("keys stay inside the matrix", () => {
  const at = { row: 0, column: 0 };
  expect(moved("ArrowUp", at, 5, 5, 3, false)).toEqual(at);
  expect(moved("PageDown", at, 5, 5, 30, false)).toEqual({ row: 4, column: 0 });
  expect(moved("End", at, 5, 5, 3, true)).toEqual({ row: 4, column: 4 });
  expect(moved("x", at, 5, 5, 3, false)).toBeNull();
});

test("the next agent is the next that ran the item, also from one that did not", () => {
  const some = matrix([[1, null, 0, null, 1]]);
  expect(neighbour(some, 0, "a0", 1)).toBe("a2");
  expect(neighbour(some, 0, "a1", 1)).toBe("a2");
  expect(neighbour(some, 0, "a4", 1)).toBe("");
  expect(neighbour(some, 0, "a2", -1)).toBe("a0");
  expect(neighbour(some, 0, "stranger", 1)).toBe("a0");
  expect(neighbour(some, 0, "stranger", -1)).toBe("");
});
