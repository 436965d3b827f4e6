import { Component, Suspense, useEffect, useState, type ReactNode } from "react";
import type { RunRow } from "./api";
import { api, insideFile, useLink, useStream, useView } from "./data";
import { runInside, unpack } from "./inside";
import { dispatch, useKeys } from "./keys";
import { go, href, useRoute } from "./router";
import { useRun } from "./run";
import { chosenTheme, setTheme, THEMES, type Theme } from "./theme";
import { Button, KeysHelp, Skeleton, Tabs } from "./ui";
import { SearchButton } from "./ui/Search";
import { VIEWS } from "./views";

/** A view that breaks says so in its own place; the rest of the page goes on. */
class Boundary extends Component<{ children: ReactNode }, { error: string }> {
  override state = { error: "" };
  static getDerivedStateFromError(error: unknown) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
  override render() {
    if (!this.state.error) return this.props.children;
    return <p className="error" role="alert">This view could not be drawn: {this.state.error} <Button kind="quiet" onClick={() => this.setState({ error: "" })}>Try again</Button></p>;
  }
}

export function App() {
  const route = useRoute();
  const [help, setHelp] = useState(false);
  const view = (Object.hasOwn(VIEWS, route.view) && VIEWS[route.view]) || VIEWS.overview!;
  const View = view.View;
  const tabs = Object.entries(VIEWS).filter(([, entry]) => entry.tab);
  useStream(route.run);
  useEffect(() => {
    document.addEventListener("keydown", dispatch);
    return () => document.removeEventListener("keydown", dispatch);
  }, []);
  useEffect(() => {
    if (insideFile() && !route.run) void unpack().then((contents) => go({ run: runInside(contents) }, { replace: true }), () => undefined);
  }, [route.run]);
  useKeys([
    { key: "?", does: "show the keyboard shortcuts", run: () => setHelp(true) },
    ...(insideFile() ? [] : [{ key: "g r", does: "go to the runs", run: () => go({ view: "runs" }) }]),
    ...(route.run ? tabs.map(([id, entry]) => ({ key: `g ${entry.letter}`, does: `go to ${entry.label.toLowerCase()}`, run: () => go({ view: id, run: route.run }) })) : []),
  ]);
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById("main")?.focus(); }}>Skip to the content</a>
      <header className="top">
        <div className="top-line">
          {insideFile() ? <strong className="brand">meta-search</strong> : <a className="brand" href={href({ view: "runs" })}>meta-search</a>}
          {route.run && <RunName run={route.run} />}
          <span className="grow" />
          <LinkState run={route.run} />
          {route.run && <SearchButton run={route.run} />}
          <ThemeButton />
          <Button kind="quiet" onClick={() => setHelp(true)} aria-label="Show the keyboard shortcuts">?</Button>
        </div>
        {route.run && <Tabs label="Views of the run" current={route.view === "agent" ? "agents" : route.view} items={tabs.map(([id, entry]) => ({ id, label: entry.label, href: href({ view: id, run: route.run }) }))} />}
      </header>
      <main id="main" tabIndex={-1}>
        <Boundary key={`${route.run} ${route.view}`}>
          <Suspense fallback={<Skeleton slow={false} />}>
            {insideFile() && !route.run ? <Skeleton slow doing="Unpacking the run…" /> : <View run={route.run} />}
          </Suspense>
        </Boundary>
      </main>
      {help && <KeysHelp onClose={() => setHelp(false)} />}
    </>
  );
}

function RunName({ run }: { run: string }) {
  const { row } = useRun(run);
  return <strong className="run-name" title={run}>{row?.name || run}{row && <span className={`state ${row.state.replace(" ", "-")}`}>{row.state}</span>}</strong>;
}

function LinkState({ run }: { run: string }) {
  const link = useLink();
  const { data, error } = useView<{ run: RunRow }>(run ? api(run, "overview") : null);
  const ended = data !== undefined && !["searching", "paused", "reporting"].includes(data.run.state);
  if (!run || link === "file" || link === "connecting" || (ended && link === "live") || (error && !data)) return null;
  const says = { live: "live", lost: "connection lost, trying again", gone: "the run's folder is gone" }[link];
  return <span className={`link ${link}`} role="status">{says}</span>;
}

function ThemeButton() {
  const [theme, choose] = useState<Theme>(chosenTheme);
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  const glyph = { system: "◐", light: "☀", dark: "☾" }[theme];
  return (
    <Button kind="quiet" aria-label={`Colours: ${theme}. Change to ${next}`} title={`Colours: ${theme}`} onClick={() => { setTheme(next); choose(next); }}>
      <span aria-hidden="true">{glyph}</span>
    </Button>
  );
}
