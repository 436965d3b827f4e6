"""Before a run whose answers a model judges: how far the judge agrees with people, and what sways it.

Three things are measured, each on a few answers: agreement with given verdicts (Cohen 1960, "A coefficient
of agreement for nominal scales"; of grades with quadratic weights, Cohen 1968); the share of verdicts that
change where harmless sentences are put around an answer; and, where the judge is shown a right answer, the
share that changes where it stands behind the answer instead of before it (Zheng et al. 2023, arXiv
2306.05685, sections 3.3 and 3.4).

The interval of kappa is a Bayesian one: the table of verdicts is drawn from its posterior, a Dirichlet
distribution with `PRIOR` in all spread over its cells. Unlike the bootstrap, it says of 20 agreements in 20
answers that more are not known.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from typing import Any

from archive.records import Archive
from domains.domain import Domain, Item
from domains.matching.judge import padded
from domains.matching.labelled import Given
from meta_search.errors import DomainError
from meta_search.report.source import meta_value
from meta_search.run.domain_scorer import Scorer
from meta_search.run.session import Session
from meta_search.sandbox.trusted.scorer import Scored
from meta_search.types import SPLITS, Split

__all__ = ["JudgeCheck", "Shaken", "check_judge", "judge_check", "kappa", "kappa_interval", "planned_calls"]

MOST = 20  # answers
SHARE = 0.1  # of `budget.calls`, for all three
POOR, ENOUGH = 0.4, 10  # kappa below which agreement is at most fair (Landis and Koch 1977); answers
FEWEST = 3  # answers without a verdict, of as many, that end the run
DRAWS = 4_000
PRIOR = 2.0  # of 1 and 2 the one with which 0.91 to 0.93 of intervals hold kappa, at 20 answers
NOTHING = "nothing is known of its agreement with people: domain.matcher_options.labels=FILE measures it"

Pair = tuple[float, float]  # what people say, what the judge says; 0..1


@dataclass(frozen=True, slots=True)
class Shaken:
    """What became of verdicts where something was changed that is not to matter.

    Attributes:
        of: Answers that were judged both ways.
        up: Verdicts that became better.
        down: Verdicts that became worse.
    """

    of: int = 0
    up: int = 0
    down: int = 0

    @property
    def text(self) -> str:
        """`2 of 20 verdicts change (10 %: 2 up, 0 down)`."""
        flips = self.up + self.down
        told = f": {self.up} up, {self.down} down" if flips else ""
        return f"{flips} of {self.of} verdicts change ({flips / self.of:.0%}{told})"


@dataclass(frozen=True, slots=True)
class JudgeCheck:
    """What was measured of a judge.

    Attributes:
        pairs: Of each labelled answer, what people say and what the judge says.
        labelled: Answers with verdicts that there are.
        grades: How many verdicts the scale has.
        own: Right answers of items that were judged, and how many the judge took for right; without labels.
        other: The same of answers that belong to other items.
        verbosity: Harmless sentences around the answer.
        position: The answer before the right one; `None` where the judge is shown none.
        calls: Verdicts that were asked for.
        unread: Those that did not come.
        fault: Why one did not, one line.
        held_back: Labelled answers that were left out, as they are answers to test items.
    """

    pairs: Sequence[Pair] = ()
    labelled: int = 0
    grades: int = 2
    own: tuple[int, int] = (0, 0)
    other: tuple[int, int] = (0, 0)
    verbosity: Shaken = field(default_factory=Shaken)
    position: Shaken | None = None
    calls: int = 0
    unread: int = 0
    fault: str = ""
    held_back: int = 0

    @property
    def lines(self) -> list[str]:
        """What there is to say, a line each."""
        found = list(self._agreement())
        if self.verbosity.of:
            found.append(f"with harmless sentences around the answer {self.verbosity.text}")
        if self.position is not None and self.position.of:
            found.append(f"with the answer before the right one {self.position.text}")
        if not self.calls:
            found.append("there is no answer to try it with: name some with domain.matcher_options.labels")
        if self.unread:
            found.append(f"{self.unread} of {self.calls} verdicts did not come ({self.fault})")
        if self.calls:
            found.append(f"this took {self.calls} verdicts of the budget")
        return [f"judge: {line}" for line in found]

    def _agreement(self) -> Iterator[str]:
        if not self.pairs:
            yield (
                NOTHING
                if not self.labelled and not self.held_back
                else (f"nothing is known of its agreement with people: {self._why_none()}")
            )
            if self.own[0] or self.other[0]:
                yield (
                    f"of {self.own[0]} right answers it takes {self.own[1]} for right, of {self.other[0]} "
                    f"right answers to other questions {self.other[1]}"
                )
            return
        n, same = len(self.pairs), sum(a == b for a, b in self.pairs)
        low, high = kappa_interval(self.pairs)
        lenient, strict = (sum(sign * (b - a) > 0 for a, b in self.pairs) for sign in (1, -1))
        name = "Cohen's kappa" if self.grades == 2 else "Cohen's kappa, weighted,"
        found = kappa(self.pairs)
        told = "cannot be told, as all verdicts are the same" if found is None else f"{found:.2f}"
        of = f", drawn from {self.labelled}," * (self.labelled > n)
        yield (
            f"agrees with people on {same} of {n} given answers{of} ({same / n:.0%}; more lenient on "
            f"{lenient}, stricter on {strict}); {name} {told}, 95 % interval {low:.2f} to {high:.2f}"
        )
        if n >= ENOUGH and found is not None and found < POOR:
            yield "that is little agreement: change the rubric, or name another model with llm.judge.model"
        if self.held_back:
            yield f"{self.held_back} given answers to test items were not used: a search must not send these"

    def _why_none(self) -> str:
        if self.held_back and not self.labelled:
            return "all given answers are to test items, which a search does not send"
        return "no verdict came"

    def data(self) -> dict[str, Any]:
        """As the archive's `judge` has it."""
        counts = Counter(self.pairs)
        n = len(self.pairs)
        position = self.position
        return {
            "lines": self.lines,
            "pairs": [[people, judge, count] for (people, judge), count in sorted(counts.items())],
            "accuracy": sum(a == b for a, b in self.pairs) / n if n else None,
            "kappa": kappa(self.pairs) if n else None,
            "interval": list(kappa_interval(self.pairs)) if n else None,
            "verbosity": [self.verbosity.of, self.verbosity.up, self.verbosity.down],
            "position": None if position is None else [position.of, position.up, position.down],
            "calls": self.calls,
        }


