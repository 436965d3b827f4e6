// What a transcript says beyond its calls one by one: who read whom, what was sent before, totals, plain text.

import type { Call } from "../api";

export interface Sent {
  call: number; // place, in the list, of the earlier call that already sent these messages; -1: none
  messages: number; // how many messages from the start are the same
  reply: boolean; // the last of them is the reply of that call
}

const LOOK_BACK = 40; // earlier calls compared; a chat's history is that of the call just before

function same(a: Call["messages"][number], b: Call["messages"][number]): boolean {
  return a.role === b.role && a.text === b.text && JSON.stringify(a.calls) === JSON.stringify(b.calls);
}

/** The messages that a call sends again, as the history of a conversation, and which call sent them first. */
export function sentBefore(calls: readonly Call[]): Sent[] {
  return calls.map((call, place) => {
    let best: Sent = { call: -1, messages: 0, reply: false };
    for (let earlier = place - 1; earlier >= Math.max(0, place - LOOK_BACK); earlier--) {
      const other = calls[earlier]!;
      let count = 0;
      while (count < call.messages.length && count < other.messages.length) {
        if (!same(call.messages[count]!, other.messages[count]!)) break;
        count++;
      }
      const next = call.messages[count];
      const whole = count === other.messages.length;
      const reply = whole && !!other.reply && next?.role === "assistant" && next.text.trim() === other.reply.trim();
      const messages = count + (reply ? 1 : 0);
      // Fold a history only: a shared system prompt alone is worth reading where it stands.
      if (messages >= 2 && messages > best.messages && messages < call.messages.length) {
        best = { call: earlier, messages, reply };
      }
    }
    return best;
  });
}

/** For each call (by its place), the numbers of the calls whose prompts it went into. */
export function readBy(calls: readonly Call[]): Map<number, number[]> {
  const readers = new Map<number, number[]>();
  for (const call of calls) {
    for (const source of call.inputs) {
      readers.set(source, [...(readers.get(source) ?? []), call.index]);
    }
  }
  return readers;
}

export interface Totals {
  calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  cost_usd: number;
  latency_s: number | null; // summed over the calls, which may have run at the same time
  attempts: number;
  faults: number;
}

export function totals(calls: readonly Call[]): Totals {
  const timed = calls.filter((call) => call.latency_s !== null);
  return {
    calls: calls.length,
    prompt_tokens: calls.reduce((sum, call) => sum + call.prompt_tokens, 0),
    completion_tokens: calls.reduce((sum, call) => sum + call.completion_tokens, 0),
    cost_usd: calls.reduce((sum, call) => sum + call.cost_usd, 0),
    latency_s: timed.length ? timed.reduce((sum, call) => sum + (call.latency_s ?? 0), 0) : null,
    attempts: calls.reduce((sum, call) => sum + call.attempts, 0),
    faults: calls.filter((call) => call.fault).length,
  };
}

export interface Piece {
  text: string;
  found: boolean;
}

/** Cuts a text at each place where the query (or one of several) stands, whatever its case. */
export function pieces(text: string, query: string | readonly string[]): Piece[] {
  const queries = (typeof query === "string" ? [query] : query).filter(Boolean);
  if (!queries.length) return [{ text, found: false }];
  const wanted = new RegExp(queries.map((one) => one.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "gi");
  const parts: Piece[] = [];
  let from = 0;
  for (const hit of text.matchAll(wanted)) {
    if (hit.index > from) parts.push({ text: text.slice(from, hit.index), found: false });
    parts.push({ text: hit[0], found: true });
    from = hit.index + hit[0].length;
  }
  if (from < text.length || !parts.length) parts.push({ text: text.slice(from), found: false });
  return parts;
}

/** Every text of a call that a reader can find something in. */
export function textsOf(call: Call): string[] {
  return [
    call.component,
    call.fault,
    ...call.messages.flatMap((m) => [m.text, ...m.calls.flatMap((c) => [c.name, c.arguments])]),
    call.reply,
    call.reasoning,
    ...call.tool_calls.flatMap((tool) => [tool.name, tool.arguments, tool.result]),
  ];
}

export function mentions(call: Call, query: string): boolean {
  const wanted = query.toLowerCase();
  return !!wanted && textsOf(call).some((text) => text.toLowerCase().includes(wanted));
}

/** JSON with indentation where a text is JSON; other text as it is. */
export function pretty(text: string): string {
  const start = text.trimStart()[0];
  if ((start !== "{" && start !== "[") || text.length > 200_000) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export const SHORT_LETTERS = 1500;
export const SHORT_LINES = 24;

/** The start of a long text, cut at a line's end where one is near; `null` where the text is short. */
export function opening(text: string): string | null {
  const lines = text.split("\n", SHORT_LINES + 1);
  if (text.length <= SHORT_LETTERS * 1.2 && lines.length <= SHORT_LINES) return null;
  let cut = lines.slice(0, SHORT_LINES).join("\n");
  if (cut.length > SHORT_LETTERS) {
    cut = cut.slice(0, SHORT_LETTERS);
    const end = cut.lastIndexOf("\n");
    if (end > SHORT_LETTERS * 0.7) cut = cut.slice(0, end);
    if (/[\uD800-\uDBFF]$/.test(cut)) cut = cut.slice(0, -1);
  }
  return cut.length < text.length ? cut : null;
}

/** The transcript as plain text, to be copied into a note or a bug report. */
export function asText(calls: readonly Call[]): string {
  return calls
    .map((call) => {
      const lines = [`=== call ${call.index}: ${call.component || call.purpose || "call"} (${call.role}, ${call.model})`];
      if (call.inputs.length) lines.push(`reads call ${call.inputs.join(", ")}`);
      for (const message of call.messages) {
        lines.push(`--- ${message.role}`, message.text);
        for (const tool of message.calls) lines.push(`[calls ${tool.name}(${tool.arguments})]`);
      }
      if (call.reasoning) lines.push("--- thinking", call.reasoning);
      lines.push("--- reply", call.reply);
      for (const tool of call.tool_calls) {
        lines.push(`--- tool ${tool.name}(${tool.arguments})`, tool.result);
      }
      if (call.fault) lines.push(`--- fault: ${call.fault}`);
      if (call.left_out) lines.push(`(${call.left_out})`);
      return lines.join("\n");
    })
    .join("\n\n");
}

/** Which calls are open at first: all of a short transcript, the first and the final ones of a long one. */
export function openAtFirst(calls: readonly Call[]): Set<number> {
  if (calls.length <= 6) return new Set(calls.map((_, place) => place));
  const open = new Set<number>([0, calls.length - 1]);
  calls.forEach((call, place) => call.final && open.size < 6 && open.add(place));
  return open;
}
