// @vitest-environment jsdom
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, test } from "vitest";
import { activeKeys, dispatch, useKeys } from "./keys";

(globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
const done: string[] = [];
function Keys({ name, keys }: { name: string; keys: string[] }) {
  useKeys(keys.map((key) => ({ key, does: key, run: () => void done.push(`${name} ${key}`) })));
  return null;
}

test("the newest view is asked first, fields are left alone, ticks are not", () => {
  const place = document.body.appendChild(document.createElement("div"));
  const root = createRoot(place);
  document.addEventListener("keydown", dispatch);
  act(() => root.render(<><Keys name="page" keys={["?", "g a", "j"]} /><Keys name="view" keys={["j", "Escape"]} /><input id="text" /><input id="tick" type="checkbox" /></>));
  const press = (key: string, at: string | null = null, more: KeyboardEventInit = {}) =>
    (at ? document.getElementById(at) : document.body)?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more }));
  press("j");
  press("g");
  press("a");
  press("a");
  press("?", "text");
  press("Escape", "text");
  press("?", "tick");
  press("?", null, { ctrlKey: true });
  expect(done).toEqual(["view j", "page g a", "view Escape", "page ?"]);
  expect(activeKeys().map((key) => key.key)).toEqual(["?", "g a", "j", "Escape"]);
  act(() => root.unmount());
  expect(activeKeys()).toEqual([]);
});
