"""Domain `mgsm`: grade-school mathematics in several languages (Shi et al. 2022, arXiv 2210.03057).

    meta-search run domain=mgsm domain.path=mgsm_en.tsv
    meta-search run domain=mgsm domain.path=folder domain.families=[en,sw]

A file holds one problem a line, `question TAB integer`, without a heading; a folder holds such files named
`mgsm_LANGUAGE.tsv`. All languages hold the same problems in the same order, translated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from domains.domain import Item, Score, items_of
from domains.matching import numeric
from domains.row_facts import Facts
from domains.rows import Row, apportion, deal, distinct, read_text, salt_of, shuffled
from domains.settings import Settings, named_sizes
from domains.splits import deal_rows, grouped
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.types import Split

__all__ = ["MgsmDomain"]

INSTRUCTION = (
    "Solve this problem. Reason step by step, then give the final answer last and by itself: an integer in "
    "digits, without a unit or other words."
)
_FILE = re.compile(r"mgsm_(.+)\.tsv")
_INTEGER = re.compile(r"[-+]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)")


class MgsmDomain:
    """Problems of one or several languages; the kind of an item is its language.

    Splits are disjoint by problem, whatever the language: a translation of a test problem is not shown as an
    example. Which split a problem goes to depends on its place, all answers, and the seed. Within a split
    languages take turns, and a problem comes again in another language only after all of its problems.
    `domain.families` names the languages of a folder to take.

    Attributes:
        notes: Lines for the user.
        groups: Item id -> the line of its problem, which is the same in all languages, or of the first of
            the problems that say nearly the same.

    Raises:
        DomainError: Nothing at `domain.path`, a line that is not a question, a tab and an integer (with its
            number), files that hold different problems, or too few of them.
    """

    name = "mgsm"
    compared = "numeric"

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=mgsm needs a file or a folder: domain.path=mgsm_en.tsv")
        path = Path(settings.path).expanduser()
        problems = _problems(path, _files(path, settings.families))
        dealt = (_by_groups if grouped(settings) else _by_place)(path, problems, settings)
        self._items = {
            split: tuple(_in_turns([problems[key] for key in keys]))[: dealt.sizes[split]]
            for split, keys in dealt.places.items()
        }
        self.groups: Mapping[str, str] = {
            item.id: dealt.groups.get(place := item.id.rpartition("-")[2], place)
            for items in self._items.values()
            for item in items
        }
        self.notes = dealt.notes
        brief = _brief(sorted({row.kind for rows in problems.values() for row in rows}))
        self.brief = with_instruction(brief, settings.instruction)
        wording = {
            **WORDING,
            "": "Solve the problem; the final answer is an integer.",
            "answer": "only the final answer: one integer in digits, no unit, no words",
        }
        self.wording: Mapping[str, str] = instructed(wording, settings.instruction)

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids look like `sw-17`."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """1 if the number that the answer ends with is the target, else 0. Never raises."""
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        return numeric.score(answer, item.target)


def _files(path: Path, languages: Sequence[str]) -> dict[str, Path]:
    """Files by language."""
    if not path.exists():
        raise DomainError(f"domain.path={path}: no such file or folder")
    if path.is_dir():
        named = {found[1]: file for file in sorted(path.iterdir()) if (found := _FILE.fullmatch(file.name))}
        if not named:
            raise DomainError(f"domain.path={path}: the folder holds no file named like mgsm_en.tsv")
    else:
        found = _FILE.fullmatch(path.name)
        named = {found[1] if found else path.stem: path}
    for language in languages:
        if language not in named:
            raise DomainError(f"domain.families: no {language} at {path}; there are {', '.join(named)}")
    return {language: named[language] for language in dict.fromkeys(languages or named)}


def _problems(path: Path, files: Mapping[str, Path]) -> dict[str, list[Row]]:
    """Rows by problem: one row for each language that has it."""
    by_place: dict[str, list[Row]] = {}
    for language, file in files.items():
        rows = list(_rows(file, language))
        kept = set(distinct(file, rows).values())
        for place, row in enumerate(rows):
            others = by_place.setdefault(str(place), [])
            if others and others[0].answer != row.answer:
                raise DomainError(
                    f"{path}: problem {place + 1} has the answer {others[0].answer} in {others[0].kind} and "
                    f"{row.answer} in {language}; files of one folder must hold the same problems in order"
                )
            if row in kept:
                others.append(row)
    return {place: rows for place, rows in by_place.items() if rows}


def _rows(file: Path, language: str) -> Iterator[Row]:
    for line, text in enumerate(read_text(file).split("\n"), 1):
        if not text.strip():
            continue
        cells = [cell.strip() for cell in text.split("\t")]
        if len(cells) != 2 or not cells[0]:
            raise DomainError(
                f"{file}, line {line}: must be a question, a tab and an integer, not {len(cells)} cells"
                if len(cells) != 2
                else f"{file}, line {line}: the question is empty"
            )
        if not _INTEGER.fullmatch(cells[1]):
            raise DomainError(f"{file}, line {line}: the answer {cells[1][:40]!r} is not an integer")
        yield Row(line, cells[0], cells[1].replace(",", "").removeprefix("+"), language)


class _Dealt(NamedTuple):
    """Places of each split's problems, its items, lines that stand for others, and lines for the user."""

    places: Mapping[Split, Sequence[str]]
    sizes: Mapping[Split, int]
    groups: Mapping[str, str] = {}
    notes: Sequence[str] = ()


