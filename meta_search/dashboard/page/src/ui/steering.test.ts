// @vitest-environment node
import { expect, test } from "vitest";
import { agentName, fault, inWords, parsed } from "./steering";

test("numbers are read as people type them", () => {
  expect(["5", "2.5", "20,000", "20 000", "$3", "1e6", "1,000,000"].map(parsed)).toEqual([
    5, 2.5, 20_000, 20_000, 3, 1_000_000, 1_000_000,
  ]);
  expect(parsed("")).toBeNaN();
  expect(parsed("five")).toBeNaN();
  expect(parsed("1,5")).toBeNaN();
});

test("what cannot be sent is said in one line", () => {
  expect(fault({ command: "pause" })).toBe("");
  expect(fault({ command: "limit", limit: "budget.usd", value: 5 })).toBe("");
  expect(fault({ command: "limit", limit: "budget.calls", value: 1.5 })).toContain("whole");
  expect(fault({ command: "limit", limit: "budget.usd", value: NaN })).toContain("number");
  expect(fault({ command: "limit", limit: "llm.key", value: 1 })).toContain("limit");
  expect(fault({ command: "note", text: "  " })).not.toBe("");
  expect(fault({ command: "note", text: "x".repeat(3000) })).toContain("3000");
  expect(fault({ command: "add", source: "" })).not.toBe("");
  expect(fault({ command: "drop" })).not.toBe("");
});

test("a request is told in words", () => {
  expect(inWords({ command: "limit", limit: "budget.usd", value: 5 })).toBe("Limit budget.usd = 5");
  expect(inWords({ command: "focus", agent: "abc" }, "debate")).toBe("Focus on debate");
  expect(agentName("C:\\agents\\my_agent.py")).toBe("my_agent");
});
