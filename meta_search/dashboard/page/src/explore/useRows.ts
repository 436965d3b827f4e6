// The rows that are on the screen, out of as many as the run has.
import type { AgentRow, Agents } from "../api";
import { insideFile, useView } from "../data";
import { useMemo } from "react";
import { PAGE, agentsPath, chooseRows, pagesFor, type Choice } from "./rows";

export interface Rows {
  head?: Agents; // counts and facets of this choice
  at(index: number): AgentRow | undefined; // undefined: not here yet
  error?: string;
  slow: boolean;
  reload(): void;
}

/** Rows `from` to `to` of a choice: its first page, and the pages on the screen (two at most). What was seen before comes
 * from the data layer's cache, which reads it anew where the run went on. In report.html all rows are inside and chosen
 * in the page. */
export function useRows(run: string, choice: Choice, from: number, to: number): Rows {
  const file = insideFile();
  const first = useView<Agents>(agentsPath(run, choice, 0), { keep: true });
  const whole = useMemo(() => (file && first.data ? chooseRows(first.data, choice) : undefined), [file, first.data, choice]);
  const head = whole ?? first.data;
  const pages = file || !head ? [] : pagesFor(from, to, head.matching).filter((offset) => offset > 0);
  // An even and an odd page, so that scrolling on changes only one of the two questions.
  const path = (side: number) => {
    const offset = pages.find((page) => (page / PAGE) % 2 === side);
    return offset === undefined ? null : agentsPath(run, choice, offset);
  };
  const even = useView<Agents>(path(0));
  const odd = useView<Agents>(path(1));
  const byOffset = (offset: number) => (offset ? [even.data, odd.data].find((page) => page?.offset === offset) : head);
  return {
    head,
    at: (index) => (whole ? whole.rows[index] : byOffset(Math.floor(index / PAGE) * PAGE)?.rows[index % PAGE]),
    error: first.error ?? even.error ?? odd.error,
    slow: first.slow || even.slow || odd.slow,
    reload: () => {
      first.reload();
      even.reload();
      odd.reload();
    },
  };
}
