// Events of the log: what a row says, and how rows of several answers come together.

import type { Events } from "../api";

export type Row = Events["rows"][number];

export interface Who {
  who: string;
  at: number | null;
}

function record(data: unknown): Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data) ? (data as Record<string, unknown>) : {};
}

export function isSteering(row: Row): boolean {
  return row.kind === "steer";
}

/** Who steered, and when they asked; for other events nobody. */
export function steeredBy(row: Row): Who | null {
  if (!isSteering(row)) return null;
  const data = record(row.data);
  const at = data["at"] ?? data["asked_at"];
  return { who: String(data["who"] ?? "somebody"), at: typeof at === "number" ? at : null };
}

/** The text of an event of steering without the name that it begins with, which stands beside it. */
export function withoutWho(row: Row): string {
  const start = `${steeredBy(row)?.who ?? ""}: `;
  return isSteering(row) && row.text.startsWith(start) ? row.text.slice(start.length) : row.text;
}

/** The id that the server gave to a request for steering, where the event tells it. */
export function steeringId(row: Row): string {
  const id = record(row.data)["id"];
  return typeof id === "string" ? id : "";
}

export function steeringCommand(row: Row): string {
  const command = record(row.data)["command"];
  return typeof command === "string" ? command : String(record(command)["command"] ?? "");
}

/** Rows of the kinds wanted that hold the text; for a page without a server, where nobody else filters. */
export function filtered(rows: readonly Row[], kind: string, q: string): Row[] {
  const wanted = q.trim().toLowerCase();
  const kinds = new Set(kind.split(",").filter(Boolean));
  return rows.filter(
    (row) =>
      (!kinds.size || kinds.has(row.kind)) &&
      (!wanted || row.text.toLowerCase().includes(wanted) || row.kind.includes(wanted) || row.agent.includes(wanted)),
  );
}

/** Rows in the order of the journal, or newest first. */
export function ordered(rows: readonly Row[], newestFirst: boolean): Row[] {
  return [...rows].sort((a, b) => (newestFirst ? b.seq - a.seq : a.seq - b.seq));
}

const WORDS: Record<string, string> = {
  ask: "brief asked",
  tell: "brief told",
  delivery: "delivered",
  race: "race",
  decision: "decided",
  resume: "resumed",
  stop: "search ended",
  steer: "steering",
};

/** A kind in words; its own name where there is none. */
export function kindWords(kind: string): string {
  return WORDS[kind] ?? kind;
}

/** Toggles one kind in a list joined by commas. */
export function toggled(kinds: string, kind: string): string {
  const chosen = new Set(kinds.split(",").filter(Boolean));
  if (!chosen.delete(kind)) chosen.add(kind);
  return [...chosen].sort().join(",");
}

/**
 * Rows known so far with a newer answer. Where that answer begins after all that is known, something between
 * may be missing (it may have grown by more than an answer holds): then it stands alone.
 */
export function merged(known: readonly Row[], answer: readonly Row[], newest: boolean): Row[] {
  const latest = known.reduce((most, row) => Math.max(most, row.seq), 0);
  const gap = newest && answer.length > 0 && latest > 0 && answer.every((row) => row.seq > latest + 1);
  const rows = new Map((gap ? [] : known).map((row) => [row.seq, row]));
  for (const row of answer) rows.set(row.seq, row);
  return [...rows.values()].sort((a, b) => b.seq - a.seq);
}

/** Before which event the next older page ends; 0 where there is none. */
export function nextPage(events: Events & { searched_from?: number }, asked: number): number {
  const oldest = events.rows.reduce((least, row) => Math.min(least, row.seq), Infinity);
  if (events.rows.length >= asked) return oldest > 1 ? oldest : 0;
  // A rare kind or a word is looked for in a piece of the journal at a time.
  const from = events.searched_from ?? 1;
  return from > 1 ? from : 0;
}

/** The item's drawer that an event is about; `null` for events of no item. */
export function itemOf(row: Row): { item: string; split: string; agent: string } | null {
  const { item, split } = record(row.data);
  return typeof item === "string" && item && typeof split === "string" ? { item, split, agent: row.agent } : null;
}
