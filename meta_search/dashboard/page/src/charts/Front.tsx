/** Score against what one item costs, with the agents that nothing beats in both. */
import { scaleLinear } from "d3-scale";
import { curveStepAfter, line } from "d3-shape";
import type { Mark } from "../api";
import { count, intervalText, percent, usd } from "../format";
import { FateShape } from "./marks";
import { Axes, MARGIN, Plot, roomy, type Spot } from "./plot";

export type Cost = "tokens_per_item" | "cost_usd_per_item";
interface MarkSpot extends Spot { mark: Mark }

/** The marks of the front in the order of their cost. */
export const frontOf = (marks: readonly Mark[], cost: Cost): Mark[] => marks.filter((mark) => mark.on_front && mark.score !== null).sort((a, b) => a[cost] - b[cost]);

export function Front({ marks, cost, onOpen, height = 280 }: { marks: readonly Mark[]; cost: Cost; onOpen: (agent: string) => void; height?: number }) {
  const shown = marks.filter((mark) => mark.score !== null && mark.items > 0);
  const front = frontOf(shown, cost);
  const text = cost === "cost_usd_per_item" ? usd : count;
  const right = Math.max(1e-9, ...shown.map((mark) => mark[cost]));
  const scores = shown.map((mark) => mark.score ?? 0);
  const [low, high] = scores.length ? roomy(Math.min(...scores), Math.max(...scores)) : [0, 1];
  const scales = (width: number) => ({ x: scaleLinear([0, right * 1.05], [MARGIN.left, width - MARGIN.right]), y: scaleLinear([low, high], [height - MARGIN.bottom - 4, MARGIN.top + 14]) });
  const spots = (width: number): MarkSpot[] => {
    const { x, y } = scales(width);
    return shown.map((mark) => ({ key: mark.agent, x: x(mark[cost]), y: y(mark.score ?? 0), mark }));
  };
  return (
    <Plot label={`Score against ${cost === "cost_usd_per_item" ? "US dollars" : "tokens"} per item of ${shown.length} agents; ${front.length} are on the front`} height={height} spots={spots}
      says={({ mark }) => <><strong>{mark.name}</strong> {intervalText(mark)} at {text(mark[cost])} {cost === "tokens_per_item" ? "tokens " : ""}per item{mark.on_front ? ", on the front" : ""}</>}
      hint="The line joins the agents that no other beats in score and cost." onOpen={(spot) => onOpen(spot.mark.agent)}>
      {(width, at) => {
        const { x, y } = scales(width);
        const path = line<Mark>((mark) => x(mark[cost]), (mark) => y(mark.score ?? 0)).curve(curveStepAfter);
        return (
          <>
            <Axes x={x} y={y} width={width} height={height} xText={text} yText={(value) => percent(value, 0)} xLabel={cost === "cost_usd_per_item" ? "US dollars per item" : "tokens per item"} yLabel="score" />
            <path className="front-line" d={path(front) ?? ""} />
            {shown.map((mark) => <FateShape key={mark.agent} fate={mark.fate} x={x(mark[cost])} y={y(mark.score ?? 0)} size={4} strong={at?.key === mark.agent} />)}
            {front.map((mark) => <circle key={mark.agent} className="front-ring" cx={x(mark[cost])} cy={y(mark.score ?? 0)} r={9} />)}
            {at?.mark.low != null && at.mark.high != null && <line className="whisker" x1={at.x} x2={at.x} y1={y(at.mark.low)} y2={y(at.mark.high)} />}
          </>
        );
      }}
    </Plot>
  );
}
