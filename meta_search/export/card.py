"""The card of an exported agent: what it is, what it scored and cost, where it comes from, how to run it."""

from __future__ import annotations

import ast
import json
import shlex
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from archive.records import Record
from meta_search.report.selection import SELECTION
from meta_search.report.tables import items_text, left_out
from meta_search.text import one_line
from meta_search.types import Evaluation, ItemResult, Split, free_text, item_means, parse

__all__ = ["SPLITS", "by_kind", "make_card", "markdown", "requirements"]

SPLITS: tuple[Split, ...] = ("test", "validation", "train")  # the most telling first
MOST_SHOWN = 200  # characters of a name or a value
# Keys of the caller's card that go into `agent.json`, not into the card: what a run needs, not a reader.
FOR_RUNNING = frozenset({"wording", "examples", "sandbox", "takes", "extra", "headers"})


def requirements(source: str) -> list[str]:
    """Packages beyond the standard library that an agent's source uses: `numpy` or none."""
    try:
        nodes = list(ast.walk(parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    uses = "np" in names or any(name.split(".")[0] == "numpy" for name in imported)
    return ["numpy"] if uses else []


def make_card(record: Record, given: Mapping[str, Any]) -> dict[str, Any]:
    """The card as `card.json` holds it.

    Args:
        record: The agent with its evaluations.
        given: What the archive does not know, all of it optional: `model`, `domain`, `run`, `fork_of` (what
            the run was forked from), `date`, `perturbed` (a list of `report.robustness.Drop` as JSON),
            `verdict` (a sentence), `break_even` (another), `measure` (`right` or a graded `score`), `kinds`
            (see `by_kind`), `meta_search` (the version), `model_free` (as `domain.model_free`), `lineage`
            (ancestors, each a line or a mapping), and whatever else should stand in the card. Values that are
            no JSON are written as text.
    """
    agent = record.agent
    card: dict[str, Any] = {
        "name": agent.name,
        "agent": agent.id,
        "thought": record.thought,
        "author": record.author,
        "operator": record.operator,
        "generation": record.generation,
        "lineage": list(record.parents),
        "scores": {s: _score(record.evaluations[s]) for s in SPLITS if s in record.evaluations},
        "values": dict(agent.values),
        "demonstrations": len(agent.demonstrations),
        "requires": requirements(agent.source),
        "model": "",
        "date": datetime.now(UTC).date().isoformat(),
    }
    card |= {key: value for key, value in given.items() if key not in FOR_RUNNING and value is not None}
    plain: dict[str, Any] = json.loads(json.dumps(card, default=str))
    return plain


def markdown(card: Mapping[str, Any]) -> str:
    """A card as `card.md`."""
    graded = card.get("measure") == "score"
    parts = [f"# {_safe(card['name'])}", _facts(card), _scores(card["scores"], graded, _tells(card))]
    if card.get("kinds"):
        parts.append(_kinds(card["kinds"], graded, _tells(card)))
    if card.get("perturbed"):
        parts.append(_perturbed(card["perturbed"]))
    parts += [_safe(card[key], 1000) for key in ("verdict", "break_even") if card.get(key)]
    if card.get("thought"):
        parts += ["## Idea", _safe(card["thought"], 2000)]
    if card["values"]:
        parts += [
            "## Tuned values",
            "\n".join(f"- `{_code(k)}` = `{_code(v)}`" for k, v in card["values"].items()),
        ]
    if card["lineage"]:
        parts += ["## Lineage", "\n".join(f"- {_ancestor(step)}" for step in card["lineage"])]
    return "\n\n".join([*parts, _how_to_run(card)]) + "\n"


def by_kind(results: Iterable[ItemResult], kinds: Mapping[str, str]) -> list[dict[str, Any]]:
    """How an agent did on each kind of item: `kind`, `items`, `score` and `model_free` (0..1),
    `tokens_per_item`, by name.

    Args:
        results: Of one split, scored.
        kinds: Item -> kind; without any there is nothing to tell.
    """
    found: dict[str, list[ItemResult]] = defaultdict(list)
    for result in results:
        if result.score is not None and result.item in kinds:
            found[kinds[result.item]].append(result)
    return [
        {
            "kind": kind,
            "items": len(item_means((r.item, r.score or 0.0) for r in rows)),
            "score": sum(r.score or 0.0 for r in rows) / len(rows),
            "tokens_per_item": sum(r.used.tokens for r in rows) / len(rows),
            "model_free": sum(r.model_free for r in rows) / len(rows),
        }
        for kind, rows in sorted(found.items())
    ]


def _score(e: Evaluation) -> dict[str, Any]:
    n = max(1, e.items)
    return {
        "score": e.score,
        "low": e.low,
        "high": e.high,
        "items": e.items,
        "complete": e.complete,
        "model_free": e.free_share,
        "calls_per_item": e.used.calls / n,
        "tokens_per_item": e.used.tokens / n,
        "cost_usd_per_item": e.used.cost_usd / n,
        "seconds_per_item": e.seconds / n,
        "outcomes": dict(e.outcomes),
    }


def _facts(card: Mapping[str, Any]) -> str:
    rows = {
        "agent": f"`{_code(card['agent'])}`",
        "model": _safe(card["model"]) or "not recorded",
        "cost": _cost(card["scores"]),
        "domain": _safe(card.get("domain", "")),
        "run": _safe(card.get("run", "")),
        "a fork of": _safe(card.get("fork_of", "")),
        "date": _safe(card["date"]),
        "made by": f"{_safe(card['operator'])} ({_safe(card['author'])}), "
        f"generation {int(card['generation'])}",
        "found with": f"meta-search {_safe(card['meta_search'])}" if card.get("meta_search") else "",
        "demonstrations": str(card["demonstrations"]) if card["demonstrations"] else "",
        "needs": ", ".join(map(_safe, card["requires"])) or "Python 3.11 or newer, nothing else",
    }
    return "\n".join(f"- {name}: {value}" for name, value in rows.items() if value)


def _cost(scores: Mapping[str, Mapping[str, Any]]) -> str:
    """What an item costs, on the most telling split."""
    if not scores:
        return ""
    s = next(iter(scores.values()))
    usd = f", {s['cost_usd_per_item']:.2g} USD" if s["cost_usd_per_item"] else ""
    return (
        f"{s['tokens_per_item']:,.0f} tokens, {s['calls_per_item']:.1f} calls{usd} and "
        f"{s['seconds_per_item']:.1f} s per item"
    )


def _value(score: float, graded: bool) -> str:
    return f"{score:.2f}" if graded else f"{100 * score:.1f}"


def _kinds(kinds: Sequence[Mapping[str, Any]], graded: bool, tells: bool) -> str:
    """How it did on each kind of item."""
    head = "mean score" if graded else "right %"
    rows = [f"| kind of item | items | {head} | tokens per item |", "|---|---|---|---|"]
    for k in kinds:
        free = free_text(k.get("model_free", 0.0)) if tells else ""
        score = _value(k["score"], graded) + (f", {free}" if free else "")
        rows.append(f"| {_safe(k['kind'])} | {k['items']} | {score} | {k['tokens_per_item']:.0f} |")
    return "\n".join(rows)


def _perturbed(drops: Sequence[Mapping[str, Any]]) -> str:
    """How it did on perturbed test items, beside the same items as they are."""
    rows = [
        "| test items | items | as they are | perturbed | difference [95 % interval] |",
        "|---|---|---|---|---|",
    ]
    for d in drops:
        graded = bool(d["graded"])
        plain, changed = (_value(d[key], graded) for key in ("plain", "perturbed"))
        scale, form = (1, "+.2f") if graded else (100, "+.1f")
        apart, low, high = (f"{scale * d[key]:{form}}" for key in ("difference", "low", "high"))
        rows.append(
            f"| {_safe(d['perturbation'])} | {d['items']} | {plain} | {changed} | {apart} [{low}, {high}] |"
        )
    return "\n".join(rows)


def _tells(card: Mapping[str, Any]) -> bool:
    """Whether a reader is told of answers without an LLM call."""
    return card.get("model_free") != "allow"


def _named(split: str) -> str:
    """A split; whose items chose the agent, flatter it."""
    return _safe(split) if split == "test" else f"{_safe(split)} ({SELECTION})"


def _scores(scores: Mapping[str, Mapping[str, Any]], graded: bool, tells: bool) -> str:
    if not scores:
        return "Not evaluated."
    rows = [
        "| split | score [95 % interval] | items | calls per item | tokens per item | USD per item |",
        "|---|---|---|---|---|---|",
    ]
    for split, s in scores.items():
        low, high = _value(s["low"], graded), _value(s["high"], graded)
        score = f"{_value(s['score'], graded)}{'' if graded else ' %'} [{low}, {high}]"
        free = free_text(s["model_free"]) if tells else ""
        score += f", {free}" if free else ""
        items = items_text(s) + ("" if s["complete"] or left_out(s) else " (stopped early)")
        cost = f"{s['cost_usd_per_item']:.2g}" if s["cost_usd_per_item"] else "-"
        used = f"{s['calls_per_item']:.1f} | {s['tokens_per_item']:.0f} | {cost}"
        rows.append(f"| {_named(split)} | {score} | {items} | {used} |")
    note = "Cost is what an item uses as if no answer were shared with other agents."
    return "\n".join(rows) + f"\n\n{note}"


def _ancestor(step: Any) -> str:
    if isinstance(step, Mapping):
        words = [f"`{_code(step.get('agent', ''))}`", *(_safe(step.get(k, "")) for k in ("name", "operator"))]
        return " ".join(word for word in words if word)
    return _safe(step)


def _how_to_run(card: Mapping[str, Any]) -> str:
    model = shlex.quote(_code(card["model"]) or "MODEL")
    return f"""## Run it

```
python run.py "question" --base-url http://127.0.0.1:8000/v1 --model {model}
```

Any OpenAI-compatible endpoint will do; the key is read from the environment variable that `--api-key-env`
names (default `OPENAI_API_KEY`). `-` reads the question from standard input, `--json` prints the answer with
its usage. The agent's code runs in a sandbox (Linux); `--no-sandbox` runs it without, with your rights.
`agent.py` is the agent's source, `agent.json` its values and demonstrations, `card.json` this card.
`runtime/` is a part of meta-search (Apache-2.0)."""


def _safe(text: object, limit: int = MOST_SHOWN) -> str:
    """Untrusted text for Markdown: neither markup nor HTML."""
    return "".join("\\" + c if c in "\\`*_[]<>|#&" else c for c in one_line(text, limit))


def _code(text: object) -> str:
    """Untrusted text for between backquotes or in a code block."""
    return one_line(text, MOST_SHOWN).replace("`", "'")
