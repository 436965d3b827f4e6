// What a person asks of a search that goes on: checks before it is sent, and the words for it.

import type { Limits, SteerRequest } from "../api";

export interface LimitKey {
  key: string;
  label: string;
  unit: string;
  whole: boolean;
  of: keyof Limits | null;
}

export const LIMITS: LimitKey[] = [
  { key: "budget.usd", label: "Money", unit: "$", whole: false, of: "usd" },
  { key: "budget.calls", label: "Calls", unit: "calls", whole: true, of: "calls" },
  { key: "budget.tokens", label: "Tokens", unit: "tokens", whole: true, of: "tokens" },
  { key: "budget.wall_s", label: "Time", unit: "seconds", whole: false, of: "wall_s" },
  { key: "search.candidates", label: "Candidates", unit: "agents", whole: true, of: null },
  { key: "search.in_flight", label: "Briefs at once", unit: "briefs", whole: true, of: null },
];

export const MOST_NOTE = 1000; // characters, as the server takes them
export const MOST_SOURCE = 200_000;
export const MOST_NAME = 60;

/** What is wrong with a request, in one line; `""` where it can be sent. */
export function fault(request: SteerRequest): string {
  switch (request.command) {
    case "limit": {
      const known = LIMITS.find((limit) => limit.key === request.limit);
      if (!known) return "Choose a limit.";
      if (request.value === undefined || !Number.isFinite(request.value)) return "Give a number.";
      if (request.value <= 0) return "Give a number above 0.";
      if (known.whole && !Number.isInteger(request.value)) return `${known.label}: give a whole number.`;
      return "";
    }
    case "note": {
      const text = request.text?.trim() ?? "";
      if (!text) return "Write the note first.";
      return text.length > MOST_NOTE ? `The note has ${text.length} characters; the limit is ${MOST_NOTE}.` : "";
    }
    case "add": {
      const source = request.source?.trim() ?? "";
      if (!source) return "Paste the agent's code, or choose a file.";
      if (source.length > MOST_SOURCE) return "The agent's code is too long.";
      return "";
    }
    case "focus":
    case "drop":
      return request.agent ? "" : "Choose an agent.";
    default:
      return "";
  }
}

/** A number as people type it: `5`, `2.5`, `20 000`, `20,000`, `$3`, `1e6`; NaN where it is none. */
export function parsed(text: string): number {
  const plain = text.replace(/[\s$_]/g, "").replace(/,(?=\d{3}(\D|$))/g, "");
  return plain === "" ? NaN : Number(plain);
}

/** What was asked, in words. */
export function inWords(request: SteerRequest, name = ""): string {
  switch (request.command) {
    case "pause":
      return "Pause";
    case "resume":
      return "Resume";
    case "stop":
      return "Stop and report";
    case "limit":
      return `Limit ${request.limit} = ${request.value?.toLocaleString("en")}`;
    case "note":
      return `Note “${(request.text ?? "").trim().slice(0, 60)}${(request.text ?? "").trim().length > 60 ? "…" : ""}”`;
    case "add":
      return `Add agent ${request.name || ""}`.trim();
    case "focus":
      return `Focus on ${name || request.agent}`;
    case "drop":
      return `Drop ${name || request.agent}`;
  }
}

/** The name that a file gives to an agent: its own, without folder and ending. */
export function agentName(file: string): string {
  return file.replace(/^.*[\\/]/, "").replace(/\.py$/i, "").slice(0, MOST_NAME);
}
