"""Domain `lm_eval`: a task of lm-evaluation-harness that generates text, scored as it scores.

    meta-search run domain=lm_eval domain.task=gsm8k
    meta-search run domain=lm_eval domain.path=my_task.yaml

`docs/imports.md` says how a task is read.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.alike import find_alike
from domains.domain import Confined, Item, Score
from domains.fallible import MOST_ANSWER, Fallible
from domains.imports.dealing import Named, dealt
from domains.imports.lm_eval_library import find
from domains.imports.lm_eval_task import DOC, Measure, Task
from domains.item_splits import DealtItems
from domains.rows import in_order, key_of
from domains.settings import Settings
from domains.splits import grouped
from domains.user_file import Ask
from domains.wording import WORDING, find_labels, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = ["LmEvalDomain"]

MOST = 20_000  # documents of a split that are looked at; of more, as many are drawn
TRIED = 8  # documents on which it is seen which figures a task gives
PERCENT = re.compile(r"(?:(?:sacre)?bleu|rouge\w*?|chrf\w*?)(?:_max)?$")  # figures in per cent
HELD = (
    4  # times as many training documents as a question shows are kept for worked examples, where they are few
)
DRAWS = 20  # of worked examples, until none of them is the question's own
ANSWERS = ("answers", "answer", "targets", "target", "label", "labels", "gold")  # where documents have them
MOST_ANSWERS = 12
NAMES: Mapping[str, str] = {
    "train": "training documents",
    "validation": "validation documents",
    "test": "test documents",
}


class LmEvalDomain(Fallible):
    """Items and scorer of a task.

    The documents that lm-eval scores are the test items. Validation and training documents are ours of that
    name; what a task lacks is cut from what it has. Worked examples that a question shows are never scored.

    Attributes:
        notes: Lines for the user on how the task was read.
        groups: Item id -> a name of its group, of the items that have one.
        confined: How its scorer is built in a process of its own; `None` with `domain.confined=false`.
        source: A digest of the task's file.

    Raises:
        DomainError: lm-eval is not installed, no such task, a group, a task of another kind, data that cannot
            be had, or no figure that can be a score; one line.
    """

    def __init__(self, settings: Settings) -> None:
        self._path = find(settings.task, Path(settings.path).expanduser() if settings.path else None)
        args = dict(settings.task_args)
        self._task = task = Task(self._path, args)
        self.name = task.name
        self.source = hashlib.sha256(self._path.read_bytes()).hexdigest()[:16]
        sets = {
            split: Named(NAMES[split], found)
            for split in NAMES
            if (found := self._documents(split, settings))
        }
        items, self.groups, notes = self._dealt(sets, settings)
        self.notes: tuple[str, ...] = notes
        first = [item.data[DOC] for item in items["test"][:TRIED]]
        self._measure = self._chosen(settings.metric, first)
        self._mended = 0
        self._items = self._asked(items)
        self.confined = (
            Confined(
                "domains.imports.lm_eval_task:make_scorer",
                {
                    "path": str(self._path.resolve()),
                    "args": args,
                    "sample": task.sample(),
                    "measure": list(self._measure),
                },
            )
            if settings.confined
            else None
        )  # fmt: skip
        self._say(settings, [item.data[DOC] for item in (*items["examples"], *items["train"])[:TRIED]])

    def _scored(self, item: Item, answer: str, ask: Ask | None) -> Score:
        return self._task.score(item.data[DOC], answer[:MOST_ANSWER], self._measure)

    def _documents(self, split: str, settings: Settings) -> list[Item]:
        documents = self._task.documents(split)
        if documents is None:
            return []
        total = len(documents)
        drawn: Sequence[int] = range(total)
        if total > MOST:
            drawn = sorted(random.Random(f"{settings.seed}/{total}").sample(drawn, MOST))
        return [self._item(documents[n]) for n in drawn]

    def _item(self, document: Any) -> Item:
        doc = dict(document)
        text = self._task.text(doc)
        name = f"q-{hashlib.sha256(key_of(text).encode()).hexdigest()[:12]}"
        return Item(name, text, self._task.target(doc), "", {DOC: doc})

    def _asked(self, items: Mapping[Split, Sequence[Item]]) -> dict[Split, tuple[Item, ...]]:
        """Items with what lm-eval would send as their question."""
        task = self._task
        found = {split: tuple(filter(None, map(self._with_prompt, items[split]))) for split in SPLITS}
        for split in SPLITS[1:]:
            if not found[split]:
                raise DomainError(
                    f"domain.task={task.name}: no {split} items are left beside its worked examples"
                )
        return found

    def _dealt(self, sets: Mapping[str, Named], settings: Settings) -> DealtItems:
        """Items of each split; worked examples are none of them."""
        found = dealt(Path(self.name), sets, settings)
        sampler = getattr(self._task.task, "sampler", None)
        if not self._task.shots or sampler is None:
            return found
        pool = {key_of(self._text(doc)): doc for doc in sampler.fewshot_docs()}
        free = pool.keys() - _said(pool, found, grouped(settings) and settings.duplicates != "keep")
        if len(free) <= self._task.shots:  # some have to be kept for it
            order = in_order(pool, settings.seed, settings.dealing)
            free = set(order[: min(HELD * self._task.shots, len(order) // 2)])
            left = {
                split: Named(name, [item for item in items if key_of(item.question) not in free])
                for split, (name, items) in sets.items()
            }
            found = dealt(Path(self.name), left, settings)
            free -= _said(pool, found, grouped(settings) and settings.duplicates != "keep")
        if len(free) < len(pool):
            sampler.replace_df([doc for key, doc in pool.items() if key in free])
            sampler.fewshot_indices = None
        return found

    def _text(self, doc: Any) -> str:
        try:
            return self._task.text(doc)
        except Exception:  # noqa: BLE001 (worked examples of a task's file may have a form of their own)
            return ""

    def _with_prompt(self, item: Item) -> Item | None:
        """An item with its prompt; `None` where a worked example of it is the item itself."""
        for _ in range(DRAWS if self._task.shots else 1):
            prompt = self._task.prompt(item.data[DOC])
            if prompt.count(item.question) < 2:
                return replace(item, question=prompt.strip(), target=self._right(item))
        return None

    def _right(self, item: Item) -> str:
        """The task's target; one of the document's answers where only that is right: DROP's target is made of
        the names of its columns."""
        if self._is_right(item, item.target):
            return item.target
        for found in _texts([item.data[DOC].get(name) for name in ANSWERS]):
            if self._is_right(item, found):
                self._mended += 1
                return found
        return item.target

    def _is_right(self, item: Item, answer: str) -> bool:
        try:
            return bool(answer) and self._task.score(item.data[DOC], answer, self._measure).value >= 1
        except DomainError:
            return False

    def _chosen(self, named: str | None, documents: Sequence[Any]) -> Measure:
        """The figure that is the score.

        Raises:
            DomainError: The task has none of that name, or none of a single answer.
        """
        task = self._task
        metric, _, wanted = (part.strip() for part in (named or "").partition(","))
        if wanted and wanted not in task.filters:
            raise DomainError(f"domain.metric={named}: {task.name} has the filters {', '.join(task.filters)}")
        better = task.task.higher_is_better()
        seen, other = self._figures(documents, wanted or task.filters[0])
        usable = {
            name: values for name, values in seen.items() if better.get(name, True) and name not in other
        }
        if metric and metric not in usable:
            why = (
                "is computed over all answers together"
                if metric in other
                else "is no figure of it that grows with quality"
            )
            raise DomainError(
                f"domain.metric={metric}: {why}; {task.name} has {', '.join(usable) or 'no other'}"
            )
        if not usable:
            raise DomainError(
                f"domain.task={task.name}: {', '.join(other) or 'its figures'} are computed over all answers "
                "together; a search needs a score for each answer"
            )
        chosen = metric or next(iter(usable))
        unknown = not any(task.target(doc) for doc in documents)  # then its best figure is not known
        percent = bool(PERCENT.match(chosen)) if unknown else max(usable[chosen]) > 1.5
        plain = Measure(chosen, wanted or task.filters[0], 100.0 if percent else 1.0)
        led = plain._replace(lead=" ")
        better_led = [self._worth(doc, led) > self._worth(doc, plain) for doc in documents]
        return led if all(better_led) else plain

    def _figures(
        self, documents: Sequence[Any], filter_: str
    ) -> tuple[Mapping[str, Sequence[float]], Sequence[str]]:
        """The figures of documents answered with their targets, by name; and names of those that are none of
        a single answer.

        Raises:
            DomainError: The task's code raised.
        """
        task = self._task
        seen: dict[str, list[float]] = {}
        other: dict[str, None] = {}
        for doc in documents:
            try:
                figures, _ = task.figures(doc, task.target(doc), filter_)
            except Exception as error:
                raise DomainError(
                    f"domain.task={task.name}: {type(error).__name__}: {one_line(error, 200)}"
                ) from error
            for name, value in figures.items():
                try:
                    seen.setdefault(name, []).append(float(value))
                except (TypeError, ValueError):
                    other[name] = None
        return seen, tuple(other)

    def _worth(self, doc: Any, measure: Measure) -> float:
        try:
            return self._task.score(doc, self._task.target(doc), measure).value
        except DomainError:
            return 0.0

    def _say(self, settings: Settings, documents: Sequence[Any]) -> None:
        """Notes, brief and wording; what they show of documents is of these, which are none of test."""
        task, measure = self._task, self._measure
        notes = [f"scored by {measure.metric} behind the filter {measure.filter}"]
        others = [name for name in task.filters if name != measure.filter]
        if others:
            notes[0] += f" ({', '.join(others)} too: domain.metric={measure.metric},NAME takes another)"
        if task.shots:
            notes.append(
                f"each question begins with {task.shots} worked examples "
                "(domain.task_args.num_fewshot=0 leaves them out)"
            )
        if measure.lead:
            notes.append("an answer is scored with a space before it, as its targets begin with one")
        if self._mended:
            notes.append(
                f"the target of {self._mended} items is not right by the metric; "
                "another answer of theirs is, and is taken"
            )
        form = self._form(documents)
        if form:
            notes.append(f"the filter {measure.filter} wants a form, and agents are told it: {form}")
        self.notes = (*self.notes, *(f"{task.name}: {note}" for note in notes))
        texts = {split: [item.target for item in self._items[split]] for split in SPLITS}
        labels = None
        if not form and all(target for targets in texts.values() for target in targets):
            labels = find_labels(
                [t for s in SPLITS if s != "test" for t in texts[s]], texts["test"], numbers=False
            )
        shown = "".join(
            f" Example: {self._task.text(item.data[DOC])[:300]!r} -> {item.target[-100:]!r}."
            for item in self._items["examples"][:2]  # never scored, so they may be shown
        )
        brief = f"The task {task.name} of lm-evaluation-harness, scored by its {measure.metric}.{shown}"
        if form:
            brief += f" Answers must have the form: {form}"
        self.brief = with_instruction(brief, settings.instruction, labels)
        wording = {**WORDING, **({"answer": form} if form else {})}
        self.wording: Mapping[str, str] = instructed(wording, settings.instruction, labels)

    def _form(self, documents: Sequence[Any]) -> str:
        """What answers must look like, where what a filter finds in a right answer is not right by itself."""
        task, measure = self._task, self._measure
        for doc in documents:
            target = task.target(doc)
            read = task.filtered(doc, target, measure.filter)
            if (
                not isinstance(read, str)
                or read.strip() == target
                or task.score(doc, target, measure).value < 1
            ):
                continue
            if task.score(doc, read, measure).value >= 1:
                return ""
            at = target.rfind(read)
            line = target[target.rfind("\n", 0, at) + 1 :] if at >= 0 else target[-80:]
            return f"a few short steps, and then a last line such as: {line[-80:].replace(read, 'ANSWER', 1)}"
        return ""


def _said(pool: Mapping[str, Any], found: DealtItems, nearly: bool) -> set[str]:
    """Keys of worked examples that say what an item says.

    Args:
        pool: They.
        found: The items.
        nearly: Whether those count that nearly say it.
    """
    questions = [item.question for split in SPLITS for item in found.items[split]]
    said = pool.keys() & set(map(key_of, questions))
    if nearly:
        keys = list(pool)
        for places in find_alike([*questions, *keys]).groups().values():
            if places[0] < len(questions):
                said |= {keys[n - len(questions)] for n in places if n >= len(questions)}
    return said


def _texts(value: Any) -> list[str]:
    """The texts in a value, and a list of them as one."""
    found: list[str] = []
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [str(value).strip()] if str(value).strip() else []
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            found += _texts(inner)
        if len(value) > 1 and all(isinstance(inner, str) for inner in value):
            found.append(", ".join(value))
    return found[:MOST_ANSWERS]
