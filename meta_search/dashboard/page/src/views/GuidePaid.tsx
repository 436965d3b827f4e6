import { useState } from "react";
import type { GuidePage } from "../api";
import { count, points, usd, whole } from "../format";
import { useRemembered } from "../remembered";
import { Card, Choice, sorted, Table, type Column } from "../ui";

/** What the server adds to the contract's rows; gains are differences of scores, -1..1. */
type Paid = GuidePage["paid_off"][number] &
  Partial<Record<"written" | "full" | "stopped" | "compared" | "improved" | "became_best", number>> & {
    group?: string;
    low?: number | null;
    high?: number | null;
  };
const GROUPS: Record<string, string> = { operator: "Operator, author", rule: "Choice of parents", model: "Model" };

/** What came of the briefs so far, by operator, by the choice of parents, by model. */
export function PaidOff({ page }: { page: GuidePage }) {
  const [sorting, setSorting] = useState<{ id: string; desc: boolean } | null>(null);
  const paid: Paid[] = page.paid_off;
  const groups = [...new Set(paid.map((row) => row.group ?? "operator"))];
  const [chosen, choose] = useRemembered("guide.group", "operator");
  const group = groups.includes(chosen) ? chosen : (groups[0] ?? "operator");
  const rows = paid.filter((row) => (row.group ?? "operator") === group);
  const most = Math.max(0.01, ...rows.flatMap((row) => [row.mean, row.low, row.high].map((value) => Math.abs(value ?? 0))));
  const columns: Column<Paid>[] = [
    { id: "name", head: GROUPS[group] ?? "Brief", cell: (row) => row.name, sort: (row) => row.name },
    {
      id: "briefs",
      head: "Written / asked",
      number: true,
      cell: (row) => (row.written === undefined ? whole(row.briefs) : `${whole(row.written)} / ${whole(row.briefs)}`),
      sort: (row) => row.briefs,
      title: "briefs that produced an agent, of all briefs",
    },
    {
      id: "improved",
      head: "Better / compared",
      number: true,
      cell: (row) => `${whole(row.improved)} / ${whole(row.compared)}`,
      sort: (row) => row.improved ?? null,
      title: "agents that scored above their best parent, of those that could be compared",
    },
    {
      id: "mean",
      head: "Mean gain, points",
      number: true,
      cell: (row) => (
        <>
          <GainBar row={row} most={most} />
          <span className="gain">
            {points(row.mean)}
            {typeof row.low === "number" && typeof row.high === "number" && (
            <span className="muted">
              {" "}
              [{(100 * row.low).toFixed(0)}, {(100 * row.high).toFixed(0)}]
            </span>
          )}
          </span>
        </>
      ),
      sort: (row) => row.mean,
      title: "score minus that of the best parent, on the items that both ran; 95 % interval from five gains on",
    },
    { id: "best", head: "Largest", number: true, cell: (row) => points(row.best), sort: (row) => row.best, title: "largest gain of one agent, points" },
    { id: "became", head: "Best so far", number: true, cell: (row) => whole(row.became_best), sort: (row) => row.became_best ?? null, title: "agents that were the best so far when their evaluation ended" },
    { id: "tokens", head: "Tokens", number: true, cell: (row) => count(row.usage.tokens), sort: (row) => row.usage.tokens },
    { id: "cost", head: "Cost", number: true, cell: (row) => usd(row.usage.cost_usd), sort: (row) => row.usage.cost_usd },
  ];
  return (
    <Card
      title="Briefs that paid off"
      wide
      tools={
        groups.length > 1 && (
          <Choice
            label="Briefs by"
            value={group}
            options={groups.map((value) => ({ value, label: GROUPS[value] ?? value }))}
            onChange={choose}
          />
        )
      }
    >
      <Table
        rows={sorted(rows, columns, sorting)}
        columns={columns}
        rowKey={(row) => row.name}
        caption="Briefs that paid off"
        sorting={sorting}
        onSort={setSorting}
        empty="No brief has been carried out yet."
      />
    </Card>
  );
}

/** A mean gain with its interval, around the line of no gain; the text beside it says the same. */
function GainBar({ row, most }: { row: Paid; most: number }) {
  const width = 90;
  const x = (gain: number) => (width / 2) * (1 + Math.max(-1, Math.min(1, gain / most)));
  if (row.mean === null) return <svg className="bar" width={width} height={12} aria-hidden="true" />;
  return (
    <svg className="bar" width={width} height={12} viewBox={`0 0 ${width} 12`} aria-hidden="true">
      <rect className="bar-back" y={5} width={width} height={2} />
      <rect className="bar-fill" x={Math.min(x(0), x(row.mean))} y={3} width={Math.abs(x(row.mean) - x(0))} height={6} />
      <path className="bar-interval" d={`M${x(0)} 0V12`} />
      {typeof row.low === "number" && typeof row.high === "number" && (
        <path className="bar-interval" d={`M${x(row.low)} 6H${x(row.high)}M${x(row.low)} 3V9M${x(row.high)} 3V9`} />
      )}
    </svg>
  );
}
