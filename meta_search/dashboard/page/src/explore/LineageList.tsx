// The lineage as a tree of lines: for screen readers, phones, and whoever likes to read.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef, useState } from "react";
import type { Lineage } from "../api";
import { intervalText, whole } from "../format";
import { useKeys } from "../keys";
import { AgentLink, FateMark } from "../ui";
import { treeRows } from "./layers";

const DEEPEST = 12; // levels that are set in; deeper ones say their generation only

export function LineageList({ lineage, best, selected }: { lineage: Lineage; best: string | undefined; selected?: string }) {
  const box = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => treeRows(lineage), [lineage]);
  const [at, setAt] = useState(-1);
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => 46, overscan: 15, getItemKey: (index) => rows[index]!.node.agent });
  const move = (by: number) => {
    const next = Math.max(0, Math.min(rows.length - 1, at + by));
    setAt(next);
    virtual.scrollToIndex(next);
  };
  useKeys([
    { key: "j", does: "next agent of the tree", run: () => move(1) },
    { key: "k", does: "agent before", run: () => move(-1) },
    { key: "Enter", does: "open the agent", run: (event) => ((event.target instanceof HTMLElement && event.target.closest<HTMLElement>("a, button, summary")) || box.current?.querySelector<HTMLElement>(`[data-index="${at}"] a`))?.click() },
  ]);
  return (
    <div className="x-tree" ref={box} tabIndex={0} role="region" aria-label="Lineage as a list">
      <ul style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const { node, depth, others, children } = rows[item.index]!;
          const classes = [item.index === at && "at", node.on_path && "x-spine", node.agent === selected && "x-chosen"].filter(Boolean).join(" ");
          return (
            <li key={item.key} ref={virtual.measureElement} data-index={item.index} className={classes} aria-setsize={rows.length} aria-posinset={item.index + 1}
              style={{ transform: `translateY(${item.start}px)`, paddingInlineStart: `${0.5 + 0.9 * Math.min(depth, DEEPEST)}rem` }}>
              <FateMark fate={node.fate} text={false} /> <AgentLink agent={node.agent} name={node.name} /> <span className="number">{intervalText(node)}</span>
              <span className="muted small">
                {" "}{node.agent === best ? "the best · " : node.on_path ? "on the path to the best · " : ""}generation {node.generation} · {node.operator}
                {others.length > 0 && <> · also of {others.map((other, index) => <span key={other.agent}>{index > 0 && ", "}<AgentLink agent={other.agent} name={other.name} /></span>)}</>}
                {children > 0 && ` · ${whole(children)} ${children === 1 ? "child" : "children"}`}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
