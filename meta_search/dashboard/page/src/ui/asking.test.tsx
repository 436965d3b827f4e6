import { expect, test } from "vitest";
import type { Found } from "../api";
import type { Row } from "../views/logbook";
import { asQuery, placeOf } from "./Search";
import { takenIn } from "./Steer";

const event = (seq: number, at: number, data: unknown): Row => ({ seq, at, kind: "steer", text: "", agent: "", data });

test("a request is taken in by the event of its own id", () => {
  const asked = { id: "b", at: 100, request: { command: "note" as const } };
  const rows = [event(1, 101, { id: "a", command: "note" }), event(2, 102, { id: "b", command: "note" })];
  expect(takenIn(asked, rows)?.seq).toBe(2);
});

test("without ids the first event of the command since it was asked counts, an earlier one does not", () => {
  const asked = { id: "b", at: 100, request: { command: "pause" as const } };
  expect(takenIn(asked, [event(1, 50, { command: "pause" })])).toBeUndefined();
  expect(takenIn(asked, [event(1, 50, { command: "pause" }), event(2, 103, { command: "pause" })])?.seq).toBe(2);
  expect(takenIn(asked, [event(3, 103, { command: "resume" })])).toBeUndefined();
});

test("a hit in an answer leads to the item, any other to the agent", () => {
  const hit: Found["hits"][number] = { agent: "a", name: "n", where: "answer", item: "i", split: "train", excerpt: "" };
  expect(placeOf("r", hit)).toEqual({ run: "r", view: "items", item: "i", agent: "a", split: "train" });
  expect(placeOf("r", { ...hit, where: "code", item: "" })).toEqual({ run: "r", view: "agent", agent: "a" });
});

test("the word that is being typed is a beginning, a finished one is not", () => {
  expect(asQuery("deba")).toBe("deba*");
  expect(asQuery("two wor")).toBe("two wor*");
  expect(asQuery("word ")).toBe("word");
  expect(asQuery('"a phrase"')).toBe('"a phrase"');
  expect(asQuery('"a phra')).toBe('"a phra');
  expect(asQuery("deba*")).toBe("deba*");
  expect(asQuery("a")).toBe("a");
});
