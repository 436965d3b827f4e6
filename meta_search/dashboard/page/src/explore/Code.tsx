// An agent's code, to read.
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { colourAll, readOnly } from "./editor";

export default function Code({ text, label, wrap = false }: { text: string; label: string; wrap?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!box.current) return;
    const view = new EditorView({ state: EditorState.create({ doc: text, extensions: readOnly(label, wrap) }), parent: box.current });
    colourAll(view);
    return () => view.destroy();
  }, [text, label, wrap]);
  return <div ref={box} className="x-code" />;
}
