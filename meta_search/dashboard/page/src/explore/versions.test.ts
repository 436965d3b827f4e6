import { describe, expect, it } from "vitest";
import type { AgentPage, Lineage, Versus } from "../api";
import { anchors, changedValues, chosenVersion, diffLine, versions } from "./versions";
import { itemsShown, sentence } from "./versus";

const page = { row: { agent: "me" }, parents: [{ agent: "p", name: "parent" }, { agent: "s", name: "seed" }] } as unknown as AgentPage;

describe("what a diff is taken against", () => {
  it("offers parents, the best and seeds, each once, never the agent itself", () => {
    const list = versions(page, { agent: "me", name: "me", why: "best" }, [{ agent: "s", name: "seed", why: "seed" }, { agent: "t", name: "other seed", why: "seed" }]);
    expect(list.map((version) => `${version.agent} ${version.why}`)).toEqual(["p parent", "s parent", "t seed"]);
  });
  it("takes the link's agent, but not the agent itself; else the first", () => {
    const list = versions(page, null, []);
    expect(chosenVersion(list, "x", "me")).toBe("x");
    expect(chosenVersion(list, "me", "me")).toBe("p");
    expect(chosenVersion([], undefined, "me")).toBeNull();
  });
  it("finds the best at the end of the path, and the seeds", () => {
    const nodes = [["s", 0, "seed", true], ["a", 1, "better", true], ["b", 1, "not better", false], ["c", 2, "better", true]].map(([agent, generation, fate, on_path]) => ({ agent, name: agent, generation, fate, on_path, operator: "", score: null, low: null, high: null })) as Lineage["nodes"];
    expect(anchors({ nodes, edges: [], left_out: 0 })).toMatchObject({ best: { agent: "c" }, seeds: [{ agent: "s" }] });
    expect(anchors(undefined)).toEqual({ best: null, seeds: [] });
  });
});

describe("what a diff says in words", () => {
  it("counts lines and places", () => {
    expect(diffLine("a\nb\n", "a\nb\n", [])).toBe("The code is the same, line by line.");
    expect(diffLine("a\nb\nc\n", "a\nX\nY\nc\n", [{ fromA: 2, toA: 4, fromB: 2, toB: 6 }])).toBe("2 lines added, 1 line removed, in 1 place.");
  });
  it("compares tuned values by name, also names that objects have of themselves", () => {
    expect(changedValues({ n: "3", k: "1" }, { n: "5", k: "1", constructor: "x" })).toEqual([{ name: "constructor", before: null, after: "x" }, { name: "n", before: "3", after: "5" }]);
  });
});

describe("item by item", () => {
  const item = (name: string, outcome: Versus["items"][number]["outcome"], question = "") => ({ item: name, kind: "sum", question, ours: 1, theirs: 0, outcome });
  const versus: Versus = { split: "train", agent: "me", vs: "p", won: 2, lost: 1, tied: 0, p: 0.6, points: 0.3, low: -0.2, high: 0.8, items: [item("i1", "won", "two and two"), item("i2", "lost"), item("i3", "won")] };
  it("filters by words and by outcome", () => {
    expect(itemsShown(versus.items, "", "won").map((one) => one.item)).toEqual(["i1", "i3"]);
    expect(itemsShown(versus.items, "TWO sum", "").map((one) => one.item)).toEqual(["i1"]);
  });
  it("calls nothing better that may be chance", () => {
    expect(sentence(versus, "me", "parent")).toContain("no difference is shown");
    expect(sentence({ ...versus, p: 0.01 }, "me", "parent")).toContain("me is better on them than chance would explain. These items were used to choose agents");
    expect(sentence({ ...versus, p: 0.01, won: 0, split: "test" }, "me", "parent")).toMatch(/parent is better.*explain\.$/);
    expect(sentence({ ...versus, won: 0, lost: 0, tied: 0, p: null }, "me", "parent")).toContain("No item");
  });
});
