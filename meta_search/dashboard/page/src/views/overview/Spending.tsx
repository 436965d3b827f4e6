import { useState } from "react";
import type { Overview } from "../../api";
import { count, percent, usd, whole } from "../../format";
import { Card, Choice, Numbers, type Column } from "../../ui";

type Row = Overview["spending"]["by"][number];
type Unit = "calls" | "tokens" | "cost_usd";
const UNITS = [{ value: "cost_usd", label: "money" }, { value: "tokens", label: "tokens" }, { value: "calls", label: "calls" }] as const;
const TEXT: Record<Unit, (value: number) => string> = { cost_usd: usd, tokens: count, calls: whole };

/** What was spent, by the role that spent it: tasks, meta agent, teacher, judge. */
export function SpendingCard({ spending }: { spending: Overview["spending"] }) {
  const paid = spending.by.some((row) => row.usage.cost_usd > 0);
  const [chosen, setUnit] = useState<Unit>();
  const unit = chosen ?? (paid ? "cost_usd" : "tokens");
  const sum = spending.by.reduce((total, row) => total + row.usage[unit], 0);
  let from = 0;
  return (
    <Card title="Spent by role" tools={<Choice label="In" value={unit} options={UNITS} onChange={setUnit} />}>
      {sum > 0 && (
        <svg className="share-bar" preserveAspectRatio="none" viewBox="0 0 100 10" aria-hidden="true">
          {spending.by.map((row, at) => {
            const wide = (row.usage[unit] / sum) * 100;
            from += wide;
            return <rect key={row.purpose} x={from - wide} width={wide} height={10} style={{ fill: `var(--series-${(at % 6) + 1})` }} />;
          })}
        </svg>
      )}
      <div className="spent-by">
        {spending.by.map((row, at) => (
          <span key={row.purpose}><span className="swatch" style={{ background: `var(--series-${(at % 6) + 1})` }} aria-hidden="true" />{row.purpose} <span className="number">{TEXT[unit](row.usage[unit])}</span> <span className="muted">{sum > 0 ? percent(row.usage[unit] / sum, 0) : ""}</span></span>
        ))}
        {spending.by.length === 0 && <span className="muted">Nothing yet.</span>}
      </div>
      {spending.lines.map((line) => <p key={line} className="small">{line}</p>)}
      <Numbers rows={spending.by} columns={COLUMNS} rowKey={(row) => row.purpose} caption="Spending by role" />
    </Card>
  );
}

const COLUMNS: Column<Row>[] = [
  { id: "role", head: "Role", cell: (row) => row.purpose },
  { id: "calls", head: "Calls", number: true, cell: (row) => whole(row.usage.calls) },
  { id: "tokens", head: "Tokens", number: true, cell: (row) => whole(row.usage.tokens) },
  { id: "cost", head: "Money", number: true, cell: (row) => usd(row.usage.cost_usd) },
];
