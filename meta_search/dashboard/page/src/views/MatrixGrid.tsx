import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef, useState } from "react";
import type { Matrix } from "../api";
import { intervalText, percent, whole } from "../format";
import { look, moved, said, sign, tally, type Place } from "./matrix";

const CELL = 30; // px, as in inspect.css
const ROW = 34;

export interface GridProps {
  matrix: Matrix;
  rows: number[]; // places in matrix.items
  chosen: { item: string; agent: string };
  agentLink(agent: string): string;
  onOpen(item: string, agent: string): void;
}

/** The matrix, of which only the cells in sight are in the page; arrows move, Enter opens. */
export function MatrixGrid({ matrix, rows, chosen, agentLink, onOpen }: GridProps) {
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState<Place>({ row: 0, column: 0 });
  const narrow = useNarrow();
  const side = narrow ? 128 : 300;
  const head = narrow ? 140 : 210;
  const rowsIn = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW,
    scrollPaddingEnd: head + 20,
    overscan: 8,
  });
  const columnsIn = useVirtualizer({
    horizontal: true,
    count: matrix.agents.length,
    getScrollElement: () => box.current,
    estimateSize: () => CELL,
    scrollPaddingEnd: side + 20,
    overscan: 8,
  });

  // A link or the drawer's arrows choose a cell: the grid follows.
  useEffect(() => {
    const row = rows.findIndex((place) => matrix.items[place]!.item === chosen.item);
    const column = matrix.agents.findIndex((agent) => agent.agent === chosen.agent);
    if (row < 0) return;
    setAt((before) => ({ row, column: column < 0 ? before.column : column }));
    rowsIn.scrollToIndex(row);
    if (column >= 0) columnsIn.scrollToIndex(column);
    // The virtualizers are new objects each time; they are not what this waits for.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [chosen.item, chosen.agent, rows, matrix]);

  const here: Place = {
    row: Math.min(at.row, Math.max(0, rows.length - 1)),
    column: Math.min(at.column, Math.max(0, matrix.agents.length - 1)),
  };
  const width = side + matrix.agents.length * CELL;
  const height = head + rows.length * ROW;

  function open(place: Place) {
    const item = matrix.items[rows[place.row]!];
    const agent = matrix.agents[place.column];
    if (item && agent) onOpen(item.item, agent.agent);
  }
  function onKeyDown(event: React.KeyboardEvent) {
    if (event.target !== box.current || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(here);
      return;
    }
    const page = Math.max(1, Math.floor(((box.current?.clientHeight ?? 400) - head) / ROW) - 1);
    const to = moved(event.key, here, rows.length, matrix.agents.length, page, event.ctrlKey);
    if (!to) return;
    event.preventDefault();
    event.stopPropagation();
    setAt(to);
    rowsIn.scrollToIndex(to.row);
    columnsIn.scrollToIndex(to.column);
  }
  const active = rows.length && matrix.agents.length ? cellId(here) : undefined;
  return (
    <div
      ref={box}
      className="matrix"
      role="grid"
      aria-label={`Items and agents on ${matrix.split}. Arrow keys move, Enter opens.`}
      aria-rowcount={rows.length + 1}
      aria-colcount={matrix.agents.length + 1}
      aria-activedescendant={active}
      tabIndex={0}
      style={{ height: `min(${height + 18}px, calc(100vh - 13rem))` }}
      onKeyDown={onKeyDown}
    >
      <div className="matrix-space" role="presentation" style={{ width, height }}>
        <div className="matrix-head" role="row" aria-rowindex={1} style={{ width, height: head }}>
          <div className="matrix-corner" role="columnheader" aria-colindex={1} style={{ width: side }}>
            <span>Item</span>
            <span className="matrix-corner-agent">Agent, score</span>
          </div>
          {columnsIn.getVirtualItems().map((column) => {
            const agent = matrix.agents[column.index]!;
            return (
              <div
                key={agent.agent}
                className={column.index === here.column ? "matrix-agent matrix-agent-here" : "matrix-agent"}
                role="columnheader"
                aria-colindex={column.index + 2}
                style={{ left: side + column.start }}
              >
                <a href={agentLink(agent.agent)} tabIndex={-1} title={`${agent.name}: ${intervalText({ score: agent.score, low: agent.low ?? null, high: agent.high ?? null })}`}>
                  <span className="matrix-agent-name" dir="auto">
                    {agent.name}
                  </span>
                  <span className="matrix-agent-score">{percent(agent.score, 0)}</span>
                </a>
              </div>
            );
          })}
        </div>
        {rowsIn.getVirtualItems().map((row) => {
          const place = rows[row.index];
          const item = place === undefined ? undefined : matrix.items[place];
          if (place === undefined || !item) return null;
          const cells = matrix.cells[place] ?? [];
          return (
            <div
              key={item.item}
              className={row.index === here.row ? "matrix-row matrix-row-here" : "matrix-row"}
              role="row"
              aria-rowindex={row.index + 2}
              style={{ top: head + row.start, width, height: ROW }}
            >
              <div className="matrix-item" role="rowheader" aria-colindex={1} style={{ width: side }} title={item.question}>
                <span className="matrix-right" title="runs that were right, of those with a score">
                  {item.right}/{item.ran}
                </span>
                <span className="matrix-text" dir="auto">
                  {item.question ? <>{item.question} <span className="muted">{item.item}</span></> : <b>{item.item}</b>}
                </span>
              </div>
              {columnsIn.getVirtualItems().map((column) => {
                const cell = cells[column.index] ?? null;
                const here_ = row.index === here.row && column.index === here.column;
                const agent = matrix.agents[column.index]!;
                const words = `${agent.name}, ${item.item}: ${said(cell)}`;
                return (
                  <div
                    key={agent.agent}
                    id={cellId({ row: row.index, column: column.index })}
                    className={`cell cell-${look(cell)}${here_ ? " cell-here" : ""}`}
                    role="gridcell"
                    aria-colindex={column.index + 2}
                    aria-selected={here_}
                    aria-label={words}
                    title={words}
                    style={{ left: side + column.start }}
                    onClick={() => {
                      setAt({ row: row.index, column: column.index });
                      open({ row: row.index, column: column.index });
                    }}
                  >
                    {sign(cell)}
                  </div>
                );
              })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function cellId(place: Place): string {
  return `cell-${place.row}-${place.column}`;
}

function useNarrow(): boolean {
  const query = "(max-width: 640px)";
  const [narrow, setNarrow] = useState(() => window.matchMedia(query).matches);
  useEffect(() => {
    const list = window.matchMedia(query);
    const change = () => setNarrow(list.matches);
    list.addEventListener("change", change);
    return () => list.removeEventListener("change", change);
  }, []);
  return narrow;
}

/** What the cells' signs mean, with how many of each are shown. */
export function Legend({ matrix, rows }: { matrix: Matrix; rows: number[] }) {
  const sum = { right: 0, part: 0, wrong: 0, failed: 0, never: 0 };
  for (const place of rows) {
    const counts = tally(matrix.cells[place] ?? []);
    for (const key of Object.keys(sum) as (keyof typeof sum)[]) sum[key] += counts[key];
  }
  const words = { right: "right", part: "partly right (%)", wrong: "wrong", failed: "no score", never: "never run" };
  const signs = { right: "✓", part: "50", wrong: "✕", failed: "!", never: "" };
  return (
    <ul className="cell-legend" aria-label="Legend">
      {(Object.keys(sum) as (keyof typeof sum)[]).map((key) => (
        <li key={key}>
          <span className={`cell cell-${key}`} aria-hidden="true">
            {signs[key]}
          </span>{" "}
          {words[key]} <span className="how-many">{whole(sum[key])}</span>
        </li>
      ))}
    </ul>
  );
}
