import { deflateSync } from "node:zlib";
import { expect, test } from "vitest";
import { inflate, lookUp, runInside } from "./inside";

const pack = (contents: unknown) => deflateSync(Buffer.from(JSON.stringify(contents))).toString("base64");

test("the run inside report.html, by the paths of the API", async () => {
  const hostile = "</script><script>alert(1)</script>";
  const contents = await inflate(pack({
    "/api/run/a/b%20c/overview": { notes: [hostile] },
    "/api/run/a/b%20c/items?split=train": { split: "train" },
    "/api/run/a/b%20c/item/1?split=train&agent=x": { answer: "42" },
    "/api/run/a/b%20c/agents": { rows: [1, 2] },
    "/api/run/a/b%20c/niches": { x: "behaviour_1", y: "operator" },
  }));
  expect(runInside(contents)).toBe("a/b c");
  expect(lookUp(contents, "/api/run/a/b%20c/overview")).toEqual({ notes: [hostile] });
  expect(lookUp(contents, "/api/run/a/b%20c/item/1?agent=x&split=train")).toEqual({ answer: "42" });
  expect(lookUp(contents, "/api/run/a/b%20c/item/1?agent=y&split=train")).toBeUndefined();
  expect(lookUp(contents, "/api/run/a/b%20c/agents?sort=score&limit=200")).toEqual({ rows: [1, 2] });
  expect(lookUp(contents, "/api/run/a/b%20c/niches?x=behaviour_1&y=operator")).toBeDefined();
  expect(lookUp(contents, "/api/run/a/b%20c/niches?x=author&y=operator")).toBeUndefined();
});
