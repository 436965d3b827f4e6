/**
 * The frame of a figure: axes, grid, and the mark nearest to the pointer. Drawn as SVG by React over d3's scales:
 * some 15 kB, themed by the page's own colours, printable, and nothing in it that a strict policy would refuse.
 */
import type { ScaleLinear } from "d3-scale";
import { useLayoutEffect, useRef, useState, type PointerEvent, type ReactNode, type RefObject } from "react";

export type Scale = ScaleLinear<number, number>;
export const MARGIN = { top: 10, right: 14, bottom: 34, left: 52 };

/** The width of the element that `ref` is put on, in px. */
export function useWidth(): [RefObject<HTMLDivElement | null>, number] {
  const ref = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, width];
}

export interface Spot { x: number; y: number; key: string }
/** The spot nearest to a point, within `reach` px. */
export function nearest<S extends Spot>(spots: readonly S[], x: number, y: number, reach = 24): S | undefined {
  let found: S | undefined;
  let best = reach * reach;
  for (const spot of spots) {
    const away = (spot.x - x) ** 2 + (spot.y - y) ** 2;
    if (away <= best) [found, best] = [spot, away];
  }
  return found;
}

export function Axes({ x, y, width, height, xText, yText, xLabel, yLabel }: {
  x: Scale; y: Scale; width: number; height: number; xText: (value: number) => string; yText: (value: number) => string; xLabel: string; yLabel: string;
}) {
  const bottom = height - MARGIN.bottom;
  return (
    <g className="axes">
      {y.ticks(Math.max(2, Math.floor(height / 55))).map((tick) => (
        <g key={`y${tick}`}>
          <line className="grid-line" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} />
          <text x={MARGIN.left - 7} y={y(tick)} dy="0.32em" textAnchor="end">{yText(tick)}</text>
        </g>
      ))}
      {x.ticks(Math.max(2, Math.floor((width - MARGIN.left) / 95))).map((tick) => (
        <g key={`x${tick}`}>
          <line className="tick-line" x1={x(tick)} x2={x(tick)} y1={bottom} y2={bottom + 4} />
          <text x={x(tick)} y={bottom + 16} textAnchor="middle">{xText(tick)}</text>
        </g>
      ))}
      <line className="axis-line" x1={MARGIN.left} x2={width - MARGIN.right} y1={bottom} y2={bottom} />
      <text className="axis-label" x={width - MARGIN.right} y={height - 3} textAnchor="end">{xLabel}</text>
      <text className="axis-label" x={MARGIN.left + 5} y={MARGIN.top + 4}>{yLabel}</text>
    </g>
  );
}

/** A figure whose marks answer to the pointer: `says` of the one under it stands below, a click opens it. */
export function Plot<S extends Spot>({ label, height, spots, says, onOpen, hint, children }: {
  label: string; height: number; spots: (width: number) => readonly S[]; says: (spot: S) => ReactNode; onOpen?: (spot: S) => void;
  hint: string; children: (width: number, at: S | undefined) => ReactNode;
}) {
  const [ref, width] = useWidth();
  const [at, setAt] = useState<S>();
  const find = (event: PointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    return nearest(spots(width), event.clientX - box.left, event.clientY - box.top);
  };
  return (
    <div ref={ref} className="plot">
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={label} className={at && onOpen ? "opens" : undefined}
          onPointerMove={(event) => setAt(find(event))} onPointerLeave={() => setAt(undefined)}
          onPointerUp={(event) => { const spot = find(event); if (spot && event.button === 0) onOpen?.(spot); }}>
          {children(width, at)}
        </svg>
      )}
      <p className="readout" aria-hidden="true">{at ? says(at) : <span className="muted">{hint}</span>}</p>
    </div>
  );
}

/** A range with some room around it; never narrower than `least`. */
export function roomy(low: number, high: number, least = 0.2): [number, number] {
  const missing = Math.max(0, least - (high - low)) / 2;
  const room = Math.max(high - low, least) * 0.06;
  return [Math.max(0, low - missing - room), Math.min(1, high + missing + room)];
}
