"""Scores items with the matcher of their domain, or their own; picks one where none is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from domains.domain import Confined, Item, Score
from domains.json_match import is_json, is_structure
from domains.matching.exact import plain
from domains.matching.final import final
from domains.matching.judge import Ask, Judge
from domains.matching.labels import LabelsMatcher, macro_f1
from domains.matching.library import Compare, LibraryMatcher
from domains.matching.matcher import Matcher
from domains.matching.odd_answers import Entry, odd_answers
from domains.matching.options import letter_of
from domains.matching.reading import read_whole
from domains.matching.registry import AUTO, make, of_cell
from domains.matching.units import units_of
from meta_search.errors import DomainError

__all__ = [
    "ANY_OF",
    "LABELLED",
    "MATCHER",
    "MOST_ODD",
    "WORKING",
    "Chosen",
    "Entry",
    "Scoring",
    "accepted",
    "behind_working",
    "choose",
    "without_working",
]

ANY_OF = "any_of"  # in `Item.data`: further answers that are right
MATCHER = "matcher"  # in `Item.data`: the item's own matcher
MOST_ODD = 0.1  # of targets that are of another kind than the rest, which decides
LABELLED = ("exact", "mixed", "numeric", "choice", "labels")  # matchers whose targets may be a few labels
LETTERS = "ABCDEFGHIJ"
KINDS = {
    "structure": ("json", "JSON"),
    "number": ("numeric", "numbers"),
    "letter": ("choice", "letters of options"),
}
WORKING = "####"  # stands between the working and the answer, in GSM8K


class Chosen(NamedTuple):
    """A matcher with its options, as plain values.

    Attributes:
        name: In the registry.
        options: Those that are not the default.
        note: A line for the user where targets are of several kinds, or `""`.
    """

    name: str
    options: Mapping[str, Any]
    note: str = ""


class Scoring:
    """Scores answers by one matcher, or by the one that an item names.

    Args:
        name: In the registry.
        options: Options of that matcher.

    Attributes:
        matcher: That of items that name none.
        note: A line for the user on how targets are read, or `""`.
        confined: How a confined process scores, where a matcher needs one.
        targets_answer: Whether every item's own target would be right as an answer.
        asks: Whether an item has a model judge its answers.

    Raises:
        DomainError: As `registry.make`.
    """

    def __init__(self, name: str, options: Mapping[str, Any]) -> None:
        self.matcher = make(name, options)
        self.note = ""
        self.confined: Confined | None = None
        self.targets_answer = self.matcher.targets_answer
        self.asks = isinstance(self.matcher, Judge)
        self._own: dict[str, Matcher] = {}

    @classmethod
    def fit(cls, name: str, options: Mapping[str, Any], entries: Sequence[Entry]) -> Scoring:
        """The scoring that `domain.matcher` names, checked against all items and fitted to them.

        Raises:
            DomainError: An unknown name or option, or a target that cannot be compared with; one line.
        """
        shared = [entry for entry in entries if entry.matcher is None]
        chosen = _chosen(name, options, shared)
        scoring = cls(chosen.name, chosen.options)
        scoring.note = "; ".join(line for line in (chosen.note, *odd_answers(entries)) if line)
        matchers = [scoring.matcher] if shared else []
        for entry in entries:
            if entry.matcher is not None:
                own = scoring._named(entry.matcher, f"{entry.place}: matcher")
                for target, why in ((t, own.fault(t)) for t in entry.targets):
                    if why:
                        raise DomainError(
                            f"{entry.place}: matcher {own.name}: the answer {target[:60]!r} {why}"
                        )
                matchers.append(own)
        kinds = sorted({matcher.library for matcher in matchers} - {""})
        if kinds:
            # A judge's rubric may be a file, which is read here.
            options = vars(scoring.matcher) if scoring.asks else chosen.options
            arguments = {"matcher": chosen.name, "options": dict(options), "kinds": kinds}
            scoring.confined = Confined("domains.matching.confined:make_scorer", arguments)
        scoring.targets_answer = all(matcher.targets_answer for matcher in matchers)
        scoring.asks = any(isinstance(matcher, Judge) for matcher in matchers)
        return scoring

    def of(self, item: Item) -> Matcher:
        """The matcher of an item."""
        named = item.data.get(MATCHER)
        return self.matcher if named is None else self._named(named, f"item {item.id}: matcher")

    def judge(self, item: Item) -> Judge | None:
        """The judge of an item's answers; `None` where no model judges them."""
        matcher = self.of(item) if self.asks else None
        return matcher if isinstance(matcher, Judge) else None

    def judged(self, item: Item, answer: str, ask: Ask, swapped: bool = False) -> Score:
        """What the judge of an item says of an answer.

        Args:
            item: The item, which has a judge.
            answer: The answer.
            ask: Asks the judge's model.
            swapped: Whether the answer stands before the right one.

        Raises:
            JudgeUnread: What it says cannot be read.
        """
        judge = self.judge(item)
        assert judge is not None
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        return judge.judged(answer, accepted(item), item.question, ask, swapped)

    def _named(self, named: str | Mapping[str, Any], where: str) -> Matcher:
        """The matcher that an item names; made once for all that name the same. One that names the shared
        matcher, without options, takes that with its options."""
        if isinstance(named, str) and named.strip() == self.matcher.name:
            return self.matcher
        key = repr(named)
        if key not in self._own:
            self._own[key] = of_cell(named, where)
        return self._own[key]

    def score_plainly(self, item: Item, answer: str) -> Score:
        """As `score`, in this process."""
        return self.score(item, answer)

    def score(self, item: Item, answer: str, compare: Compare | None = None, run: Any = None) -> Score:
        """The best that an answer earns with any accepted answer of its item. Never raises on any answer.

        Args:
            item: The item.
            answer: The answer.
            compare: In the confined process, what asks a library.
            run: Likewise, what runs code.
        """
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        matcher, best = self.of(item), None
        targets = accepted(item)
        for target in targets:
            if compare is not None and isinstance(matcher, LibraryMatcher):
                scored = matcher.compared(answer, target, compare, run)
            else:
                scored = matcher.score(answer, target, item)
            if scored.value >= 1:
                return scored
            if best is None or scored.value > best.value:
                best = scored
        if best is not None and best.feedback and len(targets) > 1:
            return Score(best.value, f"{best.feedback}; {len(targets)} answers are accepted")
        return best or Score(0.0)

    def measures(self, answered: Sequence[tuple[Item, str]]) -> dict[str, float]:
        """What is measured over all answers together, beside the mean of their scores.

        Args:
            answered: Items with their answers.

        Returns:
            Name -> value, 0..1: `macro_f1` where `labels` compares; empty for other matchers.
        """
        if not isinstance(self.matcher, LabelsMatcher):
            return {}
        pairs = [(self.matcher.label(answer), plain(item.target)) for item, answer in answered]
        return {"macro_f1": macro_f1(pairs)}


