"""Domain `ifeval`: requests with instructions that can be verified (Zhou et al. 2023, arXiv 2311.07911).

    meta-search run domain=ifeval domain.path=input_data.jsonl

A record has `prompt`, `instruction_id_list` and `kwargs`, a list of the arguments of each (`key` is
optional). An answer scores 1 where it follows all instructions of its prompt, else 0 (section 2.3:
prompt-level, strict); the feedback says which it does not follow, and how many it does.
`domain.matcher_options.loose=true` scores loosely: a text counts as well without its first line, its last, or
asterisks. Beside the score, instruction-level accuracy and both of the other reading are measured over all
answers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from domains.domain import Item, Score, items_of
from domains.instructions import Instruction, follows, instruction_of, loosened
from domains.published import items_of_records, source_of, text_in, texts_in
from domains.settings import Settings
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["IfevalDomain"]

BRIEF = (
    "Requests for a text that name instructions on its form: lengths, words to use or avoid, letters, "
    "languages, lists, sections, titles, quotes, first and last words (ifeval). A program checks them; an "
    "answer is right only if all are followed to the letter{loosely}. What counts is the whole text that the "
    "agent returns, so nothing may stand before or after it that the request does not ask for."
)
LOOSELY = ", where its first line, its last line and asterisks may be left out of account"
IFEVAL_WORDING: Mapping[str, str] = {
    **WORDING,
    "": "Follow every instruction of the request to the letter.",
    "answer": "the whole response, in exactly the form that the request asks for, and nothing else",
    "feedback": "which instructions are not followed, in one short sentence",
}
MOST_TEXT = 100_000  # characters of an answer


class IfevalDomain:
    """Prompts with verifiable instructions; an item's kind is the group of its first one, or `several`.

    Attributes:
        pinned: The path that means these records and no later state of them.
        notes: Lines for the user.
        groups: Item id -> a name of its group, of the items that have one.

    Raises:
        DomainError: No such file, a record that lacks a column, an instruction that is none of the 25 or
            lacks an argument, or too few records.
    """

    name = "ifeval"
    targets_answer = False

    def __init__(self, settings: Settings) -> None:
        self._loose = _loose(settings)
        source = source_of(settings, "ifeval, input_data.jsonl")
        self._items, self.groups, notes = items_of_records(settings, source, _item)
        self.pinned, self.notes = source.pinned, notes
        shown = "".join(f" Example: {item.question[:300]!r}." for item in self._items["examples"][:2])
        brief = BRIEF.format(loosely=LOOSELY if self._loose else "") + shown
        self.brief = with_instruction(brief, settings.instruction)
        self.wording: Mapping[str, str] = instructed(IFEVAL_WORDING, settings.instruction)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """1 if the answer follows all instructions of its item, else 0. Never raises."""
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        if len(answer) > MOST_TEXT:
            return Score(0.0, f"an answer of {len(answer)} characters, more than {MOST_TEXT}")
        instructions = _instructions(item)
        broken = [i for i in instructions if not _follows(i, answer, self._loose)]
        if not broken:
            return Score(1.0)
        told = "; ".join(map(str, broken))
        return Score(
            0.0, f"follows {len(instructions) - len(broken)} of {len(instructions)}; not: {told}"[:600]
        )

    def measures(self, answered: Sequence[tuple[Item, str]]) -> dict[str, float]:
        """Accuracy over all answers by prompt and instruction, strict and loose, but for the score itself."""
        found: dict[str, list[bool]] = {}
        for loose in (False, True):
            reading = "loose" if loose else "strict"
            for item, answer in answered:
                told = [_follows(i, answer[:MOST_TEXT], loose) for i in _instructions(item)]
                found.setdefault(f"prompt_{reading}", []).append(all(told))
                found.setdefault(f"instruction_{reading}", []).extend(told)
        found.pop("prompt_loose" if self._loose else "prompt_strict", None)
        return {name: sum(values) / len(values) for name, values in sorted(found.items()) if values}


def _loose(settings: Settings) -> bool:
    options = dict(settings.matcher_options)
    loose = options.pop("loose", False)
    if options or not isinstance(loose, bool):
        raise DomainError("domain.matcher_options: ifeval has loose=true or false, and no other option")
    return loose


def _item(place: str, record: Mapping[str, Any]) -> Item:
    prompt = text_in(place, record, "prompt", "question").strip()
    names = texts_in(place, record, "instruction_id_list")
    given = record.get("kwargs")
    given = json.loads(given) if isinstance(given, str) else given
    given = [{}] * len(names) if given is None else list(given) if isinstance(given, Sequence) else []
    if "instruction_id_list" not in record:
        have = ", ".join(map(str, record))[:200]
        raise DomainError(f"{place}: no column 'instruction_id_list', as IFEval has it; there are: {have}")
    if not names or len(names) != len(given):
        raise DomainError(
            f"{place}: must have as many kwargs as instructions, at least one: {len(names)}, {len(given)}"
        )
    instructions = [instruction_of(place, *pair) for pair in zip(names, given, strict=True)]
    groups = {name.partition(":")[0] for name in names}
    kind = groups.pop() if len(groups) == 1 else "several"
    target = json.dumps([[i.name, i.arguments] for i in instructions], ensure_ascii=False)
    key = str(record.get("key") or record.get("id") or place.rpartition(" ")[2])
    return Item(f"ifeval-{key}", prompt, target, kind)


def _instructions(item: Item) -> list[Instruction]:
    return [Instruction(name, arguments) for name, arguments in json.loads(item.target)]


def _follows(instruction: Instruction, answer: str, loose: bool) -> bool:
    return any(follows(instruction, text) for text in (loosened(answer) if loose else [answer]))
