// A table of any length: only the rows on the screen are in the document.
import { FlexRender, useTable, type Row as TableRow } from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useRef, useState } from "react";
import type { AgentRow } from "../api";
import { useKeys } from "../keys";
import { whole } from "../format";
import { COLUMNS, features, made } from "./columns";
import { REACH, firstOrder, type Choice, type Order, type SortKey } from "./rows";
import type { Rows } from "./useRows";

interface Props {
  rows: Rows;
  choice: Choice;
  shown: Record<string, boolean>;
  narrow: boolean;
  onSort(sort: SortKey, order: Order): void;
  onWindow(from: number, to: number): void;
}

export function AgentsTable({ rows, choice, shown, narrow, onSort, onWindow }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const matching = rows.head?.matching ?? 0;
  const reach = Math.min(matching, REACH);
  const [at, setAt] = useState(-1);
  const virtual = useVirtualizer({ count: reach, getScrollElement: () => box.current, estimateSize: () => 37, overscan: 12 });
  const items = virtual.getVirtualItems();
  const from = items[0]?.index ?? 0;
  const to = items.at(-1)?.index ?? 0;
  useEffect(() => onWindow(from, to), [from, to, onWindow]);

  const here = items.map((item) => rows.at(item.index));
  const data = useSame(here.filter((row) => row !== undefined));
  const table = useTable({ features, columns: COLUMNS, data, getRowId: (row) => row.agent, state: { columnVisibility: shown } });
  const byId = new Map(table.getRowModel().rows.map((row) => [row.id, row]));
  const headers = table.getHeaderGroups()[0]?.headers ?? [];
  const sizes = headers.map((header) => (narrow ? (made(header.column.id).thin ?? header.getSize()) : header.getSize()));
  const width = sizes.reduce((sum, size) => sum + size, 0);

  const choiceKey = JSON.stringify(choice);
  useEffect(() => {
    setAt(-1);
    box.current?.scrollTo({ top: 0 });
  }, [choiceKey]);
  const move = (by: number) => {
    const next = Math.max(0, Math.min(reach - 1, at + by));
    setAt(next);
    virtual.scrollToIndex(next);
  };
  useKeys([
    { key: "j", does: "next row", run: () => move(1) },
    { key: "k", does: "row before", run: () => move(-1) },
    { key: "Enter", does: "open the row", run: (event) => (focused(event) ? focused(event)?.click() : box.current?.querySelector<HTMLElement>(`tr[data-index="${at}"] a`)?.click()) },
  ]);
  const rowsAfter = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);

  return (
    <div className="x-rows" ref={box} tabIndex={0} role="region" aria-label="Agents">
      <table style={{ minWidth: width }} aria-rowcount={matching + 1}>
        <caption className="hidden">Agents, sorted by {made(choice.sort).head}, {choice.order === "asc" ? "lowest" : "highest"} first</caption>
        <colgroup>{headers.map((header, index) => <col key={header.id} style={{ width: sizes[index] }} />)}</colgroup>
        <thead>
          <tr aria-rowindex={1}>
            {headers.map((header) => {
              const { sort, right, says, head } = made(header.column.id);
              const on = sort === choice.sort;
              const next = on ? (choice.order === "asc" ? "desc" : "asc") : sort && firstOrder(sort);
              return (
                <th key={header.id} scope="col" className={right ? "number" : undefined} title={says} aria-sort={on ? (choice.order === "asc" ? "ascending" : "descending") : undefined}>
                  {sort && next ? (
                    <button type="button" className="sort" onClick={() => onSort(sort, next)}>{head}<span aria-hidden="true">{on ? (choice.order === "asc" ? " ↑" : " ↓") : ""}</span></button>
                  ) : head}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody>
          {(items[0]?.start ?? 0) > 0 && <tr className="x-space" aria-hidden="true"><td colSpan={headers.length} style={{ height: items[0]?.start }} /></tr>}
          {items.map((item, index) => (
            <Line key={item.index} row={here[index]} cells={here[index] && byId.get(here[index].agent)} index={item.index} at={item.index === at} shown={shown} span={headers.length} measure={virtual.measureElement} />
          ))}
          {rowsAfter > 0 && <tr className="x-space" aria-hidden="true"><td colSpan={headers.length} style={{ height: rowsAfter }} /></tr>}
        </tbody>
      </table>
    </div>
  );
}

interface LineProps {
  row: AgentRow | undefined;
  cells: TableRow<typeof features, AgentRow> | undefined;
  index: number;
  at: boolean;
  shown: Record<string, boolean>;
  span: number;
  measure(element: HTMLElement | null): void;
}

/** One row. Scrolling draws only those that come in: the table makes new `cells` each time, but they say the same. */
const Line = memo(
  function Line({ row, cells, index, at, span, measure }: LineProps) {
    return (
      <tr ref={measure} data-index={index} aria-rowindex={index + 2} className={`${at ? "at " : ""}${row?.fate === "failed" ? "x-failed" : ""}`} aria-current={at || undefined}>
        {cells
          ? cells.getVisibleCells().map((cell) => <td key={cell.id} className={made(cell.column.id).right ? "number" : undefined}><FlexRender cell={cell} /></td>)
          : <td colSpan={span} className="muted">row {whole(index + 1)} is on its way…</td>}
      </tr>
    );
  },
  (before, after) => before.row === after.row && Boolean(before.cells) === Boolean(after.cells) && before.index === after.index && before.at === after.at && before.shown === after.shown,
);

const focused = (event: KeyboardEvent): HTMLElement | null => (event.target instanceof HTMLElement ? event.target.closest<HTMLElement>("a, button, summary, label") : null);

/** The last list again where the rows are the same ones: TanStack Table works anew only where one came, went or changed. */
function useSame(rows: AgentRow[]): AgentRow[] {
  const last = useRef(rows);
  if (rows.length !== last.current.length || rows.some((row, index) => row !== last.current[index])) last.current = rows;
  return last.current;
}
