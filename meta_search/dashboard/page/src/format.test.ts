import { expect, test } from "vitest";
import { ago, count, duration, intervalText, meters, percent, points, pValue, usd } from "./format";

test("a score says its uncertainty", () => {
  expect(intervalText({ score: 2 / 3, low: 0.3, high: 0.9 })).toBe("66.7 % [30, 90]");
  expect(intervalText({ score: null, low: null, high: null })).toBe("–");
  expect(intervalText({ score: 0, low: 0, high: 0.12 })).toBe("0.0 % [0, 12]");
});
test("numbers that are not known are a dash", () => {
  for (const text of [percent, usd, count, duration, points, pValue, ago]) expect(text(null)).toBe("–");
  expect(count(Number.NaN)).toBe("–");
});
test("money, durations and counts keep their sense at both ends", () => {
  expect([0, 0.00012, 0.5, 12.345].map(usd)).toEqual(["$0", "$0.00012", "$0.500", "$12.35"]);
  expect([0.25, 8, 250, 7500, 273600].map(duration)).toEqual(["0.25 s", "8 s", "4 min 10 s", "2 h 5 min", "3 d 4 h"]);
  expect([7, 9999, 12_300, 4_500_000].map(count)).toEqual(["7", "9,999", "12.3 k", "4.5 M"]);
  expect(points(-0.031)).toBe("-3.1");
  expect(pValue(0.0000001)).toBe("< 0.001");
});
test("a meter for each limit that is set", () => {
  const spent = { calls: 50, tokens: 10, cost_usd: 1 };
  expect(meters(spent, { calls: 100, tokens: null, usd: 2, wall_s: null }, 5)).toMatchObject([
    { name: "calls", share: 0.5, text: "50 of 100" },
    { name: "money", share: 0.5, text: "$1.00 of $2.00" },
  ]);
});
