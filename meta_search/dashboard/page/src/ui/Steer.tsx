import { useState, type ReactNode } from "react";
import type { Events, RunRow, SteerRequest } from "../api";
import { api, insideFile, post, refresh, useView } from "../data";
import "../inspect.css";
import { useRun } from "../run";
import { steeringCommand, steeringId, type Row } from "../views/logbook";
import { Announce, Button, Modal } from "./index";
import { fault, inWords } from "./steering";
import { AddForm, LimitForm, NoteForm } from "./SteerForms";

const GOES_ON = new Set(["searching", "paused"]);
const WAITS = new Set(["stopped", "killed"]); // what is asked for here is kept for `meta-search resume`

interface Asked {
  key: number;
  words: string;
  request: SteerRequest;
  at: number; // seconds since 1970
  id: string | null; // null: on its way
  error: string;
}

/** The run's row where it may be steered, else nothing: no `--steer`, a file, or a search that is over. */
export function useSteerable(run: string): RunRow | null {
  const { row, steer } = useRun(insideFile() ? "" : run);
  return steer && row && row.kind === "search" && (GOES_ON.has(row.state) || WAITS.has(row.state)) ? row : null;
}

let keys = 0;

function useAsking(run: string) {
  const [asked, setAsked] = useState<Asked[]>([]);
  async function send(request: SteerRequest, name = ""): Promise<boolean> {
    const key = ++keys;
    const mine: Asked = { key, words: inWords(request, name), request, at: Date.now() / 1000, id: null, error: "" };
    const become = (change: Partial<Asked>) =>
      setAsked((before) => before.map((one) => (one.key === key ? { ...one, ...change } : one)));
    const wrong = fault(request);
    setAsked((before) => [...before.slice(-4), { ...mine, error: wrong }]);
    if (wrong) return false;
    try {
      const { id } = await post<{ id: string }>(api(run, "steer"), request);
      become({ id });
      refresh();
      return true;
    } catch (error) {
      become({ error: error instanceof Error ? error.message : String(error) });
      return false;
    }
  }
  return { asked, send };
}

/** The event by which the search took a request in. */
export function takenIn(asked: Pick<Asked, "id" | "at" | "request">, rows: readonly Row[]): Row | undefined {
  return (
    rows.find((row) => asked.id && steeringId(row) === asked.id) ??
    rows.find((row) => !steeringId(row) && steeringCommand(row) === asked.request.command && row.at >= asked.at - 2)
  );
}

const clock = (at: number) => new Date(at * 1000).toLocaleTimeString("en-GB");

/** What was asked in this page, and when the search took it in. */
function AskedList({ run, asked, waits }: { run: string; asked: Asked[]; waits: boolean }) {
  const { data } = useView<Events>(asked.length ? api(run, "events", { kind: "steer", newest: 1, limit: 50 }) : null);
  if (!asked.length) return null;
  const later = waits ? "kept until the search is resumed" : "the search applies it at its next step";
  const lines = asked.map((one) => {
    if (one.error) return { key: one.key, look: "refused", text: `${one.words}: ${one.error}` };
    if (one.id === null) return { key: one.key, look: "", text: `${one.words}: sending…` };
    const event = takenIn(one, data?.rows ?? []);
    return event
      ? { key: one.key, look: "taken", text: `${one.words}: applied at ${clock(event.at)}` }
      : { key: one.key, look: "", text: `${one.words}: asked at ${clock(one.at)}; ${later}` };
  });
  return (
    <>
      <ul className="steer-asked" aria-label="Requests">
        {lines.map((line) => (
          <li key={line.key} className={line.look}>
            {line.text}
          </li>
        ))}
      </ul>
      <Announce text={lines.at(-1)?.text ?? ""} />
    </>
  );
}

type Panel = "" | "limit" | "note" | "add";

/** Buttons that steer a search that goes on; nothing where the server was not started with `--steer`. */
export function Steer({ run }: { run: string }) {
  const row = useSteerable(run);
  const { asked, send } = useAsking(run);
  const [panel, setPanel] = useState<Panel>("");
  const [stopping, setStopping] = useState(false);
  if (!row) return null;
  const show = (one: Panel) => setPanel(panel === one ? "" : one);
  const goesOn = GOES_ON.has(row.state);
  return (
    <section className="card steer" aria-label="Steer the search">
      <div className="steer-line">
        <b>Steer</b>
        {row.state === "paused" && (
          <Button kind="main" onClick={() => void send({ command: "resume" })}>
            Resume
          </Button>
        )}
        {row.state === "searching" && <Button onClick={() => void send({ command: "pause" })}>Pause</Button>}
        {goesOn && (
          <>
            <Button kind="danger" onClick={() => setStopping(true)}>
              Stop and report…
            </Button>
            <Button aria-expanded={panel === "limit"} onClick={() => show("limit")}>
              Limits
            </Button>
          </>
        )}
        <Button aria-expanded={panel === "note"} onClick={() => show("note")}>
          Note
        </Button>
        <Button aria-expanded={panel === "add"} onClick={() => show("add")}>
          Add an agent
        </Button>
        {!goesOn && <span className="small muted">The search is not running; requests are kept until it is resumed.</span>}
      </div>
      {panel === "limit" && goesOn && <LimitForm row={row} send={send} />}
      {panel === "note" && <NoteForm send={send} />}
      {panel === "add" && <AddForm send={send} />}
      <AskedList run={run} asked={asked} waits={WAITS.has(row.state)} />
      {stopping && (
        <Question
          title="Stop the search?"
          yes="Stop and report"
          onNo={() => setStopping(false)}
          onYes={() => {
            setStopping(false);
            void send({ command: "stop" });
          }}
        >
          <p>
            No further agents are written. Work in flight finishes, then the final report runs on the test items.
          </p>
        </Question>
      )}
    </section>
  );
}

function Question(props: { title: string; yes: string; onYes: () => void; onNo: () => void; children: ReactNode }) {
  return (
    <Modal title={props.title} onClose={props.onNo}>
      {props.children}
      <div className="steer-line">
        <Button kind="danger" onClick={props.onYes}>
          {props.yes}
        </Button>
        <Button onClick={props.onNo}>Cancel</Button>
      </div>
    </Modal>
  );
}

/** For one agent's page: make it a parent more often, or drop it. */
export function SteerAgent({ run, agent, name = "" }: { run: string; agent: string; name?: string }) {
  const row = useSteerable(run);
  const { asked, send } = useAsking(run);
  const [dropping, setDropping] = useState(false);
  if (!row) return null;
  return (
    <div className="steer">
      <div className="steer-line">
        <Button onClick={() => void send({ command: "focus", agent }, name)} title="make it a parent more often">
          Focus
        </Button>
        <Button kind="danger" onClick={() => setDropping(true)} title="exclude it as a parent and a finalist">
          Drop…
        </Button>
      </div>
      <AskedList run={run} asked={asked} waits={WAITS.has(row.state)} />
      {dropping && (
        <Question
          title={`Drop ${name || "this agent"}?`}
          yes="Drop it"
          onNo={() => setDropping(false)}
          onYes={() => {
            setDropping(false);
            void send({ command: "drop", agent }, name);
          }}
        >
          <p>Its race ends, and it will be neither a parent nor a finalist.</p>
        </Question>
      )}
    </div>
  );
}
