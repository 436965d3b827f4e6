import type { Place } from "./layers";

/** Places in layers for a small directed graph: a node lies one column right of the last one that feeds it. Edges that
 * close a circle (the later rounds of a team) are drawn, but push nobody further. */
export function ranks(names: readonly string[], edges: readonly { from: string; to: string }[], gap = { x: 170, y: 80 }): Map<string, Place> {
  const order = new Map(names.map((name, index) => [name, index]));
  const rank = new Map(names.map((name) => [name, 0]));
  const feeds = new Map<string, string[]>(names.map((name) => [name, []]));
  for (const { from, to } of edges) if (from !== to && order.has(to)) feeds.get(from)?.push(to);
  const state = new Map<string, "open" | "done">();
  const sorted: string[] = [];
  const forward = new Map<string, string[]>();
  for (const root of names) {
    if (state.has(root)) continue;
    const stack = [{ name: root, next: 0 }];
    state.set(root, "open");
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const to = feeds.get(top.name)?.[top.next++];
      if (to === undefined) {
        state.set(top.name, "done");
        sorted.push(top.name);
        stack.pop();
        continue;
      }
      if (state.get(to) === "open") continue; // back into a node that is still open: a circle
      forward.set(top.name, [...(forward.get(top.name) ?? []), to]);
      if (!state.has(to)) {
        state.set(to, "open");
        stack.push({ name: to, next: 0 });
      }
    }
  }
  for (const name of sorted.reverse()) for (const to of forward.get(name) ?? []) rank.set(to, Math.max(rank.get(to) ?? 0, (rank.get(name) ?? 0) + 1));
  const filled = new Map<number, number>();
  const places = new Map<string, Place>();
  for (const name of names) {
    const column = rank.get(name) ?? 0;
    const row = filled.get(column) ?? 0;
    filled.set(column, row + 1);
    places.set(name, { x: column * gap.x, y: row * gap.y + (column % 2) * 20 });
  }
  return places;
}