def check_judge(
    session: Session, say: Callable[[str], None], splits: Sequence[Split] = SPLITS, again: bool = False
) -> None:
    """Try the judge, say what came of it, and archive it. Nothing happens where no model judges answers.

    Args:
        session: The opened run.
        say: Gets the lines.
        splits: Whose items may be sent: with more than one, no test items, as in a search.
        again: Whether an earlier session may have tried it: then it is not asked again.

    Raises:
        DomainError: It gave no verdict on any of several answers.
    """
    if not _judged(session.domain, session.scorer, splits):
        return
    if again:
        with Archive(session.folder) as archive:
            if isinstance(meta_value(archive, "judge"), Mapping):
                return
    limit = session.config.budget.calls
    most = _most(limit)
    if calls := planned_calls(session.domain, session.scorer, splits, limit)[0]:
        say(f"judge: trying it first, with {calls} calls")
    found = judge_check(session.domain, session.scorer, splits, most)
    session.pen.set_meta("judge", found.data()).result()
    if found.calls >= FEWEST and found.unread == found.calls and not found.fault.startswith("budget"):
        raise DomainError(
            f"the judge gave no verdict on any of {found.calls} answers ({found.fault}): name another model "
            "with llm.judge.model"
        )
    for line in found.lines:
        say(line)


