// @vitest-environment jsdom
import { act, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { api, ask, post, refresh, useView, type View } from "./data";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
let root: Root;
let answers: Map<string, () => Promise<Response> | Response>;
const seen: string[] = [];
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

beforeEach(() => {
  vi.useFakeTimers();
  answers = new Map();
  seen.length = 0;
  // The border to the network; everything behind it is the real page.
  vi.stubGlobal("fetch", (path: string) => {
    seen.push(path);
    return Promise.resolve(answers.get(path)?.() ?? json({ error: "no such run" }, 404));
  });
  root = createRoot(document.body.appendChild(document.createElement("div")));
});
afterEach(() => {
  act(() => root.unmount());
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

let turn: (path: string | null) => void;
function Look({ first, keep, said }: { first: string; keep?: boolean; said: (view: View<{ n: number }>) => void }) {
  const [path, setPath] = useState<string | null>(first);
  turn = setPath;
  said(useView<{ n: number }>(path, { keep }));
  return null;
}
async function look(first: string, keep = false) {
  const views: View<{ n: number }>[] = [];
  await act(async () => root.render(<Look first={first} keep={keep} said={(view) => views.push(view)} />));
  return views;
}
const wait = (ms: number) => act(async () => void (await vi.advanceTimersByTimeAsync(ms)));

test("an answer, then a newer one when the run grew; the old one stays meanwhile", async () => {
  let n = 1;
  answers.set("/p1", () => json({ n }));
  const views = await look("/p1");
  expect(views.at(-1)).toMatchObject({ data: { n: 1 }, slow: false });
  n = 2;
  refresh();
  expect(views.at(-1)?.data).toEqual({ n: 1 });
  await wait(3000);
  expect(views.at(-1)?.data).toEqual({ n: 2 });
  expect(seen).toEqual(["/p1", "/p1"]);
});

test("after 300 ms it says that it is slow, and no more once it is there", async () => {
  answers.set("/p2", () => new Promise((done) => setTimeout(() => done(json({ n: 3 })), 900)));
  const views = await look("/p2");
  expect(views.at(-1)?.slow).toBe(false);
  await wait(400);
  expect(views.at(-1)).toMatchObject({ slow: true, data: undefined });
  await wait(900);
  expect(views.at(-1)).toMatchObject({ slow: false, data: { n: 3 } });
});

test("an error is one line, and is asked anew", async () => {
  const views = await look("/p3");
  expect(views.at(-1)?.error).toBe("no such run");
  answers.set("/p3", () => json({ n: 4 }));
  await act(async () => views.at(-1)?.reload());
  expect(views.at(-1)).toMatchObject({ data: { n: 4 }, error: undefined });
});

test("another path: nothing of the one before, unless it is kept", async () => {
  answers.set("/p4", () => json({ n: 4 }));
  answers.set("/p5", () => new Promise((done) => setTimeout(() => done(json({ n: 5 })), 50)));
  let views = await look("/p4");
  await act(async () => turn("/p5"));
  expect(views.at(-1)?.data).toBeUndefined();
  act(() => root.unmount());
  root = createRoot(document.body);
  answers.set("/p6", () => new Promise((done) => setTimeout(() => done(json({ n: 6 })), 50)));
  views = await look("/p4", true);
  await act(async () => turn("/p6"));
  expect(views.at(-1)?.data).toEqual({ n: 4 });
  await wait(100);
  expect(views.at(-1)?.data).toEqual({ n: 6 });
});

test("paths carry ids as they are; errors of the server come through", async () => {
  expect(api("a/b c", "items", { split: "train", agents: ["x", "y"], q: "", none: null })).toBe("/api/run/a/b%20c/items?split=train&agents=x%2Cy");
  await expect(ask("/nowhere")).rejects.toThrow("no such run");
  answers.set("/steer", () => json({ error: "the run is done" }, 400));
  await expect(post("/steer", { command: "pause" })).rejects.toThrow("the run is done");
});
