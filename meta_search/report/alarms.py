"""Alarms: what is wrong with a run though nothing failed. Told while it runs, at its end and in reports.

Pure functions of evidence, which the archive has (`evidence_of`) and a search at work has in memory.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from meta_search.outcomes import UNSCORED
from meta_search.report.source import Archive, meta_value
from meta_search.text import one_line
from meta_search.types import SCORED, ItemResult, Split

__all__ = ["Alarm", "Evidence", "Seen", "alarms", "end_text", "evidence_of", "of_archive"]

MOST_AGENTS = 5_000  # whose results are read from an archive
FEW = 3  # answers that make an alarm
CUT, DECLINED, EMPTY = 0.02, 0.02, 0.05  # shares of answers
REPEATED = 0.3  # share of briefs that came to duplicates
FEWEST_BRIEFS = 10
UNPAID = 0.3  # share of the briefs
ALIKE = 6  # complete agents that may behave alike
JURY = 8  # agents that must have met an item to say something of it
EASY = 0.5  # share of items that all solve
SHOWN = 3  # ids that are named
LIMIT = re.compile(r"at (\d+) tokens")
RAISED = "score failed: "  # how the feedback on an answer begins that made a user's scorer raise


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that is wrong.

    Attributes:
        kind: `cut`, `declined`, `empty`, `scorer`, `raised`, `targets`, `duplicates`, `identical`, `leaks`,
            `unpaid`, `missed` or `solved`.
        count: How many.
        of: Of how many.
        text: What, with the number first.
        remedy: What to do.
    """

    kind: str
    count: int
    of: int
    text: str
    remedy: str

    @property
    def line(self) -> str:
        return f"{self.text}: {self.remedy}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of an agent.

    Attributes:
        results: Its results by split; those without a score may be missing.
        complete: Whether it was run on all train items.
    """

    results: Mapping[Split, Sequence[ItemResult]]
    complete: bool


@dataclass(frozen=True, slots=True)
class Evidence:
    """What alarms are found in.

    Attributes:
        agents: All agents.
        briefs: Briefs that were asked for.
        stages: Stage of a failed draft -> how many.
        left_out: What the scorer failed with -> items left out for it.
        unpaid: Briefs since no meta model could be paid, and why not.
        targets: Lines on items that are wrong by their own answer, and how many there are of how many.
    """

    agents: Sequence[Seen] = ()
    briefs: int = 0
    stages: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    unpaid: tuple[int, str] = (0, "")
    targets: tuple[Sequence[str], int, int] = ((), 0, 0)


def of_archive(archive: Archive) -> list[Alarm]:
    """The alarms of a run, as far as it has come."""
    return alarms(evidence_of(archive))


def end_text(archive: Archive) -> str:
    """Why the search ended, one line; `""` while it runs, and where an older version wrote it."""
    end = meta_value(archive, "end")
    return one_line(str(end.get("text", "")), 400) if isinstance(end, Mapping) else ""


def evidence_of(archive: Archive) -> Evidence:
    """The evidence that an archive holds; of a very large one the newest agents."""
    seen, counted = [], 0
    for record in list(archive.agents())[-MOST_AGENTS:]:
        splits = [split for split in SCORED if split in record.evaluations]
        results = {split: archive.results(record.agent.id, split, trace=False) for split in splits}
        train = record.evaluations.get("train")
        counted += sum(e.outcomes.get("scorer", 0) for e in record.evaluations.values())
        seen.append(Seen(results, bool(train and train.complete)))
    delivered = (event.data for event in archive.events("delivery"))
    lines = Counter(str(data.get("detail", "")) for data in delivered if data.get("kind") == "scorer")
    if not lines and counted:  # an evaluation has no events
        lines[""] = counted
    return Evidence(
        agents=seen,
        briefs=len(archive.events("ask")),
        stages=Counter(attempt.stage for attempt in archive.attempts()),
        left_out=lines,
        unpaid=unpaid_of(meta_value(archive, "unpaid")),
        targets=targets_of(meta_value(archive, "targets")),
    )


def unpaid_of(stored: object) -> tuple[int, str]:
    """The archive's `unpaid` as `Evidence` has it."""
    return (int(stored["briefs"]), str(stored["why"])) if isinstance(stored, Mapping) else (0, "")


def targets_of(stored: object) -> tuple[Sequence[str], int, int]:
    """The archive's `targets` as `Evidence` has them."""
    if not isinstance(stored, Mapping):
        return (), 0, 0
    wrong = sum(sum(stored[what].values()) for what in ("wrong", "raised"))
    return tuple(map(str, stored["lines"])), wrong, sum(stored["checked"].values())


def alarms(found: Evidence) -> list[Alarm]:
    """All alarms, those that cost most first."""
    results = [r for seen in found.agents for rows in seen.results.values() for r in rows]
    ran = [r for r in results if r.kind not in UNSCORED]
    return [
        *_scorer(found, ran),
        *_targets(found),
        *_answers(ran),
        *_items(found.agents),
        *_drafts(found),
        *_identical(found.agents),
    ]


