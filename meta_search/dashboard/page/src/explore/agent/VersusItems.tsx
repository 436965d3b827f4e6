// Item by item against another agent: won, lost, tied, and whether that could be chance.
import { useMemo, useState } from "react";
import type { AgentPage, Versus } from "../../api";
import { api, insideFile, useView } from "../../data";
import { pValue, percent, plural, points, whole } from "../../format";
import { go, href, useRoute } from "../../router";
import { Answer, Button, Card, Choice, Empty, SearchField, Table, sorted, type Column, type Sorting } from "../../ui";
import { itemsShown, sentence, type Outcome } from "../versus";

type Item = Versus["items"][number];
const FIRST = 100; // rows drawn at once; a button draws the rest
const OUTCOMES: Outcome[] = ["won", "lost", "tied", "unpaired"];
const GLYPH: Record<Outcome, string> = { won: "▲", lost: "▼", tied: "=", unpaired: "·" };

export function VersusItems({ run, page, vs, name }: { run: string; page: AgentPage; vs: string; name: string }) {
  const { query } = useRoute();
  const splits = page.evaluations.map((evaluation) => evaluation.split);
  const usual = (["test", "validation", "train"] as const).find((split) => splits.includes(split)) ?? splits[0];
  const asked = splits.find((one) => one === query.split);
  // The server takes the most telling split that both have; report.html holds each by its name.
  const view = useView<Versus>(splits.length ? api(run, `versus/${page.row.agent}`, { vs, split: asked ?? (insideFile() ? usual : "") }) : null);
  const split = asked ?? view.data?.split ?? usual;
  return (
    <Card title={`Item by item against ${name}`} tools={splits.length > 1 && split && <Choice label="Split" value={split} options={splits} onChange={(next) => go({ split: next })} />}>
      {page.evaluations.length === 0 ? <Empty>{page.row.name} has not been evaluated.</Empty> : <Answer view={view} doing="Comparing item by item…" lines={5}>{(versus) => <Items versus={versus} ours={page.row.name} theirs={name} />}</Answer>}
    </Card>
  );
}

function Items({ versus, ours, theirs }: { versus: Versus; ours: string; theirs: string }) {
  const [q, setQ] = useState("");
  const [only, setOnly] = useState<Outcome | "">("");
  const [sorting, setSorting] = useState<Sorting | null>(null);
  const [all, setAll] = useState(false);
  const columns: Column<Item>[] = useMemo(() => [
    { id: "outcome", head: "outcome", cell: (row) => <span className={`x-outcome x-${row.outcome}`}><span aria-hidden="true">{GLYPH[row.outcome]}</span> {row.outcome}</span>, sort: (row) => OUTCOMES.indexOf(row.outcome) },
    { id: "item", head: "item", cell: (row) => <><a href={href({ view: "items", item: row.item, agent: versus.agent, split: versus.split })}>{row.item}</a>{row.question && <span className="muted small x-question">{row.question.slice(0, 120)}</span>}</>, sort: (row) => row.item },
    { id: "kind", head: "kind", cell: (row) => row.kind, sort: (row) => row.kind },
    { id: "ours", head: ours, number: true, cell: (row) => percent(row.ours, 0), sort: (row) => row.ours },
    { id: "theirs", head: theirs, number: true, cell: (row) => <a href={href({ view: "items", item: row.item, agent: versus.vs, split: versus.split })}>{percent(row.theirs, 0)}</a>, sort: (row) => row.theirs },
  ], [versus, ours, theirs]);
  const found = useMemo(() => sorted(itemsShown(versus.items, q, only), columns, sorting), [versus.items, q, only, columns, sorting]);
  const counts = { won: versus.won, lost: versus.lost, tied: versus.tied, unpaired: versus.items.filter((item) => item.outcome === "unpaired").length };
  return (
    <>
      <p>{sentence(versus, ours, theirs)}</p>
      <p className="x-score"><VersusBar versus={versus} /> <span className="number">{versus.points === null ? "" : `${points(versus.points)} points${versus.low !== null && versus.high !== null ? ` [${points(versus.low)}, ${points(versus.high)}]` : ""}, `}p {versus.p !== null && versus.p < 0.001 ? "" : "= "}{pValue(versus.p)}</span></p>
      <div className="row">
        <SearchField label="Filter items" value={q} onChange={setQ} />
        <Choice label="Only" value={only} options={[{ value: "", label: "all" }, ...OUTCOMES.filter((outcome) => counts[outcome] > 0).map((outcome) => ({ value: outcome, label: `${outcome} ${whole(counts[outcome])}` }))]} onChange={setOnly} />
        <span className="muted small" role="status">{q || only ? `${plural(found.length, "item")} of ${whole(versus.items.length)}` : ""}</span>
      </div>
      <Table rows={all ? found : found.slice(0, FIRST)} columns={columns} rowKey={(row) => row.item} caption={`Items of ${versus.split}, ${ours} against ${theirs}`} sorting={sorting} onSort={setSorting}
        onOpen={(row) => go({ view: "items", item: row.item, agent: versus.agent, split: versus.split })} rowClass={(row) => `x-${row.outcome}-row`} empty="No item fits." />
      {versus.items.length < versus.won + versus.lost + versus.tied && <p className="muted small">The {whole(versus.items.length)} items that tell most are listed; the counts are of all.</p>}
      {!all && found.length > FIRST && <Button onClick={() => setAll(true)}>Show all {whole(found.length)} items</Button>}
    </>
  );
}

/** Lost, tied and won as parts of one bar. */
function VersusBar({ versus }: { versus: Versus }) {
  const sum = Math.max(1, versus.won + versus.lost + versus.tied);
  const lost = (160 * versus.lost) / sum;
  const tied = (160 * versus.tied) / sum;
  return (
    <svg className="bar" width={160} height={12} aria-hidden="true">
      <rect className="x-part-lost" x={0} width={lost} height={12} />
      <rect className="x-part-tied" x={lost} width={tied} height={12} />
      <rect className="x-part-won" x={lost + tied} width={(160 * versus.won) / sum} height={12} />
    </svg>
  );
}
