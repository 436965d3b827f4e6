import cytoscape from "cytoscape";
import { describe, expect, it } from "vitest";
import { show } from "./changes";

const node = (id: string, label = id, x = 0) => ({ group: "nodes" as const, position: { x, y: 0 }, data: { id, label } });
const edge = (source: string, target: string) => ({ group: "edges" as const, data: { id: `${source}>${target}`, source, target } });
const many = Array.from({ length: 400 }, (_, index) => node(`n${index}`));

describe("show", () => {
  it("adds what is new, sets what changed, and removes what is gone", async () => {
    const graph = cytoscape({ headless: true });
    await show(graph, [node("a"), node("b"), edge("a", "b")], () => true);
    const kept = graph.getElementById("a");
    await show(graph, [node("a", "A", 7), node("c"), edge("a", "c")], () => true);
    expect(graph.elements().map((element) => element.id()).sort()).toEqual(["a", "a>c", "c"]);
    expect(kept.same(graph.getElementById("a"))).toBe(true);
    expect([kept.data("label"), kept.position().x]).toEqual(["A", 7]);
  });
  it("says so before many are drawn, and when none is left", async () => {
    const graph = cytoscape({ headless: true });
    const left: number[] = [];
    await show(graph, many, () => true, (count) => left.push(count));
    expect([graph.nodes().length, left]).toEqual([400, [400, 0]]);
  });
});
