import { Suspense, lazy } from "react";
import type { AgentPage } from "../api";
import { api, useView } from "../data";
import { useKeys } from "../keys";
import { go, href, useRoute } from "../router";
import { Answer, Card, Empty, Skeleton, Tabs, useTitle } from "../ui";
import { AttemptsTab } from "../explore/agent/AttemptsTab";
import { Compare } from "../explore/agent/Compare";
import { Head } from "../explore/agent/Head";
import { Summary } from "../explore/agent/Summary";
import { useNarrow } from "../explore/useNarrow";
import "../explore/explore.css";

const Code = lazy(() => import("../explore/Code"));
const TABS = [["summary", "Summary"], ["code", "Code"], ["compare", "Compare"], ["attempts", "Attempts"]] as const;

export default function AgentView({ run }: { run: string }) {
  const { query } = useRoute();
  const agent = query.agent;
  const view = useView<AgentPage>(agent ? api(run, `agent/${agent}`) : null);
  useTitle(view.data?.row.name ?? "One agent");
  if (!agent) return <Empty>No agent is chosen. <a href={href({ view: "agents" })}>See all agents</a>.</Empty>;
  return <Answer view={view} doing="Reading the agent…" lines={10}>{(page) => <Page key={page.row.agent} run={run} page={page} />}</Answer>;
}

function Page({ run, page }: { run: string; page: AgentPage }) {
  const { query } = useRoute();
  const narrow = useNarrow(700);
  // A link with `vs` and no tab is one to a comparison.
  const tab = TABS.find(([id]) => id === query.tab)?.[0] ?? (query.vs ? "compare" : "summary");
  const open = (id: string) => ({ tab: id, vs: id === "compare" ? undefined : null, split: id === "compare" ? undefined : null });
  useKeys(TABS.map(([id, label], index) => ({ key: String(index + 1), does: `this agent: ${label.toLowerCase()}`, run: () => go(open(id)) })));
  return (
    <div className="stack">
      <Head page={page} run={run} />
      <Tabs label="Parts of this agent" current={tab} items={TABS.map(([id, label]) => ({ id, label, href: href(open(id)) }))} />
      {tab === "summary" && <Summary page={page} />}
      {tab === "code" && (
        <Card title={`Code of ${page.row.name}`}>
          <Suspense fallback={<Skeleton slow doing="Drawing the code…" lines={8} />}>{page.source ? <Code text={page.source} label={`Code of ${page.row.name}`} wrap={narrow} /> : <Empty>No code is stored for it.</Empty>}</Suspense>
        </Card>
      )}
      {tab === "compare" && <Compare run={run} page={page} />}
      {tab === "attempts" && <AttemptsTab run={run} agent={page.row.agent} name={page.row.name} />}
    </div>
  );
}
