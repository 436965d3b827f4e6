// The JSON of the dashboard: what the server answers, and what report.html carries. Stable names.
// Scores, shares and chances are 0..1, times `…_at` are seconds since 1970 (UTC), durations `…_s` seconds,
// `cost_usd` US dollars. What is not known is null. Ids of agents are full ids. Text is untrusted: text nodes only.

export type Split = "examples" | "train" | "validation" | "test" | "perturbed";
export interface Interval { score: number | null; low: number | null; high: number | null; items: number }
export interface Usage { calls: number; tokens: number; cost_usd: number }
export interface Limits { calls: number | null; tokens: number | null; usd: number | null; wall_s: number | null }
export type State = "searching" | "paused" | "reporting" | "done" | "cut short" | "stopped" | "killed" | "damaged";
export interface Best extends Interval { agent: string; name: string; split: Split; selection: boolean } // selection: no test result

// GET /api/runs            the table of runs; those that need attention first
export interface Runs { folder: string; version: string; steer: boolean; runs: RunRow[] }
export interface RunRow {
  id: string;              // path below the folder served, with "/"; "." where the folder is itself the run
  name: string; kind: "search" | "evaluate"; domain: string;
  task_models: string[]; meta_models: string[];
  state: State; state_text: string;      // state_text: one sentence that says what is true now
  attention: string[];                   // what a person should look at; [] mostly
  started_at: number | null; heartbeat_at: number | null; elapsed_s: number;
  agents: number; best: Best | null;
  spent: Usage; limits: Limits; verdict: string | null;
  fork_of: { run: string; agent: string } | null;
}
// GET /api/compare?run=ID&run=ID…
export interface Comparison { warnings: string[]; runs: { run: RunRow; steps: Step[]; test: Best | null }[] }
export interface Step extends Interval { at: number; calls: number; tokens: number; cost_usd: number; elapsed_s: number; agent: string; name: string }

