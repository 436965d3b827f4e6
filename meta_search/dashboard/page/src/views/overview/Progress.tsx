import type { Mark, Progress, RunRow, Step } from "../../api";
import { FateLegend, Front, isPaid, PAID, PAID_OPTIONS, spentOf, Stairs, type Cost, type Paid } from "../../charts";
import { api, useView } from "../../data";
import { count, NONE, usd, whole } from "../../format";
import { useRemembered } from "../../remembered";
import { go } from "../../router";
import { AgentLink, Answer, Card, Choice, Empty, FateMark, IntervalText, Numbers, type Column } from "../../ui";

const COSTS = [{ value: "tokens_per_item", label: "tokens" }, { value: "cost_usd_per_item", label: "money" }] as const;
const open = (agent: string) => go({ view: "agent", agent });

/** Best so far over what was paid, and score against cost, from one answer. */
export function ProgressCards({ run, row }: { run: string; row: RunRow }) {
  const view = useView<Progress>(api(run, "progress"));
  const [off, setOff] = useRemembered<string[]>("marks.off", [], Array.isArray);
  const [over, setOver] = useRemembered<Paid>("paid", "calls", isPaid);
  const [cost, setCost] = useRemembered<Cost>("cost", "tokens_per_item", (value) => COSTS.some((one) => one.value === value));
  const priced = view.data?.marks.some((mark) => mark.cost_usd_per_item > 0) ?? false;
  const toggle = (fate: string) => setOff(off.includes(fate) ? off.filter((one) => one !== fate) : [...off, fate]);
  const limits: Record<Paid, number | null> = { calls: row.limits.calls, tokens: row.limits.tokens, cost_usd: row.limits.usd, elapsed_s: row.limits.wall_s };
  return (
    <>
      <Card wide title={`Best so far over ${PAID[over].axis}`} tools={<Choice label="Over" value={over} options={PAID_OPTIONS} onChange={setOver} />}>
        <Answer view={view} doing="Reading the candidates…" lines={8}>{(data) => {
          const marks = data.marks.filter((mark) => !off.includes(mark.fate));
          if (data.marks.length === 0) return <Empty>No candidate yet.</Empty>;
          const end = Math.max(spentOf(row, over), ...data.steps.map((step) => step[over]));
          return (
            <>
              <FateLegend present={new Set(data.marks.map((mark) => mark.fate))} off={off} onToggle={toggle} />
              <Stairs label={`Best so far over ${PAID[over].axis}: ${stepsSay(data.steps, over)}`} over={over} marks={marks} seed={data.best_seed} limit={limits[over]} onOpen={open}
                series={[{ key: run, name: row.name || run, steps: data.steps, end, color: "var(--accent)" }]} />
              <p className="small muted">Stairs: the best so far on {data.split}, a selection score; band: its 95 % interval. Marks: candidates where they were done; a line through one under the pointer is its interval.{data.marks_left_out > 0 ? ` ${whole(data.marks_left_out)} marks are left out.` : ""}</p>
              <Numbers rows={data.steps} columns={stepColumns(over)} rowKey={(step) => `${step.agent} ${step.calls}`} caption="Steps of the best so far" />
            </>
          );
        }}</Answer>
      </Card>
      <Card title="Score against cost" tools={priced && <Choice label="Cost" value={cost} options={COSTS} onChange={setCost} />}>
        <Answer view={view} doing="Reading the candidates…" lines={8}>{(data) => (
          <>
            <Front marks={data.marks.filter((mark) => !off.includes(mark.fate))} cost={priced ? cost : "tokens_per_item"} onOpen={open} />
            <Numbers rows={[...data.marks].filter((mark) => mark.score !== null).sort((a, b) => (b.score ?? 0) - (a.score ?? 0)).slice(0, 200)} columns={MARK_COLUMNS} rowKey={(mark) => mark.agent} caption="Agents with score and cost per item, best first, at most 200" />
          </>
        )}</Answer>
      </Card>
    </>
  );
}

/** The figure in words: where it began, where it is now. */
export function stepsSay(steps: readonly Step[], over: Paid): string {
  const [first, last] = [steps[0], steps.at(-1)];
  if (!first || !last) return "no step yet";
  const at = (step: Step) => `${((step.score ?? 0) * 100).toFixed(1)} % at ${PAID[over].exact(step[over])}`;
  return `${steps.length} steps, from ${at(first)} to ${at(last)}`;
}

const stepColumns = (over: Paid): Column<Step>[] => [
  { id: "over", head: PAID[over].label, number: true, cell: (step) => PAID[over].exact(step[over]) },
  { id: "agent", head: "Agent", cell: (step) => <AgentLink agent={step.agent} name={step.name} /> },
  { id: "score", head: "Score", number: true, cell: (step) => <IntervalText of={step} items /> },
];
const MARK_COLUMNS: Column<Mark>[] = [
  { id: "agent", head: "Agent", cell: (mark) => <AgentLink agent={mark.agent} name={mark.name} /> },
  { id: "fate", head: "Outcome", cell: (mark) => <FateMark fate={mark.fate} /> },
  { id: "score", head: "Score", number: true, cell: (mark) => <IntervalText of={mark} items /> },
  { id: "tokens", head: "Tokens per item", number: true, cell: (mark) => count(mark.tokens_per_item) },
  { id: "cost", head: "Money per item", number: true, cell: (mark) => usd(mark.cost_usd_per_item) },
  { id: "front", head: "On the front", cell: (mark) => (mark.on_front ? "yes" : NONE) },
];
