/** Where the page's numbers come from: the server, or the run inside report.html. One cache for all views. */
import { useCallback, useEffect, useReducer, useRef, useSyncExternalStore } from "react";
import { insideFile, lookUp, unpack } from "./inside";

export { insideFile } from "./inside";

export interface View<T> {
  data?: T; // the last answer; it stays while a newer one is on its way
  error?: string; // one line; `data` may be there beside it, older
  slow: boolean; // an answer takes longer than 300 ms: say what is being done
  reload(): void;
}
export interface Options {
  keep?: boolean; // while another path's first answer is on its way, show the last one (tables that sort)
  still?: boolean; // never changes while the run goes on (source code): not read again on the stream's `change`
}

type Parameters = Record<string, string | number | boolean | string[] | null | undefined>;
/** The path of a view: `api(run, "items", {split, agents: [a, b]})`. What is null or "" is left out. */
export function api(run: string, view: string, query: Parameters = {}): string {
  const path = `/api/run/${run.split("/").map(encodeURIComponent).join("/")}/${view}`;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const text = Array.isArray(value) ? value.join(",") : String(value ?? "");
    if (text) search.set(name, text);
  }
  return search.size ? `${path}?${search}` : path;
}

interface Entry {
  data?: unknown;
  error?: string;
  asked?: AbortController;
  since: number; // when the question under way was asked
  took: number; // ms of the last answer
  ended: number; // when the last answer came
  again: boolean; // asked for once more while one was under way
  still: boolean;
  timer?: ReturnType<typeof setTimeout>;
  listeners: Set<() => void>;
}
const entries = new Map<string, Entry>();
const KEPT = 150; // answers that nobody looks at any more, for the back button
const SLOW_MS = 300;
const PAUSE_MS = 1000;
const REFUSED_MS = 10_000;

function entryOf(path: string): Entry {
  const found = entries.get(path);
  if (found) {
    entries.delete(path);
    entries.set(path, found);
    return found;
  }
  const made: Entry = { since: 0, took: 0, ended: 0, again: false, still: false, listeners: new Set() };
  entries.set(path, made);
  for (const [old, entry] of entries) {
    if (entries.size <= KEPT) break;
    if (entry.listeners.size === 0 && old !== path) entries.delete(old);
  }
  return made;
}
const tell = (entry: Entry) => entry.listeners.forEach((listener) => listener());

/** Ask the server (or the file) for one path; an error is thrown as one line. */
export async function ask<T>(path: string, signal?: AbortSignal): Promise<T> {
  if (insideFile()) {
    const found = lookUp(await unpack(), path);
    if (found === undefined) throw new Error("This file does not contain that. To see it, open the run with `meta-search dashboard`.");
    return found as T;
  }
  return answerOf<T>(await reach(path, { signal: signal ?? null, headers: { Accept: "application/json" } }));
}

/** Post `body` as JSON. The token travels as the cookie that the link set. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  if (insideFile()) throw new Error("This is a file: a run cannot be steered from it.");
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  return answerOf<T>(await reach(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, { ...init, credentials: "same-origin", cache: "no-store" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Error("The server does not answer. Is meta-search dashboard still running?");
  }
}
async function answerOf<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => null);
  if (response.ok && body !== null) return body as T;
  const said = body && typeof body === "object" && "error" in body ? String(body.error) : "";
  throw new Error(said || `The server answered with status ${response.status}.`);
}

async function load(path: string, entry: Entry): Promise<void> {
  if (entry.asked) {
    entry.again = true;
    return;
  }
  const asked = new AbortController();
  entry.asked = asked;
  entry.since = Date.now();
  setTimeout(() => entry.asked === asked && tell(entry), SLOW_MS + 20); // time to say what takes long
  try {
    entry.data = await ask(path, asked.signal);
    entry.error = undefined;
  } catch (error) {
    if (!asked.signal.aborted) entry.error = error instanceof Error ? error.message : String(error);
  }
  if (entry.asked !== asked) return;
  entry.took = Date.now() - entry.since;
  entry.ended = Date.now();
  entry.asked = undefined;
  tell(entry);
  if (entry.again) {
    entry.again = false;
    soon(path, entry);
  }
}
/** Read again, but never more than a third of the time: a slow view of a fast run must not keep a core busy. */
function soon(path: string, entry: Entry): void {
  if (entry.timer || entry.listeners.size === 0) return;
  const wait = Math.max(0, entry.ended + Math.max(PAUSE_MS, 2 * entry.took) - Date.now());
  entry.timer = setTimeout(() => {
    entry.timer = undefined;
    if (entry.listeners.size > 0) void load(path, entry);
  }, wait);
}

