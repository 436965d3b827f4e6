// What the code view and the diff have in common. No line of the code is ever run: it is text.
import { python } from "@codemirror/lang-python";
import { forceParsing, syntaxHighlighting } from "@codemirror/language";
import { search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { EditorView, drawSelection, highlightSpecialChars, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

/** Read-only Python with our theme's colours (classes `tok-…` in explore.css); reachable and scrollable by keyboard. */
export function readOnly(label: string, wrap: boolean): Extension[] {
  const nonce = document.querySelector('meta[name="csp-nonce"]')?.getAttribute("content");
  return [
    EditorState.readOnly.of(true),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-readonly": "true" }),
    ...(nonce ? [EditorView.cspNonce.of(nonce)] : []),
    ...(wrap ? [EditorView.lineWrapping] : []),
    lineNumbers(),
    highlightSpecialChars(),
    drawSelection(),
    search({ top: true }),
    keymap.of(searchKeymap),
    python(),
    syntaxHighlighting(classHighlighter),
  ];
}

/** Colour all of it at once: agents are short, and a busy machine may not come to it later. A hostile text gets no more
 * than this time. */
export function colourAll(view: EditorView): void {
  forceParsing(view, view.state.doc.length, PARSE_MS);
}
const PARSE_MS = 100;
