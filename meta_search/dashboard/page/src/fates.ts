/** What became of an agent: its colour, and a shape for those who see colours differently. */
import type { Fate } from "./api";

export interface FateLook { color: string; shape: "star" | "circle" | "triangle" | "square" | "cross" | "ring" | "diamond" | "bar"; glyph: string; says: string }
export const FATES: Record<Fate, FateLook> = {
  better: { color: "var(--fate-better)", shape: "star", glyph: "★", says: "better than the best before it" },
  "not better": { color: "var(--fate-not-better)", shape: "circle", glyph: "●", says: "evaluated in full, not better" },
  "stopped early": { color: "var(--fate-stopped)", shape: "triangle", glyph: "▲", says: "stopped by the race" },
  paused: { color: "var(--fate-paused)", shape: "bar", glyph: "‖", says: "paused by the race; may go on" },
  failed: { color: "var(--fate-failed)", shape: "cross", glyph: "✕", says: "failed before it gave an answer" },
  "in flight": { color: "var(--fate-in-flight)", shape: "ring", glyph: "○", says: "being written or evaluated" },
  seed: { color: "var(--fate-seed)", shape: "square", glyph: "■", says: "an agent the search began with" },
  "same as another": { color: "var(--fate-same)", shape: "diamond", glyph: "◇", says: "does the same as an earlier agent" },
};
export const FATE_NAMES = Object.keys(FATES) as Fate[];
/** Of a newer server: shown as an agent that is not better. */
export const fateOf = (fate: string): FateLook => FATES[fate as Fate] ?? FATES["not better"];
