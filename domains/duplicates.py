"""Rows that say the same or nearly the same: which of them stay, and what is told of the others."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from domains.alike import Joined
from domains.row_facts import Facts, in_words, worth, worth_of
from domains.settings import Ruling
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["loose_line", "repeats", "settled", "units_of"]


def repeats(name: str, again: int, crossing: int, by_worth: bool = True) -> Iterator[str]:
    """Lines on questions that come again, letter by letter.

    Args:
        name: Of the file.
        again: Rows that repeat a question of their split, and its answer.
        crossing: Questions that stand in two splits.
        by_worth: Whether such stay in the more precious one, and not where they come first.
    """
    if again:
        yield f"{name}: {again} rows repeat a question and its answer: each question is one item"
    if crossing:
        stays = "where it is worth most: in test, else in validation" if by_worth else "where it comes first"
        yield f"{name}: {crossing} questions stand in two splits; each stays {stays}"


def loose_line(name: str, loose: int) -> Iterator[str]:
    if loose:
        yield (
            f"{name}: {loose} rows differ in a few words only, as those of a template do: they are not "
            "taken for duplicates (domain.group=COLUMN names what belongs together)"
        )


def settled(
    name: str,
    entries: Sequence[Facts],
    alike: Sequence[Sequence[int]],
    places: Iterable[int],
    settings: Ruling,
    called: Sequence[str] = (),
) -> tuple[list[int], list[str]]:
    """Which rows stay, and what is told of those that say the same.

    Args:
        name: Of the file or domain.
        entries: All rows.
        alike: Groups of rows that say nearly the same.
        places: Rows that are looked at.
        settings: `duplicates`.
        called: What rows are called in messages; else by their places in the file.
    """

    def pair(one: int, other: int) -> str:
        if called:
            return f"items {one_line(called[one], 40)} and {one_line(called[other], 40)}"
        return f"rows {entries[one].where} and {entries[other].where}"

    gone: set[int] = set()
    notes: list[str] = []
    if alike:
        pairs = [sorted(unit, key=lambda n: (worth_of(entries[n]), entries[n].place))[:2] for unit in alike]
        one, other = min(pairs, key=lambda p: sorted(entries[n].place for n in p))
        shown = pair(*sorted((one, other), key=lambda n: entries[n].place))
        count = sum(map(len, alike)) - len(alike)
        rows = ("item" if called else "row") + "s" * (count > 1)
        says = f"{count} {rows} say{'s' * (count == 1)} nearly the same as another (as {shown})"
        if settings.duplicates == "refuse":
            raise DomainError(
                f"{name}: {says}: leave {'it' if count == 1 else 'them'} out, or let domain.duplicates=group "
                "keep such in one split"
            )
        if settings.duplicates == "drop":
            for unit in alike:
                gone.update(sorted(unit, key=lambda n: (worth_of(entries[n]), entries[n].place))[1:])
            notes.append(f"{name}: {says}: left out")
        elif not any(entries[n].split for unit in alike for n in unit):
            notes.append(f"{name}: {says}: such stay together in one split")
    left = [n for n in places if n not in gone]
    if any(entries[n].split for n in left):
        lost, line = _crossing(name, entries, units_of(entries, left, alike), pair)
        gone |= lost
        notes += line
    return [n for n in left if n not in gone], notes


def _crossing(
    name: str, entries: Sequence[Facts], units: Sequence[Sequence[int]], pair: Callable[[int, int], str]
) -> tuple[set[int], list[str]]:
    """Rows of groups that stand in several splits, but for those of the most precious one."""
    lost: set[int] = set()
    better: set[str] = set()  # splits that they stay in
    shown: tuple[int, int] | None = None
    for unit in units:
        best = min(worth_of(entries[n]) for n in unit)
        less = [n for n in unit if worth_of(entries[n]) > best]
        if less:
            lost.update(less)
            kept = next(n for n in unit if worth_of(entries[n]) == best)
            better.add(entries[kept].split)
            found = (less[0], kept)
            shown = min(shown or found, found, key=lambda p: entries[p[0]].place)
    if shown is None:
        return lost, []
    counts = Counter(entries[n].split for n in lost)
    order = sorted({entry.split for entry in entries}, key=worth)
    told = " and ".join(f"{counts[names]} of {in_words(names)}" for names in order if counts[names])
    where = " or ".join(in_words(names) for names in order if names in better)
    says = "says" if len(lost) == 1 else "say"
    grouped = " or are of its group" if any(entries[n].group for n in lost) else ""
    line = f"{name}: {told} {says} nearly the same as one of {where}{grouped} (as {pair(*shown)}): left out"
    return lost, [line]


def units_of(
    entries: Sequence[Facts], places: Sequence[int], alike: Sequence[Sequence[int]]
) -> list[list[int]]:
    """Groups of the rows at some places: by what they say, and by the column of groups."""
    joined, first = Joined(len(entries)), dict[str, int]()
    for unit in alike:
        for n in unit[1:]:
            joined.join(unit[0], n)
    for n in places:
        if entries[n].group:
            joined.join(first.setdefault(entries[n].group, n), n)
    found: dict[int, list[int]] = defaultdict(list)
    for n in places:
        found[joined.first(n)].append(n)
    return [sorted(unit, key=lambda n: entries[n].key) for unit in found.values()]
