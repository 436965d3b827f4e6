/** When calls were under way, worker by worker. */
import { scaleLinear } from "d3-scale";
import type { Lanes as Answer } from "../api";
import { duration, short } from "../format";
import { MARGIN, Plot, type Spot } from "./plot";

type Span = Answer["lanes"][number]["spans"][number];
interface SpanSpot extends Spot { span: Span; lane: string; wide: number }

/** A colour for each kind of call; the legend names them. */
export function kindsOf(lanes: Answer): string[] {
  return [...new Set(lanes.lanes.flatMap((lane) => lane.spans.map((span) => span.kind)))].sort();
}
/** Where a label is centred so that none of it is cut. */
const within = (x: number, text: string, width: number): number => Math.min(width - text.length * 3.4 - 2, Math.max(text.length * 3.4 + 2, x));
export const kindColor = (kinds: readonly string[], kind: string): string => `var(--series-${(kinds.indexOf(kind) % 6) + 1})`;

export function Lanes({ of, onOpen }: { of: Answer; onOpen: (agent: string, item: string) => void }) {
  const kinds = kindsOf(of);
  const tall = of.lanes.length > 24 ? 7 : 14;
  const height = MARGIN.top + of.lanes.length * tall + MARGIN.bottom;
  const starts = of.lanes.flatMap((lane) => lane.spans.map((span) => span.from_s));
  const ends = of.lanes.flatMap((lane) => lane.spans.map((span) => span.to_s));
  const scale = (width: number) => scaleLinear([Math.min(...starts), Math.max(...ends)], [8, width - 8]);
  const spots = (width: number): SpanSpot[] => {
    const x = scale(width);
    return of.lanes.flatMap((lane, row) => lane.spans.map((span, at) => ({
      key: `${row} ${at}`, x: (x(span.from_s) + x(span.to_s)) / 2, y: MARGIN.top + row * tall + tall / 2, span, lane: lane.name, wide: x(span.to_s) - x(span.from_s),
    })));
  };
  return (
    <Plot label={`${of.lanes.length} lanes of calls under way over time`} height={height} spots={spots} hint="Point at a call to read it."
      says={({ span, lane }) => <>{lane}: {span.kind} for <strong>{short(span.agent)}</strong>{span.item ? `, item ${span.item}` : ""}, {duration(span.to_s - span.from_s)} from {duration(span.from_s)}</>}
      onOpen={(spot) => spot.span.agent && onOpen(spot.span.agent, spot.span.item)}>
      {(width, at) => {
        const x = scale(width);
        return (
          <>
            {x.ticks(Math.max(2, Math.floor(width / 110))).map((tick) => (
              <g key={tick} className="axes">
                <line className="grid-line" x1={x(tick)} x2={x(tick)} y1={MARGIN.top} y2={height - MARGIN.bottom} />
                <text x={within(x(tick), duration(tick), width)} y={height - MARGIN.bottom + 16} textAnchor="middle">{duration(tick)}</text>
              </g>
            ))}
            {spots(width).map((spot) => (
              <rect key={spot.key} x={spot.x - spot.wide / 2} y={spot.y - tall / 2 + 1} width={Math.max(1, spot.wide)} height={tall - 2} rx={1.5}
                style={{ fill: kindColor(kinds, spot.span.kind), fillOpacity: at && at.key !== spot.key ? 0.45 : 0.9 }} />
            ))}
          </>
        );
      }}
    </Plot>
  );
}
