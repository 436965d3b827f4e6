/** The run inside report.html: base64 of zlib-deflated JSON, `{path of the API: its answer}`. */
export type Contents = Record<string, unknown>;

const element = () => (typeof document === "undefined" ? null : document.getElementById("run-data"));
export const insideFile = (): boolean => element() !== null;

let opened: Promise<Contents> | undefined;
/** Unpack the file's data, once. */
export function unpack(): Promise<Contents> {
  opened ??= inflate(element()?.textContent ?? "");
  return opened;
}

export async function inflate(base64: string): Promise<Contents> {
  const packed = Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Response(packed).body?.pipeThrough(new DecompressionStream("deflate"));
  const contents = JSON.parse(await new Response(stream ?? null).text()) as Contents;
  return Object.fromEntries(Object.entries(contents).map(([path, answer]) => [ordered(path), answer]));
}

/** Views whose sorting, filtering and paging the page does itself where the whole answer is in the file. */
const WHOLE = /\/(agents|events|guide|lineage|progress|now|lanes|overview)$/;
/** The same path, the same answer, in whatever order its query is written; whole views without theirs. */
export function lookUp(contents: Contents, path: string): unknown {
  const exact = contents[ordered(path)];
  if (exact !== undefined) return exact;
  const bare = ordered(path.split("?")[0] ?? path);
  if (WHOLE.test(bare)) return contents[bare];
  const wanted = new URLSearchParams(path.split("?")[1] ?? "");
  const without = contents[bare] as { split?: string; x?: string; y?: string } | undefined;
  // The default answer says itself which split or axes it is of.
  const fits = [...wanted].every(([name, value]) => (without as Record<string, unknown> | undefined)?.[name] === value);
  return fits ? without : undefined;
}

/** One way to write a path: Python and JavaScript do not escape the same letters. */
export function ordered(path: string): string {
  const [written = "", search] = path.split("?");
  const bare = written.split("/").map((part) => encodeURIComponent(decodeURIComponent(part))).join("/");
  if (!search) return bare;
  const query = new URLSearchParams(search);
  query.sort();
  return `${bare}?${query}`;
}

/** The id of the run that the file holds. */
export function runInside(contents: Contents): string {
  const path = Object.keys(contents).find((key) => /^\/api\/run\/.*\/overview$/.test(key));
  const id = path?.slice("/api/run/".length, -"/overview".length) ?? "";
  return id.split("/").map(decodeURIComponent).join("/");
}
