// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Call } from "../api";
import { Transcript } from "./Transcript";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
let root: Root;
let box: HTMLElement;

beforeEach(() => {
  Element.prototype.scrollIntoView = () => undefined; // jsdom lays nothing out
  box = document.body.appendChild(document.createElement("div"));
  root = createRoot(box);
});
afterEach(() => {
  act(() => root.unmount());
  box.remove();
});

function call(index: number, more: Partial<Call> = {}): Call {
  return {
    index, component: `step ${index}`, role: "solver", model: "m", messages: [{ role: "user", text: `question ${index}`, calls: [] }],
    reply: `reply ${index}`, reasoning: "", tool_calls: [], fields: [], inputs: [], final: false, prompt_tokens: 10,
    completion_tokens: 5, cost_usd: 0, latency_s: null, attempts: 1, fault: "", purpose: "task", left_out: "", ...more,
  };
}
const show = (calls: Call[]) => act(async () => root.render(<Transcript calls={calls} />));
const heads = () => [...box.querySelectorAll<HTMLElement>(".call-head")];
const isOpen = () => heads().map((head) => head.getAttribute("aria-expanded") === "true");
async function find(text: string) {
  const field = box.querySelector<HTMLInputElement>("input[type=search]")!;
  await act(async () => {
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")!.set!.call(field, text);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

test("what models and agents wrote is text, whatever it looks like", async () => {
  const evil = `<img src=x onerror="alert(1)"><script>alert(1)</script>`;
  await show([call(0, { component: evil, reply: evil, fault: evil, tool_calls: [{ name: evil, arguments: evil, result: evil }] })]);
  expect(box.querySelectorAll("img, script").length).toBe(0);
  expect(box.textContent!.split(evil).length).toBeGreaterThan(5);
});

test("what is looked for opens the calls and folds that hold it, and is marked", async () => {
  const long = `${"line\n".repeat(100)}a needle at its end`;
  await show(Array.from({ length: 20 }, (_, n) => call(n, n === 9 ? { reasoning: long } : {})));
  expect(isOpen()[9]).toBe(false);
  await find("NEEDLE");
  expect(isOpen()[9]).toBe(true);
  expect([...box.querySelectorAll("mark")].map((mark) => mark.textContent)).toEqual(["needle"]);
  expect(box.querySelector(".transcript-found")!.textContent).toBe("1 of 1");
  await find("nowhere");
  expect(box.querySelector(".transcript-found")!.textContent).toBe("not found");
});

test("a link opens the call that it leads to; one to a call that is not there is no link", async () => {
  await show(Array.from({ length: 20 }, (_, n) => call(n + 1, n === 0 ? { inputs: [] } : n === 19 ? { inputs: [5, 77] } : {})));
  const links = [...box.querySelectorAll<HTMLElement>(".call-links button")].filter((link) => link.textContent === "call 5");
  expect(links.length).toBe(1);
  expect([...box.querySelectorAll(".call-links button")].some((link) => link.textContent === "call 77")).toBe(false);
  await act(async () => links[0]!.click());
  expect(isOpen()[4]).toBe(true);
});

test("history that a chat sends again is folded to a line, and unfolds", async () => {
  const first = [{ role: "system", text: "the rules", calls: [] }, { role: "user", text: "2+2?", calls: [] }];
  await show([
    call(0, { messages: first, reply: "4" }),
    call(1, { messages: [...first, { role: "assistant", text: "4", calls: [] }, { role: "user", text: "sure?", calls: [] }] }),
  ]);
  const count = () => box.textContent!.split("the rules").length - 1;
  expect(count()).toBe(1);
  const unfold = [...box.querySelectorAll<HTMLElement>("button")].find((one) => one.textContent === "Show them")!;
  await act(async () => unfold.click());
  expect(count()).toBe(2);
});
