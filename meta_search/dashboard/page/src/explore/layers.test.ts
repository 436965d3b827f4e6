import { describe, expect, it } from "vitest";
import type { Lineage } from "../api";
import { drawable, fewer, layers, treeRows } from "./layers";
import { ranks } from "./ranks";

const node = (agent: string, generation: number, on_path = false, score: number | null = 0.5): Lineage["nodes"][number] => ({ agent, name: agent, generation, fate: "not better", operator: "mutate", score, low: null, high: null, on_path });
const edge = (parent: string, child: string) => ({ parent, child, kind: "parent" });
const lineage = (nodes: Lineage["nodes"], edges: Lineage["edges"]): Lineage => ({ nodes, edges, left_out: 0 });

describe("layers", () => {
  it("gives each generation a column, the path to the best a straight line, and no two nodes one place", () => {
    const nodes = [node("s1", 0), node("s2", 0, true), node("a", 1), node("b", 1, true), node("c", 1), node("d", 3, true)];
    const places = layers(nodes, [edge("s1", "a"), edge("s2", "b"), edge("s2", "c"), edge("b", "d")]);
    expect(new Set(["s2", "b", "d"].map((id) => places.get(id)?.y))).toEqual(new Set([0]));
    expect(places.get("a")?.x).toBe(places.get("b")?.x);
    expect(places.get("d")!.x).toBeGreaterThan(places.get("b")!.x);
    expect(new Set([...places.values()].map((place) => `${place.x} ${place.y}`)).size).toBe(nodes.length);
  });
  it("puts children near their parents: no edge crosses where none has to", () => {
    const nodes = [node("p", 0), node("q", 0), node("of q", 1), node("of p", 1)];
    const places = layers(nodes, [edge("p", "of p"), edge("q", "of q")]);
    expect(Math.sign(places.get("p")!.y - places.get("q")!.y)).toBe(Math.sign(places.get("of p")!.y - places.get("of q")!.y));
  });
  it("lays out a thousand agents at once", () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => node(`n${index}`, Math.floor(index / 100), index % 100 === 0));
    const edges = nodes.slice(100).flatMap((one, index) => [edge(`n${index}`, one.agent), edge(`n${(index * 7) % 1000}`, one.agent)]);
    const begun = performance.now();
    expect(layers(nodes, edges).size).toBe(1000);
    expect(performance.now() - begun).toBeLessThan(1500);
  });
});

describe("the lineage as a list", () => {
  it("shows each agent once, the path first, and names its other parents", () => {
    const rows = treeRows(lineage([node("s1", 0), node("s2", 0, true), node("a", 1, true), node("b", 1)], [edge("s1", "a"), edge("s2", "a"), edge("s2", "b")]));
    expect(rows.map((row) => `${row.depth}${row.node.agent}`)).toEqual(["0s2", "1a", "1b", "0s1"]);
    expect(rows[1]?.others.map((other) => other.agent)).toEqual(["s1"]);
  });
  it("shows agents of a circle, of a parent that was left out, and of themselves", () => {
    const broken = lineage([node("a", 1), node("b", 1), node("c", 2), node("d", 3)], [edge("a", "b"), edge("b", "a"), edge("gone", "c"), edge("d", "d")]);
    expect(treeRows(broken).map((row) => row.node.agent).sort()).toEqual(["a", "b", "c", "d"]);
    expect(drawable(broken)).toHaveLength(2);
  });
});

describe("ranks of a team", () => {
  it("runs from left to right and lets a circle be", () => {
    const places = ranks(["plan", "solve", "check"], [{ from: "plan", to: "solve" }, { from: "solve", to: "check" }, { from: "check", to: "solve" }, { from: "plan", to: "nobody" }]);
    expect(places.get("plan")!.x).toBeLessThan(places.get("solve")!.x);
    expect(places.get("solve")!.x).toBeLessThan(places.get("check")!.x);
  });
});

describe("fewer", () => {
  const nodes = [node("seed", 0, true), node("other", 0, false, 0.1), node("a", 1, false, 0.2), node("best", 2, true, 0.9), node("good", 2, false, 0.8)];
  const whole = lineage(nodes, [edge("seed", "best"), edge("a", "good"), edge("other", "a")]);
  it("keeps the path to the best, and the best of the others with what led to them", () => {
    expect(fewer(whole, 5)).toBe(whole);
    expect(fewer(whole, 2).nodes.map((one) => one.agent)).toEqual(["seed", "best"]);
    expect(fewer(lineage([...nodes, node("low", 1, false, 0)], whole.edges), 5).nodes.map((one) => one.agent)).toEqual(["seed", "other", "a", "best", "good"]);
  });
});
