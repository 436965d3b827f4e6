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
from typing import NamedTuple

from domains.alike import Alike, Joined, find_alike
from domains.domain import Item
from domains.rows import ANCHORS, apportion, in_order, salt_of, shuffled
from domains.settings import DEFAULT_SIZES, Ruling, named_sizes
from domains.stratify import REST, deal_units, interleaved
from meta_search.errors import DomainError
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = [
    "PRECIOUS",
    "Dealt",
    "Facts",
    "deal_rows",
    "disjoint",
    "drawn",
    "folds_of",
    "group_of",
    "grouped",
    "repeats",
    "worth",
]

PRECIOUS: tuple[Split, ...] = ("test", "validation", "train", "examples")
"""Splits; what stands in two of them stays in the first of these."""

POOL = (
    20_000  # rows among which those that are dealt are looked for, and compared: most of a large table is not
)
TIMES = 4  # as many rows as are dealt, at least


class Facts(NamedTuple):
    """What dealing knows of a row.

    Attributes:
        key: Its question, by `rows.key_of`; no other row has it.
        place: Its line or number, for messages.
        part: The part of the source that it comes from, for messages; empty where there is one alone.
        kind: Family.
        answer: The right answer.
        group: What the column `domain.group` says, or empty.
        split: The split that the file puts it in, or those that share its part, as `examples+train`.
    """

    key: str
    place: int
    kind: str = ""
    answer: str = ""
    group: str = ""
    split: str = ""
    part: str = ""

    @property
    def where(self) -> str:
        """Its place in words."""
        return f"{self.place} of {self.part}" if self.part else str(self.place)


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
    notes = [*_loose(name, loose)]
    all_rows = max(there, len(entries))
    among = f", {len(order):,} rows drawn of {all_rows:,}" if len(order) < all_rows else ""
    kept, told = _settle(name + among, entries, alike, order, settings, called)
    notes += told
    units = _units(entries, kept, alike)
    keyed, last = _in_order(entries, units, strata, settings)
    find = {min(unit, key=lambda n: entries[n].key): unit for unit in units}
    units = [find[first] for first in keyed]
    shared = any("+" in entry.split for entry in entries)
    if own:
        way = _by_part if shared else _by_file
        dealt, lacking = way(label, name, entries, units, strata, sizes, last)
    else:
        wanted = counts or (lambda rows: apportion(label, rows, sizes, whole=True))
        dealt, lacking = _anew(label, name, units, strata, wanted, last)
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
    kept, notes = _settle(name, entries, alike, range(len(every)), settings, [item.id for _, item in every])
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
    units = _units(entries, kept, alike)
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


def _loose(name: str, loose: int) -> Iterator[str]:
    if loose:
        yield (
            f"{name}: {loose} rows differ in a few words only, as those of a template do: they are not "
            "taken for duplicates (domain.group=COLUMN names what belongs together)"
        )


