import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import type { Interval } from "../api";
import { fateOf } from "../fates";
import { intervalText, percent, short } from "../format";
import { useKeys } from "../keys";
import { href } from "../router";

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & { kind?: "plain" | "main" | "danger" | "quiet"; pressed?: boolean };
export function Button({ kind = "plain", pressed, className = "", ...rest }: ButtonProps) {
  return <button type="button" aria-pressed={pressed} className={`button ${kind} ${className}`} {...rest} />;
}

/** A choice of one from a few; arrows move within it, as in a group of radio buttons. */
export function Choice<T extends string>({ label, value, options, onChange }: {
  label: string; value: T; options: readonly (T | { value: T; label: string })[]; onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend className="hidden">{label}</legend>
      {options.map((option) => {
        const of = typeof option === "string" ? { value: option, label: option } : option;
        return (
          <label key={of.value} className={of.value === value ? "on" : ""}>
            <input type="radio" name={name} checked={of.value === value} onChange={() => onChange(of.value)} />
            {of.label}
          </label>
        );
      })}
    </fieldset>
  );
}

/** Links that look like tabs: each is a place of its own. */
export function Tabs({ label, items, current }: { label: string; items: { id: string; label: string; href: string }[]; current: string }) {
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    void nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [current]);
  return (
    <nav className="tabs" aria-label={label} ref={nav}>
      {items.map((item) => (
        <a key={item.id} href={item.href} aria-current={item.id === current ? "page" : undefined}>{item.label}</a>
      ))}
    </nav>
  );
}

export function Card({ title, tools, children, wide = false }: { title?: ReactNode; tools?: ReactNode; children: ReactNode; wide?: boolean }) {
  const id = useId();
  return (
    <section className={`card${wide ? " wide" : ""}`} aria-labelledby={title ? id : undefined}>
      {(title || tools) && (
        <header className="card-head">
          {title && <h2 id={id}>{title}</h2>}
          {tools && <div className="tools">{tools}</div>}
        </header>
      )}
      {children}
    </section>
  );
}

export const Empty = ({ children }: { children: ReactNode }) => <p className="empty">{children}</p>;

export function ErrorLine({ error, retry }: { error?: string; retry?: () => void }) {
  if (!error) return null;
  return (
    <p className="error" role="alert">
      {error} {retry && <Button kind="quiet" onClick={retry}>Try again</Button>}
    </p>
  );
}

/** What stands in for an answer that is on its way; after 300 ms it says what is being done. */
export function Skeleton({ slow, doing = "Reading the archive…", lines = 3 }: { slow: boolean; doing?: string; lines?: number }) {
  return (
    <div className="skeleton" aria-busy="true">
      {slow && <p className="doing" role="status">{doing}</p>}
      {Array.from({ length: lines }, (_, line) => <div key={line} className="bone" />)}
    </div>
  );
}

/** The usual frame of a view's answer: the answer, else why there is none yet. */
export function Answer<T>({ view, doing, lines, children }: {
  view: { data?: T; error?: string; slow: boolean; reload(): void }; doing?: string; lines?: number; children: (data: T) => ReactNode;
}) {
  return (
    <>
      <ErrorLine error={view.error} retry={view.reload} />
      {view.data !== undefined ? children(view.data) : !view.error && <Skeleton slow={view.slow} doing={doing} lines={lines} />}
    </>
  );
}

/** "66.7 % [30, 90]", with the number of items for those who point at it. */
export function IntervalText({ of, items = false }: { of: Interval | null | undefined; items?: boolean }) {
  const title = of && of.score !== null ? `95 % interval, ${of.items} items` : undefined;
  return <span className="number" title={title}>{intervalText(of)}{items && of && of.score !== null ? <span className="muted"> on {of.items}</span> : null}</span>;
}

/** A score as a bar with its interval; the text beside it says the same. */
export function IntervalBar({ of, width = 90 }: { of: Pick<Interval, "score" | "low" | "high"> | null | undefined; width?: number }) {
  if (!of || of.score === null) return <svg className="bar" width={width} height={12} aria-hidden="true" />;
  const x = (share: number) => Math.max(0, Math.min(1, share)) * width;
  return (
    <svg className="bar" width={width} height={12} viewBox={`0 0 ${width} 12`} aria-hidden="true">
      <rect className="bar-back" x={0} y={3} width={width} height={6} rx={3} />
      <rect className="bar-fill" x={0} y={3} width={x(of.score)} height={6} rx={3} />
      {of.low !== null && of.high !== null && (
        <path className="bar-interval" d={`M${x(of.low)} 6H${x(of.high)}M${x(of.low)} 2V10M${x(of.high)} 2V10`} />
      )}
    </svg>
  );
}

/** A share of something with a limit. */
export function Meter({ label, share, text }: { label: string; share: number; text: string }) {
  const full = share >= 0.9;
  return (
    <div className="meter">
      <span className="meter-label">{label}</span>
      <svg width="100%" height={8} role="img" aria-label={`${label}: ${text}, ${percent(share, 0)}`}>
        <rect className="bar-back" width="100%" height={8} rx={4} />
        <rect className={full ? "meter-full" : "bar-fill"} width={`${Math.min(1, Math.max(0, share)) * 100}%`} height={8} rx={4} />
      </svg>
      <span className="number">{text}<span className="muted"> {percent(share, 0)}</span></span>
    </div>
  );
}

export function FateMark({ fate, text = true }: { fate: string; text?: boolean }) {
  const look = fateOf(fate);
  return (
    <span className="fate" title={look.says}>
      <span style={{ color: look.color }} aria-hidden="true">{look.glyph}</span>
      <span className={text ? "" : "hidden"}> {fate}</span>
    </span>
  );
}

/** A link to an agent's page. */
export function AgentLink({ agent, name, ...more }: { agent: string; name?: string } & Record<string, string | undefined>) {
  return <a href={href({ view: "agent", agent, ...more })} title={agent}>{name || short(agent)}</a>;
}

/** A field that filters as one types; `/` goes to it, Escape empties it. */
export function SearchField({ label, value, onChange, autoKey = true }: { label: string; value: string; onChange: (value: string) => void; autoKey?: boolean }) {
  const field = useRef<HTMLInputElement>(null);
  useKeys(autoKey ? [{ key: "/", does: `search: ${label.toLowerCase()}`, run: () => field.current?.focus() }] : []);
  return (
    <input
      ref={field} type="search" className="search" aria-label={label} placeholder={label} value={value} spellCheck={false}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        event.nativeEvent.preventDefault();
        if (value) onChange("");
        else field.current?.blur();
      }}
    />
  );
}

/** Long text, folded after some lines; always a text node. */
export function Folded({ text, lines = 12, label = "text", open = false }: { text: string; lines?: number; label?: string; open?: boolean }) {
  const [all, setAll] = useState(open);
  const parts = text.split("\n");
  const long = parts.length > lines || text.length > lines * 160;
  const shown = all || !long ? text : parts.slice(0, lines).join("\n").slice(0, lines * 160);
  return (
    <div className="folded">
      <pre tabIndex={0} aria-label={label}>{shown}{!all && long ? "…" : ""}</pre>
      {long && <Button kind="quiet" onClick={() => setAll(!all)}>{all ? "Fold" : `Show all ${text.length.toLocaleString("en-US")} characters`}</Button>}
    </div>
  );
}

/** Say something to those who do not see the screen, once. */
export function Announce({ text }: { text: string }) {
  return <p className="hidden" role="status" aria-live="polite">{text}</p>;
}

export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · meta-search` : "meta-search";
  }, [title]);
}
