import { describe, expect, it } from "vitest";
import type { AgentRow, Agents } from "../api";
import { PAGE, agentsPath, choiceOf, chooseRows, firstOrder, WITHOUT_FAILED, isHidingFailed, pagesFor, sortRows } from "./rows";

const row = (agent: string, more: Partial<AgentRow> = {}): AgentRow => ({
  agent, name: agent, fate: "not better", status: "evaluated", author: "llm", operator: "mutate", model: "m", generation: 1, created_at: 0, parents: [], score: 0.5, low: 0.3, high: 0.7, items: 10,
  validation: null, test: null, complete: true, tokens_per_item: 100, calls_per_item: 1, cost_usd_per_item: 0, seconds_per_item: 1, source_lines: 10, stopped: "", same_as: "", ...more,
});
const table = (rows: AgentRow[]): Agents => ({ total: rows.length, matching: rows.length, offset: 0, split: "train", rows, facets: { status: { evaluated: 2, failed: 1 }, author: {}, operator: {} } });
const ids = (rows: AgentRow[]) => rows.map((one) => one.agent).join(" ");

describe("sorting in the page", () => {
  const rows = [row("a", { score: null, validation: null }), row("b", { score: 0.2 }), row("c", { score: 0.9, validation: { score: 0.1, low: 0, high: 1, items: 3 } }), row("d", { score: 0.2 })];
  it("puts what has no value last in both orders and keeps equals in place", () => {
    expect(ids(sortRows(rows, "score", "desc"))).toBe("c b d a");
    expect(ids(sortRows(rows, "score", "asc"))).toBe("b d c a");
    expect(ids(sortRows(rows, "validation", "asc"))).toBe("c a b d");
  });
  it("by score puts an evaluation of all items before one of a few, whichever way", () => {
    const cut = [row("few", { score: 1, complete: false }), row("all", { score: 0.4 })];
    expect([ids(sortRows(cut, "score", "desc")), ids(sortRows(cut, "score", "asc"))]).toEqual(["all few", "all few"]);
  });
  it("sorts names as people count and leaves the given rows alone", () => {
    const named = [row("1", { name: "seed 10" }), row("2", { name: "Seed 9" })];
    expect(ids(sortRows(named, "name", "asc"))).toBe("2 1");
    expect(ids(named)).toBe("1 2");
  });
});

describe("choosing rows in the page", () => {
  const all = table([row("a", { name: "vote of five" }), row("b", { status: "failed", fate: "failed" }), row("c", { operator: "novel", name: "five steps" })]);
  it("needs every word in the name, or the beginning of an id", () => {
    const found = chooseRows(all, { ...choiceOf({}), q: "five STEPS" });
    expect([ids(found.rows), found.matching, found.total]).toEqual(["c", 1, 3]);
    expect(ids(chooseRows(all, choiceOf({ q: "b" })).rows)).toBe("b");
  });
  it("filters by status, author and operator together", () => {
    expect(ids(chooseRows(all, choiceOf({ status: "evaluated", operator: "mutate" })).rows)).toBe("a");
    expect(ids(chooseRows(all, choiceOf({ status: WITHOUT_FAILED.join(",") })).rows)).toBe("a c");
  });
  it("takes a regular expression as plain text", () => {
    expect(chooseRows(all, choiceOf({ q: "(.*" })).matching).toBe(0);
  });
});

describe("what is asked of the server", () => {
  it("leaves defaults out and asks the same for the same choice", () => {
    expect(agentsPath("r", choiceOf({}), 0)).toBe(`/api/run/r/agents?limit=${PAGE}`);
    expect(agentsPath("a/b", choiceOf({ sort: "name", q: " x&y ", status: "a,b" }), 400)).toBe(`/api/run/a/b/agents?sort=name&order=asc&q=x%26y&status=a%2Cb&offset=400&limit=${PAGE}`);
  });
  it("falls back where a link names no column", () => {
    expect(choiceOf({ sort: "__proto__", order: "up" })).toMatchObject({ sort: "score", order: "desc" });
  });
  it("starts costs low and scores high", () => {
    expect([firstOrder("cost_usd_per_item"), firstOrder("test"), firstOrder("name")]).toEqual(["asc", "desc", "asc"]);
  });
  it("asks for the pages that are on the screen only", () => {
    expect(pagesFor(0, 30, 100_000)).toEqual([0]);
    expect(pagesFor(390, 420, 100_000)).toEqual([200, 400]);
    expect(pagesFor(150, 420, 160)).toEqual([0]);
    expect(pagesFor(0, 10, 0)).toEqual([]);
  });
});

describe("hiding the failed", () => {
  it("chooses every other fate, and knows that it did", () => {
    expect(isHidingFailed(choiceOf({ status: WITHOUT_FAILED.join(",") }).status)).toBe(true);
    expect([[], ["better"], [...WITHOUT_FAILED, "failed"]].map(isHidingFailed)).toEqual([false, false, false]);
  });
});