let missed = false; // something changed while nobody could see the page
/** Read every view that is on the screen again (the stream's `change`, or after steering). */
export function refresh(): void {
  if (document.hidden) {
    missed = true;
    return;
  }
  for (const [path, entry] of entries) {
    if (entry.listeners.size > 0 && !entry.still) soon(path, entry);
    else if (!entry.still) entry.ended = 0; // read anew when it is next looked at
  }
}

/** The answer of `path` (made by `api`), live. `null` asks nothing. */
export function useView<T>(path: string | null, { keep = false, still = false }: Options = {}): View<T> {
  const [, turn] = useReducer((count: number) => count + 1, 0);
  const last = useRef<unknown>(undefined);
  useEffect(() => {
    if (path === null) return;
    const entry = entryOf(path);
    entry.still = still;
    entry.listeners.add(turn);
    if (entry.data === undefined || (!still && !insideFile() && entry.ended === 0) || entry.error) void load(path, entry);
    turn();
    return () => {
      entry.listeners.delete(turn);
      if (entry.listeners.size === 0 && entry.asked) {
        entry.asked.abort();
        entry.asked = undefined;
      }
    };
  }, [path, still]);
  const entry = path === null ? undefined : entries.get(path);
  if (entry?.data !== undefined) last.current = entry.data;
  const data = entry?.data ?? (keep ? last.current : undefined);
  const reload = useCallback(() => {
    if (path !== null) void load(path, entryOf(path));
  }, [path]);
  const slow = entry?.asked !== undefined && entry.data === undefined && Date.now() - entry.since >= SLOW_MS;
  return { data: data as T | undefined, error: entry?.error, slow, reload };
}

if (typeof document !== "undefined") {
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !missed) return;
    missed = false;
    refresh();
  });
}

// The stream of the run on the screen -------------------------------------------------------------

export interface Change { seq: number; agents: number; calls: number; state: string }
export type Link = "file" | "connecting" | "live" | "lost" | "gone";
let link: Link = "connecting";
const linkListeners = new Set<() => void>();
function setLink(next: Link): void {
  if (next === link) return;
  link = next;
  linkListeners.forEach((listener) => listener());
}
/** Whether the page hears of changes: "live", "lost" (it tries again), "gone" (the folder is), "file". */
export function useLink(): Link {
  return useSyncExternalStore(
    (listener) => (linkListeners.add(listener), () => linkListeners.delete(listener)),
    () => link,
    () => link,
  );
}

/** Listen to one run's stream; its views are read again when it grows. `onChange` gets what it said. */
export function useStream(run: string, onChange?: (change: Change) => void): void {
  const heard = useRef(onChange);
  heard.current = onChange;
  useEffect(() => {
    if (!run) return;
    if (insideFile()) return setLink("file");
    setLink("connecting");
    let stream: EventSource;
    let again: ReturnType<typeof setTimeout> | undefined;
    let lost = false;
    const listen = () => {
      stream = new EventSource(api(run, "stream"));
      stream.onopen = () => {
        setLink("live");
        if (lost) refresh();
        lost = false;
      };
      stream.onerror = () => {
        lost = true;
        setLink("lost");
        // A browser tries again where the line broke, but not where the server refused.
        if (stream.readyState === EventSource.CLOSED) again = setTimeout(listen, REFUSED_MS);
      };
      stream.addEventListener("change", (event) => {
        refresh();
        try {
          heard.current?.(JSON.parse((event as MessageEvent<string>).data) as Change);
        } catch {
          // an event of a newer server: the refresh above is what matters
        }
      });
      stream.addEventListener("gone", () => {
        stream.close();
        setLink("gone");
      });
    };
    listen();
    return () => {
      clearTimeout(again);
      stream.close();
    };
  }, [run]);
}
