import type { Versus } from "../api";

export type Outcome = Versus["items"][number]["outcome"];

/** Items whose name, kind or question holds every word of `q`, and whose outcome is `only`. */
export function itemsShown(items: Versus["items"], q: string, only: Outcome | ""): Versus["items"] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter((item) => {
    if (only && item.outcome !== only) return false;
    const text = `${item.item}\n${item.kind}\n${item.question}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** What the comparison shows, in one sentence. A difference that may be chance is never called better or worse. */
export function sentence(versus: Versus, ours: string, theirs: string): string {
  const paired = versus.won + versus.lost + versus.tied;
  if (!paired) return `No item of the ${versus.split} split was scored for both.`;
  const base = `On ${paired.toLocaleString("en-US")} ${versus.split} ${paired === 1 ? "item" : "items"} that both were scored on, ${ours} won ${versus.won}, lost ${versus.lost} and tied ${versus.tied}.`;
  if (versus.p === null) return base;
  const selection = versus.split === "test" || versus.split === "perturbed" ? "" : " These items were used to choose agents: this is a hint, not the result.";
  if (versus.p >= 0.05) return `${base} That may be chance: no difference is shown.${selection}`;
  return `${base} ${versus.won > versus.lost ? ours : theirs} is better on them than chance would explain.${selection}`;
}
