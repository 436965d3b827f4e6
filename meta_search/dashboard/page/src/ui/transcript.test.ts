// @vitest-environment node
import { expect, test } from "vitest";
import type { Call } from "../api";
import { asText, mentions, openAtFirst, opening, pieces, pretty, readBy, sentBefore, totals } from "./transcript";

function call(index: number, more: Partial<Call> = {}): Call {
  return {
    index, component: `step ${index}`, role: "task", model: "m", messages: [], reply: "", reasoning: "",
    tool_calls: [], fields: [], inputs: [], final: false, prompt_tokens: 10, completion_tokens: 5, cost_usd: 0.01,
    latency_s: 1, attempts: 1, fault: "", purpose: "task", left_out: "", ...more,
  };
}
const says = (role: string, text: string) => ({ role, text, calls: [] });

test("a conversation's history is told apart from what is new, up to the reply before", () => {
  const first = [says("system", "be brief"), says("user", "2+2?")];
  const calls = [
    call(0, { messages: first, reply: "4" }),
    call(1, { messages: [...first, says("assistant", "4"), says("user", "sure?")] }),
    call(2, { messages: [says("system", "be brief"), says("user", "other")] }),
  ];
  const sent = sentBefore(calls);
  expect(sent[1]).toEqual({ call: 0, messages: 3, reply: true });
  expect(sent[2]!.messages).toBe(0);
});

test("a call that sends the very same messages again is shown whole", () => {
  const same = [says("system", "s"), says("user", "u")];
  expect(sentBefore([call(0, { messages: same }), call(1, { messages: same })])[1]!.messages).toBe(0);
});

test("links go both ways", () => {
  const readers = readBy([call(0), call(1, { inputs: [0] }), call(2, { inputs: [0, 1] })]);
  expect(readers.get(0)).toEqual([1, 2]);
  expect(readers.get(2)).toBeUndefined();
});

test("an unknown latency is left out of the sum, and is unknown where all are", () => {
  expect(totals([call(0, { latency_s: null }), call(1, { latency_s: 2 })]).latency_s).toBe(2);
  expect(totals([call(0, { latency_s: null })]).latency_s).toBeNull();
});

test("what is looked for is found as text, whatever its case or signs", () => {
  expect(pieces("a.B a.b", "A.b")).toEqual([
    { text: "a.B", found: true },
    { text: " ", found: false },
    { text: "a.b", found: true },
  ]);
  expect(pieces("one two", ["two", "", "one"]).filter((piece) => piece.found).length).toBe(2);
  expect(pieces("axb", "a.b").some((piece) => piece.found)).toBe(false);
  expect(mentions(call(0, { tool_calls: [{ name: "python", arguments: "", result: "Zero" }] }), "zERO")).toBe(true);
  expect(mentions(call(0), "")).toBe(false);
});

test("JSON is indented, other text is left alone", () => {
  expect(pretty('{"a":1}')).toBe('{\n  "a": 1\n}');
  expect(pretty("{not json")).toBe("{not json");
  expect(pretty("12")).toBe("12");
});

test("long texts are folded at a line's end, short ones are not", () => {
  expect(opening("short")).toBeNull();
  const lines = Array.from({ length: 100 }, (_, n) => `line ${n}`).join("\n");
  expect(opening(lines)!.endsWith("line 23")).toBe(true);
  expect(opening("x".repeat(10_000))!.length).toBe(1500);
  const pair = "x".repeat(1499) + "😀" + "y".repeat(5000);
  expect(opening(pair)).toBe("x".repeat(1499));
});

test("a long transcript opens at its first and final call", () => {
  const calls = Array.from({ length: 50 }, (_, n) => call(n, { final: n === 30 }));
  expect([...openAtFirst(calls)].sort((a, b) => a - b)).toEqual([0, 30, 49]);
  expect(openAtFirst(calls.slice(0, 3)).size).toBe(3);
});

test("the copied text holds every part", () => {
  const text = asText([
    call(3, {
      inputs: [1], messages: [says("user", "question")], reasoning: "hmm", reply: "answer",
      tool_calls: [{ name: "python", arguments: "1+1", result: "2" }], fault: "timeout",
    }),
  ]);
  for (const part of ["call 3", "reads call 1", "question", "hmm", "answer", "python(1+1)", "2", "timeout"]) {
    expect(text).toContain(part);
  }
});
