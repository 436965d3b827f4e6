// Two versions of the code: side by side where there is room, in one column on a phone.
import { Chunk, MergeView, goToNextChunk, goToPreviousChunk, unifiedMergeView } from "@codemirror/merge";
import { EditorState, Text } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { useEffect, useMemo, useRef } from "react";
import { Button } from "../ui";
import { colourAll, readOnly } from "./editor";
import { useNarrow } from "./useNarrow";
import { diffLine } from "./versions";

interface Props { before: string; after: string; beforeName: string; afterName: string; whole: boolean }

// The precise diff gives up beyond this and takes a coarser one, so that a hostile pair of texts does not stop the page.
const BOUNDS = { scanLimit: 2000, timeout: 400 };
export default function Diff({ before, after, beforeName, afterName, whole }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const narrow = useNarrow(820);
  const line = useMemo(() => diffLine(before, after, Chunk.build(Text.of(before.split("\n")), Text.of(after.split("\n")), BOUNDS)), [before, after]);

  useEffect(() => {
    if (!box.current) return;
    const collapse = whole ? undefined : { margin: 3, minSize: 6 };
    const keys = keymap.of([{ key: "n", run: goToNextChunk }, { key: "p", run: goToPreviousChunk }]);
    if (narrow) {
      const unified = unifiedMergeView({ original: before, mergeControls: false, collapseUnchanged: collapse, diffConfig: BOUNDS });
      view.current = new EditorView({ state: EditorState.create({ doc: after, extensions: [...readOnly(`Changes from ${beforeName} to ${afterName}`, true), keys, unified] }), parent: box.current });
      colourAll(view.current);
      return () => view.current?.destroy();
    }
    const merge = new MergeView({
      a: { doc: before, extensions: [...readOnly(`Before: ${beforeName}`, true), keys] },
      b: { doc: after, extensions: [...readOnly(`After: ${afterName}`, true), keys] },
      parent: box.current,
      collapseUnchanged: collapse,
      diffConfig: BOUNDS,
      gutter: true,
    });
    view.current = merge.b;
    colourAll(merge.a);
    colourAll(merge.b);
    return () => merge.destroy();
  }, [before, after, beforeName, afterName, narrow, whole]);

  const jump = (command: typeof goToNextChunk) => {
    const at = view.current;
    if (at && command(at)) at.focus();
  };
  return (
    <>
      <p className="row">
        <span>{line}</span>
        <Button onClick={() => jump(goToPreviousChunk)} title="In the code: p">Previous change</Button>
        <Button onClick={() => jump(goToNextChunk)} title="In the code: n">Next change</Button>
      </p>
      {!narrow && (
        <div className="x-sides" aria-hidden="true"><span>{beforeName}</span><span>{afterName}</span></div>
      )}
      <div ref={box} className="x-code x-diff" />
    </>
  );
}