def _by_groups(path: Path, problems: Mapping[str, Sequence[Row]], settings: Settings) -> _Dealt:
    """Problems that nearly say the same, in all languages, are in one split."""
    places, salt = list(problems), _salt(problems)
    facts = [Facts(f"{salt}/{place}", problems[place][0].line) for place in places]
    rows, languages = sum(map(len, problems.values())), max(map(len, problems.values()))
    sizes: dict[Split, int] = {}

    def read(n: int) -> str:
        return "\n".join(row.question for row in problems[places[n]])

    def counts(kept: int) -> dict[Split, int]:
        named = named_sizes(settings)
        sizes.update(
            _fitting(apportion(path, min(rows, kept * languages), named, whole=True), named, kept, languages)
        )
        return _problems_each(path, sizes, kept, languages)

    dealt = deal_rows(path, path.name, facts, read, settings, counts=counts)
    lines = [str(problems[place][0].line) for place in places]
    return _Dealt(
        {split: [places[n] for n in found] for split, found in dealt.splits.items()},
        sizes,
        {lines[n]: lines[first] for n, first in dealt.groups.items()},
        dealt.notes,
    )


def _fitting(
    sizes: dict[Split, int], named: Mapping[Split, int], problems: int, languages: int
) -> dict[Split, int]:
    """Sizes of which those that nobody named give way, where a problem is in one split in all languages."""
    while sum(-(-size // languages) for size in sizes.values()) > problems:
        others = [split for split, size in sizes.items() if split not in named and size > languages]
        if not others:
            break
        largest = max(others, key=lambda split: sizes[split])
        sizes[largest] = (-(-sizes[largest] // languages) - 1) * languages
    return sizes


def _by_place(path: Path, problems: Mapping[str, Sequence[Row]], settings: Settings) -> _Dealt:
    """As runs of before did, which are resumed."""
    languages = max(map(len, problems.values()))
    sizes = apportion(path, sum(map(len, problems.values())), named_sizes(settings))
    seed = settings.seed if settings.dealing == "row" else f"{settings.seed}/{_salt(problems)}"
    each = _problems_each(path, sizes, len(problems), languages)
    return _Dealt(deal(shuffled(problems, seed), each), sizes)


def _salt(problems: Mapping[str, Sequence[Row]]) -> str:
    """Answers are the same in all languages, and agents do not see them: they cannot tell their split."""
    return salt_of([rows[0].answer for rows in problems.values()])


def _problems_each(path: Path, sizes: Mapping[Split, int], problems: int, languages: int) -> dict[Split, int]:
    """Problems per split: one an item where there are enough, else as many as its languages make up for."""
    least = {split: -(-size // languages) for split, size in sizes.items()}
    spare = problems - sum(least.values())
    if spare < 0:
        raise DomainError(
            f"{path}: too few problems: {problems} in {languages} languages, "
            f"{sum(least.values())} are needed for domain.sizes"
        )
    wished = {split: size - least[split] for split, size in sizes.items()}
    total = max(1, sum(wished.values()))
    return {s: least[s] + min(wish, spare * wish // total) for s, wish in wished.items()}


def _in_turns(problems: Sequence[Sequence[Row]]) -> Iterator[Item]:
    """All problems once, languages in turn, then all again in the next language, and so on."""
    rounds = max(map(len, problems), default=0)
    turned = [[rows[(n + r) % len(rows)] for r in range(len(rows))] for n, rows in enumerate(problems)]
    rows = chain.from_iterable([rows[r] for rows in turned if r < len(rows)] for r in range(rounds))
    return (
        Item(f"{row.kind}-{row.line}", f"{INSTRUCTION}\n\n{row.question}", row.answer, row.kind)
        for row in rows
    )


def _brief(languages: Sequence[str]) -> str:
    where = f"in the language {languages[0]}" if len(languages) == 1 else f"in {', '.join(languages)}, mixed"
    return (
        f"Grade-school word problems of mathematics {where}; each takes two to eight steps of plain "
        "arithmetic. The answer is an integer and is right only if it is exactly the expected one; return "
        "the integer alone, without a unit."
    )