def _settle(
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
        pairs = [sorted(unit, key=lambda n: (_worth(entries[n]), entries[n].place))[:2] for unit in alike]
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
                gone.update(sorted(unit, key=lambda n: (_worth(entries[n]), entries[n].place))[1:])
            notes.append(f"{name}: {says}: left out")
        elif not any(entries[n].split for unit in alike for n in unit):
            notes.append(f"{name}: {says}: such stay together in one split")
    left = [n for n in places if n not in gone]
    if any(entries[n].split for n in left):
        lost, line = _crossing(name, entries, _units(entries, left, alike), pair)
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
        best = min(_worth(entries[n]) for n in unit)
        less = [n for n in unit if _worth(entries[n]) > best]
        if less:
            lost.update(less)
            kept = next(n for n in unit if _worth(entries[n]) == best)
            better.add(entries[kept].split)
            found = (less[0], kept)
            shown = min(shown or found, found, key=lambda p: entries[p[0]].place)
    if shown is None:
        return lost, []
    counts = Counter(entries[n].split for n in lost)
    order = sorted({entry.split for entry in entries}, key=worth)
    told = " and ".join(f"{counts[names]} of {_named(names)}" for names in order if counts[names])
    where = " or ".join(_named(names) for names in order if names in better)
    says = "says" if len(lost) == 1 else "say"
    grouped = " or are of its group" if any(entries[n].group for n in lost) else ""
    line = f"{name}: {told} {says} nearly the same as one of {where}{grouped} (as {pair(*shown)}): left out"
    return lost, [line]


def _worth(entry: Facts) -> int:
    return worth(entry.split)


def worth(splits: str) -> int:
    """How precious a split is, or the best of those that share a part: 0 is the most."""
    names = splits.split("+")
    return next((n for n, split in enumerate(PRECIOUS) if split in names), len(PRECIOUS))


def _named(splits: str) -> str:
    return splits.replace("+", " and ")


def _above(split: str) -> list[str]:
    """The splits that are more precious."""
    names = list(PRECIOUS)
    return list(names[: names.index(split)])  # type: ignore[arg-type]


def _units(
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


def _anew(
    label: object,
    name: str,
    units: Sequence[Sequence[int]],
    strata: Sequence[str],
    wanted: Callable[[int], Mapping[Split, int]],
    last: int,
) -> tuple[dict[Split, Sequence[int]], list[str]]:
    """Splits of a file that names none."""
    rows = sum(map(len, units))
    if len(units) < rows and len(units) < len(SPLITS) - 1:
        raise DomainError(
            f"{label}: its rows are {len(units)} groups: train, validation and test need one each"
        )
    counts = wanted(rows)
    dealt = deal_units(units, strata, _with_rest(counts, rows), last)
    return {split: dealt[split] for split in SPLITS}, _short(label, name, dealt, counts)


def _with_rest(counts: Mapping[Split, int], rows: int) -> dict[str, int]:
    """Rows of each split, and those that none has."""
    parts = {str(split): count for split, count in counts.items()}
    return {**parts, REST: rows - sum(parts.values())}


def _short(
    label: object, name: str, dealt: Mapping[str, Sequence[int]], counts: Mapping[Split, int]
) -> list[str]:
    """A line on splits that got fewer rows, as groups are not torn apart.

    Raises:
        DomainError: A scored split got none.
    """
    less = {split: counts[split] - len(dealt[split]) for split in counts if len(dealt[split]) < counts[split]}
    empty = [split for split in less if split != "examples" and not dealt[split]]
    if empty:
        raise DomainError(
            f"{label}: no row is left for {empty[0]}: groups stay in one split, and these are too large"
        )
    told = ", ".join(f"{split} has {len(dealt[split])} of {counts[split]}" for split in less)
    return [f"{name}: {told} rows, as groups of rows stay together"] * bool(told)


def _by_file(
    label: object,
    name: str,
    entries: Sequence[Facts],
    units: Sequence[Sequence[int]],
    strata: Sequence[str],
    sizes: Mapping[Split, int],
    last: int,
) -> tuple[dict[Split, Sequence[int]], list[str]]:
    """Splits of a file that names some; those that it lacks are cut from its train rows."""
    given: dict[str, list[Sequence[int]]] = defaultdict(list)
    for unit in units:
        given[entries[unit[0]].split].append(unit)
    missing = [split for split in SPLITS if not given[split] and sizes.get(split) != 0]
    shared = [split for split in SPLITS if split in missing or split == "train"]
    if "train" in missing:
        raise DomainError(
            f"{label}: no row is in the split train alone; `domain.split=null` deals all rows anew"
        )
    dealt: dict[Split, Sequence[int]] = {}
    for split in (split for split in SPLITS if split not in shared):
        rows = sum(map(len, given[split]))
        if rows < sizes.get(split, 0):
            raise DomainError(f"domain.sizes.{split}={sizes[split]}: {label} has {rows} rows there")
        most = min(rows, sizes.get(split, DEFAULT_SIZES[split]))
        dealt[split] = deal_units(given[split], strata, {split: most, REST: rows - most})[split]
    rows = sum(map(len, given["train"]))
    named = {split: sizes[split] for split in shared if split in sizes}
    cut = apportion(label, rows, named, shared, whole="train" in named)
    if "train" not in named:  # what rounding has left over
        cut["train"] = min(DEFAULT_SIZES["train"], rows - sum(cut.values()) + cut["train"])
    counts = {split: cut[split] for split in shared}
    anchors = sum(unit in given["train"] for unit in units[len(units) - last :])
    parts = deal_units(given["train"], strata, _with_rest(counts, rows), anchors)
    dealt |= {split: parts[split] for split in shared}
    told = ", ".join(f"{len(parts[split])} for {split}" for split in missing)
    lacks = [f"{name} lacks some splits: {told} were taken from its train rows"] * bool(told)
    return dealt, [*lacks, *_short(label, name, parts, counts)]


def _by_part(
    label: object,
    name: str,
    entries: Sequence[Facts],
    units: Sequence[Sequence[int]],
    strata: Sequence[str],
    sizes: Mapping[Split, int],
    last: int,
) -> tuple[dict[Split, Sequence[int]], list[str]]:
    """Splits that share parts of a source: the rows of each part are dealt to those that share it."""
    given: dict[str, list[Sequence[int]]] = defaultdict(list)
    for unit in units:
        given[entries[unit[0]].split].append(unit)
    anchors = units[len(units) - last :]
    there = {names: sum(map(len, given[names])) for names in sorted({entry.split for entry in entries})}
    each = _divided(label, there, sizes)
    dealt: dict[Split, Sequence[int]] = dict.fromkeys(SPLITS, ())
    notes: list[str] = []
    for names, rows in there.items():
        splits = [split for split in SPLITS if split in names.split("+")]
        named = {**{split: sizes[split] for split in splits if split in sizes}, **each[names]}
        if sum(named.values()) > rows:
            wanted = ", ".join(f"domain.sizes.{split}={size}" for split, size in named.items())
            raise DomainError(f"{wanted}: {label} has {rows} rows for {_named(names)}")
        counts = apportion(label, rows, named, splits, least=1, whole=True)
        here = sum(unit in given[names] for unit in anchors)
        parts = deal_units(given[names], strata, _with_rest(counts, rows), here)
        dealt |= {split: [*dealt[split], *parts[split]] for split in splits}
        notes += _short(label, name, parts, counts)
    for split in {split for counts in each.values() for split in counts}:  # parts were dealt one by one
        place = {row: n for n, row in enumerate(row for unit in units for row in unit)}
        dealt[split] = interleaved(sorted(dealt[split], key=place.__getitem__), strata)
    return dealt, notes


def _divided(
    label: object, there: Mapping[str, int], sizes: Mapping[Split, int]
) -> dict[str, dict[Split, int]]:
    """Of splits that several parts share, how many rows each part gives: in proportion to its rows.

    Args:
        label: The source, for errors.
        there: Names of the splits that share a part, as `train+test` -> its rows.
        sizes: Named sizes.
    """
    each: dict[str, dict[Split, int]] = {names: {} for names in there}
    for split in SPLITS:
        parts = [names for names in there if split in names.split("+")]
        if len(parts) < 2:
            continue
        rows = sum(there[names] for names in parts)
        others = [s for s in SPLITS if any(s in names.split("+") for names in parts)]
        named = {s: sizes[s] for s in others if s in sizes}
        wanted = apportion(label, rows, named, others, least=1, whole=True)[split]
        kept = {names: len({*names.split("+")} - {split, "examples"}) for names in parts}
        most = {names: max(0, there[names] - kept[names]) for names in parts}
        counts = {names: min(most[names], wanted * there[names] // rows) for names in parts}
        for names in sorted(parts, key=lambda names: -there[names]):  # what rounding has left over
            counts[names] += max(0, min(wanted - sum(counts.values()), most[names] - counts[names]))
        if sum(counts.values()) < wanted:
            raise DomainError(
                f"{label}: too few rows: {rows} for {_named('+'.join(others))}, {wanted} of them for {split}"
            )
        for names, count in counts.items():
            each[names][split] = count
    return each
