import { useEffect, useMemo, useRef, useState } from "react";
import type { Call } from "../api";
import { duration, plural, usd, whole } from "../format";
import "../inspect.css";
import { Button, Empty } from "./basics";
import { CallCard } from "./CallCard";
import { CopyButton } from "./Copy";
import { asText, mentions, openAtFirst, readBy, sentBefore, totals } from "./transcript";

/** Calls to models one by one: what was sent, what came back, what went into which call. */
export function Transcript({ calls }: { calls: Call[] }) {
  const [find, setFind] = useState("");
  const [open, setOpen] = useState(() => openAtFirst(calls));
  const [at, setAt] = useState(0);
  const [marks, setMarks] = useState(0);
  const box = useRef<HTMLDivElement>(null);
  const readers = useMemo(() => readBy(calls), [calls]);
  const sent = useMemo(() => sentBefore(calls), [calls]);
  const sums = useMemo(() => totals(calls), [calls]);
  const places = useMemo(() => new Map(calls.map((call, place) => [call.index, place])), [calls]);
  const hits = useMemo(() => calls.map((call) => mentions(call, find)), [calls, find]);

  // Another item's transcript opens as a new one; one that grew while it was read keeps what is open.
  const first = calls[0];
  const identity = first ? `${first.component}|${first.model}|${first.messages[0]?.text ?? ""}` : "";
  const last = useRef(identity);
  useEffect(() => {
    if (last.current === identity) return;
    last.current = identity;
    setOpen(openAtFirst(calls));
  }, [identity, calls]);

  useEffect(() => {
    const found = find ? Array.from(box.current?.querySelectorAll("mark") ?? []) : [];
    setMarks(found.length);
    const current = found.length ? ((at % found.length) + found.length) % found.length : -1;
    found.forEach((mark, place) => mark.classList.toggle("mark-now", place === current));
    found[current]?.scrollIntoView({ block: "center" });
  }, [find, at, open, calls]);

  if (!calls.length) return <Empty>No call to a model is recorded here.</Empty>;

  function toggle(place: number) {
    setOpen((before) => {
      const after = new Set(before);
      if (!after.delete(place)) after.add(place);
      return after;
    });
  }
  function jump(index: number) {
    const place = places.get(index);
    if (place === undefined) return;
    setOpen((before) => new Set(before).add(place));
    requestAnimationFrame(() => {
      const target = box.current?.querySelector<HTMLElement>(`[data-call="${place}"] .call-head`);
      target?.focus();
      target?.scrollIntoView({ block: "start" });
    });
  }
  const many = calls.length > 1;
  return (
    <section className="transcript" aria-label="Transcript" ref={box}>
      <div className="transcript-bar">
        <p className="transcript-sums">
          {plural(sums.calls, "call")} · {whole(sums.prompt_tokens)} → {plural(sums.completion_tokens, "token")} ·{" "}
          {usd(sums.cost_usd)}
          {sums.latency_s !== null && <> · {duration(sums.latency_s)} in calls</>}
          {sums.attempts > sums.calls && <> · {whole(sums.attempts)} attempts</>}
          {sums.faults > 0 && <span className="bad"> · {plural(sums.faults, "fault")}</span>}
        </p>
        <div className="transcript-tools">
          <input
            type="search"
            value={find}
            placeholder="Find in transcript"
            aria-label="Find in transcript"
            onChange={(event) => {
              setFind(event.target.value);
              setAt(0);
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter") {
                event.preventDefault();
                setAt(at + (event.shiftKey ? -1 : 1));
              } else if (event.key === "Escape" && find) {
                event.preventDefault(); // else the drawer around it closes
                setFind("");
              }
            }}
          />
          {find && (
            <span className="transcript-found" aria-live="polite">
              {marks ? `${(((at % marks) + marks) % marks) + 1} of ${whole(marks)}` : "not found"}
            </span>
          )}
          {many && (
            <Button
              kind="quiet"
              onClick={() => setOpen(open.size < calls.length ? new Set(calls.keys()) : new Set())}
            >
              {open.size < calls.length ? "Open all" : "Close all"}
            </Button>
          )}
          <CopyButton text={() => asText(calls)} label="Copy all" />
        </div>
      </div>
      <ol className="calls">
        {calls.map((call, place) => (
          <CallCard
            key={call.index}
            call={call}
            place={place}
            open={find ? hits[place]! || open.has(place) : open.has(place)}
            find={find}
            before={sent[place]!}
            beforeIndex={calls[sent[place]!.call]?.index ?? -1}
            readers={readers.get(call.index) ?? []}
            known={places}
            onToggle={toggle}
            onJump={jump}
          />
        ))}
      </ol>
    </section>
  );
}
