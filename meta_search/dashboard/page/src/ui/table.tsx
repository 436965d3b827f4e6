import { useEffect, useRef, useState, type ReactNode } from "react";
import { useKeys } from "../keys";

export interface Column<Row> {
  id: string;
  head: ReactNode;
  cell: (row: Row) => ReactNode;
  sort?: (row: Row) => number | string | null; // sortable in the page
  number?: boolean; // set to the right
  title?: string; // what the column says, for those who point at it
}
export interface Sorting { id: string; desc: boolean }

/** Rows by one column; what is not known comes last, whichever way. */
export function sorted<Row>(rows: readonly Row[], columns: readonly Column<Row>[], by: Sorting | null): readonly Row[] {
  const value = by && columns.find((column) => column.id === by.id)?.sort;
  if (!by || !value) return rows;
  return [...rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
    const order = typeof x === "string" || typeof y === "string" ? String(x).localeCompare(String(y)) : x - y;
    return by.desc ? -order : order;
  });
}

/** A table for up to a few hundred rows; it scrolls sideways within itself, never the page. */
export function Table<Row>({ rows, columns, rowKey, caption, sorting, onSort, onOpen, rowClass, cards = false, empty = "Nothing here." }: {
  rows: readonly Row[]; columns: readonly Column<Row>[]; rowKey: (row: Row) => string; caption: string;
  sorting?: Sorting | null; onSort?: (next: Sorting) => void; onOpen?: (row: Row) => void; rowClass?: (row: Row) => string;
  cards?: boolean; // on a phone each row is a card
  empty?: ReactNode;
}) {
  const [at, setAt] = useState(-1);
  const body = useRef<HTMLTableSectionElement>(null);
  const move = (by: number) => setAt((now) => Math.max(0, Math.min(rows.length - 1, now + by)));
  useKeys(onOpen ? [
    { key: "j", does: "next row", run: () => move(1) },
    { key: "k", does: "row before", run: () => move(-1) },
    { key: "Enter", does: "open the row", run: (event) => {
      const row = rows[at];
      if (row && !(event.target instanceof HTMLElement && event.target.closest("a, button, summary, label"))) onOpen(row);
      else if (event.target instanceof HTMLElement) event.target.click();
    } },
  ] : []);
  useEffect(() => {
    void body.current?.children[at]?.scrollIntoView({ block: "nearest" }); // a promise in newer browsers
  }, [at]);
  if (rows.length === 0) return <p className="empty">{empty}</p>;
  return (
    <div className="table" tabIndex={0} role="region" aria-label={caption}>
      <table className={cards ? "cards" : undefined}>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => {
              const on = sorting?.id === column.id;
              return (
                <th key={column.id} scope="col" title={column.title} className={column.number ? "number" : undefined}
                  aria-sort={on ? (sorting.desc ? "descending" : "ascending") : undefined}>
                  {onSort && column.sort
                    ? <button type="button" className="sort" onClick={() => onSort({ id: column.id, desc: on ? !sorting.desc : !!column.number })}>{column.head}<span aria-hidden="true">{on ? (sorting.desc ? " ↓" : " ↑") : ""}</span></button>
                    : column.head}
                </th>
              );
            })}
          </tr>
        </thead>
        <tbody ref={body}>
          {rows.map((row, index) => (
            <tr key={rowKey(row)} className={`${index === at ? "at " : ""}${rowClass?.(row) ?? ""}`} aria-current={index === at || undefined}>
              {columns.map((column) => <td key={column.id} data-label={typeof column.head === "string" ? column.head : undefined} className={column.number ? "number" : undefined}>{column.cell(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The numbers of a figure as a table, folded, for screen readers and for copying. */
export function Numbers<Row>(props: { rows: readonly Row[]; columns: readonly Column<Row>[]; rowKey: (row: Row) => string; caption: string }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="numbers" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The numbers of this figure</summary>
      {open && <Table {...props} />}
    </details>
  );
}
