import { useEffect, useId, useRef, type ReactNode } from "react";
import { activeKeys, useKeys } from "../keys";
import { Button } from "./basics";

/** A panel at the right (at the bottom of a phone) beside which the page stays usable. Escape closes it. */
export function Drawer({ title, tools, onClose, children }: { title: ReactNode; tools?: ReactNode; onClose: () => void; children: ReactNode }) {
  const id = useId();
  const panel = useRef<HTMLElement>(null);
  useKeys([{ key: "Escape", does: "close", run: onClose }]);
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus({ preventScroll: true });
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <aside className="drawer" role="dialog" aria-labelledby={id} ref={panel} tabIndex={-1}>
      <header className="drawer-head">
        <h2 id={id}>{title}</h2>
        <div className="tools">{tools}<Button kind="quiet" onClick={onClose} aria-label="Close">✕</Button></div>
      </header>
      <div className="drawer-body">{children}</div>
    </aside>
  );
}

/** A question that has to be answered first, or the list of keys: the browser's own modal dialog. */
export function Modal({ title, onClose, children }: { title: ReactNode; onClose: () => void; children: ReactNode }) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="modal" aria-labelledby={id} onClose={onClose} onCancel={onClose}
      onKeyDown={(event) => event.key !== "Escape" && event.stopPropagation()}>
      <header className="drawer-head">
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" onClick={onClose} aria-label="Close">✕</Button>
      </header>
      <div className="drawer-body">{children}</div>
    </dialog>
  );
}

export function KeysHelp({ onClose }: { onClose: () => void }) {
  const keys = activeKeys();
  return (
    <Modal title="Keys" onClose={onClose}>
      <dl className="keys">
        {keys.map((key) => (
          <div key={key.key}>
            <dt>{key.key.split(" ").map((part, at) => <kbd key={at}>{part}</kbd>)}</dt>
            <dd>{key.does}</dd>
          </div>
        ))}
      </dl>
    </Modal>
  );
}
