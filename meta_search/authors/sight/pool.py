"""The pool of worked examples: what agents can show the task model, per kind, and who worked it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from meta_search.authors.author import Context
from meta_search.authors.sight.kinds import kind_name
from meta_search.authors.sight.part import Part, Piece, Said, of_pieces
from meta_search.types import Demonstration

__all__ = ["pool"]

MOST_KINDS = 16
MOST_REPLY = 1_500  # characters
TEACHERS = {"task": "the task model", "meta": "you", "author": "you, written without being asked the item"}


def pool(context: Context) -> Part:
    """The pool, with one reply of each kind; in little room only how many there are."""
    found = _by_kind(context)
    if not found:
        return Part("pool", "")
    lines = [_counted(context, kind, pairs) for kind, pairs in found.items()]
    head = (
        f"Pool of worked examples (`self.demonstrations`), {len(context.findings.demonstrations)} in all; "
        "each reply came to the right answer:"
    )
    missing = [kind for kind in sorted({e.kind for e in context.domain.examples}) if kind not in found]
    lacking = f"None yet of: {', '.join(map(kind_name, missing[:MOST_KINDS]))}." if missing else ""
    shown = list(_shown(found, lines))
    return of_pieces(
        "pool", [head, *shown, lacking], 0.1, "the pool of worked examples", shorter=[[head, *lines, lacking]]
    )


def _by_kind(context: Context) -> dict[str, list[Demonstration]]:
    kinds = {example.question: example.kind for example in context.domain.examples}
    found: dict[str, list[Demonstration]] = {}
    for pair in context.findings.demonstrations:
        found.setdefault(kinds.get(pair.question, ""), []).append(pair)
    return dict(sorted(found.items())[:MOST_KINDS])


def _counted(context: Context, kind: str, pairs: list[Demonstration]) -> str:
    taught = context.findings.taught
    known = Counter(TEACHERS[who] for p in pairs if (who := taught.get(p.question, "")) in TEACHERS)
    by = f", worked by {' and '.join(sorted(known))}" if known else ""
    forms = ", ".join(f"{form} {n}" for form, n in sorted(Counter(pair.form for pair in pairs).items()))
    return f"- {kind_name(kind)}: {len(pairs)} ({forms}){by}"


def _shown(found: dict[str, list[Demonstration]], lines: list[str]) -> Iterator[Piece]:
    for line, pairs in zip(lines, found.values(), strict=True):
        yield f"{line}; one of them:"
        yield Said(f"{pairs[-1].question.strip()}\n→ {pairs[-1].reply.strip()}", MOST_REPLY)
