"""What the report tells beside its plots: test table, agents with lineage, failed attempts."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from meta_search.outcomes import most_frequent
from meta_search.report import graphs
from meta_search.report.chosen import Chosen
from meta_search.report.graphs import Graph
from meta_search.report.source import Archive, Record, is_seed
from meta_search.report.standing import Standing
from meta_search.report.tables import SPLITS, Row, agent_row, evaluation_row, in_order, per_item, sure
from meta_search.report.verdict import Verdict
from meta_search.report.wrong import wrong_items
from meta_search.text import one_line, passage
from meta_search.types import OWN, Attempt, Split, pareto_front

__all__ = ["agents", "attempts", "code", "common_split", "config_text", "test_rows"]

Cells = dict[str, Any]

MOST_WRONG = 20  # items of an agent whose code is shown
MOST_FEEDBACK = 2_000  # characters

ROLES = {"seed": "baseline", "own": "yours", "matched": "baseline at matched cost", "found": "found"}
SAME = re.compile(r"is ([0-9a-f]{16})")  # how an attempt says that its draft is an agent of the run


def common_split(records: Iterable[Record]) -> Split:
    """The split on which most agents were evaluated, test items apart; train if in doubt."""
    counts: Counter[Split] = Counter(split for r in records for split in r.evaluations if split != "test")
    return max(SPLITS, key=lambda split: (counts[split], -SPLITS.index(split)))


def agents(records: Sequence[Record], split: Split, limit: int, take: Chosen | None = None) -> list[Row]:
    """The best `limit` agents by score on `split`, as `tables.agent_row` with what the page adds.

    Args:
        records: All agents.
        split: Whose scores are shown.
        limit: Most rows.
        take: The agent to take, which comes first.

    Returns:
        Rows with further `best` (why it is to be taken, or `""`), `seed`, `role` (seed, yours, baseline, or
        `""`), `front`, `created`, `thought`, `same_name` (of the agent that it behaves as, or `""`) and
        `lineage`, the latter a list of (id, name, whether it has a row of its own).
    """
    rows = [_row(r, split) for r in records]
    for row in rows:
        row["best"] = take.why if take and row["agent"] == take.agent else ""
    whole = [r for r in rows if r["complete"] and r["score"] is not None]
    stars = {whole[i]["agent"] for i in pareto_front([(sure(r), per_item(r, "tokens")) for r in whole])}
    rows.sort(key=in_order)
    shown = {r["agent"] for r in rows[:limit]}
    names = {r.agent.id: r.agent.name for r in records}
    for row in rows[:limit]:
        row["front"] = row["agent"] in stars
        row["same_name"] = one_line(names.get(row["same_as"], row["same_as"]), 60)
        row["lineage"] = [(p, one_line(names.get(p, p), 28), p in shown) for p in row["parents"]]
    return rows[:limit]


def _row(record: Record, split: Split) -> Row:
    evaluation = record.evaluations.get(split)
    return agent_row(record) | {
        **evaluation_row(record.agent, evaluation),
        "name": one_line(record.agent.name, 60),
        "complete": bool(evaluation and evaluation.complete),
        "stopped": one_line(evaluation.stopped, 120) if evaluation else "",
        "seed": is_seed(record),
        "role": _role(record),
        "created": record.created,
        "thought": one_line(record.thought, 700),
    }


def _role(record: Record) -> str:
    if not is_seed(record):
        return ""
    if "baseline" in (record.operator, record.status):
        return "baseline"
    return "yours" if record.author == OWN else "seed"


def test_rows(verdict: Verdict) -> list[Cells]:
    """Finalists and baselines on the test items, finalists first, each best first."""
    rows = [_test_row(c.finalist, "finalist") | {"comparison": c} for c in verdict.comparisons]
    baselines = [
        _test_row(s, ROLES[s.kind]) | {"payback": verdict.payback(s.agent)} for s in verdict.baselines
    ]
    return rows + baselines


def _test_row(standing: Standing, role: str) -> Cells:
    return {"standing": standing, "role": role, "comparison": None, "payback": None}


def attempts(failed: Sequence[Attempt], names: Mapping[str, str], messages: int = 5) -> list[Cells]:
    """Failed attempts by stage: `stage`, `count`, `authors` and the most frequent `messages`.

    Args:
        failed: The attempts.
        names: Id -> name of the agents, for messages that name one.
        messages: How many messages of each stage.
    """

    def told(message: str) -> str:
        same = SAME.fullmatch(message)
        return one_line(f"is the same as «{names.get(same[1], same[1])}»" if same else message, 160)

    by_stage: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in failed:
        by_stage[attempt.stage].append(attempt)
    return [
        {
            "stage": one_line(stage, 24),
            "count": len(rows),
            "authors": Counter(one_line(a.author, 24) for a in rows).most_common(),
            "messages": Counter(told(a.message) for a in rows).most_common(messages),
        }
        for stage, rows in sorted(by_stage.items(), key=lambda pair: -len(pair[1]))
    ]


def code(archive: Archive, rows: Sequence[Row], verdict: Verdict, split: Split, limit: int) -> list[Cells]:
    """Agents whose code is shown: the one to take, the finalists, the best baseline, then the best by score.

    With each goes its most frequent `fault` on `split` and what mends it, `""` without any, its `wrong` items
    there with what the scorer said, and its `lineage`, drawn as a tree, a line each.
    """
    records = archive.agents()
    descent = graphs.lineage(records)
    wanted = [row["agent"] for row in rows if row["best"]]
    wanted += [c.finalist.agent for c in verdict.comparisons] + [s.agent for s in verdict.baselines[:1]]
    wanted += [r["agent"] for r in rows if not r["seed"]]
    by_id = {r.agent.id: r for r in records}
    chosen = [by_id[i] for i in dict.fromkeys(wanted) if i in by_id][:limit]
    return [
        {
            "agent": r.agent.id,
            "name": one_line(r.agent.name, 80),
            "seed": is_seed(r),
            "origin": f"{one_line(r.operator, 24)} by {one_line(r.author, 24)}, generation {r.generation}",
            "thought": one_line(r.thought, 1500),
            "values": json.dumps(dict(r.agent.values), ensure_ascii=False) if r.agent.values else "",
            "demonstrations": r.agent.demonstrations,
            "lines": r.agent.source.count("\n") + 1,
            "source": r.agent.source,
            "fault": _fault(archive, r, split),
            "wrong": _wrong(archive, r, split),
            "lineage": _lineage(descent, r.agent.id),
        }
        for r in chosen
    ]


def _lineage(descent: Graph, agent: str) -> list[str]:
    """The ancestors of an agent as a tree, a line each, the agent first; empty without any."""
    lines = []
    for branches, node in graphs.ancestry(descent, agent):
        data = descent.nodes[node]
        made = one_line(f"{data['operator']} by {data['author']}", 48)
        lines.append(f"{node[:8]}  {branches}{one_line(data['name'], 40)}: {made}")
    return lines if len(lines) > 1 else []


def _fault(archive: Archive, record: Record, split: Split) -> str:
    fault = most_frequent(archive.results(record.agent.id, split, trace=False))
    return one_line(fault.explain(record.agent.source), 600) if fault else ""


def _wrong(archive: Archive, record: Record, split: Split) -> Cells:
    """The `worst` items of an agent, of how many (`count`) that are wrong."""
    results = archive.results(record.agent.id, split, trace=False)
    found = wrong_items(results, record.agent.source)
    worst = [
        {
            "item": item.item,
            "score": item.score,
            "answer": item.fault or item.answer or "nothing",
            "feedback": passage(item.feedback, MOST_FEEDBACK),
        }
        for item in found[:MOST_WRONG]
    ]
    return {"split": split, "count": len(found), "of": len(results), "worst": worst}


SECRET = re.compile(r"(^|_)(key|token|secret|password)$")
USER_INFO = re.compile(r"(://)[^/@\s]+@")


def config_text(config: Any) -> str:
    """The configuration as JSON text, without what a page that is passed round must not hold."""
    return json.dumps(_redacted(config), indent=2, ensure_ascii=False, default=str)


def _redacted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: "…" if v and SECRET.search(str(k).lower()) else _redacted(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_redacted(v) for v in value]
    return USER_INFO.sub(r"\1…@", value) if isinstance(value, str) else value
