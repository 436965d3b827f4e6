"""How rows come to splits that share no content: what says the same goes to one split, or is left out.

Rows that say the same (`domains.content`) or nearly the same (`domains.alike`), and rows with one value in
the column `domain.group` (translations of a problem, questions on a passage), are a group. A domain that
deals rows uses `deal_rows`, one that deals items `item_splits.deal_items`; a domain whose items come with
their splits uses `disjoint`; `folds_of` divides items for cross-validation.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from domains.alike import Alike, find_alike
from domains.deals import Deal
from domains.domain import Item
from domains.duplicates import loose_line, settled, units_of
from domains.row_facts import PRECIOUS, Facts
from domains.rows import ANCHORS, apportion, in_order, salt_of, shuffled
from domains.settings import DEFAULT_SIZES, Ruling, named_sizes
from domains.stratify import REST, deal_units
from meta_search.errors import DomainError
from meta_search.types import SPLITS, Split

__all__ = ["Dealt", "deal_rows", "disjoint", "drawn", "folds_of", "group_of", "grouped"]

# Rows among which those that are dealt are looked for, and compared: most of a large table is not.
POOL = 20_000
TIMES = 4  # as many rows as are dealt, at least


@dataclass(frozen=True, slots=True)
class Dealt:
    """Rows by split.

    Attributes:
        splits: Split -> places of its rows in the entries, from 0.
        groups: Place -> the first place of its group, of the rows that have one.
        notes: Lines for the user.
    """

    splits: Mapping[Split, Sequence[int]]
    groups: Mapping[int, int] = field(default_factory=dict)
    notes: Sequence[str] = ()


def grouped(settings: Ruling) -> bool:
    """Whether rows are dealt by groups: as new runs do, and older ones that are resumed do not."""
    return settings.dealing == "groups"


def deal_rows(
    label: object,
    name: str,
    entries: Sequence[Facts],
    read: Callable[[int], str],
    settings: Ruling,
    there: int = 0,
    called: Sequence[str] = (),
    counts: Callable[[int], Mapping[Split, int]] | None = None,
) -> Dealt:
    """Deal the rows of a file: by groups, of each kind its share, in an order that no agent can know.

    Where `settings.dealing` is not `groups`, nothing is compared and kinds count for nothing.

    Args:
        label: The file, for errors.
        name: The same in short, for notes.
        entries: Its rows, all of different questions.
        read: The question of a row, by its place in the entries.
        settings: `sizes`, `seed`, `dealing`, `duplicates`, `stratify`.
        there: How many rows there are, where the entries were drawn from more (`drawn`).
        called: What rows are called in messages; else by their places in the file.
        counts: How many go to each split of so many rows, where the file names no splits; `None` apportions
            them.

    Raises:
        DomainError: Too few rows or groups, or duplicates that are to be refused; one line.
    """
    own = any(entry.split for entry in entries)
    for entry in entries if own else ():
        if not entry.split:
            raise DomainError(f"{label}: row {entry.where} names no split, others do")
    sizes = named_sizes(settings)
    units, loose = [[n] for n in range(len(entries))], 0
    by_groups = grouped(settings)
    strata = [_stratum(entry, settings.stratify if by_groups else "none") for entry in entries]
    order, last = _in_order(entries, units, strata, settings)
    order = _pool(entries, order, _most(settings), last)
    near = Alike(range(len(order)), range(len(order)))
    if by_groups and settings.duplicates != "keep":
        near = find_alike(_Texts(order, read))
        loose = near.loose
    alike = [[order[n] for n in places] for places in near.groups().values()]
    notes = [*loose_line(name, loose)]
    all_rows = max(there, len(entries))
    among = f", {len(order):,} rows drawn of {all_rows:,}" if len(order) < all_rows else ""
    kept, told = settled(name + among, entries, alike, order, settings, called)
    notes += told
    units = units_of(entries, kept, alike)
    keyed, last = _in_order(entries, units, strata, settings)
    find = {min(unit, key=lambda n: entries[n].key): unit for unit in units}
    units = [find[first] for first in keyed]
    shared = any("+" in entry.split for entry in entries)
    deal = Deal(label, name, entries, units, strata, last)
    if own:
        dealt, lacking = deal.by_part(sizes) if shared else deal.by_file(sizes)
    else:
        dealt, lacking = deal.anew(counts or (lambda rows: apportion(label, rows, sizes, whole=True)))
    groups = {n: unit[0] for unit in units if len(unit) > 1 for n in unit}
    return Dealt(dealt, groups, (*notes, *lacking))


def drawn(keys: Iterable[str], there: int, anchors: Sequence[str], settings: Ruling) -> list[str]:
    """Of the keys of a large table so many that what is dealt can be found among them; all of a small one.

    Args:
        keys: They; gone through twice.
        there: How many rows the table has.
        anchors: As `rows.anchors_of` all keys.
        settings: `sizes`, `seed`.
    """
    most = _most(settings)
    return list(keys) if there <= most else in_order(keys, settings.seed, settings.dealing, most, anchors)


def _most(settings: Ruling) -> int:
    sizes = named_sizes(settings)
    return max(POOL, TIMES * sum(sizes.get(split, DEFAULT_SIZES[split]) for split in SPLITS))


def disjoint(
    name: str, items: Mapping[Split, Sequence[Item]], settings: Ruling
) -> tuple[dict[Split, tuple[Item, ...]], Mapping[str, str], tuple[str, ...]]:
    """Items that came with their splits, without those that say nearly the same in a more precious split.

    Args:
        name: Of the domain, for messages.
        items: Of each split.
        settings: `duplicates`, `group` (a key of the items' data), `dealing`.

    Returns:
        The items that stay; id -> a name of its group, of those that have one; lines for the user.

    Raises:
        DomainError: Duplicates that are to be refused, or no item is left of a scored split.
    """
    every = [(split, item) for split in PRECIOUS for item in items.get(split, ())]
    unchanged = {split: tuple(items.get(split, ())) for split in SPLITS}
    if not grouped(settings) or settings.duplicates == "keep":
        return unchanged, {}, ()
    entries = [
        Facts(item.id, n, item.kind, item.target, group_of(item, settings.group), split)
        for n, (split, item) in enumerate(every)
    ]
    near = find_alike([item.question for _, item in every])
    alike = list(near.groups().values())
    kept, notes = settled(name, entries, alike, range(len(every)), settings, [item.id for _, item in every])
    left: dict[Split, list[Item]] = defaultdict(list)
    staying = set(kept)
    for n, (split, item) in enumerate(every):
        if n in staying:
            left[split].append(item)
    for split in SPLITS[1:]:
        if unchanged[split] and not left[split]:
            raise DomainError(
                f"{name}: every item of {split} says nearly the same as one of {' or '.join(_above(split))}: "
                "no item is left (domain.duplicates=keep keeps them)"
            )
    units = units_of(entries, kept, alike)
    groups = {every[n][1].id: every[unit[0]][1].id for unit in units if len(unit) > 1 for n in unit}
    return {split: tuple(left[split]) for split in SPLITS}, groups, tuple(notes)


def folds_of(items: Sequence[Item], folds: int, groups: Mapping[str, str]) -> dict[str, int]:
    """Item id -> its fold, 0 to `folds` - 1: of each kind its share in every fold, and no group in two.

    Args:
        items: All of them.
        folds: How many.
        groups: Id -> a name of its group, of the items that have one; see `disjoint`.
    """
    ids = [item.id for item in items]
    by_group: dict[str, list[int]] = defaultdict(list)
    for n, name in enumerate(ids):
        by_group[groups.get(name, f"\0{name}")].append(n)
    units = [by_group[group] for group in shuffled(by_group, "folds")]
    least, more = divmod(len(items), folds)
    sizes = {str(fold): least + (fold < more) for fold in range(folds)}
    dealt = deal_units(units, [item.kind for item in items], sizes)
    found = {ids[n]: int(fold) for fold, places in dealt.items() for n in places}
    for unit in units:  # what a fold had no room for goes where its group is
        fold = next((found[ids[n]] for n in unit if ids[n] in found), 0)
        found.update({ids[n]: fold for n in unit})
    return found


class _Texts:
    """The questions of some rows, read again each time."""

    def __init__(self, places: Sequence[int], read: Callable[[int], str]) -> None:
        self._places, self._read = places, read

    def __iter__(self) -> Iterator[str]:
        return map(self._read, self._places)


def _in_order(
    entries: Sequence[Facts], units: Sequence[Sequence[int]], strata: Sequence[str], settings: Ruling
) -> tuple[list[int], int]:
    """Groups in the order in which they are dealt, each by the row whose key comes first.

    The anchors (see `rows.in_order`) come last. They are of the largest kind, so that no kind is dealt out of
    proportion for them.

    Returns:
        Places of those rows, and how many of them are anchors.
    """
    first = {entries[n].key: n for n in (min(unit, key=lambda n: entries[n].key) for unit in units)}
    if settings.dealing == "row":
        return [first[key] for key in shuffled(first, settings.seed)], 0
    kinds = Counter(strata[n] for n in first.values())
    largest = min(kinds, key=lambda kind: (-kinds[kind], kind), default="")
    able = [key for key, n in first.items() if strata[n] == largest]
    anchors = shuffled(able if len(able) > ANCHORS else first, "anchor")[:ANCHORS]
    others = first.keys() - set(anchors)
    keys = [*shuffled(others, f"{settings.seed}/{salt_of(anchors)}"), *anchors]
    return [first[key] for key in keys], len(anchors)


def _pool(entries: Sequence[Facts], order: list[int], most: int, last: int) -> list[int]:
    """Of a large table the rows among which those that are dealt are looked for, a share of each kind."""
    if len(order) <= most:
        return order
    strata = [f"{entry.split}\0{entry.kind}" for entry in entries]
    own = any(entry.split for entry in entries)
    anchors, others = order[len(order) - last :], order[: len(order) - last]
    if own:  # all of a small split
        by_split = Counter(entry.split for entry in entries)
        each = most // len(by_split)
        met: Counter[str] = Counter()
        chosen = []
        for n in others:
            met[entries[n].split] += 1
            if met[entries[n].split] <= each:
                chosen.append(n)
        return [*chosen, *anchors]
    dealt = deal_units([[n] for n in others], strata, {"pool": most - last, REST: len(others) - most + last})
    pooled = set(dealt["pool"])
    return [*(n for n in others if n in pooled), *anchors]


def _stratum(entry: Facts, stratify: str) -> str:
    if stratify == "none":
        return ""
    if stratify == "answer":
        return f"{entry.kind}\0{entry.answer.casefold()}"
    return entry.kind


def group_of(item: Item, column: str | None) -> str:
    """What a key of an item's data, or of what agents see of it, says of its group, or `""`."""
    value = item.data.get(column, item.public.get(column)) if column else None
    return "" if value is None else str(value)


def _above(split: str) -> list[str]:
    """The splits that are more precious."""
    names = list(PRECIOUS)
    return list(names[: names.index(split)])  # type: ignore[arg-type]
