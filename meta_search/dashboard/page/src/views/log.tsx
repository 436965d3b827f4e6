import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import type { Events } from "../api";
import { insideFile, useLink } from "../data";
import { plural, when, whole } from "../format";
import "../inspect.css";
import { useKeys } from "../keys";
import { useRemembered } from "../remembered";
import { go, href, useRoute } from "../router";
import { AgentLink, Answer, Button, Card, Choice, Empty, ErrorLine, SearchField, useTitle } from "../ui";
import { LongText } from "../ui/LongText";
import { Steer } from "../ui/Steer";
import { useSettled } from "../ui/useSettled";
import type { ViewProps } from "./index";
import { filtered, isSteering, itemOf, kindWords, ordered, steeredBy, toggled, withoutWho, type Row } from "./logbook";
import { useEvents, type Journal } from "./useEvents";

/** The journal: every event as it was written down, live while the run goes on. */
export default function View({ run }: ViewProps) {
  const { query } = useRoute();
  useTitle("Log");
  const kind = query.kind ?? "";
  const q = useSettled(query.q ?? "");
  const journal = useEvents(run, kind, q);
  return (
    <div className="stack">
      <h1>Log</h1>
      <Steer run={run} />
      <Answer view={journal.view} doing="Reading the journal…" lines={10}>
        {(events) => <Log events={events} journal={journal} kind={kind} />}
      </Answer>
    </div>
  );
}

