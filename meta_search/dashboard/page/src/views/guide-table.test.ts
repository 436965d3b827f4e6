// @vitest-environment node
import { expect, test } from "vitest";
import { clicked, shown, sorted } from "./guide-table";

test("what is not known comes last, whichever way it is sorted", () => {
  const rows = [[2], [null], [10], [1]];
  expect(sorted(rows, { column: 0, descending: true })).toEqual([[10], [2], [1], [null]]);
  expect(sorted(rows, { column: 0, descending: false })).toEqual([[1], [2], [10], [null]]);
});

test("numbers in words are compared as numbers, and equal rows stay in the study's order", () => {
  const rows = [
    ["brief 10", 1],
    ["brief 9", 2],
    ["brief 9", 3],
  ];
  expect(sorted(rows, { column: 0, descending: false })).toEqual([
    ["brief 9", 2],
    ["brief 9", 3],
    ["brief 10", 1],
  ]);
});

test("a third click on a header gives the study's own order back", () => {
  const once = clicked(null, 1);
  const twice = clicked(once, 1);
  expect(once).toEqual({ column: 1, descending: true });
  expect(twice).toEqual({ column: 1, descending: false });
  expect(clicked(twice, 1)).toBeNull();
  expect(clicked(twice, 0)).toEqual({ column: 0, descending: true });
});

test("numbers are short and the unknown is a dash", () => {
  expect(shown(null)).toBe("–");
  expect(shown(0.123456)).toBe("0.1235");
  expect(shown(0.00001234)).toBe("0.0000123");
  expect(shown(12)).toBe("12");
  expect(shown("bootstrap")).toBe("bootstrap");
});
