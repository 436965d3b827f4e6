import { useState } from "react";
import type { ItemPage, Matrix, Result } from "../api";
import { api, useView } from "../data";
import { duration, percent, plural, usd, whole } from "../format";
import { useKeys } from "../keys";
import { go, useRoute } from "../router";
import { AgentLink, Answer, Button, Drawer, Empty } from "../ui";
import { LongText } from "../ui/LongText";
import { Transcript } from "../ui/Transcript";
import { neighbour } from "./matrix";

interface Props {
  run: string;
  matrix: Matrix;
  rows: number[];
  item: string;
  agent: string;
  onOpen(item: string, agent: string): void;
}

/** One item, and what one agent made of it, call by call. */
export function ItemDrawer({ run, matrix, rows, item, agent, onOpen }: Props) {
  const { query } = useRoute();
  const row = rows.findIndex((place) => matrix.items[place]!.item === item);
  const place = rows[row] ?? matrix.items.findIndex((one) => one.item === item);
  const shown = agent || neighbour(matrix, place, "", 1); // else the best that ran it
  const view = useView<ItemPage>(
    api(run, `item/${encodeURIComponent(item)}`, { split: query.split || matrix.split, agent: shown, repeat: query.repeat }),
  );
  const agents = view.data?.agents ?? [];
  const at = agents.findIndex((one) => one.agent === (view.data?.result?.agent ?? shown));
  const before = neighbour(matrix, place, shown, -1);
  const after = neighbour(matrix, place, shown, 1);
  function toItem(by: number) {
    const place = rows[row + by];
    if (row >= 0 && place !== undefined) onOpen(matrix.items[place]!.item, agent);
  }
  const toAgent = (id: string) => id && onOpen(item, id);
  useKeys([
    { key: "j", does: "next item", run: () => toItem(1) },
    { key: "k", does: "item before", run: () => toItem(-1) },
    { key: "l", does: "next agent on this item", run: () => toAgent(after) },
    { key: "h", does: "agent before on this item", run: () => toAgent(before) },
  ]);
  const close = () => go({ item: null, repeat: null, agent: null });
  return (
    <Drawer
      title={<>Item {item}</>}
      onClose={close}
      tools={
        <>
          <Button disabled={row <= 0} onClick={() => toItem(-1)} title="k">
            ‹ Item
          </Button>
          <Button disabled={row < 0 || row >= rows.length - 1} onClick={() => toItem(1)} title="j">
            Item ›
          </Button>
          <Button disabled={!before} onClick={() => toAgent(before)} title="h">
            ‹ Agent
          </Button>
          <Button disabled={!after} onClick={() => toAgent(after)} title="l">
            Agent ›
          </Button>
        </>
      }
    >
      <Answer view={view} doing="Reading the item and its transcript…" lines={8}>
        {(page) => <Page page={page} chosen={at} onOpen={onOpen} />}
      </Answer>
    </Drawer>
  );
}

