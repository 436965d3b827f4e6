"""The folder of a brief for the author `command`: what other authors are told in prompts, and more, as files.

Pure functions from a `Context` to texts. JSON for programs, text for readers; what models, agents and scorers
have said stands behind ">" in the texts, so that it cannot end its quotation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from meta_search.authors.author import Context, Failure, Parent
from meta_search.authors.prompts import task_of
from meta_search.authors.sight.purpose import compared_on
from meta_search.authors.sight.quoting import MATERIAL, marked
from meta_search.authors.sight.runtime import runtime_text
from meta_search.authors.templating import render
from meta_search.text import one_line, passage
from meta_search.types import Attempt

__all__ = ["brief_files", "problem"]

MOST_TEXT = 20_000  # characters of one text that a model, an agent or a scorer has said
MOST_LINE = 300
MOST_AGENTS = 400  # in the archive, the best first

Files = dict[str, str]


def brief_files(context: Context) -> Files:
    """Everything that a program is given for a brief: path in its folder -> text."""
    archive = _archived(context)
    return {
        "brief.md": render(context.config.prompts, "command_brief", **_told(context)) + "\n",
        "brief.json": _json(_brief(context)),
        **_context(context),
        **{
            path: text
            for parent in (*context.parents, *context.inspirations)
            for path, text in _agent("context/parents", parent).items()
        },
        "archive/index.json": _json([_row(parent) for parent in archive]),
        "archive/index.md": _index(archive),
        **{path: text for parent in archive for path, text in _agent("archive/agents", parent).items()},
    }


def problem(attempt: Attempt, rounds: int) -> str:
    """What is wrong with what was handed in.

    Args:
        attempt: What became of it.
        rounds: How often the program is called again, this time included.
    """
    left = "This is the last round." if rounds == 1 else f"{rounds} rounds are left."
    return (
        f"# What was handed in cannot be used\n\nStage: {attempt.stage}\n\n{_quoted(attempt.message)}\n\n"
        f"Mend agent.py and thought.md in this folder. {left}\n"
    )


# -- the brief


def _told(context: Context) -> dict[str, Any]:
    """What the template of `brief.md` may name."""
    return {
        "operator": context.brief.operator,
        "task": task_of(context, "mutate" if context.parents else "novel"),
        "parents": [_head(parent) for parent in context.parents],
        "inspirations": [_head(parent) for parent in context.inspirations],
        "domain": passage(context.domain.brief, MOST_TEXT),
        "train_items": compared_on(context),
        "seconds": context.config.command_s,
        "rounds": context.config.debug_rounds,
        "notes": passage(context.config.notes, MOST_TEXT),
    }


def _brief(context: Context) -> dict[str, Any]:
    brief = context.brief
    return {
        "number": brief.code,
        "operator": brief.operator,
        "task": task_of(context, "mutate" if context.parents else "novel"),
        "parents": list(brief.parents),
        "inspirations": list(brief.inspirations),
        "seed": brief.seed,
        "domain": context.domain.name,
        "seconds": context.config.command_s,
        "rounds": context.config.debug_rounds,
        "hand_in": ["agent.py", "thought.md"],
    }


def _head(parent: Parent) -> str:
    return (
        f"{parent.agent.id} «{one_line(parent.agent.name, 60)}»: mean score {parent.score:.2f} on "
        f"{len(parent.scores)} train items at {parent.tokens:.0f} tokens an item"
    )


# -- the context


def _context(context: Context) -> Files:
    domain, findings = context.domain, context.findings
    examples = [asdict(example) for example in domain.examples]
    worked = [asdict(shown) for shown in findings.demonstrations]
    facts = {
        "name": domain.name,
        "brief": domain.brief,
        "instruction": domain.instruction,
        "kinds": dict(domain.kinds),
        "keywords": dict(domain.keywords),
        "wording": dict(domain.wording),
        "helpers": list(domain.helpers),
        "train_questions": list(domain.questions),
    }
    found = {
        "context/domain.json": _json(facts),
        "context/runtime.md": runtime_text(context) + "\n",
        "context/task_model.json": _json(asdict(context.task)),
        "context/examples.json": _json(examples),
        "context/worked_examples.json": _json(worked),
        "context/tried.json": _json([asdict(tried) for tried in findings.tried]),
        "context/rates.json": _json([asdict(rate) for rate in findings.rates]),
    }
    if findings.lesson is not None:
        found["context/lessons.md"] = passage(findings.lesson.text, MOST_TEXT) + "\n"
    if context.config.notes:
        found["context/notes.md"] = passage(context.config.notes, MOST_TEXT) + "\n"
    return found


# -- agents


def _archived(context: Context) -> list[Parent]:
    """The evaluated agents, the best first."""
    ranked = sorted(context.findings.archive, key=lambda p: (-p.score, p.tokens, p.agent.id))
    return ranked[:MOST_AGENTS]


def _row(parent: Parent) -> dict[str, Any]:
    """An agent without its source and failures."""
    return {
        "id": parent.agent.id,
        "name": parent.agent.name,
        "thought": parent.thought,
        "generation": parent.generation,
        "score": parent.score,
        "items": len(parent.scores),
        "tokens": parent.tokens,
        "calls": parent.calls,
        "latency_s": parent.latency_s,
        "by_kind": {kind: list(counts) for kind, counts in sorted(parent.by_kind.items())},
        "values": dict(parent.agent.values),
    }


def _index(archive: Sequence[Parent]) -> str:
    rows = [f"- {_head(p)}\n{_quoted(one_line(p.thought, MOST_LINE))}" for p in archive]
    return "\n".join(["# Agents of this search, the best on train items first", "", *rows, ""])


def _agent(folder: str, parent: Parent) -> Files:
    """An agent as files: its source, what is known of it, and its failing train items, with traces."""
    path = f"{folder}/{_file_name(parent.agent.id)}"
    told = {
        **_row(parent),
        "plan": parent.plan,
        "space": [asdict(parameter) for parameter in parent.space],
        "lineage": [asdict(step) for step in parent.lineage],
        "demonstrations": [asdict(shown) for shown in parent.agent.demonstrations],
        "failing": [_failure(failure) for failure in parent.failures],
        "right": [_failure(item) for item in parent.right],
    }
    text = "\n".join(
        [
            f"# Failing train items of {_head(parent)}",
            "",
            MATERIAL,
            *(line for failure in parent.failures for line in _readable(failure)),
            *(["", "# Right, for contrast"] if parent.right else []),
            *(line for item in parent.right for line in _readable(item)),
            "",
        ]
    )
    return {f"{path}.py": parent.agent.source, f"{path}.json": _json(told), f"{path}.failing.md": text}


def _failure(failure: Failure) -> dict[str, Any]:
    solved = failure.solved
    return {
        "item": failure.item,
        "kind": failure.kind,
        "question": failure.question,
        "expected": failure.expected,
        "outcome": failure.outcome,
        "answer": failure.answer,
        "detail": failure.detail,
        "score": failure.score,
        "feedback": failure.feedback,
        "trace": [asdict(call) for call in failure.trace],
        "solved_by": None if solved is None else asdict(solved),
    }


def _readable(failure: Failure) -> Iterator[str]:
    yield f"\n## {one_line(failure.kind, 60) or 'item'} {one_line(failure.item, 60)}".rstrip()
    for label, text in (
        ("Question", failure.question),
        ("Expected", failure.expected),
        ("Answer", failure.answer),
        ("Fault", f"{failure.outcome}: {failure.detail}" if failure.outcome != "ok" else ""),
        ("Scorer", failure.feedback),
    ):
        if text:
            yield f"{label}:\n{_quoted(text)}"
    for call in failure.trace:
        who = one_line(f"{call.author}, {call.role}" if call.role else call.author, 80)
        yield f"Call {call.index} by {who} ({call.tokens} tokens), asked:\n{_quoted(call.prompt)}"
        yield f"came back:\n{_quoted(call.text)}"
    if failure.solved is not None:
        name = one_line(failure.solved.name, 60)
        yield f"«{name}» got it right:\n{_quoted(failure.solved.answer)}"


# -- texts


def _quoted(text: str) -> str:
    return marked(passage(text, MOST_TEXT))


def _json(value: Any) -> str:
    return json.dumps(_plain(value), indent=1, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """As JSON takes it: mappings and tuples as plain ones."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _file_name(agent: str) -> str:
    return re.sub(r"[^\w-]", "_", agent, flags=re.ASCII)[:64]
