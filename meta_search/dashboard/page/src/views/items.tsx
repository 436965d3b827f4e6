import { useMemo } from "react";
import type { Matrix } from "../api";
import { api, useView } from "../data";
import { plural, whole } from "../format";
import "../inspect.css";
import { useRemembered } from "../remembered";
import { go, href, useRoute } from "../router";
import { Answer, Button, Card, Choice, Empty, SearchField, useTitle } from "../ui";
import type { ViewProps } from "./index";
import { ItemDrawer } from "./ItemDrawer";
import { kindsOf, ORDERS, rowsOf, said, type Order } from "./matrix";
import { Legend, MatrixGrid } from "./MatrixGrid";

/** Agents × items, the worst first; a cell opens the item with the transcript. */
export default function View({ run }: ViewProps) {
  const { query } = useRoute();
  useTitle("Items");
  const view = useView<Matrix>(api(run, "items", { split: query.split, agents: query.agents }), { keep: true });
  return (
    <div className="stack">
      <h1>Items</h1>
      <Answer view={view} doing="Loading the results of every agent on every item…" lines={8}>
        {(matrix) => <Items run={run} matrix={matrix} />}
      </Answer>
    </div>
  );
}

function Items({ run, matrix }: { run: string; matrix: Matrix }) {
  const { query } = useRoute();
  const [order, setOrder] = useRemembered<Order>("items.order", "worst", (value) => ORDERS.some(({ key }) => key === value));
  const [hideSolved, setHideSolved] = useRemembered("items.hide-solved", false);
  const kinds = useMemo(() => (query.kinds ?? "").split(",").filter(Boolean), [query.kinds]);
  const q = query.q ?? "";
  const rows = useMemo(() => rowsOf(matrix, { kinds, hideSolved, q, order }), [matrix, kinds, hideSolved, q, order]);
  const known = useMemo(() => kindsOf(matrix), [matrix]);
  const item = query.item ?? "";
  const agent = query.agent ?? "";
  const open = (toItem: string, toAgent: string) =>
    go({ item: toItem, agent: toAgent || null, split: matrix.split, repeat: null }, { replace: !!item });
  const pick = (kind: string) => {
    const chosen = new Set(kinds);
    if (!chosen.delete(kind)) chosen.add(kind);
    go({ kinds: [...chosen].join(",") }, { replace: true });
  };
  return (
    <>
      <Card>
        <div className="stack">
          <div className="filters">
            {matrix.splits.length > 1 && (
              <Choice
                label="Split"
                value={matrix.split}
                options={matrix.splits}
                onChange={(split) => go({ split, item: null, repeat: null, kinds: null })}
              />
            )}
            <Choice
              label="Order of the items"
              value={order}
              options={ORDERS.map(({ key, label }) => ({ value: key, label }))}
              onChange={setOrder}
            />
            <SearchField label="Filter items" value={q} onChange={(text) => go({ q: text }, { replace: true })} />
            <label>
              <input type="checkbox" checked={hideSolved} onChange={(event) => setHideSolved(event.target.checked)} />
              Hide solved items
            </label>
            {query.agents && <Button onClick={() => go({ agents: null })}>Show the best agents again</Button>}
          </div>
          {known.length > 1 && (
            <div className="kinds" role="group" aria-label="Kinds of item">
              {known.map(({ kind, items }) => (
                <Button key={kind} pressed={kinds.includes(kind)} onClick={() => pick(kind)}>
                  {kind || "no kind"} <span className="how-many">{whole(items)}</span>
                </Button>
              ))}
            </div>
          )}
          <p className="small muted">
            {rows.length < matrix.items.length ? `${whole(rows.length)} of ` : ""}
            {plural(matrix.items.length, "item")} of {matrix.split}, {plural(matrix.agents.length, "agent")}.
            {matrix.over && ` “3/17” before an item: 3 right of 17 scored runs, counted over ${matrix.over}.`}
          </p>
          <Legend matrix={matrix} rows={rows} />
        </div>
      </Card>
      {matrix.items.length === 0 || matrix.agents.length === 0 ? (
        <Empty>No agent has run an item of {matrix.split} yet.</Empty>
      ) : rows.length === 0 ? (
        <Empty>{hideSolved && !q && !kinds.length ? "Every item is solved by every agent that ran it." : "No item matches."}</Empty>
      ) : (
        <>
          <MatrixGrid
            matrix={matrix}
            rows={rows}
            chosen={{ item, agent }}
            agentLink={(id) => href({ view: "agent", agent: id })}
            onOpen={open}
          />
          <Figures matrix={matrix} rows={rows} />
        </>
      )}
      {item && <ItemDrawer run={run} matrix={matrix} rows={rows} item={item} agent={agent} onOpen={open} />}
    </>
  );
}

const MOST_ROWS = 200;

/** The matrix as words, for who cannot use the grid. */
function Figures({ matrix, rows }: { matrix: Matrix; rows: number[] }) {
  const [open, setOpen] = useRemembered("items.figures", false);
  return (
    <details className="numbers" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a list</summary>
      {open && (
        <>
          <ul>
            {rows.slice(0, MOST_ROWS).map((place) => {
              const item = matrix.items[place]!;
              const ran = matrix.agents.flatMap((agent, column) => {
                const cell = matrix.cells[place]?.[column] ?? null;
                return cell === null ? [] : [`${agent.name} ${said(cell)}`];
              });
              return (
                <li key={item.item}>
                  <a href={href({ item: item.item, agent: null, split: matrix.split })}>{item.item}</a>: {item.right} of{" "}
                  {item.ran} right. {ran.join(", ")}
                </li>
              );
            })}
          </ul>
          {rows.length > MOST_ROWS && <p className="muted">{plural(rows.length - MOST_ROWS, "item")} more; filter to see them.</p>}
        </>
      )}
    </details>
  );
}
