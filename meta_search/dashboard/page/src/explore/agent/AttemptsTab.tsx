// The way to this agent: what was asked, every attempt with what was said of it, and the meta agent's conversation.
import { Suspense, lazy } from "react";
import type { Attempts } from "../../api";
import { api, useView } from "../../data";
import { plural, when, whole } from "../../format";
import { AgentLink, Answer, Card, Empty, Folded, Skeleton } from "../../ui";
import { Transcript } from "../../ui/Transcript";

const Code = lazy(() => import("../Code"));

export function AttemptsTab({ run, agent, name }: { run: string; agent: string; name: string }) {
  const view = useView<Attempts>(api(run, `attempts/${agent}`));
  return (
    <Answer view={view} doing="Reading the attempts and the conversation…" lines={6}>
      {(found) => (
        <div className="stack">
          <Card title={found.brief === null ? "The brief" : `Brief ${whole(found.brief)}`}>
            {found.asked ? <Asked asked={found.asked} /> : <Empty>No brief led to it: {name} is a seed, or a person added it.</Empty>}
          </Card>
          <Card title={found.attempts.length ? plural(found.attempts.length, "failed attempt") + " on the way" : "Attempts"}>
            {found.attempts.length ? (
              <ol className="x-attempts">
                {found.attempts.map((attempt, index) => (
                  <li key={index}>
                    <p><strong>{attempt.stage}</strong> <span className="muted small">{when(attempt.at)}</span></p>
                    {attempt.message && <Folded text={attempt.message} lines={10} label={`Message of attempt ${index + 1}`} />}
                    {attempt.source && (
                      <details>
                        <summary>Its code, {plural(attempt.source.split("\n").length, "line")}</summary>
                        <Suspense fallback={<Skeleton slow doing="Drawing the code…" />}><Code text={attempt.source} label={`Code of attempt ${index + 1}`} /></Suspense>
                      </details>
                    )}
                  </li>
                ))}
              </ol>
            ) : (
              <Empty>No failed attempt is recorded: the first one was taken.</Empty>
            )}
          </Card>
          <Card title="The meta agent’s conversation">
            {found.conversation.length ? <Transcript calls={found.conversation} /> : <Empty>No call of the meta agent is recorded for it.</Empty>}
          </Card>
        </div>
      )}
    </Answer>
  );
}

/** A brief as it was journalled: names and values, whatever they are. */
function Asked({ asked }: { asked: Record<string, unknown> }) {
  return (
    <dl className="x-asked">
      {Object.entries(asked).filter(([, value]) => value !== null && value !== "" && !(Array.isArray(value) && value.length === 0)).map(([name, value]) => (
        <div key={name}>
          <dt>{name.replaceAll("_", " ")}</dt>
          <dd><Value value={value} name={name} /></dd>
        </div>
      ))}
    </dl>
  );
}

interface Named { agent: string; name: string }
const isNamed = (value: unknown): value is Named => typeof value === "object" && value !== null && "agent" in value && "name" in value && typeof value.agent === "string" && typeof value.name === "string";
const isPlain = (value: unknown): value is string | number | boolean => typeof value === "string" || typeof value === "number" || typeof value === "boolean";

function Value({ value, name }: { value: unknown; name: string }) {
  if (isPlain(value)) return <>{String(value)}</>;
  if (Array.isArray(value) && value.every(isPlain)) return <>{value.join(", ")}</>;
  if (Array.isArray(value) && value.every(isNamed)) return <>{value.map((one, index) => <span key={one.agent}>{index > 0 && ", "}<AgentLink agent={one.agent} name={one.name} /></span>)}</>;
  return <Folded text={JSON.stringify(value, null, 2) ?? ""} lines={6} label={name} />;
}
