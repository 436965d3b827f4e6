import { useRef, useState } from "react";
import type { RunRow, SteerRequest } from "../api";
import { count, usd } from "../format";
import { Button } from "./index";
import { agentName, LIMITS, MOST_NAME, MOST_NOTE, MOST_SOURCE, parsed, type LimitKey } from "./steering";

export type Send = (request: SteerRequest, name?: string) => Promise<boolean>;

function standing(row: RunRow, limit: LimitKey): string {
  if (!limit.of) return "";
  const now = row.limits[limit.of];
  const spent = { usd: row.spent.cost_usd, calls: row.spent.calls, tokens: row.spent.tokens, wall_s: row.elapsed_s }[limit.of];
  const say = limit.of === "usd" ? usd : count;
  return `${now === null ? "No limit now" : `Now ${say(now)}`}; ${say(spent)} spent.`;
}

export function LimitForm({ row, send }: { row: RunRow; send: Send }) {
  const [key, setKey] = useState(LIMITS[0]!.key);
  const [text, setText] = useState("");
  const limit = LIMITS.find((one) => one.key === key)!;
  return (
    <form
      className="steer-line"
      onSubmit={async (event) => {
        event.preventDefault();
        if (await send({ command: "limit", limit: key, value: parsed(text) })) setText("");
      }}
    >
      <label>
        Limit{" "}
        <select value={key} onChange={(event) => setKey(event.target.value)}>
          {LIMITS.map((one) => (
            <option key={one.key} value={one.key}>
              {one.label} ({one.key})
            </option>
          ))}
        </select>
      </label>
      <label>
        New value{" "}
        <input inputMode="decimal" size={10} value={text} onChange={(event) => setText(event.target.value)} /> {limit.unit}
      </label>
      <Button type="submit" kind="main" disabled={!text.trim()}>
        Set
      </Button>
      <span className="small muted">{standing(row, limit)}</span>
    </form>
  );
}

export function NoteForm({ send }: { send: Send }) {
  const [text, setText] = useState("");
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        if (await send({ command: "note", text: text.trim() })) setText("");
      }}
    >
      <label>
        A hint for the model that writes agents. It is added to the next prompts, marked as a person's hint.
        <textarea value={text} onChange={(event) => setText(event.target.value)} maxLength={MOST_NOTE} />
      </label>
      <div className="steer-line">
        <Button type="submit" kind="main" disabled={!text.trim()}>
          Send the note
        </Button>
        <span className="small muted">
          {text.length} of {MOST_NOTE} characters
        </span>
      </div>
    </form>
  );
}

export function AddForm({ send }: { send: Send }) {
  const [source, setSource] = useState("");
  const [name, setName] = useState("");
  const [wrong, setWrong] = useState("");
  const file = useRef<HTMLInputElement>(null);
  async function read(chosen: File | undefined) {
    setWrong("");
    if (!chosen) return;
    if (chosen.size > MOST_SOURCE) return setWrong(`${chosen.name} is too long for an agent.`);
    setSource(await chosen.text());
    setName(agentName(chosen.name));
  }
  return (
    <form
      onSubmit={async (event) => {
        event.preventDefault();
        if (await send({ command: "add", source, name: name.trim() })) {
          setSource("");
          setName("");
          if (file.current) file.current.value = "";
        }
      }}
    >
      <p className="small muted">It is checked, tried out in the sandbox, and raced like any other agent.</p>
      <div className="steer-line">
        <label>
          Name <input value={name} maxLength={MOST_NAME} onChange={(event) => setName(event.target.value)} />
        </label>
        <label>
          File{" "}
          <input ref={file} type="file" accept=".py,text/x-python" onChange={(event) => void read(event.target.files?.[0])} />
        </label>
      </div>
      <label>
        Code
        <textarea className="code" spellCheck={false} rows={10} value={source} onChange={(event) => setSource(event.target.value)} />
      </label>
      <div className="steer-line">
        <Button type="submit" kind="main" disabled={!source.trim()}>
          Add it to the race
        </Button>
        {wrong && <span className="error">{wrong}</span>}
      </div>
    </form>
  );
}
