import { useState } from "react";
import type { GuidePage } from "../api";
import { api, useView } from "../data";
import { percent } from "../format";
import "../inspect.css";
import { Answer, Button, Card, Empty, useTitle } from "../ui";
import { PaidOff } from "./GuidePaid";
import { Studies, Tunings, type Tuning } from "./GuideStudies";
import type { ViewProps } from "./index";

/** What the guide has learnt: which briefs paid, which parameters matter, what it would ask next and why. */
export default function View({ run }: ViewProps) {
  useTitle("Guide");
  const view = useView<GuidePage>(api(run, "guide"));
  return (
    <div className="stack">
      <h1>Guide</h1>
      <p className="muted">
        The guide chooses what to ask the authors for. It learns from the briefs carried out so far.
      </p>
      <Answer view={view} doing="Fitting the guide's model to what the archive knows…" lines={8}>
        {(page) => <Guide page={page} />}
      </Answer>
    </div>
  );
}

function Guide({ page }: { page: GuidePage }) {
  return (
    <div className="grid">
      <Next page={page} />
      <Importance page={page} />
      <PaidOff page={page} />
      {page.lines.length > 0 && (
        <Card title="What the search last said" wide>
          <p className="small muted">
            As the search itself wrote it, with what earlier runs had taught it; the list above is worked out from this run's trials
            alone, so the two may differ.
          </p>
          <ul className="guide-lines">
            {page.lines.map((line, place) => (
              <li key={place}>{line}</li>
            ))}
          </ul>
        </Card>
      )}
      <Tunings tunings={(page as GuidePage & { tunings?: Tuning[] }).tunings ?? []} />
      <Studies page={page} />
    </div>
  );
}

const FIRST = 5;

function Next({ page }: { page: GuidePage }) {
  const [all, setAll] = useState(false);
  return (
    <Card title="What it would ask for next">
      {page.next.length === 0 ? (
        <Empty>Nothing yet: the guide has no brief to compare.</Empty>
      ) : (
        <ol className="guide-next">
          {page.next.slice(0, all ? undefined : FIRST).map((one, place) => (
            <li key={place}>
              <b>{one.what}</b>
              {one.chance !== null && (
                <span className="chip" title="how often the guide would ask for this next, of 100 draws">
                  {percent(one.chance, 0)} of draws
                </span>
              )}
              {one.why && <div className="small muted">{one.why}</div>}
            </li>
          ))}
        </ol>
      )}
      {page.next.length > FIRST && (
        <Button kind="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? "Fold" : `Show all ${page.next.length}`}
        </Button>
      )}
    </Card>
  );
}

function Importance({ page }: { page: GuidePage }) {
  const most = Math.max(0.0001, ...page.importance.map((one) => one.share));
  return (
    <Card title="Importance of parameters">
      {page.importance.length === 0 ? (
        <Empty>Too few trials to tell which parameters matter.</Empty>
      ) : (
        <>
          <ul className="flat-list" aria-label="Importance of parameters">
            {page.importance.map((one) => (
              <li key={one.parameter} className="importance-bar">
                <span className="mono">{one.parameter}</span>
                <svg width="100%" height={10} aria-hidden="true">
                  <rect className="bar-back" width="100%" height={10} rx={3} />
                  <rect className="bar-fill" width={`${(100 * one.share) / most}%`} height={10} rx={3} />
                </svg>
                <span className="number">{percent(one.share)}</span>
              </li>
            ))}
          </ul>
          <p className="small muted">
            How much each parameter explains which briefs brought the largest gains. Unstable while briefs are few.
          </p>
        </>
      )}
    </Card>
  );
}
