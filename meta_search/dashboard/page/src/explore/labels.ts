// Labels under the nodes of a drawn graph: short enough for their column.
const LONGEST = 22;

/** One line, cut. Cytoscape measures letter by letter where it is to cut a label itself: a second for a thousand of them. */
export const cut = (label: string): string => (label.length > LONGEST ? `${label.slice(0, LONGEST - 1)}…` : label);

/** Two lines at most, broken after a space or an underscore where that can be; what is longer is cut. */
export function inTwoLines(label: string): string {
  if (label.length <= LONGEST) return label;
  const start = label.slice(0, LONGEST);
  const at = Math.max(start.lastIndexOf(" "), start.lastIndexOf("_"));
  const end = at >= LONGEST / 3 ? at + 1 : LONGEST;
  return `${label.slice(0, end).trimEnd()}\n${cut(label.slice(end).trimStart())}`;
}
