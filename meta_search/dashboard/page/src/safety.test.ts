import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const files = (folder: string): string[] => readdirSync(folder).flatMap((name) => {
  const path = join(folder, name);
  return statSync(path).isDirectory() ? files(path) : [path];
});
const sources = files(import.meta.dirname).filter((path) => /\.(tsx?|css)$/.test(path) && !path.endsWith("safety.test.ts"));

test.each([
  ["text of models becomes markup", /dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write/],
  ["text becomes code", /\beval\(|new Function\(|setTimeout\(\s*["'`]/],
  ["something comes from outside", /(src|href|url|import|fetch)\s*[=(]\s*["'{`]*\s*https?:/],
  ["an effect hands React what a call returned (newer browsers answer a scroll with a promise)", /useEffect\(\(\) => [^{(\s][^;]*(scrollIntoView|scrollTo|scrollBy|animate)\(/],
  ["markup of another maker", /createContextualFragment|DOMParser/],
])("nowhere: %s", (_what, pattern) => {
  expect(sources.length).toBeGreaterThan(20);
  expect(sources.filter((path) => pattern.test(readFileSync(path, "utf8")))).toEqual([]);
});
