/** Numbers as people read them. What is not known is "–". */
import type { Interval, Limits, Usage } from "./api";

export const NONE = "–";
type Maybe = number | null | undefined;
const known = (value: Maybe): value is number => value !== null && value !== undefined && Number.isFinite(value);

export const percent = (share: Maybe, digits = 1): string => (known(share) ? `${(share * 100).toFixed(digits)} %` : NONE);
const bare = (share: number): string => String(Math.round(share * 100));
/** "66.7 % [30, 90]": the score and its 95 % interval. */
export function intervalText(of: Pick<Interval, "score" | "low" | "high"> | null | undefined): string {
  if (!of || !known(of.score)) return NONE;
  return known(of.low) && known(of.high) ? `${percent(of.score)} [${bare(of.low)}, ${bare(of.high)}]` : percent(of.score);
}
export const points = (value: Maybe): string => (known(value) ? `${value > 0 ? "+" : ""}${(value * 100).toFixed(1)}` : NONE);
export const pValue = (p: Maybe): string => (!known(p) ? NONE : p < 0.001 ? "< 0.001" : p.toFixed(3));

export const whole = (value: Maybe): string => (known(value) ? Math.round(value).toLocaleString("en-US") : NONE);
/** 950, 12.3 k, 4.5 M */
export function count(value: Maybe): string {
  if (!known(value)) return NONE;
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e4, "k"]] as const) {
    if (Math.abs(value) >= size) return `${(value / (unit === "k" ? 1e3 : size)).toFixed(1)} ${unit}`;
  }
  return Number.isInteger(value) ? value.toLocaleString("en-US") : value.toFixed(Math.abs(value) < 10 ? 1 : 0);
}
export function usd(value: Maybe): string {
  if (!known(value)) return NONE;
  if (value === 0) return "$0";
  return value < 0.01 ? `$${value.toPrecision(2)}` : `$${value.toFixed(value < 1 ? 3 : 2)}`;
}
/** 8 s, 4 min 10 s, 2 h 5 min, 3 d 4 h */
export function duration(seconds: Maybe): string {
  if (!known(seconds)) return NONE;
  if (seconds < 10) return `${Number(seconds.toFixed(seconds < 1 ? 2 : 1))} s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min${s % 60 && s < 600 ? ` ${s % 60} s` : ""}`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}
export const ago = (at: Maybe, now = Date.now() / 1000): string =>
  known(at) ? (now - at < 2 ? "just now" : `${duration(Math.max(0, now - at)).split(" ").slice(0, 2).join(" ")} ago`) : NONE;
export const when = (at: Maybe): string =>
  known(at) ? new Date(at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }) : NONE;
/** An agent's or a run's id, short enough to read; the full one belongs into `title`. */
export const short = (id: string): string => (id.length > 12 ? id.slice(0, 8) : id);
export const plural = (n: number, one: string, many = `${one}s`): string => `${whole(n)} ${n === 1 ? one : many}`;

export interface Meter { name: string; spent: number; limit: number; text: string; share: number }
/** What is spent of each limit that is set. */
export function meters(spent: Usage, limits: Limits, elapsed: number): Meter[] {
  const rows: [string, number, number | null, (value: number) => string][] = [
    ["calls", spent.calls, limits.calls, whole],
    ["tokens", spent.tokens, limits.tokens, count],
    ["money", spent.cost_usd, limits.usd, usd],
    ["time", elapsed, limits.wall_s, duration],
  ];
  return rows.flatMap(([name, used, limit, text]) =>
    limit === null || limit <= 0
      ? []
      : [{ name, spent: used, limit, share: used / limit, text: `${text(used)} of ${text(limit)}` }],
  );
}
