"""Domains `humaneval` and `mbpp`: functions in Python, scored by tests that run apart from them.

    meta-search run domain=humaneval domain.path=HumanEval.jsonl.gz
    meta-search run domain=mbpp domain.path=mbpp.jsonl
    meta-search run domain=mbpp domain.path=sanitized-mbpp.json

HumanEval (Chen et al. 2021, arXiv 2107.03374): `task_id`, `prompt`, `entry_point`, `test`. An agent is shown
the prompt, a function's head with its documentation; it returns the function, or what is missing of it. MBPP
(Austin et al. 2021, arXiv 2108.07732), full or sanitized: `task_id`, `text` or `prompt`, `test_list`,
`test_setup_code` or `test_imports`. As in the paper an agent is shown the tests of `test_list`, and they
score its answer; items go to splits as published, by their number. `domain.path` may name one file or any
other source of such records.

How a program is found in an answer: `domains.matching.program_text`. How it is tested, and why it cannot say
itself that it passed: `domains.matching.program_tests`. `domain.matcher_options.timeout` is the CPU time in
seconds that all calls of an answer may take together; 3 as in the harness of HumanEval.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from domains.domain import Item, Score, items_of
from domains.matching.program_tests import tests_of
from domains.matching.scoring import Entry, Scoring
from domains.published import items_of_records, source_of, text_in, texts_in
from domains.settings import Settings, matcher_of
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["HumanEvalDomain", "MbppDomain", "ProgramsDomain"]

CODE = "only the Python code: the whole function, with its imports"
PROGRAM_WORDING: Mapping[str, str] = {
    **WORDING,
    "": "Answer with Python code, in one block.",
    **dict.fromkeys(("answer", "code", "program"), CODE),
    "feedback": "what is wrong with the code, in one short sentence",
}
TIMEOUT_S = 3.0
HOW = (
    "The answer is Python code. It is run in a sandbox with the standard library and NumPy, and called by "
    "hidden tests; it is right if all of them pass. All calls share one process and {seconds:g} s. Of "
    "several code blocks the last that defines the function counts. An agent can try its code with "
    "self.run_python(code)."
)
PUBLISHED: Sequence[tuple[range, Split]] = (  # MBPP's task numbers, in its README
    (range(1, 11), "examples"),
    (range(11, 511), "test"),
    (range(511, 601), "validation"),
    (range(601, 975), "train"),
)
_NUMBER = re.compile(r"(\d+)$")


class ProgramsDomain:
    """Items that ask for a program.

    Attributes:
        pinned: The path that means these records and no later state of them.
        notes: Lines for the user.
        groups: Item id -> a name of its group, of the items that have one.

    Raises:
        DomainError: No such file, a record that lacks a column, tests that are no Python, or too few records.
    """

    name = ""
    about = ""
    benchmark = ""

    def __init__(self, settings: Settings) -> None:
        if matcher_of(settings) not in ("auto", "code"):
            raise DomainError(
                f"domain={settings.name} scores programs by their tests: leave domain.matcher out"
            )
        source = source_of(settings, self.benchmark)
        self._items, self.groups, notes = items_of_records(settings, source, self._checked, self._split)
        self.pinned, self.notes = source.pinned, notes
        options = {"timeout": TIMEOUT_S, **settings.matcher_options}
        self._scoring = Scoring.fit(
            "code", options, [Entry(i.id, (i.target,)) for i in self._items["test"][:1]]
        )
        self.confined, self.targets_answer = self._scoring.confined, False
        brief = f"{self.about} {HOW.format(seconds=options['timeout'])}"
        shown = "".join(f" Example: {item.question[:400]!r}." for item in self._items["examples"][:2])
        self.brief = with_instruction(brief + shown, settings.instruction)
        self.wording: Mapping[str, str] = instructed(PROGRAM_WORDING, settings.instruction)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids look like `mbpp-11`."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """0: programs run in a sandbox only, see `confined`."""
        return self._scoring.score(item, answer)

    def _checked(self, place: str, record: Mapping[str, Any]) -> Item:
        item = self._item(place, record)
        _check(place, item.target)
        return item

    def _item(self, place: str, record: Mapping[str, Any]) -> Item:
        raise NotImplementedError

    def _split(self, item: Item) -> Split | None:
        """The split of an item as published; `None` where there is none."""
        return None


class HumanEvalDomain(ProgramsDomain):
    """The 164 problems of HumanEval, or others in its format; dealt to splits as rows of a table are."""

    name = "humaneval"
    benchmark = "HumanEval, HumanEval.jsonl.gz"
    about = "Python functions to be completed from their head and documentation (HumanEval)."

    def _item(self, place: str, record: Mapping[str, Any]) -> Item:
        target = {key: text_in(place, record, key) for key in ("test", "entry_point", "prompt")}
        head = target["prompt"].strip()
        question = f"Write this Python function. Give the whole function.\n\n```python\n{head}\n```"
        name = _name(
            self.name, text_in(place, {**record, "task_id": str(record.get("task_id", ""))}, "task_id")
        )
        return Item(name, question, json.dumps(target), "function")


class MbppDomain(ProgramsDomain):
    """The 974 problems of MBPP, or the 427 of its sanitized part."""

    name = "mbpp"
    benchmark = "MBPP, mbpp.jsonl or sanitized-mbpp.json"
    about = "Short Python functions from a sentence and the tests that they have to pass (MBPP)."

    def _item(self, place: str, record: Mapping[str, Any]) -> Item:
        text, tests = text_in(place, record, "text", "prompt"), texts_in(place, record, "test_list")
        if not tests:
            raise DomainError(f"{place}: 'test_list' is empty")
        target: dict[str, Any] = {"test_list": tests}
        if record.get("test_setup_code"):
            target["test_setup_code"] = text_in(place, record, "test_setup_code")
        if record.get("test_imports"):
            target["test_imports"] = texts_in(place, record, "test_imports")
        shown = "\n".join(test.strip() for test in tests)
        question = (
            f"Write Python code for this task: {text.strip()}\n\nIt has to pass these tests:\n\n{shown}"
        )
        name = _name(self.name, text_in(place, {"task_id": str(record.get("task_id", ""))}, "task_id"))
        return Item(name, question, json.dumps(target), "function")

    def _split(self, item: Item) -> Split | None:
        number = int(item.id.rpartition("-")[2])
        return next((split for numbers, split in PUBLISHED if number in numbers), None)


def _name(domain: str, task: str) -> str:
    """`HumanEval/7` -> `humaneval-7`."""
    found = _NUMBER.search(task.strip())
    if found is None:
        raise DomainError(f"{domain}: task_id={task[:40]!r} ends with no number")
    return f"{domain}-{found[1]}"


def _check(place: str, target: str) -> None:
    try:
        tests_of(target)
    except (SyntaxError, ValueError) as error:
        raise DomainError(f"{place}: holds tests that are no Python: {error}") from error
