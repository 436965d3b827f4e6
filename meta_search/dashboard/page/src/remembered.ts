/** Choices that outlive the page: kept in localStorage where the browser lets us (file:// may not). */
import { useCallback, useState } from "react";

export function recall(key: string): string | null {
  try {
    return window.localStorage.getItem(`meta-search.${key}`);
  } catch {
    return null;
  }
}
export function remember(key: string, value: string): void {
  try {
    window.localStorage.setItem(`meta-search.${key}`, value);
  } catch {
    // then it is a choice for this visit
  }
}
/** As `useState`, kept as JSON under `key`. `valid` refuses what an older page or somebody else wrote. */
export function useRemembered<T>(key: string, initial: T, valid: (value: unknown) => boolean = (v) => typeof v === typeof initial): [T, (value: T) => void] {
  const [value, set] = useState<T>(() => {
    try {
      const found: unknown = JSON.parse(recall(key) ?? "null");
      return found !== null && valid(found) ? (found as T) : initial;
    } catch {
      return initial;
    }
  });
  const change = useCallback((next: T) => {
    set(next);
    remember(key, JSON.stringify(next));
  }, [key]);
  return [value, change];
}
