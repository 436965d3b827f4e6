/** Links of the page: `#/`, `#/compare?run=A&run=B`, `#/run/<id>/<view>?agent=&vs=&item=…`. */
import { useSyncExternalStore } from "react";

export type Query = Record<string, string>;
export interface Route {
  view: string; // "runs", "compare" or a view of a run
  run: string; // "" outside a run
  query: Query; // last value of each name
  all: URLSearchParams; // every value (compare has `run` several times)
}
/** `null` or "" takes a name away. `view` and `run` are the place, everything else goes into the query. */
export type Patch = { view?: string; run?: string; runs?: string[] } & Record<
  string,
  string | number | boolean | null | undefined | string[]
>;

export function parse(hash: string): Route {
  const [path = "", search = ""] = splitOnce(hash.replace(/^#/, ""), "?");
  const parts = path.split("/").filter(Boolean);
  const all = new URLSearchParams(search);
  const query = Object.fromEntries(all);
  if (parts[0] === "run" && parts[1]) {
    return { view: parts[2] ?? "overview", run: decode(parts[1]), query, all };
  }
  return { view: parts[0] === "compare" ? "compare" : "runs", run: "", query, all };
}

export function format(route: { view: string; run: string; all: URLSearchParams }): string {
  const search = route.all.toString();
  const path = route.run
    ? `#/run/${encodeURIComponent(route.run)}/${route.view}`
    : route.view === "compare" ? "#/compare" : "#/";
  return search ? `${path}?${search}` : path;
}

/** The link that `patch` leads to from `from`: the same view keeps its query, another one begins anew. */
export function patched(from: Route, patch: Patch): string {
  const { view, run, runs, ...rest } = patch;
  const next = {
    view: view ?? (run !== undefined && run !== from.run ? "overview" : from.view),
    run: run ?? (view === "runs" || view === "compare" ? "" : from.run),
  };
  const stays = next.view === from.view && next.run === from.run;
  const all = new URLSearchParams(stays ? from.all : undefined);
  if (runs) {
    all.delete("run");
    runs.forEach((one) => all.append("run", one));
  }
  for (const [name, value] of Object.entries(rest)) {
    if (value === undefined) continue;
    if (value === null || value === "") all.delete(name);
    else all.set(name, String(value));
  }
  return format({ ...next, all });
}

const hash = () => (typeof window === "undefined" ? "" : window.location.hash);
export const current = (): Route => parse(hash());
export const href = (patch: Patch): string => patched(current(), patch);

/** Go where `patch` leads. `replace` leaves no step for the back button (for typing into a filter). */
export function go(patch: Patch, { replace = false } = {}): void {
  const next = href(patch);
  if (next === hash()) return;
  if (replace) {
    window.history.replaceState(null, "", next);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  } else window.location.hash = next;
}

let seen = { hash: "\0", route: parse("") };
function snapshot(): Route {
  if (seen.hash !== hash()) seen = { hash: hash(), route: current() };
  return seen.route;
}
function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  window.addEventListener("popstate", listener);
  return () => {
    window.removeEventListener("hashchange", listener);
    window.removeEventListener("popstate", listener);
  };
}
export const useRoute = (): Route => useSyncExternalStore(subscribe, snapshot, snapshot);

function splitOnce(text: string, at: string): [string, string] {
  const found = text.indexOf(at);
  return found < 0 ? [text, ""] : [text.slice(0, found), text.slice(found + 1)];
}
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a link that somebody cut
  }
}