// GET /api/run/ID/overview
export interface Overview {
  run: RunRow; verdict: string | null; end: string | null; alarms: { kind: string; line: string }[]; notes: string[];
  take: { agent: string; name: string; why: string } | null;
  tested: Tested[];                      // the final report's table
  robust: Record<string, unknown> | null; judge: string[]; outside: string; lessons: { brief: number; text: string }[];
  spending: { by: { purpose: string; usage: Usage }[]; lines: string[] };
  config: string;                        // YAML without keys
  counts: { agents: number; complete: number; failed: number; in_flight: number; briefs: number };
  outcome?: string;                      // of the verdict: beats, not_shown, does_not_beat, no_claim, no_verdict, untested
  lines?: string[];                      // all that the verdict says
  behaviour?: string;                    // how differently the best agents behave, one sentence
  attempts?: { total: number; stages: { stage: string; count: number; authors: [string, number][]; messages: [string, number][] }[] };
}
// `robust` of the overview
export interface Robustness { drops?: Drop[]; notes?: string[] }
export interface Drop { agent: string; name: string; role: string; perturbation: string; items: number; plain: number; perturbed: number; difference: number; low: number; high: number; p: number }
export interface Tested extends Interval { agent: string; name: string; role: "finalist" | "baseline"; points: number | null; points_low: number | null; points_high: number | null; p: number | null; tokens_per_item: number; cost_usd_per_item: number; notes: string[]; calls_per_item?: number; uses?: { uses: number | null; soonest: number | null; latest: number | null } | null }
// GET /api/run/ID/progress      best so far over what was paid, each candidate a mark
export interface Progress { split: Split; steps: Step[]; marks: Mark[]; best_seed: Best | null; marks_left_out: number }
export type Fate = "better" | "not better" | "stopped early" | "paused" | "failed" | "in flight" | "seed" | "same as another";
export interface Mark extends Interval { agent: string; name: string; fate: Fate; calls: number; tokens: number; cost_usd: number; elapsed_s: number; tokens_per_item: number; cost_usd_per_item: number; on_front: boolean }
// GET /api/run/ID/now          what is written and evaluated at this moment
export interface Now { at: number; state: State; state_text: string; writing: { brief: number; operator: string; author: string; parents: string[]; since_s: number }[]; evaluating: { agent: string; name: string; split: Split; done: number; planned: number; since_s: number }[]; last_seq: number }
// GET /api/run/ID/lanes        the workers over time: when calls were under way, at most 2,000 spans
export interface Lanes { from_at: number; to_at: number; lanes: { name: string; spans: { from_s: number; to_s: number; kind: string; agent: string; item: string }[] }[]; left_out: number }
// GET /api/run/ID/agents?sort=KEY&order=asc|desc&q=TEXT&status=a,b&author=&operator=&offset=0&limit=200
export interface Agents { total: number; matching: number; offset: number; split: Split; rows: AgentRow[]; facets: { status: Record<string, number>; author: Record<string, number>; operator: Record<string, number> } }
export interface AgentRow extends Interval { agent: string; name: string; fate: Fate; status: string; author: string; operator: string; model: string; generation: number; created_at: number; parents: string[]; validation: Interval | null; test: Interval | null; complete: boolean; tokens_per_item: number | null; calls_per_item: number | null; cost_usd_per_item: number | null; seconds_per_item: number | null; source_lines: number; stopped: string; same_as: string }
// sort keys: score (default, desc), name, fate, author, operator, generation, created_at, items, tokens_per_item, cost_usd_per_item, validation, test
// GET /api/run/ID/lineage?agent=ID     the tree, or the ancestors of one; at most 1,000 nodes
export interface Lineage { nodes: { agent: string; name: string; generation: number; fate: Fate; operator: string; score: number | null; low: number | null; high: number | null; on_path: boolean }[]; edges: { parent: string; child: string; kind: string }[]; left_out: number }
// GET /api/run/ID/niches?x=AXIS&y=AXIS    axes: behaviour_1, behaviour_2, tokens_per_item, calls_per_item, source_lines, operator, author
export interface Niches { axes: string[]; x: string; y: string; x_bins: string[]; y_bins: string[]; cells: { x: number; y: number; agents: number; best: { agent: string; name: string; score: number; low: number; high: number } }[] }
// GET /api/run/ID/agent/AGENT
export interface AgentPage {
  row: AgentRow; thought: string; source: string; children: { agent: string; name: string }[]; parents: { agent: string; name: string }[];
  values: { name: string; value: string; note: string }[];
  demonstrations: { question: string; reply: string; kind: string; teacher: string }[];
  evaluations: (Interval & { split: Split; complete: boolean; stopped: string; outcomes: Record<string, number>; tokens_per_item: number; calls_per_item: number; cost_usd_per_item: number; hint: string })[];
  kinds: (Interval & { kind: string; split: Split })[];
  components: { component: string; method: string; value: number; items: number; calls: number; tokens: number }[];
  race: { block: number; to: number; items: number; score: number | null; low?: number | null; high?: number | null; verdict: string; at: number }[];  // block by block
  stopped: string;
  calls: { component: string; calls_per_item: number; tokens_per_item: number; cost_usd_per_item: number; latency_s: number }[];
  team: { nodes: { name: string; calls_per_item: number; importance: number | null }[]; edges: { from: string; to: string; weight: number }[] } | null;
}
// GET /api/run/ID/source/AGENT         for diffs
export interface Source { agent: string; name: string; source: string; values: Record<string, string>; demonstrations: number }
// GET /api/run/ID/attempts/AGENT       every attempt on the way to it, with the meta agent's conversation
export interface Attempts { brief: number | null; asked: Record<string, unknown> | null; attempts: { stage: string; message: string; source: string; at: number | null }[]; conversation: Call[] }
// GET /api/run/ID/versus/AGENT?vs=OTHER&split=train
export interface Versus { split: Split; agent: string; vs: string; won: number; lost: number; tied: number; p: number | null; points: number | null; low: number | null; high: number | null; items: { item: string; kind: string; question: string; ours: number | null; theirs: number | null; outcome: "won" | "lost" | "tied" | "unpaired" }[] }
// GET /api/run/ID/items?split=train&agents=a,b    matrix; agents default to the best 40 and seeds; items worst first
export interface Matrix { split: Split; splits: Split[]; over: string; agents: { agent: string; name: string; score: number | null; low?: number | null; high?: number | null }[]; items: { item: string; kind: string; question: string; right: number; ran: number }[]; cells: (number | null | string)[][] } // cells[item][agent]: mean score, null where it never ran, the outcome kind ("timeout", …) where every run of it ended without a score
// GET /api/run/ID/item/ITEM?split=train&agent=AGENT&repeat=0
export interface ItemPage { item: string; split: Split; kind: string; question: string | null; target: string | null; target_note: string; agents: { agent: string; name: string; repeat: number; score: number | null; outcome: string }[]; result: Result | null }
export interface Result { agent: string; name: string; repeat: number; outcome: string; score: number | null; answer: string; feedback: string; detail: string; seconds: number; used: Usage; calls: Call[]; programs: { code: string; output: string; error: string }[]; networks: number }
export interface Call { index: number; component: string; role: string; model: string; messages: { role: string; text: string; calls: { name: string; arguments: string }[] }[]; reply: string; reasoning: string; tool_calls: { name: string; arguments: string; result: string }[]; fields: string[]; inputs: number[]; final: boolean; prompt_tokens: number; completion_tokens: number; cost_usd: number; latency_s: number | null; attempts: number; fault: string; purpose: string; left_out: string }
// GET /api/run/ID/guide
export interface GuidePage { paid_off: { name: string; briefs: number; best: number | null; mean: number | null; usage: Usage }[]; importance: { parameter: string; share: number }[]; next: { what: string; chance: number | null; why: string }[]; studies: { study: string; trials: number; columns: string[]; rows: (string | number | null)[][] }[]; lines: string[] }
// GET /api/run/ID/events?after=0&kind=&q=&limit=500&newest=1
export interface Events { total: number; kinds: Record<string, number>; rows: { seq: number; at: number; kind: string; text: string; agent: string; data: unknown }[] }
// GET /api/run/ID/search?q=TEXT&limit=50
export interface Found { q: string; indexed: number; of: number; hits: { agent: string; name: string; where: "name" | "thought" | "code" | "answer"; item: string; split: string; excerpt: string }[] }
// GET /api/run/ID/stream       server-sent events: `change` {seq, agents, calls, state} when the archive grew, at most once a second; `gone`
// POST /api/run/ID/steer       body: SteerRequest; 202 {id}; only with --steer and the token
export interface SteerRequest { command: "pause" | "resume" | "stop" | "limit" | "note" | "add" | "focus" | "drop"; limit?: string; value?: number; text?: string; source?: string; name?: string; agent?: string }
// An error is {error: "one line"} with status 400, 401, 403, 404 or 503.
