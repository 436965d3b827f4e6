"""The process that loads a task for `domain`, without keys, and scores answers where they are not confined.

JSON, one a line. In: the options, once; then `{"item": …, "answer": …}` for an answer, and `{"reply": …}` for
each call of a model. Out: what `describe` returns, or `{"error": …}`; then `{"score": [value, feedback]}` or
`{"error": …}` for an answer, and `{"ask": […]}` for each call. What the task prints goes to the terminal.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.domain import Item
from domains.inspect.event_loop import run
from domains.inspect.models import CALLS
from domains.inspect.play import Prompt, answered, asked
from domains.inspect.samples import Row, plain, rows_of, target_text
from domains.inspect.scorer import SAMPLE, TaskScorer
from domains.inspect.tasks import load, scorers_of
from domains.item_splits import DealtItems, Entry, deal_items
from meta_search.errors import DomainError, MetaSearchError
from meta_search.text import one_line

__all__ = ["describe", "main"]

LETTERS = "ANSWER: $LETTER"  # as every template of `multiple_choice` has it
PROBED = 3  # samples with which is found out what a chain and a scorer ask of models
MEANS = ("accuracy", "mean", "stderr", "std", "var", "bootstrap_stderr", "ci_bounds")


def describe(options: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """The task, and what `domain` is told of it.

    Args:
        options: `task`, `arguments`, `kind`, `scorer`, `bounds` and those of `Dealing`, of the settings.

    Returns:
        The task. And: `name`; `items`: split -> items as dicts; `system`: what a system message says to every
        sample; `letters`: whether answers are letters of options; `notes`; `scorer`, `asking`: as
        `TaskScorer` takes them; `shown`: a sample that is never scored; `groups`: id of an item -> a name of
        its group; `confined`: what the file says; `source`: a digest of the file.

    Raises:
        DomainError: The task cannot be loaded, or needs what is not possible yet.
    """
    task = load(options["task"], options["arguments"], options["seed"])
    _check(task)
    rows, notes = rows_of(task, options["kind"])
    dealt = _dealt(options, rows)
    by_id = {_id(row): row for row in rows.values()}
    kept = {split: [by_id[item.id] for item in items] for split, items in dealt.items.items()}
    prompts = {row.key: _prompt(task, row) for rows in kept.values() for row in rows}
    systems = {prompt.system for prompt in prompts.values()}
    system = systems.pop() if len(systems) == 1 else ""
    probed = [row for split in ("examples", "train") for row in kept[split]][:PROBED]
    asking, again = _probe(task, probed)
    chosen = TaskScorer(task, options["scorer"], asking)  # says where there is no such scorer
    letters = all(
        row.sample.choices and LETTERS in prompts[row.key].question for r in kept.values() for row in r
    )
    items = {
        split: [_item(row, prompts[row.key], system, letters) for row in rows] for split, rows in kept.items()
    }
    shown = kept["examples"] or kept["train"][:0]
    return task, {
        "name": str(task.name).rpartition("/")[2],
        "items": items,
        "system": system,
        "letters": letters,
        "groups": dict(dealt.groups),
        "notes": [*notes, *dealt.notes, *_notes(task, chosen, asking, again, options["scorer"])],
        "scorer": options["scorer"],
        "asking": asking,
        "asks": chosen.asks,
        "shown": plain(shown[0].sample) if shown else None,
        "about": _about(task, chosen),
        **_of_file(options["task"]),
    }


def main() -> None:
    """Serve one task over the standard streams."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the task prints
    lines = iter(sys.stdin.readline, "")

    def send(message: Mapping[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")
        out.flush()

    options = json.loads(next(lines))
    try:
        task, told = describe(options)
    except MetaSearchError as error:
        said, named = str(error), options["task"]
        send({"error": said if named in said else f"domain.task={named}: {said}"})
        return
    except Exception as error:  # noqa: BLE001 (the task's own code)
        send({"error": f"domain.task={options['task']}: {type(error).__name__}: {one_line(error, 200)}"})
        return
    send(told)
    score = TaskScorer(task, options["scorer"], told["asking"], tuple(options["bounds"]))

    def ask(messages: Any, model: str, most: int | None, warm: float) -> str:
        send({"ask": [messages, model, most, warm]})
        return str(json.loads(next(lines))["reply"])

    for line in lines:
        request = json.loads(line)
        try:
            scored = score(Item(**request["item"]), request["answer"], None, ask)
            send({"score": [scored.value, scored.feedback]})
        except MetaSearchError as error:
            send({"error": str(error)})


class Dealing(NamedTuple):
    """How samples are dealt to splits; see `domains.settings.Ruling`."""

    sizes: Mapping[str, int] = {}
    seed: int = 0
    dealing: str = "groups"
    duplicates: str = "group"
    group: str | None = None
    stratify: str = "kind"


def _dealt(options: Mapping[str, Any], rows: Mapping[str, Row]) -> DealtItems:
    """The samples of each split, as items that have nothing but what dealing looks at."""
    settings = Dealing(**{name: options[name] for name in Dealing._fields if name in options})
    entries = []
    for key, row in rows.items():
        metadata = row.sample.metadata or {}
        group = metadata.get(settings.group) if settings.group else None
        item = Item(_id(row), key, target_text(row.sample, False)[0], row.kind)
        called = "" if row.sample.id is None else str(row.sample.id)
        entries.append(Entry(item, key, group="" if group is None else str(group), called=called))
    name = str(options["task"])
    return deal_items(name, "its dataset", entries, settings)


def _id(row: Row) -> str:
    return f"q-{hashlib.sha256(row.key.encode()).hexdigest()[:12]}"


def _check(task: Any) -> None:
    if task.sandbox is not None:
        kind = getattr(task.sandbox, "type", task.sandbox)
        raise DomainError(
            f"the task runs in a sandbox ({kind}): not possible yet, only tasks without one are"
        )
    if not task.scorer:
        raise DomainError("the task has no scorer")


def _prompt(task: Any, row: Row) -> Prompt:
    try:
        prompt = run(asked(task, row.sample))
    except ProcessLookupError as error:  # as Inspect says that there is no sandbox
        raise DomainError(
            f"the task's solver needs a sandbox: not possible yet ({one_line(error, 60)})"
        ) from error
    except Exception as error:
        raise DomainError(
            f"sample {row.sample.id}: the task's solver fails before it asks a model: "
            f"{type(error).__name__}: {one_line(error, 160)}"
        ) from error
    if prompt is None:
        raise DomainError("the task's solver asks no model: there is nothing for an agent to do")
    if prompt.tools:
        raise DomainError("the task gives its model tools: not possible yet, only tasks without tools are")
    if prompt.media:
        raise DomainError("the task shows its model more than text: not possible yet")
    return prompt


def _probe(task: Any, rows: Sequence[Row]) -> tuple[list[str], bool]:
    """Scorers that ask a model; and whether the solvers ask it more than once."""
    asking: list[str] = []
    again = False
    for name, scorer in scorers_of(task).items():
        for row in rows:
            for answer in ("0", target_text(row.sample, False)[0] or "1"):
                found, more = _asks(task, scorer, row, answer)
                again = again or more
                if found and name not in asking:
                    asking.append(name)
    return asking, again


def _asks(task: Any, scorer: Any, row: Row, answer: str) -> tuple[bool, bool]:
    from inspect_ai.scorer import Target

    calls = again = False

    async def score() -> None:
        nonlocal again

        def call(*_: Any) -> str:
            nonlocal calls
            calls = True
            return "GRADE: I"

        state, again = await answered(task, row.sample, answer)
        CALLS.asked = call
        await scorer(state, Target(row.sample.target))

    try:
        run(score())
    except BaseException:  # noqa: BLE001 (said when answers are scored)
        pass
    finally:
        CALLS.asked = None
    return calls, again


def _item(row: Row, prompt: Prompt, system: str, letters: bool) -> dict[str, Any]:
    sample = plain(row.sample)
    target, others = target_text(row.sample, letters)
    question = prompt.question
    if prompt.system and prompt.system != system:
        question = f"{prompt.system}\n\n{question}"
    return {
        "id": _id(row),
        "question": question,
        "target": target,
        "kind": row.kind,
        "data": {**others, SAMPLE: sample},
    }


def _notes(task: Any, chosen: TaskScorer, asking: Sequence[str], again: bool, named: str) -> list[str]:
    from inspect_ai._util.registry import registry_unqualified_name

    scorers = scorers_of(task)
    found = []
    if len(scorers) > 1 and not named:
        rest = ", ".join(list(scorers)[1:])
        found.append(f"an item's score is that of {next(iter(scorers))}; domain.scorer takes another: {rest}")
    left = [name for name in asking if name not in chosen.scorers]
    if left:
        found.append(f"not used, as they ask a model and another scorer counts: {', '.join(left)}")
    if CALLS.names and chosen.asks:
        found.append(f"llm.judge.model is asked in place of {', '.join(sorted(CALLS.names))}")
    if again:
        found.append(
            "its solvers ask the model again after the first answer, which is left out: agents do that"
        )
    if task.epochs and task.epochs > 1:
        found.append(f"it asks every sample {task.epochs} times: evaluate.repeats={task.epochs} does so here")
    measured = {registry_unqualified_name(m) for m in task.metrics or [] if callable(m)}
    if measured - set(MEANS):
        told = ", ".join(sorted(measured - set(MEANS)))
        found.append(
            f"Inspect reports {told} over all samples; here an agent's score is the mean of its items"
        )
    return found


def _about(task: Any, chosen: TaskScorer) -> str:
    names = ", ".join(chosen.scorers)
    judged = ", which asks a model" if chosen.asks else ""
    return f"scored by {names}{judged}"


def _of_file(spec: str) -> dict[str, Any]:
    """What the task's file says of confinement, and a digest of it."""
    path = Path(spec.partition("@")[0]).expanduser()
    if path.suffix != ".py":
        return {"confined": True, "source": hashlib.sha256(spec.encode()).hexdigest()[:16]}
    code = path.read_bytes()
    confined = True
    for node in ast.parse(code).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "confined" for t in node.targets
        ):
            confined = not (isinstance(node.value, ast.Constant) and node.value.value is False)
    return {"confined": confined, "source": hashlib.sha256(code).hexdigest()[:16]}


if __name__ == "__main__":
    main()
