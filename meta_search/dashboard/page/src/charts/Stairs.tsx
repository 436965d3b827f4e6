/** Best so far as stairs over what was paid, with intervals; candidates as marks; the best seed as a line. */
import { scaleLinear } from "d3-scale";
import { area, curveStepAfter, line } from "d3-shape";
import { useId } from "react";
import type { Best, Mark, Step } from "../api";
import { count, intervalText, percent } from "../format";
import { FateShape } from "./marks";
import { Axes, MARGIN, Plot, roomy, type Spot } from "./plot";
import { PAID, stairs, type Paid, type Stair } from "./spending";

export interface Series { key: string; name: string; steps: readonly Step[]; end: number; color: string; dash?: string }
interface MarkSpot extends Spot { mark?: Mark; series?: string; step?: Step }

export function Stairs({ label, series, over, marks = [], seed = null, limit = null, onOpen, height = 320 }: {
  label: string; series: readonly Series[]; over: Paid; marks?: readonly Mark[]; seed?: Best | null; limit?: number | null;
  onOpen?: (agent: string, series?: string) => void; height?: number;
}) {
  const clip = useId();
  const lines = series.map((one) => ({ ...one, corners: stairs(one.steps, over, one.end) }));
  const shown = marks.filter((mark) => mark.score !== null);
  const failed = marks.filter((mark) => mark.score === null);
  const right = Math.max(1e-9, ...lines.map((one) => one.end), ...marks.map((mark) => mark[over]));
  const scores = [
    ...lines.flatMap((one) => one.corners.flatMap((corner) => [corner.low, corner.high])),
    ...shown.map((mark) => mark.score ?? 0),
    ...(seed?.score != null ? [seed.score] : []),
  ];
  const [low, high] = scores.length ? roomy(Math.min(...scores), Math.max(...scores)) : [0, 1];
  const scales = (width: number) => ({
    x: scaleLinear([0, right * 1.02], [MARGIN.left, width - MARGIN.right]),
    y: scaleLinear([low, high], [height - MARGIN.bottom - 8, MARGIN.top + 10]),
  });
  const spots = (width: number): MarkSpot[] => {
    const { x, y } = scales(width);
    return [
      ...shown.map((mark) => ({ key: mark.agent, x: x(mark[over]), y: y(mark.score ?? 0), mark })),
      ...failed.map((mark) => ({ key: mark.agent, x: x(mark[over]), y: height - MARGIN.bottom - 5, mark })),
      ...lines.flatMap((one) => one.steps.flatMap((step) => step.score === null ? [] : [{ key: `${one.key} ${step.agent}`, x: x(step[over]), y: y(step.score), step, series: one.key }])),
    ];
  };
  const { text, exact, axis } = PAID[over];
  const says = ({ mark, step, series: of }: MarkSpot) => {
    const one = mark ?? step;
    if (!one) return null;
    const name = of && series.length > 1 ? `${series.find((other) => other.key === of)?.name}: ` : "";
    return <>{name}<strong>{one.name}</strong> {intervalText(one)} on {one.items} items, at {exact(one[over])} {over === "cost_usd" || over === "elapsed_s" ? "" : PAID[over].label}{mark ? `, ${mark.fate}, ${count(mark.tokens_per_item)} tokens per item` : ", best so far"}</>;
  };
  return (
    <Plot label={label} height={height} spots={spots} says={says} hint={onOpen ? "Point at a mark to read it, click to open the agent." : "Point at a step to read it."}
      onOpen={onOpen && ((spot) => { const agent = spot.mark?.agent ?? spot.step?.agent; if (agent) onOpen(agent, spot.series); })}>
      {(width, at) => {
        const { x, y } = scales(width);
        const path = line<Stair>((c) => x(c.x), (c) => y(c.score)).curve(curveStepAfter);
        const band = area<Stair>((c) => x(c.x), (c) => y(c.low), (c) => y(c.high)).curve(curveStepAfter);
        return (
          <>
            <clipPath id={clip}><rect x={MARGIN.left - 7} y={0} width={Math.max(0, width - MARGIN.left - MARGIN.right + 14)} height={height - MARGIN.bottom} /></clipPath>
            <Axes x={x} y={y} width={width} height={height} xText={text} yText={(value) => percent(value, high - low < 0.05 ? 1 : 0)} xLabel={axis} yLabel="score" />
            <g clipPath={`url(#${clip})`}>
              {lines.map((one) => <path key={`b${one.key}`} d={band(one.corners) ?? ""} style={{ fill: one.color, fillOpacity: 0.14 }} />)}
              {limit !== null && limit <= right && <line className="limit-line" x1={x(limit)} x2={x(limit)} y1={MARGIN.top} y2={height - MARGIN.bottom} />}
              {seed?.score != null && <line className="seed-line" x1={MARGIN.left} x2={width - MARGIN.right} y1={y(seed.score)} y2={y(seed.score)} />}
              {lines.map((one) => <path key={one.key} d={path(one.corners) ?? ""} style={{ stroke: one.color, strokeWidth: 2, fill: "none", strokeDasharray: one.dash }} />)}
              {failed.map((mark) => <FateShape key={mark.agent} fate={mark.fate} x={x(mark[over])} y={height - MARGIN.bottom - 5} size={3} strong={at?.key === mark.agent} />)}
              {shown.map((mark) => <FateShape key={mark.agent} fate={mark.fate} x={x(mark[over])} y={y(mark.score ?? 0)} size={4.5} strong={at?.key === mark.agent} />)}
            </g>
            {seed?.score != null && <text className="seed-text" x={width - MARGIN.right - 4} y={y(seed.score) - 5} textAnchor="end">best seed {percent(seed.score)}</text>}
            {at?.mark?.low != null && at.mark.high != null && <line className="whisker" x1={at.x} x2={at.x} y1={y(at.mark.low)} y2={y(at.mark.high)} />}
          </>
        );
      }}
    </Plot>
  );
}