def planned_calls(
    domain: Domain, scorer: Scorer, splits: Sequence[Split], limit: int | None
) -> tuple[int, float]:
    """Calls that `check_judge` makes at the most, and the share of items whose answers the judge scores.

    Args:
        domain: The domain.
        scorer: Its scorer.
        splits: Whose items.
        limit: `budget.calls`.
    """
    items = [item for split in splits for item in domain.items(split)]
    judged = _judged(domain, scorer, splits)
    base = _base(domain, judged, splits, _most(limit))
    swapped = sum(_compares(domain, given.item) for given in base)
    return 2 * len(base) + swapped, len([i for i in items if scorer.judges(i)]) / max(1, len(items))


def judge_check(
    domain: Domain, scorer: Scorer, splits: Sequence[Split] = SPLITS, most: int = MOST
) -> JudgeCheck:
    """Ask the judge about given answers, or right and wrong ones of items, as they are, padded and swapped.

    Args:
        domain: The domain; one of its items has a judge.
        scorer: Its scorer.
        splits: As of `check_judge`.
        most: Answers at the most.
    """
    judged = _judged(domain, scorer, splits)
    labelled, held_back = _labelled(domain, splits)
    base = _base(domain, judged, splits, most)
    asking = _Asking(scorer)
    plain = asking.of([(given.item, given.answer, False) for given in base])
    known = [(given, found) for given, found in zip(base, plain, strict=True) if found is not None]
    long = asking.of([(given.item, padded(given.answer), False) for given, _ in known])
    compared = [(given, found) for given, found in known if _compares(domain, given.item)]
    turned = asking.of([(given.item, given.answer, True) for given, _ in compared])
    graded = [domain.scoring.judge(given.item) for given in base]  # type: ignore[attr-defined]
    own, other = ([found for given, found in known if given.verdict == v] for v in (1.0, 0.0))
    return JudgeCheck(
        pairs=[(given.verdict, found) for given, found in known] if labelled else (),
        labelled=len(labelled),
        grades=max((judge.grades for judge in graded if judge is not None), default=2),
        own=(0, 0) if labelled else (len(own), sum(v >= 1 for v in own)),
        other=(0, 0) if labelled else (len(other), sum(v >= 1 for v in other)),
        verbosity=_shaken([found for _, found in known], long),
        position=_shaken([found for _, found in compared], turned) if compared else None,
        calls=asking.calls,
        unread=asking.unread,
        fault=asking.fault,
        held_back=held_back,
    )


