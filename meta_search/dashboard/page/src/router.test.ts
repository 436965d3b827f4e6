// @vitest-environment jsdom
import { beforeEach, describe, expect, test } from "vitest";
import { current, go, href, parse, patched } from "./router";

describe("links", () => {
  test("a run's id keeps its slashes and odd letters", () => {
    const link = patched(parse("#/"), { run: "a/b c?&#é", view: "items", item: "7", agent: "x/y" });
    expect(parse(link)).toMatchObject({ run: "a/b c?&#é", view: "items", query: { item: "7", agent: "x/y" } });
  });
  test("the folder itself is a run named by a dot", () => {
    expect(parse(patched(parse("#/"), { run: "." }))).toMatchObject({ run: ".", view: "overview" });
  });
  test("the same view keeps its query, another one begins anew", () => {
    const from = parse("#/run/r/items?agent=a&split=train");
    expect(patched(from, { item: "3" })).toBe("#/run/r/items?agent=a&split=train&item=3");
    expect(patched(from, { agent: null })).toBe("#/run/r/items?split=train");
    expect(patched(from, { view: "agent", agent: "b" })).toBe("#/run/r/agent?agent=b");
    expect(patched(from, { view: "runs" })).toBe("#/");
  });
  test("compare has several runs", () => {
    const link = patched(parse("#/?q=x"), { view: "compare", runs: ["a", "b/c"] });
    expect(parse(link).all.getAll("run")).toEqual(["a", "b/c"]);
    expect(parse(link).run).toBe("");
  });
  test("a cut link is shown, not thrown", () => {
    expect(parse("#/run/%E0%A4%A/agents").run).toBe("%E0%A4%A");
  });
});

describe("going", () => {
  beforeEach(() => {
    window.location.hash = "#/run/r/agents";
  });
  test("typing replaces, opening adds a step", () => {
    const before = window.history.length;
    go({ q: "abc" }, { replace: true });
    expect(window.history.length).toBe(before);
    expect(current().query.q).toBe("abc");
    go({ view: "agent", agent: "x" });
    expect(window.history.length).toBe(before + 1);
    expect(href({ vs: "y" })).toBe("#/run/r/agent?agent=x&vs=y");
  });
});
