"""Before anything is paid: does the scorer take each item's own answer for right?

A scorer that does not, as it compares otherwise than the answers are written, or raises, costs a night.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

from domains.domain import Domain, Item
from meta_search.errors import DomainError
from meta_search.run.domain_scorer import HINT, OWN_DOING, Scorer
from meta_search.run.session import Session
from meta_search.sandbox.trusted.scorer import Scored
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = ["TargetCheck", "check_targets", "target_check"]

SECONDS = 3.0  # for all splits together; the items are met in turns, so that what is left out is spread
PAID = 2  # items where scoring costs money
RIGHT = 0.5  # a reference may earn less than full marks of a graded scorer
FEWEST = 3  # items that are all wrong, and end the run


@dataclass(frozen=True, slots=True)
class TargetCheck:
    """What the scorer said of items' own answers.

    Attributes:
        checked: Split -> items that were checked.
        wrong: Split -> items whose own answer is wrong.
        raised: Split -> items whose own answer makes the scorer raise, hang or die.
        example: An item that is wrong, its answer and what the scorer said, one line; `""` without any.
        line: The exception with the scorer's line, `""` without any.
    """

    checked: dict[str, int]
    wrong: dict[str, int]
    raised: dict[str, int]
    example: str = ""
    line: str = ""

    @property
    def lines(self) -> list[str]:
        """What there is to say."""
        found = []
        if self.wrong:
            found.append(f"{self._counts(self.wrong)} are wrong by their own answer, as {self.example}")
        if self.raised:
            found.append(f"the scorer fails on the own answer of {self._counts(self.raised)} ({self.line})")
        return found

    def _counts(self, counts: dict[str, int]) -> str:
        parts = [f"{n} of {self.checked[split]} {split}" for split, n in counts.items()]
        last = parts[-1] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
        return f"{last} items"

    def data(self) -> dict[str, Any]:
        """As the archive's `targets` has it."""
        return {
            "checked": self.checked,
            "wrong": self.wrong,
            "raised": self.raised,
            "lines": self.lines,
        }


def check_targets(session: Session, say: Callable[[str], None], splits: Sequence[Split] = SPLITS) -> None:
    """Check, say and archive it.

    Args:
        session: The opened run.
        say: Gets a line on what is wrong.
        splits: Whose items.

    Raises:
        DomainError: Every item is wrong by its own answer, or makes the scorer fail.
    """
    found = target_check(session.domain, session.scorer, splits)
    session.pen.set_meta("targets", found.data()).result()
    for line in found.lines:
        say(line)


def target_check(domain: Domain, scorer: Scorer, splits: Sequence[Split] = SPLITS) -> TargetCheck:
    """Score items' own answers, as far as a few seconds go.

    Items without an answer are left out, and scorers for which the target is no answer, as they run code. Of
    judges only a couple is asked for: they cost money.

    Raises:
        DomainError: As `check_targets`.
    """
    counts: dict[str, Counter[str]] = {what: Counter() for what in ("checked", "wrong", "raised")}
    example = line = ""
    data = False
    for split, item, scored in _scored(domain, scorer, splits):
        if scored.failed and scored.kind not in OWN_DOING:  # a network, a model: nothing is said of the item
            continue
        counts["checked"][split] += 1
        data = data or bool(item.data)
        if scored.failed:
            counts["raised"][split] += 1
            line = line or one_line(scored.feedback, 300)
        elif scored.value <= 0 if scorer.paid else scored.value < RIGHT:
            counts["wrong"][split] += 1
            said = f": {one_line(scored.feedback, 120)}" if scored.feedback else ""
            scores = f"scores {scored.value:g}{said}"
            example = example or f"{one_line(item.id, 40)}, whose {one_line(item.target, 40)!r} {scores}"
    checked, wrong, raised = (_in_order(counts[what]) for what in ("checked", "wrong", "raised"))
    found = TargetCheck(checked, wrong, raised, example, line)
    total = counts["checked"].total()
    if total and counts["raised"].total() == total and not scorer.paid:
        raise DomainError(f"{found.lines[-1]}; {HINT}")
    # Where items have more than an answer, the scorer may go by that, and the answer be for people.
    if total >= FEWEST and counts["wrong"].total() == total and not data and not scorer.paid:
        raise DomainError(
            f"every item is wrong by its own answer, as {example}: mend score(item, answer), or leave "
            "the answers out where they are none"
        )
    return found


def _in_order(counts: Counter[str]) -> dict[str, int]:
    return {split: counts[split] for split in reversed(SPLITS) if counts[split]}  # test items first


def _scored(domain: Domain, scorer: Scorer, splits: Sequence[Split]) -> Iterator[tuple[Split, Item, Scored]]:
    if not getattr(domain, "targets_answer", True):
        return
    columns = [[(s, item) for item in domain.items(s) if item.target.strip()] for s in reversed(splits)]
    rows = (pair for row in zip_longest(*columns) for pair in row if pair is not None)
    turns = islice(rows, PAID) if scorer.paid else rows
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(scorer.concurrency, thread_name_prefix="targets") as pool:
        while batch := list(islice(turns, scorer.concurrency)):
            results = pool.map(scorer.try_target, [item for _, item in batch])
            for (split, item), scored in zip(batch, results, strict=True):
                yield split, item, scored
            if time.monotonic() > until:
                return
