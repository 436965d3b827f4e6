import { useState, type ReactNode } from "react";
import type { Call } from "../api";
import { duration, usd, whole } from "../format";
import { Button } from "./basics";
import { LongText, Marked } from "./LongText";
import { pretty, type Sent } from "./transcript";

interface CardProps {
  call: Call;
  place: number;
  open: boolean;
  find: string;
  before: Sent;
  beforeIndex: number;
  readers: number[];
  known: Map<number, number>;
  onToggle(place: number): void;
  onJump(index: number): void;
}

/** One call to a model: what was sent, thought, answered and done with tools. */
export function CallCard({ call, place, open, find, before, beforeIndex, readers, known, onToggle, onJump }: CardProps) {
  const title = call.component || call.purpose || "call";
  const excerpt = call.fault || call.reply || call.tool_calls.map((tool) => `${tool.name}(…)`).join(", ");
  return (
    <li className={call.final ? "call call-final" : "call"} data-call={place}>
      <button type="button" className="call-head" aria-expanded={open} onClick={() => onToggle(place)}>
        <span className="call-number">{call.index}</span>
        <span className="call-title" dir="auto">
          <Marked text={title} find={find} />
        </span>
        {call.final && <span className="chip chip-good">final answer</span>}
        {call.fault && <span className="chip chip-bad">fault</span>}
        {call.attempts > 1 && <span className="chip">{call.attempts} attempts</span>}
        <span className="call-cost">
          {whole(call.prompt_tokens)} → {whole(call.completion_tokens)} tokens · {usd(call.cost_usd)}
          {call.latency_s !== null && <> · {duration(call.latency_s)}</>}
        </span>
        {!open && (
          <span className="call-excerpt" dir="auto">
            {excerpt.slice(0, 200)}
          </span>
        )}
      </button>
      {open && (
        <div className="call-body">
          <p className="call-facts">
            {[call.model, call.role, call.purpose]
              .filter((fact, place, facts) => fact && !title.includes(fact) && facts.indexOf(fact) === place)
              .join(" · ")}
            {call.fields.length > 0 && <> · asked for {call.fields.join(", ")}</>}
          </p>
          <Links label="Reads" indexes={call.inputs} known={known} onJump={onJump} />
          <Links label="Read by" indexes={readers} known={known} onJump={onJump} />
          <Messages call={call} find={find} before={before} beforeIndex={beforeIndex} onJump={onJump} />
          {call.reasoning && <Thinking text={call.reasoning} find={find} />}
          {(call.reply || !call.tool_calls.length) && !(call.fault && !call.reply) && (
            <Part role="reply" label="Reply">
              <LongText text={call.reply} find={find} />
            </Part>
          )}
          {call.tool_calls.map((tool, key) => (
            <Tool key={key} name={tool.name} sent={tool.arguments} result={tool.result} find={find} />
          ))}
          {call.fault && (
            <Part role="fault" label="Fault">
              <LongText text={call.fault} find={find} />
            </Part>
          )}
          {call.left_out && <p className="small muted">{call.left_out}</p>}
        </div>
      )}
    </li>
  );
}

function Part({ role, label, children }: { role: string; label: string; children: ReactNode }) {
  return (
    <div className={`part part-${role}`}>
      <div className="part-label">{label}</div>
      <div className="part-body">{children}</div>
    </div>
  );
}

const ROLES = new Set(["system", "user", "assistant", "tool"]);

function Messages({
  call,
  find,
  before,
  beforeIndex,
  onJump,
}: Pick<CardProps, "call" | "find" | "before" | "beforeIndex" | "onJump">) {
  const [asked, ask] = useState<boolean | null>(null);
  const history = call.messages.slice(0, before.messages);
  const wanted = find.toLowerCase();
  const found = !!find && history.some((message) => message.text.toLowerCase().includes(wanted));
  const everything = !before.messages || (asked ?? found);
  const shown = everything ? call.messages : call.messages.slice(before.messages);
  return (
    <>
      {before.messages > 0 && (
        <p className="call-history">
          The first {before.messages} messages are those of call{" "}
          <button type="button" className="linkish" onClick={() => onJump(beforeIndex)}>
            {beforeIndex}
          </button>
          {before.reply ? " and its reply" : ""}.{" "}
          <Button kind="quiet" aria-expanded={everything} onClick={() => ask(!everything)}>
            {everything ? "Fold them" : "Show them"}
          </Button>
        </p>
      )}
      {shown.map((message, key) => (
        <Part
          key={everything ? key : key + before.messages}
          role={ROLES.has(message.role) ? message.role : "other"}
          label={message.role}
        >
          {(message.text || !message.calls.length) && <LongText text={message.text} find={find} />}
          {message.calls.map((tool, place) => (
            <div className="tool-call" key={place}>
              calls <code>{tool.name}</code> <LongText code text={pretty(tool.arguments)} find={find} copying={false} />
            </div>
          ))}
        </Part>
      ))}
    </>
  );
}

function Thinking({ text, find }: { text: string; find: string }) {
  const [asked, ask] = useState<boolean | null>(null);
  const open = asked ?? (!!find && text.toLowerCase().includes(find.toLowerCase()));
  return (
    <Part role="thinking" label="Thinking">
      <Button kind="quiet" aria-expanded={open} onClick={() => ask(!open)}>
        {open ? "Fold" : `Show the thinking: ${whole(text.length)} characters`}
      </Button>
      {open && <LongText text={text} find={find} />}
    </Part>
  );
}

function Tool({ name, sent, result, find }: { name: string; sent: string; result: string; find: string }) {
  return (
    <Part role="tool" label="Tool">
      <div className="tool-call">
        <code>
          <Marked text={name} find={find} />
        </code>
        {sent && <LongText code text={pretty(sent)} find={find} copying={false} />}
      </div>
      <div className="tool-result">
        <span className="part-small">Result</span>
        <LongText code text={pretty(result)} find={find} />
      </div>
    </Part>
  );
}

function Links({
  label,
  indexes,
  known,
  onJump,
}: {
  label: string;
  indexes: number[];
  known: Map<number, number>;
  onJump(index: number): void;
}) {
  if (!indexes.length) return null;
  return (
    <p className="call-links">
      {label}{" "}
      {indexes.map((index) =>
        known.has(index) ? (
          <button key={index} type="button" className="linkish" onClick={() => onJump(index)}>
            call {index}
          </button>
        ) : (
          <span key={index}>call {index} </span>
        ),
      )}
    </p>
  );
}
