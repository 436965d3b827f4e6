/** Dark or light: as the system has it, until somebody chooses. */
import { recall, remember } from "./remembered";

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

export function chosenTheme(): Theme {
  const found = recall("theme");
  return found === "light" || found === "dark" ? found : "system";
}
export function setTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  remember("theme", theme);
  window.dispatchEvent(new Event("theme"));
}
export const startTheme = (): void => {
  const theme = chosenTheme();
  if (theme !== "system") document.documentElement.dataset.theme = theme;
};
/** Whether the page is dark now (canvases draw by it; they listen to the window's `theme` event). */
export const isDark = (): boolean => {
  const theme = document.documentElement.dataset.theme;
  return theme ? theme === "dark" : window.matchMedia("(prefers-color-scheme: dark)").matches;
};
/** A colour of the theme for a canvas: `color("--accent")`. */
export const color = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** The nonce for style elements that libraries make (CodeMirror's `cspNonce`); the server put it there. */
export function nonce(): string {
  const found = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? "";
  return found.startsWith("__") ? "" : found;
}