function Log({ events, journal, kind }: { events: Events; journal: Journal; kind: string }) {
  const { query } = useRoute();
  const live = useLink() === "live";
  const [newestFirst, setNewestFirst] = useRemembered("log.newest-first", true);
  const [follow, setFollow] = useState(true);
  const [held, hold] = useState<number | null>(null); // newest event shown while somebody reads further back
  const [at, setAt] = useState(-1);
  const [open, setOpen] = useState<Set<number>>(new Set());
  const box = useRef<HTMLDivElement>(null);
  const q = query.q ?? "";
  const all = useMemo(
    () => ordered(insideFile() ? filtered(journal.rows, kind, q) : journal.rows, newestFirst),
    [journal.rows, kind, q, newestFirst],
  );
  const rows = useMemo(
    () => (held === null ? all : all.filter((row) => row.seq <= held)),
    [all, held],
  );
  const waiting = all.length - rows.length;
  const newest = newestFirst ? all[0]?.seq : all.at(-1)?.seq;

  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => 34,
    getItemKey: (place) => rows[place]!.seq,
    overscan: 15,
  });
  const edge = () => {
    const element = box.current;
    if (!element) return;
    element.scrollTop = newestFirst ? 0 : element.scrollHeight;
  };
  useEffect(() => {
    if (!follow) return;
    edge();
    // Rows are measured when they are drawn, so the end moves once more.
    const frame = requestAnimationFrame(edge);
    return () => cancelAnimationFrame(frame);
  }, [newest, follow, newestFirst]); // eslint-disable-line react-hooks/exhaustive-deps

  function following(on: boolean) {
    setFollow(on);
    hold(on ? null : (newest ?? null));
  }
  function onScroll() {
    const element = box.current;
    if (!element) return;
    const fromNewest = newestFirst ? element.scrollTop : element.scrollHeight - element.scrollTop - element.clientHeight;
    const fromOldest = newestFirst ? element.scrollHeight - element.scrollTop - element.clientHeight : element.scrollTop;
    if (follow && fromNewest > 120) following(false);
    else if (!follow && fromNewest < 4 && waiting === 0) following(true);
    if (fromOldest < 400) journal.more?.();
  }
  function toggle(seq: number) {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(seq)) after.add(seq);
      return after;
    });
  }
  function move(by: number) {
    const to = Math.max(0, Math.min(rows.length - 1, at + by));
    setAt(to);
    virtual.scrollToIndex(to);
  }
  useKeys([
    { key: "j", does: "next event", run: () => move(1) },
    { key: "k", does: "event before", run: () => move(-1) },
    { key: "Enter", does: "open or fold the event", run: (event) => {
      const target = event.target instanceof HTMLElement ? event.target : null;
      if (target?.closest("a, button, summary, label")) target.click();
      else if (rows[at]) toggle(rows[at].seq);
    } },
    { key: "f", does: "follow the newest event", run: () => following(!follow) },
  ]);
  return (
    <Card>
      <div className="stack">
        <div className="filters">
          <SearchField label="Search the log" value={q} onChange={(text) => go({ q: text }, { replace: true })} />
          <Choice
            label="Order"
            value={newestFirst ? "newest" : "oldest"}
            options={[
              { value: "newest", label: "Newest first" },
              { value: "oldest", label: "Newest last" },
            ]}
            onChange={(value) => setNewestFirst(value === "newest")}
          />
          {live && (
            <Button pressed={follow} onClick={() => following(!follow)}>
              Follow
            </Button>
          )}
          {waiting > 0 && (
            <Button kind="main" onClick={() => following(true)}>
              {plural(waiting, "new event")}
            </Button>
          )}
        </div>
        <div className="kinds" role="group" aria-label="Kinds of event">
          {Object.entries(events.kinds)
            .sort((a, b) => b[1] - a[1])
            .map(([one, count]) => (
              <Button
                key={one}
                pressed={kind.split(",").includes(one)}
                onClick={() => go({ kind: toggled(kind, one) }, { replace: true })}
              >
                {kindWords(one)} <span className="how-many">{whole(count)}</span>
              </Button>
            ))}
        </div>
        <p className="small muted">
          {rows.length < events.total ? `${whole(rows.length)} of ` : ""}
          {plural(events.total, "event")}
          {journal.reading && "; reading older ones…"}
          {journal.more && (
            <>
              {" "}
              <Button kind="quiet" onClick={journal.more}>
                Load older events
              </Button>
            </>
          )}
        </p>
        {journal.error && <ErrorLine error={journal.error} />}
        {rows.length === 0 ? (
          <Empty>{q || kind ? "No event matches." : "Nothing has happened yet."}</Empty>
        ) : (
          <div className="log" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-live="off" aria-label="Events">
            <ol className="flat-list log-space" style={{ height: virtual.getTotalSize() }}>
              {virtual.getVirtualItems().map((place) => {
                const row = rows[place.index]!;
                return (
                  <li
                    key={place.key}
                    ref={virtual.measureElement}
                    data-index={place.index}
                    aria-setsize={rows.length}
                    aria-posinset={place.index + 1}
                    className={`log-row${isSteering(row) ? " log-steer" : ""}${place.index === at ? " log-here" : ""}`}
                    style={{ transform: `translateY(${place.start}px)` }}
                  >
                    <Event row={row} open={open.has(row.seq)} onToggle={() => toggle(row.seq)} />
                  </li>
                );
              })}
            </ol>
          </div>
        )}
      </div>
    </Card>
  );
}

function Event({ row, open, onToggle }: { row: Row; open: boolean; onToggle: () => void }) {
  const who = steeredBy(row);
  const item = itemOf(row);
  const date = new Date(row.at * 1000);
  return (
    <>
      <time dateTime={date.toISOString()} title={`${when(row.at)}, event ${row.seq}`}>
        {date.toDateString() === new Date().toDateString() ? "" : `${date.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} `}
        {date.toLocaleTimeString("en-GB")} <span>#{row.seq}</span>
      </time>
      <span className="log-kind">{kindWords(row.kind)}</span>
      <div className="log-text">
        {who && (
          <b>
            {who.who}
            {who.at !== null && ` at ${new Date(who.at * 1000).toLocaleTimeString("en-GB")}`}:{" "}
          </b>
        )}
        <span dir="auto">{withoutWho(row)}</span> {row.agent && <AgentLink agent={row.agent} />}{" "}
        {item && (
          <a href={href({ view: "items", ...item })} title={item.item}>
            item
          </a>
        )}{" "}
        <button type="button" className="linkish small" aria-expanded={open} onClick={onToggle}>
          {open ? "fold" : "data"}
        </button>
        {open && (
          <div className="log-data">
            <LongText code text={JSON.stringify(row.data, null, 2)} />
          </div>
        )}
      </div>
    </>
  );
}