class _Asking:
    """Asks a judge about many answers; stops where the budget is at its end."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self.calls = self.unread = 0
        self.fault = ""

    def of(self, wanted: Sequence[tuple[Item, str, bool]]) -> list[float | None]:
        """Verdicts, 0..1; `None` where none came."""
        found: list[float | None] = []
        pool = ThreadPoolExecutor(self._scorer.concurrency, thread_name_prefix="judge")
        try:
            rest = iter(wanted)
            while batch := list(islice(rest, self._scorer.concurrency)):
                if self.fault.startswith("budget"):
                    found += [None] * len(batch)
                    continue
                results = pool.map(lambda asked: self._scorer.try_judge(*asked), batch)
                found += [self._counted(scored) for scored in results]
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C waits for calls in flight alone
        return found

    def _counted(self, scored: Scored) -> float | None:
        self.calls += 1
        if not scored.failed:
            return scored.value
        self.unread += 1
        self.fault = "budget: it is used up" if scored.kind == "budget" else self.fault or scored.feedback
        return None


def _most(limit: int | None) -> int:
    """Answers that are judged three times each, within their share of the budget."""
    return MOST if limit is None else max(1, min(MOST, int(SHARE * limit / 3)))


def _judged(domain: Domain, scorer: Scorer, splits: Sequence[Split]) -> list[Item]:
    """Items that a model judges, of splits in turn. A search sends no test items before its end."""
    kept = [split for split in splits if split != "test"] if len(splits) > 1 else splits
    columns = [[item for item in domain.items(split) if scorer.judges(item)] for split in kept]
    return [item for row in zip_longest(*columns) for item in row if item is not None]


def _labelled(domain: Domain, splits: Sequence[Split]) -> tuple[list[Given], int]:
    """The given answers that may be sent, in an order of their own; and how many may not."""
    every: Sequence[Given] = getattr(domain, "given_answers", ())
    kept = [split for split in SPLITS if split != "test"] if len(splits) > 1 else SPLITS
    unsent = [item for split in SPLITS if split not in kept for item in domain.items(split)]
    hidden = {" ".join(item.question.split()) for item in unsent}
    shown = [given for given in every if " ".join(given.item.question.split()) not in hidden]
    return sorted(shown, key=_place), len(every) - len(shown)


def _place(given: Given) -> bytes:
    return hashlib.sha256(f"{given.item.question}\0{given.answer}".encode("utf-8", "replace")).digest()


def _base(domain: Domain, judged: Sequence[Item], splits: Sequence[Split], most: int) -> list[Given]:
    """The answers that are judged: labelled ones; else items' own, by turns as an answer to the next item."""
    labelled, _ = _labelled(domain, splits)
    if labelled:
        return labelled[:most]
    items = [item for item in judged if item.target.strip()][:most]
    return [
        Given(item, item.target, 1.0)
        if n % 2 == 0 or items[n - 1].target.strip() == item.target.strip()
        else Given(item, items[n - 1].target, 0.0)
        for n, item in enumerate(items)
    ]


def _compares(domain: Domain, item: Item) -> bool:
    judge = domain.scoring.judge(item)  # type: ignore[attr-defined]
    return bool(judge is not None and judge.reference and item.target.strip())


def _shaken(before: Sequence[float], after: Sequence[float | None]) -> Shaken:
    pairs = [(a, b) for a, b in zip(before, after, strict=True) if b is not None]
    return Shaken(len(pairs), sum(b > a for a, b in pairs), sum(b < a for a, b in pairs))


def kappa(pairs: Sequence[Pair]) -> float | None:
    """Cohen's kappa, -1..1, with quadratic weights, which are those of no weights where verdicts are two.

    Returns:
        `None` where all verdicts of both are the same: chance alone agrees as well.
    """
    return _kappa({pair: float(count) for pair, count in Counter(pairs).items()})


def kappa_interval(pairs: Sequence[Pair], share: float = 0.95) -> tuple[float, float]:
    """A credible interval of kappa; see the module's docstring.

    Args:
        pairs: Verdicts of people and of the judge, 0..1.
        share: What it holds of the posterior.
    """
    counts, values = Counter(pairs), sorted({0.0, 1.0, *(value for pair in pairs for value in pair)})
    cells = {(a, b): counts.get((a, b), 0) + PRIOR / len(values) ** 2 for a in values for b in values}
    draw = random.Random(0)
    draws = DRAWS if len(values) <= 5 else DRAWS // 8
    tables = ({cell: draw.gammavariate(alpha, 1.0) for cell, alpha in cells.items()} for _ in range(draws))
    drawn = sorted(found for table in tables if (found := _kappa(table)) is not None)
    cut = int((1 - share) / 2 * len(drawn))
    return drawn[cut], drawn[-1 - cut]


def _kappa(weights: Mapping[Pair, float]) -> float | None:
    """One less the ratio of squared differences as they are to those that chance alone would bring."""
    total = sum(weights.values())
    differ = sum(weight * (a - b) ** 2 for (a, b), weight in weights.items()) / total
    means = [sum(w * pair[n] for pair, w in weights.items()) / total for n in (0, 1)]
    squares = sum(w * (a * a + b * b) for (a, b), w in weights.items()) / total
    chance = squares - 2 * means[0] * means[1]  # both are drawn apart from each other
    return 1 - differ / chance if chance > 1e-12 else None
