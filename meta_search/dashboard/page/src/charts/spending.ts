/** What a search pays with: the four axes over which the best so far can be seen. */
import type { RunRow, Step } from "../api";
import { count, duration, usd, whole } from "../format";

export type Paid = "calls" | "tokens" | "cost_usd" | "elapsed_s";
export const PAID: Record<Paid, { label: string; axis: string; text: (value: number) => string; exact: (value: number) => string }> = {
  calls: { label: "calls", axis: "paid calls", text: count, exact: whole },
  tokens: { label: "tokens", axis: "tokens", text: count, exact: whole },
  cost_usd: { label: "money", axis: "US dollars", text: usd, exact: usd },
  elapsed_s: { label: "time", axis: "time of the run", text: duration, exact: duration },
};
export const PAID_OPTIONS = (Object.keys(PAID) as Paid[]).map((value) => ({ value, label: PAID[value].label }));
export const isPaid = (value: unknown): value is Paid => typeof value === "string" && value in PAID;
export const spentOf = (run: RunRow, over: Paid): number => (over === "elapsed_s" ? run.elapsed_s : run.spent[over]);

export interface Stair { x: number; score: number; low: number; high: number }
/** The stairs' corners: each step holds until the next, the last until `end`. */
export function stairs(steps: readonly Step[], over: Paid, end: number): Stair[] {
  const known = steps.flatMap((step) =>
    step.score === null ? [] : [{ x: step[over], score: step.score, low: step.low ?? step.score, high: step.high ?? step.score }],
  );
  const last = known.at(-1);
  return last && end > last.x ? [...known, { ...last, x: end }] : known;
}
/** What was best at `x`, or nothing before the first step. */
export const bestAt = (steps: readonly Step[], over: Paid, x: number): Step | undefined => steps.filter((step) => step[over] <= x).at(-1);
