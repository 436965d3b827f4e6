import type { Lanes as Answers } from "../../api";
import { kindColor, kindsOf, Lanes } from "../../charts";
import { api, useView } from "../../data";
import { duration, plural, whole } from "../../format";
import { go } from "../../router";
import { Answer, Card, Empty, Numbers, type Column } from "../../ui";

interface LaneRow { name: string; spans: number; busy: number; share: number }
/** How busy each lane was between the first and the last call shown. */
export function busy(of: Answers): LaneRow[] {
  const all = of.lanes.flatMap((lane) => lane.spans);
  const whole = Math.max(...all.map((span) => span.to_s)) - Math.min(...all.map((span) => span.from_s));
  return of.lanes.map((lane) => {
    const sum = lane.spans.reduce((total, span) => total + span.to_s - span.from_s, 0);
    return { name: lane.name, spans: lane.spans.length, busy: sum, share: whole > 0 ? sum / whole : 0 };
  });
}

export function LanesCard({ run }: { run: string }) {
  const view = useView<Answers>(api(run, "lanes"));
  return (
    <Card title="Workers over time">
      <Answer view={view} doing="Reading the calls…">{(lanes) => {
        const kinds = kindsOf(lanes);
        if (kinds.length === 0) return <Empty>No call has ended yet.</Empty>;
        return (
          <>
            <div className="legend">{kinds.map((kind) => <span key={kind} className="series"><span className="swatch" style={{ background: kindColor(kinds, kind) }} aria-hidden="true" />{kind}</span>)}</div>
            <Lanes of={lanes} onOpen={(agent, item) => (item ? go({ view: "items", agent, item }) : go({ view: "agent", agent }))} />
            {lanes.left_out > 0 && <p className="small muted">Only the newest calls are drawn, since {new Date(lanes.from_at * 1000).toLocaleTimeString("en-GB")}; {plural(lanes.left_out, "earlier call")} left out.</p>}
            <Numbers rows={busy(lanes)} columns={COLUMNS} rowKey={(row) => row.name} caption="How busy each lane was" />
          </>
        );
      }}</Answer>
    </Card>
  );
}

const COLUMNS: Column<LaneRow>[] = [
  { id: "name", head: "Lane", cell: (row) => row.name },
  { id: "spans", head: "Calls", number: true, cell: (row) => whole(row.spans) },
  { id: "busy", head: "Under way", number: true, cell: (row) => duration(row.busy) },
  { id: "share", head: "Share of the time", number: true, cell: (row) => `${Math.round(row.share * 100)} %` },
];
