/** Every view by its name, loaded when it is first looked at. */
import { lazy, type ComponentType } from "react";

export type ViewProps = { run: string };
type Loaded = { default: ComponentType<ViewProps> };
export interface ViewEntry { label: string; letter: string; tab: boolean; View: ComponentType<ViewProps> }

const view = (label: string, letter: string, load: () => Promise<Loaded>, tab = true): ViewEntry => ({ label, letter, tab, View: lazy(load) });

export const VIEWS: Record<string, ViewEntry> = {
  runs: view("Runs", "r", () => import("./runs"), false),
  compare: view("Compare", "", () => import("./compare"), false),
  overview: view("Overview", "o", () => import("./overview")),
  agents: view("Agents", "a", () => import("./agents")),
  lineage: view("Lineage", "l", () => import("./lineage")),
  niches: view("Niches", "n", () => import("./niches")),
  agent: view("One agent", "", () => import("./agent"), false),
  items: view("Items", "i", () => import("./items")),
  guide: view("Guide", "u", () => import("./guide")),
  log: view("Log", "e", () => import("./log")),
};
