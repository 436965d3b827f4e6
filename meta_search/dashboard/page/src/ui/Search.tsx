import { useEffect, useRef, useState } from "react";
import type { Found } from "../api";
import { api, insideFile, useView } from "../data";
import { whole } from "../format";
import "../inspect.css";
import { useKeys } from "../keys";
import { go, href } from "../router";
import { Button, Empty, ErrorLine, Modal, Skeleton } from "./index";
import { Marked } from "./LongText";
import { useSettled } from "./useSettled";

type Hit = Found["hits"][number];

/** Where a hit leads: the item's drawer for an answer, else the agent's page. */
export function placeOf(run: string, hit: Hit): Parameters<typeof href>[0] {
  return hit.where === "answer" && hit.item
    ? { run, view: "items", item: hit.item, agent: hit.agent, split: hit.split }
    : { run, view: "agent", agent: hit.agent };
}

/** A query as it is typed: the word under the hand is a beginning, unless a quote or a star ends it. */
export function asQuery(text: string): string {
  const typed = text.trimStart();
  const quotes = typed.split('"').length - 1;
  return /[\p{L}\p{N}_]{2}$/u.test(typed) && quotes % 2 === 0 ? `${typed}*` : typed.trim();
}

const WHERE: Record<string, string> = { name: "name", thought: "thought", code: "code", answer: "answer" };

/** Opens the search over names, thoughts, code and answers; `s` does so too. */
export function SearchButton({ run }: { run: string }) {
  const [open, setOpen] = useState(false);
  const here = !insideFile();
  useKeys(here ? [{ key: "s", does: "search names, thoughts, code and answers", run: () => setOpen(true) }] : []);
  if (!here) return null;
  return (
    <>
      <Button kind="quiet" onClick={() => setOpen(true)}>
        Search
      </Button>
      {open && (
        <Modal title="Search the run" onClose={() => setOpen(false)}>
          <Search run={run} onGo={() => setOpen(false)} />
        </Modal>
      )}
    </>
  );
}

/** Full text over names, thoughts, code and answers, with excerpts; arrows and Enter go to a hit. */
export function Search({ run, onGo }: { run: string; onGo?: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const q = useSettled(asQuery(text));
  const view = useView<Found>(q.length > 1 ? api(run, "search", { q, limit: 50 }) : null, { keep: true });
  const hits = q.length > 1 ? (view.data?.hits ?? []) : [];
  useEffect(() => setAt(0), [q]);
  useEffect(() => {
    // The dialog around it opens after this and takes the focus to its first button.
    const frame = requestAnimationFrame(() => field.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const growing = !!view.data && view.data.indexed < view.data.of;
  const reload = view.reload;
  useEffect(() => {
    // The index grows beside it: who asks again finds more.
    if (!growing) return;
    const timer = setTimeout(reload, 1000);
    return () => clearTimeout(timer);
  }, [growing, reload, view.data]);
  useEffect(() => {
    void list.current?.children[at]?.scrollIntoView({ block: "nearest" }); // a promise in newer browsers
  }, [at]);
  const open = (hit: Hit | undefined) => {
    if (!hit) return;
    go(placeOf(run, hit));
    onGo?.();
  };
  return (
    <div>
      <input
        ref={field}
        type="search"
        className="search"
        aria-label="Search names, thoughts, code and answers"
        placeholder={`Words, "phrases" in names, code, answers`}
        spellCheck={false}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") setAt(Math.min(hits.length - 1, at + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, at - 1));
          else if (event.key === "Enter") open(hits[at]);
          else return;
          event.preventDefault();
        }}
      />
      <ErrorLine error={q.length > 1 ? view.error : undefined} retry={view.reload} />
      {q.length > 1 && !view.data && !view.error && <Skeleton slow={view.slow} doing="Searching the archive…" />}
      {q.length > 1 && view.data && (
        <>
          <p className="small muted" role="status">
            {hits.length ? `${whole(hits.length)} found` : "Nothing found"} for “{text.trim()}”
            {view.data.indexed < view.data.of && `; ${whole(view.data.indexed)} of ${whole(view.data.of)} texts indexed so far`}
          </p>
          {hits.length === 0 && view.data.indexed >= view.data.of && <Empty>Try fewer or shorter words.</Empty>}
          <ul className="found" ref={list}>
            {hits.map((hit, place) => (
              <li key={place}>
                <a
                  className={place === at ? "at" : undefined}
                  aria-current={place === at || undefined}
                  href={href(placeOf(run, hit))}
                  onClick={() => onGo?.()}
                >
                  <span className="found-head">
                    <b dir="auto">{hit.name || hit.agent}</b>
                    <span className="small muted">
                      {WHERE[hit.where] ?? hit.where}
                      {hit.item && ` on ${hit.item}`}
                      {hit.split && ` (${hit.split})`}
                    </span>
                  </span>
                  <span className="found-excerpt" dir="auto">
                    <Marked text={hit.excerpt} find={q.split(/[\s"*]+/)} />
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}
