import { useEffect, useRef, useState } from "react";
import { Button } from "./basics";

/** Copies where the browser lets a page from disk do so too; false where it does not. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "hidden";
    // Inside an open dialog nothing outside of it can be selected.
    (document.querySelector("dialog[open], [role=dialog]") ?? document.body).append(area);
    area.select();
    let done = false;
    try {
      done = document.execCommand("copy");
    } catch {
      done = false;
    }
    area.remove();
    return done;
  }
}

export function CopyButton({ text, label = "Copy" }: { text: string | (() => string); label?: string }) {
  const [said, say] = useState("");
  const timer = useRef(0);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  async function act() {
    const done = await copy(typeof text === "string" ? text : text());
    say(done ? "Copied" : "Cannot copy here");
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => say(""), 1500);
  }
  return (
    <Button kind="quiet" onClick={act}>
      <span aria-live="polite">{said || label}</span>
    </Button>
  );
}