def accepted(item: Item) -> tuple[str, ...]:
    """All answers that are right."""
    return (item.target, *item.data.get(ANY_OF, ()))


def without_working(targets: Sequence[str]) -> Sequence[str]:
    """What follows `####` in each target, where nearly all have it, as GSM8K's; else the same targets."""
    if not targets or sum(WORKING in target for target in targets) < (1 - MOST_ODD) * len(targets):
        return targets
    return [behind_working(target) for target in targets]


def behind_working(target: str) -> str:
    """What follows `####` in a target; the same target where it has none."""
    return target.rpartition(WORKING)[2].strip() or target


def _chosen(name: str, options: Mapping[str, Any], entries: Sequence[Entry]) -> Chosen:
    """A matcher by name, fitted; or one for the targets, where the name is `auto`."""
    targets = [target for entry in entries for target in entry.targets]
    if name == AUTO:
        if options:
            raise DomainError("domain.matcher_options needs domain.matcher: name the matcher that has them")
        return choose(targets, [entry.place for entry in entries for _ in entry.targets])
    matcher = make(name, options)
    for entry in entries:
        for target in entry.targets:
            why = matcher.fault(target)
            if why:
                raise DomainError(
                    f"domain.matcher={name}: the answer {target[:60]!r} {why}; use domain.matcher=exact"
                )
    return Chosen(name, {**options, **_learned(matcher, targets)})


def choose(targets: Sequence[str], places: Sequence[str] = ()) -> Chosen:
    """The matcher for targets of which nothing is said: what nearly all of them are decides.

    JSON where they are objects or lists, numbers, letters of options, else texts. Odd ones among them are
    compared as texts, and the note names the first.

    Args:
        targets: All targets.
        places: Where each stands, for the note.
    """
    kinds = [_kind(target) for target in targets]
    if "structure" in kinds and all(map(is_json, targets)):
        return Chosen("json", {})  # `null` or `"none"` among objects is JSON as well: nothing found
    counted = Counter(kinds)
    for kind, (name, what) in KINDS.items():
        if not counted[kind] or counted[kind] < (1 - MOST_ODD) * len(targets):
            continue
        if kind == "letter" and not _are_options(targets):
            continue
        odd = [n for n, found in enumerate(kinds) if found != kind]
        note = ""
        if odd:
            where = f"{places[odd[0]]}: " if places else ""
            more = f" and {len(odd) - 1} more" if len(odd) > 1 else ""
            note = (
                f"{counted[kind]} of {len(targets)} answers are {what} and are compared as {what}; "
                f"{where}{targets[odd[0]][:40]!r}{more} as text (domain.matcher=exact compares all as text)"
            )
        options = {"text": True} if odd and name == "numeric" else {}
        return Chosen(name, {**options, **_learned(make(name, options), targets)}, note)
    return _with_units(targets) or Chosen("mixed" if counted["number"] else "exact", {})


def _with_units(targets: Sequence[str]) -> Chosen | None:
    """How numbers with a unit are compared: as numbers where all have the same one, else as text."""
    units = units_of(targets)
    if len(units) > 1:
        listed = ", ".join(units[:3]) + ", …" * (len(units) > 3)
        told = (
            f"answers are numbers with words behind them ({listed}) and are compared as text, words and all"
        )
        return Chosen("mixed", {}, f"{told}; domain.matcher=numeric compares the numbers alone")
    if not units:
        return None
    told = f"answers are numbers with the unit {units[0]!r} and are compared as numbers, with or without it"
    learned = _learned(make("numeric", {}), targets)
    return Chosen("numeric", learned, f"{told} (domain.matcher=exact compares all as text)")


def _kind(target: str) -> str:
    if is_structure(target):
        return "structure"
    if read_whole(final(target).text).value is not None:
        return "number"
    return "letter" if letter_of(target) in tuple(LETTERS) else "text"


def _are_options(targets: Sequence[str]) -> bool:
    """Whether letters are those of options: two at least, and at most every other one left out."""
    letters = {letter for target in targets if (letter := letter_of(target))}
    return len(letters) > 1 and LETTERS.index(max(letters)) < 2 * len(letters) + 2


def _learned(matcher: Matcher, targets: Sequence[str]) -> dict[str, Any]:
    """The options that a matcher takes from all targets of a domain."""
    fitted = matcher.fitted(targets)
    return {} if matcher is fitted else {k: v for k, v in vars(fitted).items() if vars(matcher)[k] != v}
