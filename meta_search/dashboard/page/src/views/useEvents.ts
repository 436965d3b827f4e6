import { useCallback, useEffect, useRef, useState } from "react";
import type { Events } from "../api";
import { api, ask, insideFile, useView, type View } from "../data";
import { merged, nextPage, type Row } from "./logbook";

const PAGE = 500;
const MOST = 50_000; // rows in the page; a filter finds the rest

export interface Journal {
  view: View<Events>;
  rows: Row[]; // newest first
  more: (() => void) | null; // reads older ones; nothing where there are none
  reading: boolean;
  error: string;
}

/** The newest events, live, and as many older ones as one scrolls to. */
export function useEvents(run: string, kind: string, q: string): Journal {
  const view = useView<Events>(api(run, "events", { kind, q, limit: PAGE, newest: 1 }));
  const last = useRef<Events>(undefined); // shown while another filter's first answer is on its way
  if (view.data) last.current = view.data;
  const filter = `${run} ${kind} ${q}`;
  const [rows, setRows] = useState<Row[]>([]);
  const held = useRef<Row[]>([]);
  const [before, setBefore] = useState(0);
  const [reading, setReading] = useState(false);
  const [error, setError] = useState("");
  const now = useRef(filter);
  const of = useRef("");
  now.current = filter;
  const hold = (next: Row[]) => {
    held.current = next;
    setRows(next);
  };
  useEffect(() => {
    const answer = view.data;
    if (!answer) return;
    const fresh = of.current !== filter;
    of.current = filter;
    const next = merged(fresh ? [] : held.current, answer.rows, true);
    if (fresh || next.length === answer.rows.length) setBefore(nextPage(answer, PAGE));
    hold(next);
    if (fresh) setError("");
  }, [view.data, filter]);
  const more = useCallback(async () => {
    setReading(true);
    try {
      const page = await ask<Events>(api(run, "events", { kind, q, limit: PAGE, newest: 1, before }));
      if (now.current !== filter) return;
      hold(merged(held.current, page.rows, false));
      setBefore(nextPage(page, PAGE));
    } catch (wrong) {
      setError(wrong instanceof Error ? wrong.message : String(wrong));
      setBefore(0);
    } finally {
      setReading(false);
    }
  }, [run, kind, q, before, filter]);
  const can = before > 0 && rows.length < MOST && !insideFile() && !reading;
  return { view: { ...view, data: view.data ?? last.current }, rows, more: can ? () => void more() : null, reading, error };
}