def _scorer(found: Evidence, ran: Sequence[ItemResult]) -> Iterator[Alarm]:
    left_out = sum(found.left_out.values())
    if left_out:
        of = left_out + sum(r.kind == "ok" for r in ran)
        line = max(found.left_out, key=lambda detail: found.left_out[detail])
        why = f" ({one_line(line, 200)})" if line else ""
        text = f"the scorer failed on {left_out} of {of} answers{why}; they are left out"
        yield Alarm("scorer", left_out, of, text, "mend the scorer")
    raised = Counter(r.feedback for r in ran if r.kind == "ok" and r.feedback.startswith(RAISED))
    if raised.total() >= FEW:
        # Messages quote the answer: what counts is where it was raised, and what.
        places = Counter(tuple(d.removeprefix(RAISED).split(": ")[:2]) for d in raised.elements())
        where = " and ".join(
            f"{one_line(place[-1], 40)} at {one_line(place[0], 60)} on {n} answers"
            for place, n in places.most_common(2)
        )
        text = f"the scorer raised {where}, which score 0"
        yield Alarm("raised", raised.total(), len(ran), text, "have it return 0 for what it cannot read")


def _targets(found: Evidence) -> Iterator[Alarm]:
    lines, wrong, of = found.targets
    if lines:
        yield Alarm("targets", wrong, of, "; ".join(lines), "mend these answers, or the scorer")


def _answers(ran: Sequence[ItemResult]) -> Iterator[Alarm]:
    n = len(ran)
    cut = [r for r in ran if r.kind == "cut"]
    if len(cut) >= FEW and len(cut) >= CUT * n:
        limits = Counter(found[1] for r in cut if (found := LIMIT.search(r.detail)))
        at = f" at {limits.most_common(1)[0][0]} tokens" if limits else ""
        yield Alarm("cut", len(cut), n, f"{len(cut) / n:.0%} of answers were cut{at}", "raise llm.max_tokens")
    declined = Counter(r.detail for r in ran if r.kind == "declined")
    if declined.total() >= FEW and declined.total() >= DECLINED * n:
        line = one_line(declined.most_common(1)[0][0], 200)
        text = f"{declined.total() / n:.0%} of answers ended in a call that the endpoint declined"
        remedy = "these score 0, as it answers other calls; a content filter or a time-out may be too strict"
        yield Alarm("declined", declined.total(), n, f"{text} ({line})" if line else text, remedy)
    empty = sum(r.kind == "ok" and not r.answer.strip() for r in ran)
    if empty >= FEW and empty >= EMPTY * n:
        remedy = "see `meta-search archive show`; a model that thinks needs a larger llm.max_tokens"
        yield Alarm("empty", empty, n, f"{empty / n:.0%} of answers are empty", remedy)


def _items(agents: Sequence[Seen]) -> Iterator[Alarm]:
    """Items that no agent gets right, and those that all do."""
    met: dict[tuple[Split, str], list[float]] = defaultdict(list)
    for seen in agents:
        for split, rows in seen.results.items():
            for item, score in _means(rows).items():
                met[split, item].append(score)
    judged = {key: scores for key, scores in met.items() if len(scores) >= JURY}
    missed = [item for (_, item), scores in judged.items() if max(scores) <= 0.0]
    if missed:
        names = ", ".join(one_line(item, 40) for item in sorted(missed)[:SHOWN])
        more = ", …" if len(missed) > SHOWN else ""
        text = f"{len(missed)} of {len(judged)} items were missed by every agent ({names}{more})"
        yield Alarm(
            "missed", len(missed), len(judged), text, "are their answers right, and can they be known?"
        )
    solved = sum(min(scores) >= 1.0 for scores in judged.values())
    if judged and solved >= EASY * len(judged):
        text = f"{solved} of {len(judged)} items were solved by every agent"
        yield Alarm("solved", solved, len(judged), text, "they tell no agents apart; add harder items")


def _means(rows: Iterable[ItemResult]) -> dict[str, float]:
    found: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.kind not in UNSCORED:
            found[row.item].append(row.score or 0.0)
    return {item: sum(scores) / len(scores) for item, scores in found.items()}


def _drafts(found: Evidence) -> Iterator[Alarm]:
    duplicates, leaks = found.stages.get("duplicate", 0), found.stages.get("leak", 0)
    if found.briefs >= FEWEST_BRIEFS and duplicates >= REPEATED * found.briefs:
        text = f"{duplicates} drafts in {found.briefs} briefs were an agent that was there already"
        remedy = "try a higher author.temperature, or another author or llm.meta.model"
        yield Alarm("duplicates", duplicates, found.briefs, text, remedy)
    unpaid, why = found.unpaid
    unpaid = min(unpaid, found.briefs)  # those under way count there alone
    if unpaid >= max(FEW, UNPAID * found.briefs):
        why = one_line(why, 200)
        text = f"for the last {unpaid} of {found.briefs} briefs no meta model could be paid ({why})"
        remedy = "others wrote them; a larger budget leaves it more"
        yield Alarm("unpaid", unpaid, found.briefs, text, remedy)
    if leaks:
        text = f"{leaks} drafts carried questions of scored items and were refused"
        remedy = "nothing to do, unless the questions are so short that they are met by chance"
        yield Alarm("leaks", leaks, found.briefs, text, remedy)


def _identical(agents: Sequence[Seen]) -> Iterator[Alarm]:
    """Agents that gave the same answer to every train item."""
    ways = Counter(
        tuple(sorted((r.item, r.repeat, r.kind, r.answer) for r in rows))
        for seen in agents
        if seen.complete and (rows := seen.results.get("train"))
    )
    n = ways.total()
    if n >= ALIKE and len(ways) <= n / 2:
        text = f"{n} complete agents behave in {len(ways)} ways on the train items"
        remedy = "the search varies what changes nothing: try another author or search.operators"
        yield Alarm("identical", n - len(ways), n, text, remedy)
