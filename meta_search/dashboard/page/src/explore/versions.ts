// With what an agent's code is compared, and with whom its answers are.
import type { AgentPage, AgentRow, Lineage } from "../api";

export interface Version { agent: string; name: string; why: string }

/** What a diff can be taken against, most telling first, each agent once and never the agent itself:
 * its parents, the best, the best seed, then the other agents given. */
export function versions(page: AgentPage, best: Version | null, seeds: readonly Version[], others: readonly AgentRow[] = []): Version[] {
  const all: Version[] = [
    ...page.parents.map((parent) => ({ ...parent, why: "parent" })),
    ...(best ? [{ ...best, why: "best" }] : []),
    ...seeds.map((seed) => ({ ...seed, why: "seed" })),
    ...others.map((row) => ({ agent: row.agent, name: row.name, why: "" })),
  ];
  const seen = new Set([page.row.agent]);
  return all.filter((version) => !seen.has(version.agent) && seen.add(version.agent));
}

/** The one that is compared with: the link's, where it is another agent; else the first of the list. */
export function chosenVersion(list: readonly Version[], asked: string | undefined, self: string): string | null {
  if (asked && asked !== self) return asked;
  return list[0]?.agent ?? null;
}

/** Seeds and the best of a lineage: the end of the path to the best. */
export function anchors(lineage: Lineage | undefined): { best: Version | null; seeds: Version[] } {
  if (!lineage) return { best: null, seeds: [] };
  const path = lineage.nodes.filter((node) => node.on_path);
  const best = path.reduce<Lineage["nodes"][number] | null>((last, node) => (!last || node.generation > last.generation ? node : last), null);
  const seeds = lineage.nodes.filter((node) => node.fate === "seed").sort((a, b) => (b.score ?? -1) - (a.score ?? -1));
  const version = (node: Lineage["nodes"][number], why: string): Version => ({ agent: node.agent, name: node.name, why });
  return { best: best && version(best, "best"), seeds: seeds.map((seed) => version(seed, "seed")) };
}

/** One line on what a diff holds, for people who cannot see its colours. */
export function diffLine(before: string, after: string, changed: readonly { fromA: number; toA: number; fromB: number; toB: number }[]): string {
  if (before === after) return "The code is the same, line by line.";
  const lines = (text: string, from: number, to: number) => text.slice(from, Math.min(to, text.length)).split("\n").filter((line, index, list) => index < list.length - 1 || line !== "").length;
  let added = 0;
  let removed = 0;
  for (const part of changed) {
    removed += lines(before, part.fromA, part.toA);
    added += lines(after, part.fromB, part.toB);
  }
  const count = (number: number, word: string) => `${number.toLocaleString("en")} ${number === 1 ? "line" : "lines"} ${word}`;
  return `${count(added, "added")}, ${count(removed, "removed")}, in ${changed.length.toLocaleString("en")} ${changed.length === 1 ? "place" : "places"}.`;
}

export interface ChangedValue { name: string; before: string | null; after: string | null }

/** Tuned values that are not the same in both, by name. */
export function changedValues(before: Record<string, string>, after: Record<string, string>): ChangedValue[] {
  const own = (values: Record<string, string>, name: string) => (Object.hasOwn(values, name) ? (values[name] ?? null) : null);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .sort((a, b) => a.localeCompare(b))
    .map((name) => ({ name, before: own(before, name), after: own(after, name) }))
    .filter((value) => value.before !== value.after);
}
