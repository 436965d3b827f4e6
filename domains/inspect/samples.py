"""The samples of a task as rows for our splits: which can be asked, and what makes two of them one."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from inspect_ai import Task
from inspect_ai.dataset import Sample

from domains.rows import key_of
from meta_search.errors import DomainError

__all__ = ["Row", "plain", "rows_of", "target_text"]


class Row(NamedTuple):
    """A sample that agents can be asked.

    Attributes:
        key: What makes two samples one: their input and options.
        sample: The sample.
        kind: Family of the item, or empty.
    """

    key: str
    sample: Sample
    kind: str


def rows_of(task: Task, kind: str) -> tuple[dict[str, Row], list[str]]:
    """Key -> row, and lines on what was left out.

    Args:
        task: The task.
        kind: Field of samples' metadata that names their family.

    Raises:
        DomainError: None can be asked.
    """
    left: Counter[str] = Counter()
    found: dict[str, Row] = {}
    clashing: set[str] = set()
    total = again = 0
    for sample in _samples(task):
        total += 1
        why = _not_possible(sample)
        if why:
            left[why] += 1
            continue
        row = Row(_key(sample), sample, _kind(sample, kind))
        first = found.setdefault(row.key, row)
        if first is not row:
            again += 1
            if first.sample.target != sample.target:
                clashing.add(row.key)
    for key in clashing:
        del found[key]
    notes = [f"{n} of {total} samples are left out: they have {why}" for why, n in left.items()]
    if again:
        other = f"; {len(clashing)} questions have different targets and are left out" if clashing else ""
        notes.append(f"{again} of {total} samples repeat a question, which counts once{other}")
    if not found:
        raise DomainError(f"no sample can be asked: {'; '.join(notes)}" if total else "its dataset is empty")
    return found, notes


def plain(sample: Sample) -> dict[str, Any]:
    """A sample as JSON.

    Raises:
        DomainError: Its metadata hold what is no JSON.
    """
    try:
        found: dict[str, Any] = json.loads(sample.model_dump_json(exclude_none=True))
    except (ValueError, TypeError) as error:
        raise DomainError(
            f"sample {sample.id}: its metadata are no plain data: {str(error)[:120]}"
        ) from error
    return found


def _samples(task: Task) -> Iterable[Sample]:
    try:
        return list(task.dataset)
    except TypeError as error:
        raise DomainError("its samples are made while it runs (a SampleSource): not possible yet") from error


def _not_possible(sample: Sample) -> str:
    if sample.sandbox is not None or sample.files or sample.setup:
        return "a sandbox, files or a set-up script: not possible yet"
    if not isinstance(sample.input, str):
        for message in sample.input:
            if not isinstance(message.content, str) and any(
                part.type not in ("text", "reasoning") for part in message.content
            ):
                return "images, sound or documents: not possible yet, agents are given text only"
            if message.role == "tool" or getattr(message, "tool_calls", None):
                return "calls of tools: not possible yet"
    text = sample.input if isinstance(sample.input, str) else "".join(m.text for m in sample.input)
    return "" if text.strip() else "no text in their input"


def _key(sample: Sample) -> str:
    if isinstance(sample.input, str):
        text = sample.input
    else:
        text = "\n".join(f"{m.role}: {m.text}" for m in sample.input)
    return key_of("\n".join((text, *(sample.choices or ()))))


def _kind(sample: Sample, name: str) -> str:
    value: Any = (sample.metadata or {}).get(name)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _targets(sample: Sample) -> list[str]:
    return [sample.target] if isinstance(sample.target, str) else list(sample.target)


def target_text(sample: Sample, letters: bool) -> tuple[str, Mapping[str, Any]]:
    """The target for people and for the check of targets, and further accepted ones.

    Args:
        sample: The sample.
        letters: Whether its targets are letters of options, all of which make the answer.
    """
    targets = _targets(sample)
    if letters:
        return ", ".join(targets), {}
    return (targets[0] if targets else ""), ({"any_of": targets[1:]} if targets[1:] else {})