function Page({ page, chosen, onOpen }: { page: ItemPage; chosen: number; onOpen: Props["onOpen"] }) {
  const right = page.agents.filter((one) => one.score !== null && one.score >= 0.9995).length;
  const ended = page.agents.filter((one) => one.score === null).length;
  const result = page.result;
  const current = result
    ? page.agents.findIndex((one) => one.agent === result.agent && one.repeat === result.repeat)
    : chosen;
  return (
    <>
      <p className="small muted">
        {page.split}
        {page.kind && ` · ${page.kind}`} · {whole(right)} of {plural(page.agents.length, "run")} right
        {ended > 0 && `, ${whole(ended)} without a score`}
      </p>
      <dl className="item-facts">
        <dt>Question</dt>
        <dd>
          {page.question === null ? <span className="muted">not recorded in this archive</span> : <LongText text={page.question} />}
        </dd>
        <dt>Target</dt>
        <dd>
          {page.target !== null && <LongText text={page.target} />}
          {page.target_note && <p className="small muted">{page.target_note}</p>}
          {page.target === null && !page.target_note && <span className="muted">not recorded in this archive</span>}
        </dd>
      </dl>
      {page.agents.length === 0 ? (
        <Empty>No agent has run this item yet.</Empty>
      ) : (
        <div className="item-who">
          <label>
            <span className="nowrap">Run of</span>
            <select
              value={current}
              onChange={(event) => {
                const one = page.agents[Number(event.target.value)];
                if (one) {
                  onOpen(page.item, one.agent);
                  if (one.repeat) go({ repeat: one.repeat }, { replace: true });
                }
              }}
            >
              {current < 0 && <option value={-1}>choose an agent</option>}
              {page.agents.map((one, place) => (
                <option key={`${one.agent} ${one.repeat}`} value={place}>
                  {mark(one.score)} {one.name}
                  {one.repeat > 0 ? `, repeat ${one.repeat}` : ""}: {one.score === null ? one.outcome : percent(one.score, 0)}
                </option>
              ))}
            </select>
          </label>
          {result && <AgentLink agent={result.agent} name={`Open ${result.name}`} />}
        </div>
      )}
      {result ? <Run result={result} /> : page.agents.length > 0 && current >= 0 && <Empty>Nothing is recorded of this run.</Empty>}
    </>
  );
}

function mark(score: number | null): string {
  if (score === null) return "!";
  return score >= 0.9995 ? "✓" : score <= 0.0005 ? "✕" : "◐";
}

function Run({ result }: { result: Result }) {
  const score = result.score;
  const tone = score === null ? "chip-bad" : score >= 0.9995 ? "chip-good" : score <= 0.0005 ? "chip-bad" : "";
  const words =
    score === null ? "no score" : score >= 0.9995 ? "right" : score <= 0.0005 ? "wrong" : `scored ${percent(score, 0)}`;
  return (
    <>
      <p className="verdict-line">
        <span className={`chip ${tone}`}>
          {mark(score)} {words}
        </span>
        <span className="small muted">
          {result.outcome !== "ok" && `${result.outcome} · `}
          {duration(result.seconds)} · {plural(result.used.calls, "call")} ·{" "}
          {plural(result.used.tokens, "token")} · {usd(result.used.cost_usd)}
          {result.networks > 0 && ` · ${plural(result.networks, "network")}`}
          {result.repeat > 0 && ` · repeat ${result.repeat}`}
        </span>
      </p>
      <dl className="item-facts">
        <dt>Answer</dt>
        <dd>{result.answer ? <LongText text={result.answer} /> : <span className="muted">none</span>}</dd>
        {result.feedback && (
          <>
            <dt>Feedback</dt>
            <dd>
              <LongText text={result.feedback} />
            </dd>
          </>
        )}
        {result.detail && (
          <>
            <dt>Why it ended</dt>
            <dd>
              <LongText text={result.detail} />
            </dd>
          </>
        )}
      </dl>
      {result.programs.map((program, place) => (
        <Program key={place} program={program} number={place + 1} of={result.programs.length} />
      ))}
      <Transcript key={`${result.agent} ${result.repeat}`} calls={result.calls} />
    </>
  );
}

function Program({ program, number, of }: { program: Result["programs"][number]; number: number; of: number }) {
  const [open, setOpen] = useState(of <= 2);
  return (
    <details className="program" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Program {of > 1 ? `${number} of ${of}` : ""} {program.error ? "(it failed)" : ""}
      </summary>
      <dl className="item-facts">
        <dt>Code</dt>
        <dd>
          <LongText code text={program.code} />
        </dd>
        <dt>Output</dt>
        <dd>{program.output ? <LongText code text={program.output} /> : <span className="muted">none</span>}</dd>
        {program.error && (
          <>
            <dt>Error</dt>
            <dd>
              <LongText code text={program.error} />
            </dd>
          </>
        )}
      </dl>
    </details>
  );
}
