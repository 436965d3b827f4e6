/** The keyboard: views register what their keys do; `?` shows all that are registered. */
import { useEffect, useRef } from "react";

export interface Key { key: string; does: string; run: (event: KeyboardEvent) => void }
/** Sets of keys that are active now, the newest last (and first to be asked). */
const active: { current: Key[] }[] = [];
let prefix = "";
let prefixTimer: ReturnType<typeof setTimeout> | undefined;

const NO_TEXT = new Set(["checkbox", "radio", "button", "submit", "range", "file"]);
function writing(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !NO_TEXT.has(target.type);
  return target instanceof HTMLElement && (target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName));
}

/** "g a" is `g`, then `a`. Typing into a field is left alone, but for Escape. */
export function dispatch(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (writing(event.target) && event.key !== "Escape") return;
  const pressed = prefix ? `${prefix} ${event.key}` : event.key;
  prefix = "";
  for (const keys of [...active].reverse()) {
    const found = keys.current.find((key) => key.key === pressed);
    if (found) {
      event.preventDefault();
      found.run(event);
      return;
    }
  }
  if (active.some((keys) => keys.current.some((key) => key.key.startsWith(`${event.key} `)))) {
    prefix = event.key;
    clearTimeout(prefixTimer);
    prefixTimer = setTimeout(() => (prefix = ""), 1500);
  }
}
/** Keys that work while this component is on the screen. */
export function useKeys(keys: Key[]): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    active.push(latest);
    return () => void active.splice(active.indexOf(latest), 1);
  }, []);
}
/** Every key that works now, for the help; each once. */
export function activeKeys(): Key[] {
  const seen = new Map<string, Key>();
  for (const keys of active) for (const key of keys.current) seen.set(key.key, key);
  return [...seen.values()];
}
