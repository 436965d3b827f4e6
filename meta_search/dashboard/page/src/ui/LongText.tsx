import { memo, useState } from "react";
import { whole } from "../format";
import { opening, pieces } from "./transcript";
import { Button } from "./basics";
import { CopyButton } from "./Copy";

const MOST_SHOWN = 300_000; // characters: more than that in one element makes a browser stall
const MOST_MARKED = 20_000;

/** Text of a model or an agent, with what is looked for marked. */
export function Marked({ text, find = "" }: { text: string; find?: string | readonly string[] }) {
  if (!find.length || text.length > MOST_SHOWN) return text;
  return pieces(text, find)
    .slice(0, MOST_MARKED)
    .map((piece, place) => (piece.found ? <mark key={place}>{piece.text}</mark> : piece.text));
}

/** A text in its own lines, folded where it is long; open where something that is looked for stands in it. */
export const LongText = memo(function LongText({
  text,
  find = "",
  code = false,
  copying = true,
}: {
  text: string;
  find?: string;
  code?: boolean;
  copying?: boolean;
}) {
  const [asked, ask] = useState<boolean | null>(null);
  const start = opening(text);
  const found = !!find && start !== null && text.toLowerCase().includes(find.toLowerCase());
  const open = start === null || (asked ?? found);
  const shown = open ? text.slice(0, MOST_SHOWN) : start;
  if (!text) return <p className="muted">empty</p>;
  return (
    <div className={code ? "long-text text-code" : "long-text"}>
      <div className="text-body" dir="auto">
        <Marked text={shown} find={find} />
        {open ? "" : " …"}
      </div>
      {text.length > MOST_SHOWN && open && (
        <p className="small muted">
          The first {whole(MOST_SHOWN)} of {whole(text.length)} characters; copy it for the
          rest.
        </p>
      )}
      {(start !== null || (copying && text.length > 200)) && (
        <div className="text-tools">
          {start !== null && (
            <Button kind="quiet" aria-expanded={open} onClick={() => ask(!open)}>
              {open ? "Fold" : `Show all ${whole(text.length)} characters`}
            </Button>
          )}
          {copying && <CopyButton text={text} />}
        </div>
      )}
    </div>
  );
});
