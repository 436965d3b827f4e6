// @vitest-environment jsdom
import { act, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { refresh } from "../data";
import { useEvents, type Journal } from "./useEvents";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
let root: Root;
let last: number; // the journal on the other side of the network: events 1 … last, every tenth of kind "race"
const kind = (seq: number) => (seq % 10 ? "item" : "race");

function answer(path: string) {
  const query = new URL(path, "http://x").searchParams;
  const before = Number(query.get("before") ?? 0) || last + 1;
  const rows = [];
  for (let seq = before - 1; seq > 0 && rows.length < Number(query.get("limit")); seq--) {
    if (!query.get("kind") || kind(seq) === query.get("kind")) rows.push({ seq, at: seq, kind: kind(seq), text: "", agent: "", data: {} });
  }
  return { total: last, kinds: {}, rows, searched_from: 1 };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("fetch", (path: string) => Promise.resolve(new Response(JSON.stringify(answer(path)))));
  root = createRoot(document.body.appendChild(document.createElement("div")));
});
afterEach(() => {
  act(() => root.unmount());
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

let journal: Journal;
let choose: (kind: string) => void;
function Look({ run }: { run: string }) {
  const [of, setOf] = useState("");
  choose = setOf;
  journal = useEvents(run, of, "");
  return null;
}
const look = (run: string) => act(async () => root.render(<Look run={run} />));
const wait = (ms: number) => act(async () => void (await vi.advanceTimersByTimeAsync(ms)));
const seqs = () => journal.rows.map((row) => row.seq);

test("older pages are read until the first event, and stay while the journal grows", async () => {
  last = 1200;
  await look("a");
  expect(seqs().length).toBe(500);
  while (journal.more) await act(async () => journal.more?.());
  expect(seqs()).toEqual(Array.from({ length: 1200 }, (_, n) => 1200 - n));
  last = 1203;
  refresh();
  await wait(3000);
  expect(seqs()).toEqual(Array.from({ length: 1203 }, (_, n) => 1203 - n));
  expect(journal.more).toBeNull();
});

test("another kind never shows the rows of the one before", async () => {
  last = 300;
  await look("b");
  await act(async () => choose("race"));
  await wait(1000);
  expect(seqs()).toEqual(Array.from({ length: 30 }, (_, n) => 300 - 10 * n));
  await act(async () => choose(""));
  await wait(1000);
  expect(seqs().length).toBe(300);
});

test("a journal that grew by more than an answer holds is read anew", async () => {
  last = 600;
  await look("c");
  last = 5000;
  refresh();
  await wait(3000);
  expect(seqs()).toEqual(Array.from({ length: 500 }, (_, n) => 5000 - n));
  expect(journal.more).not.toBeNull();
});
