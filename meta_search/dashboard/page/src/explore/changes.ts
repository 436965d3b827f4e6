// A drawn graph is changed where it differs; before a change that takes long the page says so.
import type { Core, ElementDefinition } from "cytoscape";

const MANY = 150; // new elements that take a moment: Cytoscape works out the looks of each when it draws next

/** Time to draw what the page says. */
const drawn = (): Promise<void> => new Promise((done) => setTimeout(done, 50));

/** Make the graph show these elements: what is gone is removed, what is new added, what changed set anew, the rest left.
 *
 * In slices it would take longer, as each slice has the whole picture drawn again. `tell` hears how many new ones come
 * where that takes a moment, and 0 at the end; `going` is asked in between. */
export async function show(graph: Core, wanted: ElementDefinition[], going: () => boolean, tell?: (left: number) => void): Promise<void> {
  const ids = new Set(wanted.map((element) => element.data.id));
  const gone = graph.elements().filter((element) => !ids.has(element.id()));
  if (gone.nonempty()) gone.remove();
  const more = wanted.length - graph.elements().length;
  if (more > MANY) {
    tell?.(more);
    await drawn();
    if (!going()) return;
  }
  put(graph, wanted);
  if (more > MANY) await drawn();
  tell?.(0);
}

function put(graph: Core, some: ElementDefinition[]): void {
  const added: ElementDefinition[] = [];
  graph.batch(() => {
    for (const element of some) {
      const old = graph.getElementById(String(element.data.id));
      if (old.empty()) {
        added.push(element);
        continue;
      }
      if (changed(old.data() as Record<string, unknown>, element.data)) old.data(element.data);
      const place = element.position;
      if (place && old.isNode() && (old.position().x !== place.x || old.position().y !== place.y)) old.position(place);
    }
  });
  if (added.length) graph.add(added);
}

const changed = (old: Record<string, unknown>, now: Record<string, unknown>): boolean => Object.keys(now).some((key) => old[key] !== now[key]);
